/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define NANO_PLACES 9

int text_parse_int(const char *text, int64_t min, int64_t max, int64_t *ret)
{
	long long value;
	char *end;

	if (!isdigit((unsigned char)text[0]) &&
		!(text[0] == '-' && isdigit((unsigned char)text[1])))
		return -EINVAL;
	errno = 0;
	value = strtoll(text, &end, 10);
	if (*end != '\0')
		return -EINVAL;
	if (errno == ERANGE || value < min || value > max)
		return -ERANGE;
	*ret = value;
	return 0;
}

int text_parse_nano(const char *text, int64_t max, int64_t *ret)
{
	int64_t nano = 0;
	int places = -1; /* -1: before the point */
	bool any = false;

	for (; *text; text++) {
		if (*text == '.' && places < 0) {
			places = 0;
			continue;
		}
		if (*text < '0' || *text > '9' || places == NANO_PLACES)
			return -EINVAL;
		any = true;
		if (nano > max / 10)
			return -ERANGE;
		nano = nano * 10 + (*text - '0');
		places += places >= 0;
	}
	if (!any)
		return -EINVAL;
	for (places = places < 0 ? 0 : places; places < NANO_PLACES; places++) {
		if (nano > max / 10)
			return -ERANGE;
		nano *= 10;
	}
	if (nano > max)
		return -ERANGE;
	*ret = nano;
	return 0;
}

bool text_copy(char *target, size_t size, const char *text)
{
	size_t len = strlen(text);
	size_t fits = len < size ? len : size - 1;

	memcpy(target, text, fits);
	target[fits] = '\0';
	return fits == len;
}

static bool is_lower_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool text_is_label(const char *text)
{
	size_t len = strlen(text);
	size_t i;

	if (len == 0 || len > 63 || text[0] < 'a' || text[0] > 'z')
		return false;
	for (i = 0; i < len; i++)
		if (!is_lower_or_digit(text[i]) && text[i] != '-')
			return false;
	return text[len - 1] != '-';
}

/* Length of the UTF-8 sequence at text (RFC 3629), 0 when it is none. */
static size_t utf8_sequence(const unsigned char *text, size_t left)
{
	static const struct {
		unsigned char low, high, second_low, second_high, len;
	} forms[] = {
		{0x01, 0x7f, 0, 0, 1},
		{0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3},
		{0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4},
		{0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};
	size_t i, j;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (text[0] < forms[i].low || text[0] > forms[i].high)
			continue;
		if (left < forms[i].len)
			return 0;
		for (j = 1; j < forms[i].len; j++) {
			unsigned char low = j == 1 ? forms[i].second_low : 0x80;
			unsigned char high = j == 1 ? forms[i].second_high : 0xbf;

			if (text[j] < low || text[j] > high)
				return 0;
		}
		return forms[i].len;
	}
	return 0;
}

bool text_is_utf8(const char *text, size_t len)
{
	size_t at = 0, step;

	while (at < len) {
		step = utf8_sequence((const unsigned char *)text + at, len - at);
		if (step == 0)
			return false;
		at += step;
	}
	return true;
}

bool text_begins_utf8(const char *text, size_t len)
{
	static const unsigned char second[] = {0x80, 0x90, 0xa0}; /* one of them fits anywhere */
	size_t at = 0, step;

	while (at < len && (step = utf8_sequence((const unsigned char *)text + at, len - at)) > 0)
		at += step;
	if (len - at > 3)
		return false;
	for (size_t i = 0; at < len && i < sizeof(second); i++) {
		unsigned char whole[4] = {0x80, 0x80, 0x80, 0x80};

		memcpy(whole, text + at, len - at);
		whole[len - at] = second[i];
		if (utf8_sequence(whole, sizeof(whole)) > len - at)
			return true;
	}
	return at == len;
}

void text_mend(char *text)
{
	size_t at = 0, step, len = strlen(text);

	while (at < len) {
		step = utf8_sequence((const unsigned char *)text + at, len - at);
		if (step == 0)
			text[at] = '?';
		at += step ? step : 1;
	}
}

static bool text_is_swap(const char *a, const char *b)
{
	return tolower((unsigned char)a[0]) == tolower((unsigned char)b[1]) &&
	       tolower((unsigned char)a[1]) == tolower((unsigned char)b[0]);
}

/* Edits (insert, delete, replace, swap of neighbours) between two short words, ignoring case: the
 * optimal string alignment distance. SIZE_MAX when one is too long. */
static size_t text_distance(const char *a, const char *b)
{
	size_t rows[3][64], a_len = strlen(a), b_len = strlen(b);
	size_t i, j;

	if (a_len >= 64 || b_len >= 64)
		return SIZE_MAX;
	for (j = 0; j <= b_len; j++)
		rows[0][j] = j;
	for (i = 1; i <= a_len; i++) {
		const size_t *before = rows[(i - 1) % 3];
		size_t *row = rows[i % 3];

		row[0] = i;
		for (j = 1; j <= b_len; j++) {
			bool same = tolower((unsigned char)a[i - 1]) ==
				    tolower((unsigned char)b[j - 1]);
			size_t best = before[j - 1] + !same;

			if (before[j] + 1 < best)
				best = before[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && text_is_swap(a + i - 2, b + j - 2) &&
				rows[(i - 2) % 3][j - 2] + 1 < best)
				best = rows[(i - 2) % 3][j - 2] + 1;
			row[j] = best;
		}
	}
	return rows[a_len % 3][b_len];
}

const char *text_nearest(const char *text, const char *const *words)
{
	size_t best = SIZE_MAX, distance, longer;
	const char *nearest = NULL;

	for (; *words; words++) {
		distance = text_distance(text, *words);
		longer = strlen(text) > strlen(*words) ? strlen(text) : strlen(*words);
		if (distance < best && distance <= (longer + 2) / 3) {
			best = distance;
			nearest = *words;
		}
	}
	return nearest;
}

bool text_is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(text, *words) == 0)
			return true;
	return false;
}

uint64_t text_hash(const void *data, size_t len)
{
	const unsigned char *bytes = data;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	size_t i;

	for (i = 0; i < len; i++) {
		hash ^= bytes[i];
		hash *= UINT64_C(0x100000001b3);
	}
	return hash;
}

int text_random(void *data, size_t len)
{
	char *at = data;

	while (len > 0) {
		ssize_t got = getrandom(at, len, 0);

		if (got < 0 && errno != EINTR)
			return -errno;
		if (got < 0)
			continue;
		at += got;
		len -= (size_t)got;
	}
	return 0;
}

char *text_format(const char *format, ...)
{
	char *text = NULL;
	va_list ap;
	int r;

	va_start(ap, format);
	r = vasprintf(&text, format, ap);
	va_end(ap);
	return r < 0 ? NULL : text;
}

void text_trim_utf8(char *text)
{
	size_t len = strlen(text), start = len, wanted;
	unsigned char lead;

	while (start > 0 && len - start < 3 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start == 0)
		return;
	lead = (unsigned char)text[--start];
	wanted = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	if (lead >= 0xc0 && len - start < wanted)
		text[start] = '\0';
}
