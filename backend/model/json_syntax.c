/* SPDX-License-Identifier: Apache-2.0 */
#include "model/json_syntax.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "model/json_text.h"

struct scanner {
	const char *text;
	size_t at, len;
	uint32_t objects; /* a bit a level that is open: 1 object, 0 list */
	unsigned depth;
	struct error *reterr;
};

_Static_assert(JSON_DEPTH_MAX <= 32, "levels are bits of scanner.objects");

/* What stands at the scanner, in words. */
static void found_here(const struct scanner *scanner, char *out, size_t size)
{
	unsigned char c = (unsigned char)scanner->text[scanner->at];

	if (c == '/' || c == '#')
		(void)snprintf(out, size, ": JSON has no comments");
	else if (c == '"')
		(void)snprintf(out, size, ", not a text");
	else if (c == '\'')
		(void)snprintf(out, size, ", not ': texts stand in double quotes");
	else if (c == '\n' || c == '\r')
		(void)snprintf(out, size, ", not the end of the line");
	else if (c > ' ' && c < 0x7f)
		(void)snprintf(out, size, ", not %c", c);
	else
		(void)snprintf(out, size, ", not byte 0x%02x", c);
}

static bool ended(const struct scanner *scanner)
{
	return scanner->at >= scanner->len;
}

/* What was expected at the scanner; -ENODATA when the text just ends there. */
static int expected(const struct scanner *scanner, const char *what)
{
	char found[64];
	int line, column;

	json_text_position(scanner->text, scanner->at, &line, &column);
	if (ended(scanner))
		return error_set(scanner->reterr, -ENODATA,
			"line %d, column %d: the document ends too early: %s is expected", line,
			column, what);
	found_here(scanner, found, sizeof(found));
	return error_set(scanner->reterr, -EINVAL, "line %d, column %d: %s is expected%s", line,
		column, what, found);
}

static int refused(const struct scanner *scanner, const char *why)
{
	int line, column;

	json_text_position(scanner->text, scanner->at, &line, &column);
	return error_set(scanner->reterr, -EINVAL, "line %d, column %d: %s", line, column, why);
}

static bool is_digit(const struct scanner *scanner)
{
	return !ended(scanner) && scanner->text[scanner->at] >= '0' &&
	       scanner->text[scanner->at] <= '9';
}

static bool accept(struct scanner *scanner, const char *set)
{
	if (ended(scanner) || !scanner->text[scanner->at] ||
		!strchr(set, scanner->text[scanner->at]))
		return false;
	scanner->at++;
	return true;
}

static void skip_space(struct scanner *scanner)
{
	while (accept(scanner, " \t\r\n"))
		continue;
}

