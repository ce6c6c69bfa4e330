/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_syntax - whether a text is JSON (RFC 8259), could still become JSON, or never will.
 * Promises: names line and column and what was expected there; never reads beyond the text; time
 *           grows with the text's length, memory not at all.
 * Threads: pure.
 * Ownership: nothing.
 */
#ifndef DUPLOFS_MODEL_JSON_SYNTAX_H
#define DUPLOFS_MODEL_JSON_SYNTAX_H

#include <stddef.h>

#include "base/error.h"

#define JSON_DEPTH_MAX 32 /* of nested objects and lists */

/* 0; -ENODATA: the text is the beginning of a document and more may complete it; -EINVAL: it is
 * malformed. A text that is not UTF-8 is malformed. */
int json_syntax_check(const char *text, size_t len, struct error *reterr);

#endif
