/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parser - where the parser of a spec stands, and the values of its fields.
 * Promises: every refusal names line, column and field; its sentence is one line of UTF-8. Nothing
 *           outside backend/model includes this.
 * Threads: pure.
 * Ownership: a slot that was filled belongs to the spec, whatever is returned.
 */
#ifndef DUPLOFS_MODEL_PARSER_H
#define DUPLOFS_MODEL_PARSER_H

#include "base/json.h"
#include "model/field.h"

struct parser {
	const char *text;
	size_t len;
	const char *field; /* being parsed; NULL: the document */
	const char *member; /* inside the field, or NULL */
	struct error *reterr;
};

/* Records "line 3, column 5: Field.Member: sentence" and returns code. */
int parser_refuse(const struct parser *parser, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Refuses a field (or member) that is not in the table. */
int parser_refuse_unknown(const struct parser *parser, const struct field *fields);

/* "a list", "a number", ... */
const char *parser_type_name(const json_t *value);

/* The text of a string, NULL of another value; -EINVAL when there is a NUL in it. */
int parser_text(const struct parser *parser, const json_t *value, const char **ret);

/* Refuses a Name that is given and is not that of the directory; case does not matter. */
int parser_check_name(const struct parser *parser, const char *given, const char *name);

/* Fills the slot of a field that is neither FIELD_OBJECT nor FIELD_CUSTOM. */
int parser_value(const struct parser *parser, const struct field *field, const json_t *value,
	void *slot);

#endif
