/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_text - where things stand in the text of a JSON object that is known to be valid.
 * Promises: never reads beyond the text, allocates nothing; finds the last of equal keys.
 * Threads: pure.
 * Ownership: offsets only.
 */
#ifndef DUPLOFS_MODEL_JSON_TEXT_H
#define DUPLOFS_MODEL_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct json_member {
	size_t key, key_end; /* the quotes included */
	size_t value, value_end; /* offsets into the text */
};

struct json_span {
	size_t start, end; /* of an object: "{" to behind "}" */
};

/* The object that the text holds (white space around it). */
struct json_span json_text_object(const char *text, size_t len);

/* Members in order: at is the offset to go on at, first json_span.start. False at the end. */
bool json_text_next(const char *text, struct json_span object, size_t *at, struct json_member *ret);

bool json_text_find(const char *text, struct json_span object, const char *key,
	struct json_member *ret);

/* Line and column, from 1; columns count characters of UTF-8. */
void json_text_position(const char *text, size_t offset, int *ret_line, int *ret_column);

#endif
