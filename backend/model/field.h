/* SPDX-License-Identifier: Apache-2.0 */
/*
 * field - one row a spec field: name, type, bounds, default, view file, help.
 * Promises: everything that is said about a field anywhere is derived from its row.
 * Threads: constant tables, any thread.
 * Ownership: nothing to free.
 */
#ifndef DUPLOFS_MODEL_FIELD_H
#define DUPLOFS_MODEL_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"

enum field_type {
	FIELD_TEXT,
	FIELD_INT,
	FIELD_DECIMAL, /* stored as thousandths */
	FIELD_BOOL,
	FIELD_LIST, /* of strings */
	FIELD_MAP, /* string to string */
	FIELD_OBJECT, /* has members; the first of them may stand alone instead of the object */
	FIELD_CUSTOM, /* parsed by its own function */
};

enum field_flags {
	FIELD_REQUIRED = 1,
	FIELD_TEMPLATE = 2, /* a change replaces containers, through the update domains */
	FIELD_NONE = 4, /* an empty text, list or object is a field not given */
	FIELD_FIXED = 8, /* cannot be changed once it was accepted */
};

/* Says what is wrong with a value (of a list or map: with one element), in words without the
 * field's name; 0 or a negative errno. */
typedef int (*field_check_fn)(const char *value, struct error *reterr);

struct parser;

/* A field that no type describes. base is the spec that it is in. */
struct field_custom {
	int (*parse)(const struct parser *parser, const json_t *value, void *base);
	bool (*equal)(const void *a, const void *b);
	void (*free)(void *base);
	const char *pattern; /* of the text that it takes, for the schema */
};

struct field {
	const char *name;
	enum field_type type;
	unsigned flags;
	size_t offset; /* of the member in the spec's struct */
	int64_t min, max; /* of a number; of a list or map: at most max elements */
	const char *otherwise; /* the default, as text */
	const char *view; /* name of the single-value file, or NULL */
	field_check_fn check; /* NULL: the type and the bounds say it all */
	/* Whether a right text may begin like this; NULL: it may begin with anything. */
	bool (*begins)(const char *value);
	const struct field *members;
	const struct field_custom *custom; /* of FIELD_CUSTOM */
	const char *help;
};

/* The row of a table (its last has no name), or NULL. */
const struct field *field_find(const struct field *fields, const char *name);

/* The name in the table that is nearest to a misspelt one, or NULL. */
const char *field_nearest(const struct field *fields, const char *name);

#endif
