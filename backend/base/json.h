/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json - conveniences over jansson: cleanup, lookups that take NULL, printing into a buf.
 * Promises: getters never fail; they give the default when the member is missing or of another
 *           type.
 * Threads: as jansson: a value belongs to one thread at a time.
 * Ownership: borrowed values stay the parent's; strings are borrowed until the parent is freed.
 */
#ifndef DUPLOFS_BASE_JSON_H
#define DUPLOFS_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

static inline void cleanup_json(json_t **value)
{
	json_decref(*value);
}

#define _cleanup_json_ __attribute__((cleanup(cleanup_json)))

const char *json_get_string(const json_t *object, const char *key, const char *otherwise);
int64_t json_get_int(const json_t *object, const char *key, int64_t otherwise);
bool json_get_bool(const json_t *object, const char *key, bool otherwise);

/* json_loadb that never gives back a value with something missing: jansson drops the characters of
 * a text for which it gets no memory. NULL with error's code 0: out of memory. */
json_t *json_parse(const char *text, size_t len, size_t flags, json_error_t *error);

/* Member by a path of keys, NULL-terminated; NULL when one is missing. */
const json_t *json_get_path(const json_t *object, ...) __attribute__((sentinel));

/* Appends value as JSON: flags as json_dumps (JSON_COMPACT, JSON_INDENT(2)). */
void json_print(const json_t *value, size_t flags, struct buf *buf);

#endif
