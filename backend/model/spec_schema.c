/* SPDX-License-Identifier: Apache-2.0 */
#include "model/spec.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"

static json_t *schema_field(const struct field *field);

/* object with one more member; takes both, and NULL for what could not be made. */
static json_t *with(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) == 0)
		return object;
	json_decref(object);
	return NULL;
}

static json_t *either(json_t *a, json_t *b)
{
	json_t *list = json_array();
	int r = json_array_append_new(list, a);

	/* Both are taken, whatever comes of the first. */
	if (json_array_append_new(list, b) == 0 && r == 0)
		return with(json_object(), "anyOf", list);
	json_decref(list);
	return NULL;
}

/* Bare, or as a text. */
static json_t *schema_number(const struct field *field)
{
	bool decimal = field->type == FIELD_DECIMAL;
	json_int_t scale = decimal ? 1000 : 1;

	return json_pack("{s:[{s:s, s:I, s:I}, {s:s, s:s}]}", "anyOf", "type",
		decimal ? "number" : "integer", "minimum", (json_int_t)field->min / scale,
		"maximum", (json_int_t)field->max / scale, "type", "string", "pattern",
		decimal ? "^[0-9]+([.][0-9]+)?$" : "^[0-9]+$");
}

static json_t *schema_members(const struct field *fields)
{
	json_t *properties = json_object();

	for (; properties && fields->name; fields++)
		properties = with(properties, fields->name,
			with(schema_field(fields), "description", json_string(fields->help)));
	return properties;
}

static json_t *schema_object(const struct field *fields)
{
	json_t *object = json_pack("{s:s, s:b}", "type", "object", "additionalProperties", 0);

	return with(object, "properties", schema_members(fields));
}

static json_t *schema_given(const struct field *field)
{
	switch (field->type) {
	case FIELD_TEXT:
		return json_pack("{s:s}", "type", "string");
	case FIELD_INT:
	case FIELD_DECIMAL:
		return schema_number(field);
	case FIELD_BOOL:
		return json_pack("{s:[{s:s}, {s:s, s:s}]}", "anyOf", "type", "boolean", "type",
			"string", "pattern", "^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])$");
	case FIELD_LIST:
		return json_pack("{s:s, s:I, s:{s:s}}", "type", "array", "maxItems",
			(json_int_t)field->max, "items", "type", "string");
	case FIELD_MAP:
		return json_pack("{s:s, s:I, s:{s:[s, s, s]}}", "type", "object", "maxProperties",
			(json_int_t)field->max, "additionalProperties", "type", "string", "integer",
			"boolean");
	case FIELD_OBJECT:
		return either(schema_field(field->members), schema_object(field->members));
	case FIELD_CUSTOM:
		break;
	}
	return json_pack("{s:s, s:s}", "type", "string", "pattern", field->custom->pattern);
}

static json_t *schema_field(const struct field *field)
{
	json_t *given = schema_given(field);

	if (!(field->flags & FIELD_NONE))
		return given;
	return either(given, json_pack("{s:s}", "const", ""));
}

static json_t *schema_required(const struct field *field)
{
	json_t *required = json_array();

	for (; field->name; field++)
		if ((field->flags & FIELD_REQUIRED) &&
			json_array_append_new(required, json_string(field->name)) < 0) {
			json_decref(required);
			return NULL;
		}
	return required;
}

json_t *spec_schema(const struct spec_type *type)
{
	return with(schema_object(type->fields), "required", schema_required(type->fields));
}

void spec_schema_print(const struct spec_type *type, struct buf *out)
{
	_cleanup_json_ json_t *schema = json_pack("{s:s, s:s}", "$schema",
		"https://json-schema.org/draft/2020-12/schema", "title", type->title);
	_cleanup_json_ json_t *object = spec_schema(type);

	if (!object || json_object_update(schema, object) < 0) {
		out->error = out->error ? out->error : -ENOMEM;
		return;
	}
	json_print(schema, JSON_INDENT(2), out);
	buf_putc(out, '\n');
}
