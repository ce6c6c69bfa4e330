/* SPDX-License-Identifier: Apache-2.0 */
#include "model/json_text.h"

#include <string.h>

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

static unsigned hex_value(const char *digits)
{
	unsigned value = 0;

	for (int i = 0; i < 4; i++)
		value = value * 16 + (unsigned)(digits[i] <= '9' ? digits[i] - '0'
								 : (digits[i] | 0x20) - 'a' + 10);
	return value;
}

static size_t put_utf8(unsigned code, char out[4])
{
	static const unsigned char marks[] = {0, 0x00, 0xc0, 0xe0, 0xf0};
	size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

	for (size_t i = len; i-- > 1; code >>= 6)
		out[i] = (char)(0x80 | (code & 0x3f));
	out[0] = (char)(marks[len] | code);
	return len;
}

/* The next character of a string's content, as bytes of UTF-8; moves *at behind it. */
static size_t read_char(const char *text, size_t end, size_t *at, char out[4])
{
	static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";
	const char *letter;
	unsigned code;

	out[0] = text[(*at)++];
	if (out[0] != '\\' || *at >= end)
		return 1;
	out[0] = text[(*at)++];
	letter = strchr(letters, out[0]);
	if (letter)
		out[0] = meanings[letter - letters];
	if (out[0] != 'u' || end - *at < 4)
		return 1;
	code = hex_value(text + *at);
	*at += 4;
	if (code >= 0xd800 && code <= 0xdbff && end - *at >= 6) {
		code = 0x10000 + ((code & 0x3ff) << 10) + (hex_value(text + *at + 2) & 0x3ff);
		*at += 6;
	}
	return put_utf8(code, out);
}

static bool key_equals(const char *text, const struct json_member *member, const char *key)
{
	size_t end = member->key_end - 1, at = member->key + 1, len = strlen(key);

	while (at < end) {
		char one[4];
		size_t step = read_char(text, end, &at, one);

		if (step > len || memcmp(key, one, step) != 0)
			return false;
		key += step;
		len -= step;
	}
	return len == 0;
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
