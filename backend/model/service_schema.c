/* SPDX-License-Identifier: Apache-2.0 */
#include "model/service.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"

static json_t *schema_field(const struct field *field);

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

	for (; fields->name; fields++) {
		json_t *schema = schema_field(fields);

		if (json_object_set_new(schema, "description", json_string(fields->help)) < 0 ||
			json_object_set_new(properties, fields->name, schema) < 0) {
			json_decref(properties);
			return NULL;
		}
	}
	return properties;
}

static json_t *schema_object(const struct field *field)
{
	return json_pack("{s:[o, {s:s, s:b, s:o}]}", "anyOf", schema_field(field->members), "type",
		"object", "additionalProperties", 0, "properties", schema_members(field->members));
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
		return schema_object(field);
	case FIELD_CUSTOM:
		break;
	}
	return json_pack("{s:s, s:s}", "type", "string", "pattern",
		"^(none|restart|signal:[A-Z0-9]+)$");
}

static json_t *schema_field(const struct field *field)
{
	json_t *given = schema_given(field);

	if (!(field->flags & FIELD_NONE))
		return given;
	return json_pack("{s:[o, {s:s}]}", "anyOf", given, "const", "");
}

static json_t *schema_required(void)
{
	json_t *required = json_array();
	const struct field *field;

	for (field = service_fields; field->name; field++)
		if ((field->flags & FIELD_REQUIRED) &&
			json_array_append_new(required, json_string(field->name)) < 0) {
			json_decref(required);
			return NULL;
		}
	return required;
}

void service_schema_print(struct buf *out)
{
	_cleanup_json_ json_t *schema = json_pack("{s:s, s:s, s:s, s:b, s:o, s:o}", "$schema",
		"https://json-schema.org/draft/2020-12/schema", "title", "Service", "type",
		"object", "additionalProperties", 0, "required", schema_required(), "properties",
		schema_members(service_fields));

	if (!schema) {
		out->error = out->error ? out->error : -ENOMEM;
		return;
	}
	json_print(schema, JSON_INDENT(2), out);
	buf_putc(out, '\n');
}
