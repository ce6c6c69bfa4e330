/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spec - the spec of any kind of object: its fields in one table, from which parsing, comparing,
 *        editing and the JSON Schema derive. A kind says its table, its defaults, and what follows
 *        from several fields at once; all else is here.
 * Promises: parsing never accepts half a document; errors name line, column, field and, for a
 *           misspelt field, the nearest known one. No I/O.
 * Threads: any; a spec belongs to one thread at a time, or is only read.
 * Ownership: spec_free frees; strings inside belong to the spec.
 */
#ifndef DUPLOFS_MODEL_SPEC_H
#define DUPLOFS_MODEL_SPEC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/json.h"
#include "model/field.h"

struct parser;

struct spec_type {
	const char *title; /* of the schema: "Service" */
	const struct field *fields; /* NULL name ends it */
	size_t size; /* of the struct */
	int (*defaults)(void
			*spec); /* fills one that is all zero: 0 or -ENOMEM. NULL: that is it */
	/* What follows from several fields, of the object in the directory name; may be NULL. */
	int (*settle)(const struct parser *parser, const json_t *object, const char *name,
		void *spec);
};

/*
 * Parses text (len bytes, no NUL needed) of the object in directory `name`.
 * -ENODATA: the text is merely incomplete JSON so far (a write in progress may still complete it);
 * -EINVAL: malformed or refused; -EFBIG: over SPEC_SIZE_MAX. The sentence is meant for last_error.
 */
int spec_parse(const struct spec_type *type, const char *text, size_t len, const char *name,
	void **ret, struct error *reterr);
void spec_free(const struct spec_type *type, void *spec);

/* True when both mean the same in the fields that have all of flags (0: in all). */
bool spec_equal(const struct spec_type *type, const void *a, const void *b, unsigned flags);
/* The first of these fields that differs, or NULL. */
const struct field *spec_difference(const struct spec_type *type, const void *a, const void *b,
	unsigned flags);

/*
 * Replaces (or adds, in the style of the others) one top-level field in the text of a valid spec
 * and leaves every other byte alone. value is what a shell wrote, without the newline; a number is
 * written as a string where the text has strings. Clearing a field that is missing changes nothing.
 * -EINVAL for a list or an object. Appends to out.
 */
int spec_text_set(const struct spec_type *type, const char *text, size_t len, const char *field,
	const char *value, struct buf *out, struct error *reterr);

/* What the view file of a field shows, e.g. "3" for Replicas; "" for none. Appends to out. */
int spec_view(const struct spec_type *type, const void *spec, const char *field, struct buf *out);

/* Checks what a shell wrote into a view file (no newline at the end), before a spec is touched. */
int spec_view_check(const struct spec_type *type, const char *field, const char *value,
	struct error *reterr);

/* Whether a value that spec_view_check takes may begin like this. */
bool spec_view_begins(const struct spec_type *type, const char *field, const char *value);

/* What objects of the type are allowed to be, as JSON Schema has it; NULL: no memory. */
json_t *spec_schema(const struct spec_type *type);

/* JSON Schema (draft 2020-12), for editors. Appends to out. */
void spec_schema_print(const struct spec_type *type, struct buf *out);

#endif
