/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/canonical.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

/* Every byte but A-Z a-z 0-9 - . _ ~ (and what keep names) as %XX. */
static void escape(const char *text, size_t len, const char *keep, struct buf *ret)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c && ((c < 0x80 && isalnum(c)) || strchr("-._~", c) || strchr(keep, c)))
			buf_putc(ret, (char)c);
		else
			buf_printf(ret, "%%%02X", c);
	}
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A part of a query may come escaped in any way: unescape it, then escape it in the one. */
static void escape_again(const char *text, size_t len, struct buf *ret)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '%' && i + 2 < len && hex_digit(text[i + 1]) >= 0 &&
			hex_digit(text[i + 2]) >= 0) {
			c = (char)(hex_digit(text[i + 1]) << 4 | hex_digit(text[i + 2]));
			i += 2;
		}
		escape(&c, 1, "", ret);
	}
}

/* RFC 3986, section 5.2.4, and empty segments go too. */
static void remove_segments(const char *path, struct buf *ret)
{
	size_t len;

	for (; *path; path += len) {
		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (len == 0 || (len == 1 && path[0] == '.'))
			continue;
		if (len == 2 && memcmp(path, "..", 2) == 0) {
			while (ret->len > 0 && ret->data[ret->len - 1] != '/')
				buf_truncate(ret, ret->len - 1);
			buf_truncate(ret, ret->len > 0 ? ret->len - 1 : 0);
			continue;
		}
		buf_putc(ret, '/');
		buf_add(ret, path, len);
	}
}

void canonical_path(const char *path, bool as_is, bool keep_segments, struct buf *ret)
{
	_cleanup_buf_ struct buf short_path = BUF_INIT;
	size_t len = strlen(path);

	if (as_is) {
		buf_puts(ret, path);
		return;
	}
	if (!keep_segments) {
		remove_segments(path, &short_path);
		/* A directory keeps its slash. */
		if (short_path.len == 0 || (len > 0 && path[len - 1] == '/') ||
			(len > 1 && strcmp(path + len - 2, "/.") == 0))
			buf_putc(&short_path, '/');
		if (short_path.error) {
			ret->error = ret->error ? ret->error : short_path.error;
			return;
		}
		path = buf_string(&short_path);
	}
	escape(path, strlen(path), "/", ret);
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/*
 * One line a parameter: its name, a byte that sorts before all others, its value. That sorts by
 * name and then by value, where "=" would come behind "-".
 */
static char *query_part(const char *part, size_t len)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	const char *equals = memchr(part, '=', len);
	size_t name_len = equals ? (size_t)(equals - part) : len;

	escape_again(part, name_len, &text);
	buf_putc(&text, '\1');
	if (equals)
		escape_again(equals + 1, len - name_len - 1, &text);
	return text.error ? NULL : buf_take(&text, NULL);
}

static void print_parts(char **parts, size_t count, struct buf *ret)
{
	for (size_t i = 0; i < count; i++) {
		char *middle = strchr(parts[i], '\1');

		buf_printf(ret, "%s%.*s=%s", i ? "&" : "", (int)(middle - parts[i]), parts[i],
			middle + 1);
	}
}

void canonical_query(const char *query, struct buf *ret)
{
	size_t count = 0, most = 1, len;
	_cleanup_free_ char **parts = NULL;

	for (const char *at = query; *at; at++)
		most += *at == '&';
	parts = calloc(most, sizeof(*parts));
	if (!parts) {
		ret->error = -ENOMEM;
		return;
	}
	for (const char *at = query; *at; at += len + (at[len] == '&')) {
		len = strcspn(at, "&");
		if (len == 0)
			continue;
		parts[count] = query_part(at, len);
		if (!parts[count]) {
			ret->error = -ENOMEM;
			break;
		}
		count++;
	}
	qsort(parts, count, sizeof(*parts), compare_strings);
	print_parts(parts, count, ret);
	while (count > 0)
		free(parts[--count]);
}

/* The header after previous in the order of names; of one name the first. */
static const struct sigv4_header *next_name(const struct sigv4_header *headers, size_t count,
	const struct sigv4_header *previous)
{
	const struct sigv4_header *next = NULL;

	for (size_t i = 0; i < count; i++) {
		if (previous && strcasecmp(headers[i].name, previous->name) <= 0)
			continue;
		if (!next || strcasecmp(headers[i].name, next->name) < 0)
			next = &headers[i];
	}
	return next;
}

static void print_lower(const char *text, struct buf *ret)
{
	for (; *text; text++)
		buf_putc(ret, (char)tolower((unsigned char)*text));
}

/* Blanks around it go, blanks in it become one space. */
static void print_value(const char *value, struct buf *ret)
{
	static const char blanks[] = " \t\r\n";
	size_t len;

	value += strspn(value, blanks);
	while (*value) {
		len = strcspn(value, blanks);
		buf_add(ret, value, len);
		value += len + strspn(value + len, blanks);
		if (*value)
			buf_putc(ret, ' ');
	}
}

void canonical_headers(const struct sigv4_header *headers, size_t count, struct buf *ret)
{
	const struct sigv4_header *header = NULL;

	while ((header = next_name(headers, count, header)) != NULL) {
		print_lower(header->name, ret);
		buf_putc(ret, ':');
		print_value(header->value, ret);
		for (const struct sigv4_header *same = header + 1; same < headers + count; same++) {
			if (strcasecmp(same->name, header->name) != 0)
				continue;
			buf_putc(ret, ',');
			print_value(same->value, ret);
		}
		buf_putc(ret, '\n');
	}
}

void canonical_names(const struct sigv4_header *headers, size_t count, struct buf *ret)
{
	const struct sigv4_header *header = NULL;
	const char *between = "";

	while ((header = next_name(headers, count, header)) != NULL) {
		buf_puts(ret, between);
		print_lower(header->name, ret);
		between = ";";
	}
}
