/* SPDX-License-Identifier: Apache-2.0 */
#include "model/resource.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "model/parser.h"
#include "model/record.h"

#define OUTPUTS(...)                                                                               \
	(const char *const[])                                                                      \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}

const struct resource_type resource_types[] = {
	{"rds", "a relational database", true,
		OUTPUTS("endpoint", "port", "username", "password", "database", "name", "arn"),
		&resource_rds},
	{"s3", "a bucket of objects", true, OUTPUTS("url", "region", "name", "arn"), &resource_s3},
	{"elasticache", "a cache", true,
		OUTPUTS("endpoint", "reader", "port", "password", "name", "arn"),
		&resource_elasticache},
	{"dynamodb", "a table of items", true, OUTPUTS("region", "name", "arn"),
		&resource_dynamodb},
	{"sqs", "a queue", false, OUTPUTS("url", "region", "name", "arn"), &resource_sqs},
	{"lambda", "a function", false, OUTPUTS("region", "name", "arn"), &resource_lambda},
	{"swf", "a domain of workflows", false, OUTPUTS("region", "name", "arn"), &resource_swf},
	{NULL, NULL, false, NULL, NULL},
};

const struct resource_type *resource_type_find(const char *name)
{
	for (const struct resource_type *type = resource_types; type->name; type++)
		if (strcmp(type->name, name) == 0)
			return type;
	return NULL;
}

bool resource_output_is_secret(const char *name)
{
	return strcmp(name, "password") == 0;
}

bool resource_has_password(const struct resource_spec *spec)
{
	return strcmp(spec->type, "rds") == 0 || spec->auth;
}

bool resource_is_cache_group(const struct resource_spec *spec)
{
	return spec->replicas > 0 || spec->auth;
}

static const struct spec_type *spec_type_of(const struct resource_spec *spec)
{
	return resource_type_find(spec->type)->spec;
}

static int refuse_type(const char *text, size_t len, const json_t *type, struct error *reterr)
{
	const struct parser parser = {.text = text, .len = len, .field = "Type", .reterr = reterr};
	const char *names[16], *given = json_string_value(type), *nearest;
	_cleanup_buf_ struct buf all = BUF_INIT;
	size_t count = 0;

	for (; resource_types[count].name; count++) {
		names[count] = resource_types[count].name;
		buf_printf(&all, "%s%s", count > 0 ? ", " : "", names[count]);
	}
	names[count] = NULL;
	nearest = given ? text_nearest(given, names) : NULL;
	if (!type)
		return parser_refuse(&parser, -EINVAL, "it is needed: one of %s", buf_string(&all));
	if (!given)
		return parser_refuse(&parser, -EINVAL, "a text is needed, not %s",
			parser_type_name(type));
	if (nearest)
		return parser_refuse(&parser, -EINVAL,
			"there is no type \"%.40s\", did you mean \"%s\"?", given, nearest);
	return parser_refuse(&parser, -EINVAL, "there is no type \"%.40s\", only %s", given,
		buf_string(&all));
}

int resource_spec_parse(const char *text, size_t len, const char *name, struct resource_spec **ret,
	struct error *reterr)
{
	json_error_t trouble;
	_cleanup_json_ json_t *object = json_parse(text, len, JSON_ALLOW_NUL, &trouble);
	const struct resource_type *type = resource_type_find(json_get_string(object, "Type", ""));
	void *spec;
	int r;

	if (!object && !trouble.text[0])
		return error_oom(reterr);
	if (json_is_object(object) && !type)
		return refuse_type(text, len, json_object_get(object, "Type"), reterr);
	/* What is no object at all any type refuses alike. */
	r = spec_parse(type ? type->spec : resource_types[0].spec, text, len, name, &spec, reterr);
	if (r == 0)
		*ret = spec;
	return r;
}

void resource_spec_free(struct resource_spec *spec)
{
	if (spec)
		spec_free(spec_type_of(spec), spec);
}

bool resource_spec_equal(const struct resource_spec *a, const struct resource_spec *b)
{
	return strcmp(a->type, b->type) == 0 && spec_equal(spec_type_of(a), a, b, 0);
}

