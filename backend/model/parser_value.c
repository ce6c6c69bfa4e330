/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of fields: each may stand as its own type or as a text, as in the form {"Replicas":"3"}.
 */
#include "model/parser.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "model/strings.h"

#define DECIMAL_SCALE 1000

static int refuse_number(const struct parser *parser, const char *shown, bool above, int64_t bound)
{
	return parser_refuse(parser, -EINVAL, "%.40s is %s %lld", shown, above ? "above" : "below",
		(long long)bound);
}

/* A whole number, and how it was written; saturates far beyond what any field allows. */
static int read_int(const struct parser *parser, const json_t *value, char shown[48], int64_t *ret)
{
	const char *text = json_string_value(value);
	double real = json_number_value(value);

	if (text) {
		(void)snprintf(shown, 48, "%.40s", text);
		switch (text_parse_int(text, INT64_MIN, INT64_MAX, ret)) {
		case 0:
			return 0;
		case -ERANGE:
			*ret = text[0] == '-' ? INT64_MIN : INT64_MAX;
			return 0;
		default:
			return parser_refuse(parser, -EINVAL, "\"%.80s\" is no whole number", text);
		}
	}
	if (json_is_integer(value)) {
		*ret = json_integer_value(value);
		(void)snprintf(shown, 48, "%lld", (long long)*ret);
		return 0;
	}
	if (!json_is_real(value))
		return parser_refuse(parser, -EINVAL, "a number is needed, not %s",
			parser_type_name(value));
	(void)snprintf(shown, 48, "%.15g", real);
	if (real != floor(real))
		return parser_refuse(parser, -EINVAL, "%s is no whole number", shown);
	*ret = fabs(real) < 1e15 ? (int64_t)real : real < 0 ? INT64_MIN : INT64_MAX;
	return 0;
}

static int parse_int(const struct parser *parser, const struct field *field, const json_t *value,
	int64_t *ret)
{
	char shown[48];
	int64_t number;
	int r = read_int(parser, value, shown, &number);

	if (r < 0)
		return r;
	if (number < field->min)
		return refuse_number(parser, shown, false, field->min);
	if (number > field->max)
		return refuse_number(parser, shown, true, field->max);
	*ret = number;
	return 0;
}

/* Digits with at most one point between: no hexadecimal, no infinity, no exponent. */
static bool is_decimal(const char *text)
{
	static const char digits[] = "0123456789";
	size_t whole, part;

	text += text[0] == '-';
	whole = strspn(text, digits);
	part = text[whole] == '.' ? strspn(text + whole + 1, digits) : 0;
	return whole > 0 && (text[whole] != '.' || part > 0) &&
	       text[whole + (part ? part + 1 : 0)] == '\0';
}

static int parse_decimal(const struct parser *parser, const struct field *field,
	const json_t *value, int64_t *ret)
{
	const char *text = json_string_value(value);
	double number = json_number_value(value);
	char shown[48];
	int64_t scaled;

	if (!text && !json_is_number(value))
		return parser_refuse(parser, -EINVAL, "a number is needed, not %s",
			parser_type_name(value));
	if (text && !is_decimal(text))
		return parser_refuse(parser, -EINVAL, "\"%.80s\" is no number", text);
	if (text)
		number = strtod(text, NULL);
	(void)snprintf(shown, sizeof(shown), "%.15g", number);
	if (number < (double)field->min / DECIMAL_SCALE)
		return refuse_number(parser, shown, false, field->min / DECIMAL_SCALE);
	if (number > (double)field->max / DECIMAL_SCALE)
		return refuse_number(parser, shown, true, field->max / DECIMAL_SCALE);
	scaled = (int64_t)llround(number * DECIMAL_SCALE);
	if (scaled == 0 && number > 0)
		return parser_refuse(parser, -EINVAL, "%s is below 0.001", shown);
	*ret = scaled;
	return 0;
}

static int parse_bool(const struct parser *parser, const json_t *value, bool *ret)
{
	const char *text = json_string_value(value);
	bool yes = json_is_true(value) || (text && strcasecmp(text, "true") == 0);

	if (!yes && !json_is_false(value) && !(text && strcasecmp(text, "false") == 0))
		return parser_refuse(parser, -EINVAL, "true or false is needed");
	*ret = yes;
	return 0;
}