/* Four digits behind \u. */
static int scan_hex(struct scanner *scanner, unsigned *ret)
{
	unsigned value = 0;

	for (int i = 0; i < 4; i++) {
		char c = ended(scanner) ? '\0' : scanner->text[scanner->at];

		if (!accept(scanner, "0123456789abcdefABCDEF"))
			return expected(scanner, "a digit of \\uXXXX");
		value = value * 16 + (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	*ret = value;
	return 0;
}

static int scan_unicode(struct scanner *scanner)
{
	unsigned high, low;
	int r = scan_hex(scanner, &high);

	if (r < 0)
		return r;
	if (high >= 0xdc00 && high <= 0xdfff)
		return refused(scanner, "a second half of a surrogate pair without its first");
	if (high < 0xd800 || high > 0xdbff)
		return 0;
	if (!accept(scanner, "\\") || !accept(scanner, "u"))
		return expected(scanner, "the second half of a surrogate pair");
	r = scan_hex(scanner, &low);
	if (r == 0 && (low < 0xdc00 || low > 0xdfff))
		r = refused(scanner, "a first half of a surrogate pair without its second");
	return r;
}

/* One character beyond ASCII. */
static int scan_utf8(struct scanner *scanner)
{
	unsigned char first = (unsigned char)scanner->text[scanner->at];
	size_t need = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
	size_t left = scanner->len - scanner->at;
	char whole[4];

	if (left < need) {
		/* Only completed as well as it can be does it tell a beginning from nonsense. */
		static const char lows[] = "\x80\x90\xa0";

		for (size_t i = 0; lows[i]; i++) {
			memset(whole, '\x80', sizeof(whole));
			whole[1] = lows[i];
			memcpy(whole, scanner->text + scanner->at, left);
			if (!text_is_utf8(whole, need))
				continue;
			scanner->at = scanner->len;
			return expected(scanner, "the rest of a character");
		}
		return refused(scanner, "the text is not UTF-8");
	}
	if (!text_is_utf8(scanner->text + scanner->at, need))
		return refused(scanner, "the text is not UTF-8");
	scanner->at += need;
	return 0;
}

/* From the opening quote to behind the closing one. */
static int scan_string(struct scanner *scanner)
{
	int r = 0;

	scanner->at++;
	while (r == 0) {
		unsigned char c = ended(scanner) ? '"' : (unsigned char)scanner->text[scanner->at];

		if (ended(scanner))
			return expected(scanner, "a closing \"");
		if (accept(scanner, "\""))
			return 0;
		if (c == '\n' || c == '\r')
			return refused(scanner,
				"the text that begins in this line lacks its closing "
				"\" (a line break within is written \\n)");
		if (c < ' ')
			return refused(scanner, "a control character in a text is written \\uXXXX");
		if (c >= 0x80) {
			r = scan_utf8(scanner);
			continue;
		}
		scanner->at++;
		if (c != '\\' || accept(scanner, "\"\\/bfnrt"))
			continue;
		if (!accept(scanner, "u"))
			return expected(scanner, "one of \" \\ / b f n r t u behind the \\");
		r = scan_unicode(scanner);
	}
	return r;
}

static int scan_digits(struct scanner *scanner)
{
	if (!is_digit(scanner))
		return expected(scanner, "a digit");
	while (is_digit(scanner))
		scanner->at++;
	return 0;
}

static int scan_number(struct scanner *scanner)
{
	int r = 0;

	(void)accept(scanner, "-");
	if (accept(scanner, "0")) {
		if (is_digit(scanner))
			return refused(scanner, "a number does not begin with 0");
	} else {
		r = scan_digits(scanner);
	}
	if (r == 0 && accept(scanner, "."))
		r = scan_digits(scanner);
	if (r == 0 && accept(scanner, "eE")) {
		(void)accept(scanner, "+-");
		r = scan_digits(scanner);
	}
	return r;
}

static int scan_word(struct scanner *scanner, const char *word)
{
	for (; *word; word++, scanner->at++)
		if (ended(scanner) || scanner->text[scanner->at] != *word)
			return expected(scanner, "true, false or null");
	return 0;
}

static int scan_key(struct scanner *scanner, const char *what)
{
	int r;

	skip_space(scanner);
	if (ended(scanner) || scanner->text[scanner->at] != '"')
		return expected(scanner, what);
	r = scan_string(scanner);
	if (r < 0)
		return r;
	skip_space(scanner);
	return accept(scanner, ":") ? 0 : expected(scanner, "a colon");
}

/* Behind the bracket that opens: what stands there when the object or list is empty. */
static int scan_open(struct scanner *scanner, bool object, bool *ret_value_next)
{
	if (scanner->depth == JSON_DEPTH_MAX)
		return refused(scanner, "objects and lists are nested too deeply");
	scanner->at++;
	scanner->objects = scanner->objects << 1 | object;
	scanner->depth++;
	skip_space(scanner);
	if (accept(scanner, object ? "}" : "]")) {
		scanner->objects >>= 1;
		scanner->depth--;
		*ret_value_next = false;
		return 0;
	}
	*ret_value_next = true;
	return object ? scan_key(scanner, "a name in double quotes or }") : 0;
}

/* Whether a value follows behind this one. */
static int scan_value(struct scanner *scanner, bool *ret_value_next)
{
	char c;

	skip_space(scanner);
	c = ended(scanner) ? '\0' : scanner->text[scanner->at];
	*ret_value_next = false;
	switch (c) {
	case '{':
	case '[':
		return scan_open(scanner, c == '{', ret_value_next);
	case '"':
		return scan_string(scanner);
	case 't':
		return scan_word(scanner, "true");
	case 'f':
		return scan_word(scanner, "false");
	case 'n':
		return scan_word(scanner, "null");
	default:
		if (c == '-' || is_digit(scanner))
			return scan_number(scanner);
		return expected(scanner, "a value");
	}
}

/* Behind a value: closes what ends there, up to the comma behind which a value follows. */
static int scan_behind(struct scanner *scanner)
{
	while (scanner->depth > 0) {
		bool object = scanner->objects & 1;

		skip_space(scanner);
		if (accept(scanner, ","))
			return object ? scan_key(scanner, "a name in double quotes") : 0;
		if (!accept(scanner, object ? "}" : "]"))
			return expected(scanner, object ? "a comma or }" : "a comma or ]");
		scanner->objects >>= 1;
		scanner->depth--;
	}
	return 0;
}

int json_syntax_check(const char *text, size_t len, struct error *reterr)
{
	struct scanner scanner = {.text = text, .len = len, .reterr = reterr};
	bool value_next;
	int r;

	skip_space(&scanner);
	if (ended(&scanner))
		return error_set(reterr, -ENODATA, "line 1, column 1: the document is empty");
	do {
		r = scan_value(&scanner, &value_next);
		if (r == 0 && !value_next) {
			r = scan_behind(&scanner);
			value_next = scanner.depth > 0;
		}
	} while (r == 0 && value_next);
	if (r < 0)
		return r;
	skip_space(&scanner);
	return ended(&scanner) ? 0 : refused(&scanner, "something follows the document's end");
}

int json_document_parse(const char *text, size_t len, json_t **ret, struct error *reterr)
{
	json_error_t error;
	int r = json_syntax_check(text, len, reterr);

	if (r < 0)
		return r;
	*ret = json_parse(text, len, JSON_REJECT_DUPLICATES, &error);
	return *ret ? 0
		    : error_set(reterr, -EINVAL, "line %d, column %d: %s", error.line, error.column,
			      error.text);
}
