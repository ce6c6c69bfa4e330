/* SPDX-License-Identifier: Apache-2.0 */
#include "model/json_text.h"

#include <string.h>

#include "base/json.h"

static size_t skip_space(const char *text, size_t at, size_t end)
{
	while (at < end && strchr(" \t\r\n", text[at]) && text[at])
		at++;
	return at;
}

/* Behind the closing quote. */
static size_t skip_string(const char *text, size_t at, size_t end)
{
	for (at++; at < end && text[at] != '"'; at++)
		if (text[at] == '\\')
			at++;
	return at < end ? at + 1 : end;
}

static size_t skip_value(const char *text, size_t at, size_t end)
{
	size_t depth = 0;

	while (at < end) {
		char c = text[at];

		if (c == '"') {
			at = skip_string(text, at, end);
		} else if (c == '{' || c == '[') {
			depth++;
			at++;
		} else if (depth > 0 && (c == '}' || c == ']')) {
			depth--;
			at++;
		} else if (depth == 0 && strchr(",}] \t\r\n", c)) {
			return at;
		} else {
			at++;
			continue;
		}
		if (depth == 0)
			return at;
	}
	return end;
}

struct json_span json_text_object(const char *text, size_t len)
{
	struct json_span object = {.start = skip_space(text, 0, len)};

	object.end = skip_value(text, object.start, len);
	return object;
}

bool json_text_next(const char *text, struct json_span object, size_t *at, struct json_member *ret)
{
	size_t end = object.end > object.start ? object.end - 1 : object.end;
	size_t i = *at <= object.start ? object.start + 1 : *at;

	i = skip_space(text, i, end);
	if (i < end && text[i] == ',')
		i = skip_space(text, i + 1, end);
	if (i >= end || text[i] != '"')
		return false;
	ret->key = i;
	ret->key_end = skip_string(text, i, end);
	i = skip_space(text, ret->key_end, end);
	if (i >= end || text[i] != ':')
		return false;
	ret->value = skip_space(text, i + 1, end);
	ret->value_end = skip_value(text, ret->value, end);
	*at = ret->value_end;
	return true;
}

static bool key_equals(const char *text, const struct json_member *member, const char *key)
{
	size_t len = member->key_end - member->key;
	_cleanup_json_ json_t *decoded = NULL;

	if (len >= 2 && strlen(key) == len - 2 && memcmp(text + member->key + 1, key, len - 2) == 0)
		return true;
	if (!memchr(text + member->key, '\\', len))
		return false;
	decoded = json_loadb(text + member->key, len, JSON_DECODE_ANY, NULL);
	return json_is_string(decoded) && strcmp(json_string_value(decoded), key) == 0;
}

bool json_text_find(const char *text, struct json_span object, const char *key,
	struct json_member *ret)
{
	struct json_member member;
	size_t at = object.start;
	bool found = false;

	while (json_text_next(text, object, &at, &member)) {
		if (!key_equals(text, &member, key))
			continue;
		*ret = member;
		found = true;
	}
	return found;
}

void json_text_position(const char *text, size_t offset, int *ret_line, int *ret_column)
{
	size_t i;

	*ret_line = 1;
	*ret_column = 1;
	for (i = 0; i < offset; i++) {
		if (text[i] == '\n') {
			(*ret_line)++;
			*ret_column = 1;
		} else if (((unsigned char)text[i] & 0xc0) != 0x80) {
			(*ret_column)++;
		}
	}
}