const char *resource_spec_names(const struct resource_spec *spec, const char *type,
	const char *name)
{
	if (strcmp(type, "sqs") == 0 && spec->queue && strcmp(spec->queue, name) == 0)
		return "Queue";
	if (strcmp(type, "s3") == 0 && spec->code_bucket && strcmp(spec->code_bucket, name) == 0)
		return "CodeBucket";
	return NULL;
}

int resource_spec_check_change(const struct resource_spec *before,
	const struct resource_spec *after, struct error *reterr)
{
	const struct field *field;

	if (strcmp(before->type, after->type) != 0)
		return error_set(reterr, -EINVAL,
			"Type: it is %s and stays so: make another resource for %s", before->type,
			after->type);
	field = spec_difference(spec_type_of(before), before, after, FIELD_FIXED);
	if (field)
		return error_set(reterr, -EINVAL,
			"%s: it cannot be changed once the resource is there: make another one",
			field->name);
	if (resource_is_cache_group(before) != resource_is_cache_group(after))
		return error_set(reterr, -EINVAL,
			"Replicas: a cache without replicas and Auth stays one machine, and one "
			"with "
			"them a group: make another one");
	if (!before->image != !after->image)
		return error_set(reterr, -EINVAL,
			"DockerImage: a function of code stays one, as does one of an image: make "
			"another one");
	if (after->size_gib < before->size_gib)
		return error_set(reterr, -EINVAL,
			"SizeGiB: it can only grow, and is %" PRId64 " already", before->size_gib);
	return 0;
}

/* ---- schema ---- */

static json_t *type_schema(const struct resource_type *type)
{
	json_t *schema = spec_schema(type->spec);
	json_t *word = json_object_get(json_object_get(schema, "properties"), "Type");

	if (json_object_clear(word) < 0 ||
		json_object_set_new(word, "const", json_string(type->name)) < 0 ||
		json_object_set_new(word, "description", json_string(type->help)) < 0) {
		json_decref(schema);
		return NULL;
	}
	return schema;
}

void resource_schema_print(struct buf *out)
{
	_cleanup_json_ json_t *schema = json_pack("{s:s, s:s, s:s}", "$schema",
		"https://json-schema.org/draft/2020-12/schema", "title", "Resource", "type",
		"object");
	json_t *types = json_array();

	for (const struct resource_type *type = resource_types; type->name; type++)
		if (json_array_append_new(types, type_schema(type)) < 0)
			out->error = out->error ? out->error : -ENOMEM;
	if (json_object_set_new(schema, "oneOf", types) < 0)
		out->error = out->error ? out->error : -ENOMEM;
	if (out->error)
		return;
	json_print(schema, JSON_INDENT(2), out);
	buf_putc(out, '\n');
}

/* ---- status ---- */

static const char *const phases[] = {
	[RESOURCE_NEW] = "new",
	[RESOURCE_MAKING] = "making",
	[RESOURCE_READY] = "ready",
	[RESOURCE_REMOVING] = "removing",
	[RESOURCE_FAILED] = "failed",
	NULL,
};

#define STATUS(member)                                                                             \
	offsetof(struct resource_status, member), sizeof(((struct resource_status *)0)->member)
static const struct record_member members[] = {
	{"Phase", RECORD_WORD, STATUS(phase), phases},
	{"Type", RECORD_TEXT, STATUS(type), NULL},
	{"ExternalName", RECORD_TEXT, STATUS(external), NULL},
	{"SinceNs", RECORD_INT, STATUS(since_ns), NULL},
	{"Message", RECORD_TEXT, STATUS(message), NULL},
	{NULL, RECORD_INT, 0, 0, NULL},
};

const char *resource_phase_name(enum resource_phase phase)
{
	return phases[phase];
}

void resource_status_print(const struct resource_status *status, struct buf *out)
{
	record_print(members, status, out);
}

int resource_status_parse(const char *json, struct resource_status *ret)
{
	return record_parse(members, json, ret, sizeof(*ret));
}
