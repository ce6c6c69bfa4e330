/* SPDX-License-Identifier: Apache-2.0 */
#include "model/service.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "model/service_internal.h"

static json_t *schema_number(const struct field *field)
{
	json_int_t scale = field->type == FIELD_DECIMAL ? 1000 : 1;
	json_t *number = json_pack("{s:s, s:I, s:I}", "type",
		field->type == FIELD_INT ? "integer" : "number", "minimum",
		(json_int_t)field->min / scale, "maximum", (json_int_t)field->max / scale);

	return json_pack("{s:[o, {s:s, s:s}]}", "anyOf", number, "type", "string", "pattern",
		field->type == FIELD_INT ? "^-?[0-9]*$" : "^[0-9.]*$");
}

static json_t *schema_fields(const struct field *fields);

static json_t *schema_custom(const struct field *field)
{
	if (strcmp(field->name, "HealthCheck") == 0)
		return json_pack("{s:[{s:s}, {s:s, s:b, s:o}]}", "anyOf", "type", "string", "type",
			"object", "additionalProperties", 0, "properties",
			schema_fields(health_fields));
	if (strcmp(field->name, "Hosts") == 0)
		return json_pack("{s:[s, s, s]}", "type", "object", "array", "string");
	return json_pack("{s:s, s:s}", "type", "string", "pattern",
		"^(none|restart|signal:[A-Z0-9]+)?$");
}

static json_t *schema_field(const struct field *field)
{
	switch (field->type) {
	case FIELD_TEXT:
		return json_pack("{s:s}", "type", "string");
	case FIELD_INT:
	case FIELD_DECIMAL:
		return schema_number(field);
	case FIELD_BOOL:
		return json_pack("{s:[b, b, s, s, s]}", "enum", 1, 0, "true", "false", "");
	case FIELD_LIST:
		return json_pack("{s:[{s:s, s:{s:s}}, {s:s}]}", "anyOf", "type", "array", "items",
			"type", "string", "const", "");
	case FIELD_MAP:
		return json_pack("{s:[{s:s, s:{s:[s, s, s]}}, {s:s}]}", "anyOf", "type", "object",
			"additionalProperties", "type", "string", "integer", "boolean", "const",
			"");
	case FIELD_CUSTOM:
		return schema_custom(field);
	}
	return NULL;
}

static json_t *schema_fields(const struct field *fields)
{
	json_t *properties = json_object();

	for (; fields->name; fields++) {
		json_t *schema = schema_field(fields);

		(void)json_object_set_new(schema, "description", json_string(fields->help));
		(void)json_object_set_new(properties, fields->name, schema);
	}
	return properties;
}

void service_schema_print(struct buf *out)
{
	_cleanup_json_ json_t *schema = NULL;
	json_t *required = json_array();
	const struct field *field;

	for (field = service_fields; field->name; field++)
		if (field->flags & FIELD_REQUIRED)
			(void)json_array_append_new(required, json_string(field->name));
	schema = json_pack("{s:s, s:s, s:s, s:b, s:o, s:o}", "$schema",
		"https://json-schema.org/draft/2020-12/schema", "title", "Service", "type",
		"object", "additionalProperties", 0, "required", required, "properties",
		schema_fields(service_fields));
	if (!schema && !out->error)
		out->error = -ENOMEM;
	json_print(schema, JSON_INDENT(2), out);
	buf_putc(out, '\n');
}
