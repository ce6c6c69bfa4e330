/* SPDX-License-Identifier: Apache-2.0 */
/*
 * field - one row a spec field: name, type, bounds, default, view file, help.
 * Promises: everything that is said about a field anywhere is derived from its row.
 * Threads: constant tables, any thread.
 * Ownership: nothing to free.
 */
#ifndef DUPLOFS_MODEL_FIELD_H
#define DUPLOFS_MODEL_FIELD_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum field_type {
	FIELD_TEXT,
	FIELD_INT,
	FIELD_DECIMAL, /* stored as thousandths */
	FIELD_BOOL,
	FIELD_LIST,   /* of strings */
	FIELD_MAP,    /* string to string */
	FIELD_CUSTOM, /* parsed by its own function */
};

enum field_flags {
	FIELD_REQUIRED = 1,
	FIELD_TEMPLATE = 2, /* a change replaces containers, through the update domains */
};

/* Says what is wrong with a value (of a list or map: with one element), in words without the field's
 * name; 0 or a negative errno. */
typedef int (*field_check_fn)(const char *value, struct error *reterr);

struct field {
	const char *name;
	enum field_type type;
	size_t offset; /* of the member in the spec's struct */
	int64_t min, max;
	const char *otherwise; /* the default, as text */
	const char *view;      /* name of the single-value file, or NULL */
	unsigned flags;
	field_check_fn check; /* NULL: the type and the bounds say it all */
	const char *help;
};

#endif
