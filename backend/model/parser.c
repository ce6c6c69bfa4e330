/* SPDX-License-Identifier: Apache-2.0 */
#include "model/parser.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "model/json_text.h"

#define NAME_SHOWN "80" /* bytes of a name in a sentence */

/* Where the parser is: the key of the member, the field, or the document's first line. */
static void parser_position(const struct parser *parser, int *ret_line, int *ret_column)
{
	struct json_span object = json_text_object(parser->text, parser->len);
	struct json_member found = {.key = object.start};
	bool inside = parser->field &&
		      json_text_find(parser->text, object, parser->field, &found) &&
		      parser->member && parser->text[found.value] == '{';

	if (inside) {
		struct json_span inner = {found.value, found.value_end};

		(void)json_text_find(parser->text, inner, parser->member, &found);
	}
	json_text_position(parser->text, found.key, ret_line, ret_column);
}

/* A name or value of a user's may be cut by the sentence's length and hold line breaks. */
static int refuse(const struct parser *parser, int code, const char *label, char *sentence)
{
	int line, column;
	char *at;

	for (at = sentence; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
	text_mend(sentence);
	parser_position(parser, &line, &column);
	return error_set(parser->reterr, code, "line %d, column %d: %s%s", line, column, label,
		sentence);
}

int parser_refuse(const struct parser *parser, int code, const char *format, ...)
{
	char label[200] = "", sentence[300];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(sentence, sizeof(sentence), format, ap);
	va_end(ap);
	if (parser->member)
		(void)snprintf(label, sizeof(label), "%s.%." NAME_SHOWN "s: ", parser->field,
			parser->member);
	else if (parser->field)
		(void)snprintf(label, sizeof(label), "%s: ", parser->field);
	for (char *at = label; *at; at++)
		if ((unsigned char)*at < ' ')
			*at = '?';
	text_mend(label);
	return refuse(parser, code, label, sentence);
}

int parser_refuse_unknown(const struct parser *parser, const struct field *fields)
{
	const char *name = parser->member ? parser->member : parser->field;
	const char *near = field_nearest(fields, name);
	char label[200] = "", sentence[300];

	if (parser->member)
		(void)snprintf(label, sizeof(label), "%s: ", parser->field);
	if (near)
		(void)snprintf(sentence, sizeof(sentence),
			"unknown field \"%." NAME_SHOWN "s\", did you mean \"%s\"?", name, near);
	else
		(void)snprintf(sentence, sizeof(sentence), "unknown field \"%." NAME_SHOWN "s\"",
			name);
	return refuse(parser, -EINVAL, label, sentence);
}

int parser_text(const struct parser *parser, const json_t *value, const char **ret)
{
	const char *text = json_string_value(value);

	if (text && strlen(text) != json_string_length(value))
		return parser_refuse(parser, -EINVAL, "a NUL is not allowed");
	*ret = text;
	return 0;
}

const char *parser_type_name(const json_t *value)
{
	static const char *const names[] = {
		[JSON_OBJECT] = "an object",
		[JSON_ARRAY] = "a list",
		[JSON_STRING] = "a text",
		[JSON_INTEGER] = "a number",
		[JSON_REAL] = "a number",
		[JSON_TRUE] = "true",
		[JSON_FALSE] = "false",
		[JSON_NULL] = "null",
	};

	return names[json_typeof(value)];
}

int parser_check_name(const struct parser *parser, const char *given, const char *name)
{
	struct parser at = *parser;

	at.field = "Name";
	if (!given || strcasecmp(given, name) == 0)
		return 0;
	return parser_refuse(&at, -EINVAL,
		"\"%.80s\" is not the name of the directory, which is \"%s\"", given, name);
}