static int parse_text(const struct parser *parser, field_check_fn check, const json_t *value,
	char **ret)
{
	const char *text;
	struct error why = ERROR_INIT;
	char *copy;
	int r = parser_text(parser, value, &text);

	if (r < 0)
		return r;
	if (!text)
		return parser_refuse(parser, -EINVAL, "a text is needed, not %s",
			parser_type_name(value));
	r = check ? check(text, &why) : 0;
	if (r < 0)
		return parser_refuse(parser, r, "%s", why.text);
	copy = strdup(text);
	if (!copy)
		return error_oom(parser->reterr);
	free(*ret);
	*ret = copy;
	return 0;
}

static int parse_list(const struct parser *parser, const struct field *field, const json_t *value,
	char ***ret)
{
	size_t count = json_array_size(value);
	char **list;
	int r = 0;

	if (!json_is_array(value))
		return parser_refuse(parser, -EINVAL, "a list is needed, not %s",
			parser_type_name(value));
	if (count > (size_t)field->max)
		return parser_refuse(parser, -EINVAL, "%zu elements are above %lld", count,
			(long long)field->max);
	if (count == 0 && (field->flags & FIELD_NONE))
		return 0;
	list = calloc(count + 1, sizeof(*list));
	if (!list)
		return error_oom(parser->reterr);
	*ret = list;
	for (size_t i = 0; i < count && r == 0; i++)
		r = parse_text(parser, field->check, json_array_get(value, i), &list[i]);
	return r;
}

/* "KEY=value"; a number or truth as it is usually written. */
static int parse_variable(const struct parser *parser, const struct field *field, const char *key,
	const json_t *value, char **ret)
{
	struct parser inside = *parser;
	struct error why = ERROR_INIT;
	char number[32] = "";
	const char *text;
	int r;

	inside.member = key;
	r = parser_text(&inside, value, &text);
	if (r < 0)
		return r;
	if (json_is_integer(value))
		(void)snprintf(number, sizeof(number), "%lld",
			(long long)json_integer_value(value));
	if (json_is_boolean(value))
		text = json_is_true(value) ? "true" : "false";
	else if (json_is_integer(value))
		text = number;
	if (!text)
		return parser_refuse(&inside, -EINVAL,
			"a text, a whole number, true or false is needed, not %s",
			parser_type_name(value));
	*ret = text_format("%s=%s", key, text);
	if (!*ret)
		return error_oom(parser->reterr);
	/* A key may hold what ends the name for whoever reads the pair. */
	r = strchr(key, '=') ? error_set(&why, -EINVAL, "a name of a variable has no \"=\"")
			     : field->check(*ret, &why);
	return r < 0 ? parser_refuse(&inside, r, "%s", why.text) : 0;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted, because members of an object have no order that means anything. */
static int parse_map(const struct parser *parser, const struct field *field, const json_t *value,
	char ***ret)
{
	size_t i = 0, count = json_object_size(value);
	const char *key;
	json_t *inner;
	char **list;
	int r = 0;

	if (!json_is_object(value))
		return parser_refuse(parser, -EINVAL, "an object is needed, not %s",
			parser_type_name(value));
	if (count > (size_t)field->max)
		return parser_refuse(parser, -EINVAL, "%zu members are above %lld", count,
			(long long)field->max);
	if (count == 0 && (field->flags & FIELD_NONE))
		return 0;
	list = calloc(count + 1, sizeof(*list));
	if (!list)
		return error_oom(parser->reterr);
	*ret = list;
	json_object_foreach((json_t *)(uintptr_t)value, key, inner)
	{
		if (r == 0)
			r = parse_variable(parser, field, key, inner, &list[i++]);
	}
	if (r == 0)
		qsort(list, count, sizeof(*list), compare_texts);
	return r;
}

int parser_value(const struct parser *parser, const struct field *field, const json_t *value,
	void *slot)
{
	switch (field->type) {
	case FIELD_TEXT:
		return parse_text(parser, field->check, value, slot);
	case FIELD_INT:
		return parse_int(parser, field, value, slot);
	case FIELD_DECIMAL:
		return parse_decimal(parser, field, value, slot);
	case FIELD_BOOL:
		return parse_bool(parser, value, slot);
	case FIELD_LIST:
		return parse_list(parser, field, value, slot);
	case FIELD_MAP:
		return parse_map(parser, field, value, slot);
	case FIELD_OBJECT:
	case FIELD_CUSTOM:
		break;
	}
	return -EINVAL;
}
