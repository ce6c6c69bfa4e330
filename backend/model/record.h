/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record - flat structs of numbers, truths and texts as JSON objects, by a table of their members.
 * Promises: print and parse are inverse; parse takes NULL and unknown members, and leaves members
 *           that are missing or of another type at zero. Texts that are not UTF-8 are mended.
 * Threads: plain values.
 * Ownership: no pointers inside.
 */
#ifndef DUPLOFS_MODEL_RECORD_H
#define DUPLOFS_MODEL_RECORD_H

#include <stddef.h>

#include "base/buf.h"

enum record_type { RECORD_INT, RECORD_BOOL, RECORD_TEXT, RECORD_WORD };

struct record_member {
	const char *name; /* NULL ends a table */
	enum record_type type;
	size_t offset;
	size_t size; /* RECORD_TEXT: of the array */
	const char *const *words; /* RECORD_WORD: an enum's names, NULL-terminated */
};

void record_print(const struct record_member *members, const void *record, struct buf *out);

/* Fills record (size bytes) anew. -EINVAL when json is no object; record is zero then. */
int record_parse(const struct record_member *members, const char *json, void *record, size_t size);

#endif
