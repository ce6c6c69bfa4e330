/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_syntax - whether a text is JSON (RFC 8259), could still become JSON, or never will; and what
 *               it then says.
 * Promises: names line and column and what was expected there; never reads beyond the text; the
 *           check's time grows with the text's length, its memory not at all.
 * Threads: pure.
 * Ownership: a document that is returned is the caller's.
 */
#ifndef DUPLOFS_MODEL_JSON_SYNTAX_H
#define DUPLOFS_MODEL_JSON_SYNTAX_H

#include <stddef.h>

#include "base/error.h"
#include "base/json.h"

#define JSON_DEPTH_MAX 32 /* of nested objects and lists */

/* 0; -ENODATA: the text is the beginning of a document and more may complete it; -EINVAL: it is
 * malformed. A text that is not UTF-8 is malformed. */
int json_syntax_check(const char *text, size_t len, struct error *reterr);

/* The document that the text is, in which no object may have a key twice; codes as of
 * json_syntax_check. */
int json_document_parse(const char *text, size_t len, json_t **ret, struct error *reterr);

#endif
