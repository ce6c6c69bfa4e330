/* SPDX-License-Identifier: Apache-2.0 */
#include "model/spec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "model/json_syntax.h"
#include "model/json_text.h"
#include "model/kind.h"
#include "model/parser.h"
#include "model/strings.h"

/* NUL is let in, for a refusal that names the field. */
#define LOAD_FLAGS (JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL)

static int parse_members(const struct parser *parser, const struct field *fields,
	const json_t *object, void *base);

/* An object, or the value of its first member alone. */
static int parse_nested(const struct parser *parser, const struct field *field, const json_t *value,
	void *base)
{
	const struct field *first = field->members;

	if (json_is_object(value))
		return parse_members(parser, field->members, value, base);
	if (first->type == FIELD_TEXT ? !json_is_string(value) : !json_is_array(value))
		return parser_refuse(parser, -EINVAL, "%s or an object is needed, not %s",
			first->type == FIELD_TEXT ? "a text" : "a list", parser_type_name(value));
	return parser_value(parser, first, value, (char *)base + first->offset);
}

static int parse_member(const struct parser *parser, const struct field *field, const json_t *value,
	void *base)
{
	const char *text;
	void *slot = (char *)base + field->offset;
	int r = parser_text(parser, value, &text);

	if (r < 0)
		return r;
	if (text && !*text && (field->flags & FIELD_NONE))
		return 0;
	if (field->type == FIELD_OBJECT)
		return parse_nested(parser, field, value, slot);
	if (field->type == FIELD_CUSTOM)
		return field->custom->parse(parser, value, base);
	return parser_value(parser, field, value, slot);
}

static int parse_members(const struct parser *parser, const struct field *fields,
	const json_t *object, void *base)
{
	struct parser inside = *parser;
	const char *key;
	json_t *value;
	int r = 0;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		const struct field *field = field_find(fields, key);

		*(parser->field ? &inside.member : &inside.field) = key;
		r = field ? parse_member(&inside, field, value, base)
			  : parser_refuse_unknown(&inside, fields);
		if (r < 0)
			break;
	}
	return r;
}

static int check_required(const struct parser *parser, const struct field *field,
	const json_t *object)
{
	for (; field->name; field++)
		if ((field->flags & FIELD_REQUIRED) && !json_object_get(object, field->name))
			return parser_refuse(parser, -EINVAL, "%s is needed", field->name);
	return 0;
}

/* The key that ends at an offset, as the text has it. */
static size_t key_start(const char *text, size_t end)
{
	size_t at = end > 0 ? end - 1 : 0;

	while (at > 0) {
		size_t slashes = 0;

		at--;
		while (slashes < at && text[at - slashes - 1] == '\\')
			slashes++;
		if (text[at] == '"' && slashes % 2 == 0)
			break;
	}
	return at;
}

/* What the grammar allows and a spec does not: a name twice, a number beyond all bounds. */
static int refuse_document(const struct parser *parser, const json_error_t *json)
{
	size_t end = json->position > 0 ? (size_t)json->position : 0;
	size_t start;
	int line, column;

	end = end < parser->len ? end : parser->len;
	json_text_position(parser->text, end, &line, &column);
	switch (json_error_code(json)) {
	case json_error_duplicate_key:
		start = key_start(parser->text, end);
		json_text_position(parser->text, start, &line, &column);
		return error_set(parser->reterr, -EINVAL, "line %d, column %d: %.*s is given twice",
			line, column, end - start < 80 ? (int)(end - start) : 80,
			parser->text + start);
	case json_error_numeric_overflow:
		return error_set(parser->reterr, -EINVAL,
			"line %d, column %d: the number before is too large", line, column);
	case json_error_null_byte_in_key:
		return error_set(parser->reterr, -EINVAL,
			"line %d, column %d: a NUL is not allowed in a name", line, column);
	default: /* with the grammar in order, nothing else is left */
		return error_oom(parser->reterr);
	}
}

static json_t *load(const struct parser *parser, int *ret_error)
{
	json_error_t error;
	json_t *value;
	int r = json_syntax_check(parser->text, parser->len, parser->reterr);

	value = r == 0 ? json_parse(parser->text, parser->len, LOAD_FLAGS, &error) : NULL;
	if (r == 0 && !value)
		r = refuse_document(parser, &error);
	else if (r == 0 && !json_is_object(value))
		r = parser_refuse(parser, -EINVAL, "an object is needed, not %s",
			parser_type_name(value));
	*ret_error = r;
	return value;
}

static void free_fields(const struct field *fields, void *base)
{
	for (; fields->name; fields++) {
		void *slot = (char *)base + fields->offset;

		switch (fields->type) {
		case FIELD_TEXT:
			free(*(char **)slot);
			break;
		case FIELD_LIST:
		case FIELD_MAP:
			strings_free(*(char ***)slot);
			break;
		case FIELD_OBJECT:
			free_fields(fields->members, slot);
			break;
		case FIELD_CUSTOM:
			fields->custom->free(base);
			break;
		case FIELD_INT:
		case FIELD_DECIMAL:
		case FIELD_BOOL:
			break;
		}
	}
}

void spec_free(const struct spec_type *type, void *spec)
{
	if (!spec)
		return;
	free_fields(type->fields, spec);
	free(spec);
}

/* The fields one by one, then what only all of them together show. */
static int parse_all(const struct spec_type *type, const struct parser *parser,
	const json_t *object, const char *name, void *spec)
{
	int r = parse_members(parser, type->fields, object, spec);

	if (r == 0)
		r = check_required(parser, type->fields, object);
	if (r == 0 && type->settle)
		r = type->settle(parser, object, name, spec);
	return r;
}

int spec_parse(const struct spec_type *type, const char *text, size_t len, const char *name,
	void **ret, struct error *reterr)
{
	const struct parser parser = {.text = text, .len = len, .reterr = reterr};
	_cleanup_json_ json_t *object = NULL;
	void *spec;
	int r;

	if (len > SPEC_SIZE_MAX)
		return error_set(reterr, -EFBIG, "a spec has at most %d bytes", SPEC_SIZE_MAX);
	object = load(&parser, &r);
	if (r < 0)
		return r;
	spec = calloc(1, type->size);
	if (!spec || (type->defaults && type->defaults(spec) < 0)) {
		spec_free(type, spec);
		return error_oom(reterr);
	}
	r = parse_all(type, &parser, object, name, spec);
	if (r < 0)
		spec_free(type, spec);
	else
		*ret = spec;
	return r;
}
