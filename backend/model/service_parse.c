/* SPDX-License-Identifier: Apache-2.0 */
#include "model/service.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "model/check.h"
#include "model/json_text.h"
#include "model/kind.h"
#include "model/service_internal.h"
#include "model/strings.h"

struct parser {
	const char *text;
	size_t len;
	const char *field; /* being parsed; NULL: the document */
	const char *member; /* inside the field, or NULL */
	struct error *reterr;
};

/* Where the parser is: the key of the member, the field, or the document's first line. */
static void parser_position(const struct parser *parser, int *ret_line, int *ret_column)
{
	struct json_span object = json_text_object(parser->text, parser->len);
	struct json_member found = {.key = object.start};

	if (parser->field)
		(void)json_text_find(parser->text, object, parser->field, &found);
	if (parser->field && parser->member && parser->text[found.value] == '{') {
		struct json_span inner = {found.value, found.value_end};

		(void)json_text_find(parser->text, inner, parser->member, &found);
	}
	json_text_position(parser->text, found.key, ret_line, ret_column);
}

__attribute__((format(printf, 3, 4))) static int parser_refuse(const struct parser *parser,
	int code, const char *format, ...)
{
	char sentence[400];
	int line, column;
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(sentence, sizeof(sentence), format, ap);
	va_end(ap);
	parser_position(parser, &line, &column);
	if (!parser->field)
		return error_set(parser->reterr, code, "line %d, column %d: %s", line, column,
			sentence);
	return error_set(parser->reterr, code, "line %d, column %d: %s%s%s: %s", line, column,
		parser->field, parser->member ? "." : "", parser->member ? parser->member : "",
		sentence);
}

static const char *json_type_name(const json_t *value)
{
	static const char *const names[] = {
		"an object", "a list", "a text", "a number", "a number", "true", "false", "null"};

	return names[json_typeof(value)];
}

/* A number as JSON number or as text; thousandths for FIELD_DECIMAL. */
static int parse_number(const struct parser *parser, const struct field *field, const json_t *value,
	int64_t *ret)
{
	int64_t scale = field->type == FIELD_DECIMAL ? 1000 : 1;
	const char *text = json_string_value(value);
	double number = json_number_value(value);
	char *end;

	if (text && field->type == FIELD_INT) {
		int r = text_parse_int(text, INT64_MIN, INT64_MAX, ret);

		if (r == -EINVAL)
			return parser_refuse(parser, -EINVAL, "\"%s\" is no whole number", text);
		number = r < 0 ? INFINITY : (double)*ret;
	} else if (text) {
		number = isdigit((unsigned char)text[0]) ? strtod(text, &end) : NAN;
		if (isnan(number) || *end)
			return parser_refuse(parser, -EINVAL, "\"%s\" is no number", text);
	} else if (!json_is_number(value)) {
		return parser_refuse(parser, -EINVAL, "a number is needed, not %s",
			json_type_name(value));
	}
	if (field->type == FIELD_INT && json_is_real(value) && number != floor(number))
		return parser_refuse(parser, -EINVAL, "%g is no whole number", number);
	number *= (double)scale;
	if (number < (double)field->min)
		return parser_refuse(parser, -EINVAL, "%.12g is below %lld", number / (double)scale,
			(long long)(field->min / scale));
	if (number > (double)field->max)
		return parser_refuse(parser, -EINVAL, "%.12g is above %lld", number / (double)scale,
			(long long)(field->max / scale));
	*ret = (int64_t)llround(number);
	return 0;
}

static int parse_bool(const struct parser *parser, const json_t *value, bool *ret)
{
	const char *text = json_string_value(value);

	if (json_is_boolean(value)) {
		*ret = json_is_true(value);
		return 0;
	}
	if (text && (strcasecmp(text, "true") == 0 || strcasecmp(text, "false") == 0)) {
		*ret = tolower((unsigned char)text[0]) == 't';
		return 0;
	}
	return parser_refuse(parser, -EINVAL, "true or false is needed");
}

/* One text, without NUL (JSON may hold \u0000), checked by the field's check. */
static int parse_text(const struct parser *parser, field_check_fn check, const json_t *value,
	char **ret)
{
	const char *text = json_string_value(value);
	struct error why = ERROR_INIT;
	char *copy;
	int r;

	if (!text)
		return parser_refuse(parser, -EINVAL, "a text is needed, not %s",
			json_type_name(value));
	if (strlen(text) != json_string_length(value))
		return parser_refuse(parser, -EINVAL, "a NUL is not allowed");
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

static int parse_list(const struct parser *parser, field_check_fn check, const json_t *value,
	char ***ret)
{
	size_t i, count = json_array_size(value);
	char **list;
	int r = 0;

	if (json_is_string(value) && !*json_string_value(value))
		return 0; /* every value may be given as a text, so "" is the list not given */
	if (!json_is_array(value))
		return parser_refuse(parser, -EINVAL, "a list is needed, not %s",
			json_type_name(value));
	list = calloc(count + 1, sizeof(*list));
	if (!list)
		return error_oom(parser->reterr);
	for (i = 0; i < count && r == 0; i++)
		r = parse_text(parser, check, json_array_get(value, i), &list[i]);
	if (r < 0) {
		strings_free(list);
		return r;
	}
	*ret = list;
	return 0;
}

static int parse_variable(const struct parser *parser, const char *key, const json_t *value,
	char **ret)
{
	struct parser inside = *parser;
	_cleanup_free_ char *text = NULL;
	struct error why = ERROR_INIT;
	char number[32];
	int r = 0;

	inside.member = key;
	if (json_is_integer(value))
		(void)snprintf(number, sizeof(number), "%lld",
			(long long)json_integer_value(value));
	if (json_is_integer(value))
		text = strdup(number);
	else if (json_is_boolean(value))
		text = strdup(json_is_true(value) ? "true" : "false");
	else
		r = parse_text(&inside, NULL, value, &text);
	if (r < 0)
		return r;
	*ret = text ? text_format("%s=%s", key, text) : NULL;
	if (!*ret)
		return error_oom(parser->reterr);
	r = check_environment(*ret, &why);
	return r < 0 ? parser_refuse(&inside, r, "%s", why.text) : 0;
}

static int parse_map(const struct parser *parser, const json_t *value, char ***ret)
{
	const char *key;
	json_t *inner;
	size_t i = 0;
	char **list;
	int r = 0;

	if (!json_is_object(value))
		return parser_refuse(parser, -EINVAL, "an object is needed, not %s",
			json_type_name(value));
	list = calloc(json_object_size(value) + 1, sizeof(*list));
	if (!list)
		return error_oom(parser->reterr);
	json_object_foreach((json_t *)(uintptr_t)value, key, inner)
	{
		if (r == 0)
			r = parse_variable(parser, key, inner, &list[i++]);
	}
	if (r < 0) {
		strings_free(list);
		return r;
	}
	*ret = list;
	return 0;
}

/* The fields inside HealthCheck. */
const struct field health_fields[] = {
	{"Path", FIELD_TEXT, offsetof(struct health_spec, path), 0, 0, "none: TCP connect", NULL, 0,
		check_url_path, "Path that answers with status 200 to 399 when all is well."},
	{"Port", FIELD_INT, offsetof(struct health_spec, port), 1, 65535, "ContainerPort", NULL, 0,
		NULL, "Port in the container."},
	{"IntervalSeconds", FIELD_INT, offsetof(struct health_spec, interval_s), 1, 3600, "5", NULL,
		0, NULL, "Time between two probes."},
	{"TimeoutSeconds", FIELD_INT, offsetof(struct health_spec, timeout_s), 1, 300, "2", NULL, 0,
		NULL, "Time for an answer."},
	{"HealthyThreshold", FIELD_INT, offsetof(struct health_spec, healthy_threshold), 1, 100,
		"2", NULL, 0, NULL, "Good probes in a row until healthy."},
	{"UnhealthyThreshold", FIELD_INT, offsetof(struct health_spec, unhealthy_threshold), 1, 100,
		"3", NULL, 0, NULL, "Bad probes in a row until unhealthy."},
	{"StartPeriodSeconds", FIELD_INT, offsetof(struct health_spec, start_period_s), 0, 3600,
		"30", NULL, 0, NULL, "Time after the start in which bad probes do not count."},
	{NULL, FIELD_TEXT, 0, 0, 0, NULL, NULL, 0, NULL, NULL},
};

static const struct field *field_find(const struct field *fields, const char *name)
{
	for (; fields->name; fields++)
		if (strcmp(fields->name, name) == 0)
			return fields;
	return NULL;
}

static int parser_unknown(const struct parser *parser, const struct field *fields, const char *name)
{
	const char *words[64];
	const char *near;
	size_t i;

	for (i = 0; fields[i].name && i + 1 < ARRAY_SIZE(words); i++)
		words[i] = fields[i].name;
	words[i] = NULL;
	near = text_nearest(name, words);
	if (near)
		return parser_refuse(parser, -EINVAL, "unknown field, did you mean \"%s\"?", near);
	return parser_refuse(parser, -EINVAL, "unknown field");
}

static int parse_health(const struct parser *parser, const json_t *value, struct health_spec *ret)
{
	struct parser inside = *parser;
	const char *key;
	json_t *inner;
	int r = 0;

	if (json_is_string(value))
		return *json_string_value(value)
			       ? parse_text(parser, check_url_path, value, &ret->path)
			       : 0;
	if (!json_is_object(value))
		return parser_refuse(parser, -EINVAL, "a path or an object is needed, not %s",
			json_type_name(value));
	json_object_foreach((json_t *)(uintptr_t)value, key, inner)
	{
		const struct field *field = field_find(health_fields, key);

		inside.member = key;
		if (r < 0)
			break;
		if (!field)
			r = parser_unknown(&inside, health_fields, key);
		else if (field->type == FIELD_TEXT)
			r = parse_text(&inside, field->check, inner, &ret->path);
		else
			r = parse_number(&inside, field, inner,
				(int64_t *)(void *)((char *)ret + field->offset));
	}
	return r;
}

static int parse_hosts(const struct parser *parser, const json_t *value, struct service_spec *spec)
{
	static const struct field hosts_fields[] = {
		{"Spot", FIELD_BOOL, 0, 0, 0, NULL, NULL, 0, NULL, NULL},
		{"Prefer", FIELD_LIST, 0, 0, 0, NULL, NULL, 0, NULL, NULL},
		{NULL, FIELD_TEXT, 0, 0, 0, NULL, NULL, 0, NULL, NULL},
	};
	struct parser inside = *parser;
	const char *key;
	json_t *inner;
	int r = 0;

	if (!json_is_object(value))
		return parse_list(parser, NULL, value, &spec->hosts);
	json_object_foreach((json_t *)(uintptr_t)value, key, inner)
	{
		inside.member = key;
		if (r < 0)
			break;
		if (strcmp(key, "Spot") == 0)
			r = parse_bool(&inside, inner, &spec->spot);
		else if (strcmp(key, "Prefer") == 0)
			r = parse_list(&inside, NULL, inner, &spec->hosts);
		else
			r = parser_unknown(&inside, hosts_fields, key);
	}
	return r;
}

static int parse_on_change(const struct parser *parser, const json_t *value,
	struct service_spec *spec)
{
	const char *text = json_string_value(value);
	struct error why = ERROR_INIT;

	if (text && (strcmp(text, "none") == 0 || !*text))
		return 0;
	if (text && strcmp(text, "restart") == 0) {
		spec->on_change = ON_CHANGE_RESTART;
		return 0;
	}
	if (!text || strncmp(text, "signal:", 7) != 0)
		return parser_refuse(parser, -EINVAL,
			"none, restart or signal:NAME (such as signal:HUP) is needed");
	if (check_signal(text + 7, &why) < 0)
		return parser_refuse(parser, -EINVAL, "%s", why.text);
	spec->on_change = ON_CHANGE_SIGNAL;
	spec->on_change_signal = strdup(text + 7);
	return spec->on_change_signal ? 0 : error_oom(parser->reterr);
}

static int parse_field(const struct parser *parser, const struct field *field, const json_t *value,
	struct service_spec *spec)
{
	void *slot = (char *)spec + field->offset;
	const char *text = json_string_value(value);

	/* Every value may be given as a text, and an empty one is a field not given. */
	if (text && !*text && !(field->flags & FIELD_REQUIRED))
		return 0;
	switch (field->type) {
	case FIELD_TEXT:
		return parse_text(parser, field->check, value, slot);
	case FIELD_INT:
	case FIELD_DECIMAL:
		return parse_number(parser, field, value, slot);
	case FIELD_BOOL:
		return parse_bool(parser, value, slot);
	case FIELD_LIST:
		return parse_list(parser, field->check, value, slot);
	case FIELD_MAP:
		return parse_map(parser, value, slot);
	case FIELD_CUSTOM:
		break;
	}
	if (slot == (void *)&spec->health)
		return parse_health(parser, value, slot);
	if (slot == (void *)&spec->hosts)
		return parse_hosts(parser, value, spec);
	return parse_on_change(parser, value, spec);
}

static struct service_spec *spec_new(void)
{
	struct service_spec *spec = calloc(1, sizeof(*spec));

	if (!spec)
		return NULL;
	spec->dns = strdup("");
	spec->replicas = 1;
	spec->update_domains = 3;
	spec->auto_rollback = true;
	spec->drain_s = 10;
	spec->health = (struct health_spec){
		.interval_s = 5,
		.timeout_s = 2,
		.healthy_threshold = 2,
		.unhealthy_threshold = 3,
		.start_period_s = 30,
	};
	if (!spec->dns) {
		free(spec);
		return NULL;
	}
	return spec;
}

void service_spec_free(struct service_spec *spec)
{
	if (!spec)
		return;
	free(spec->name);
	free(spec->image);
	free(spec->dns);
	free(spec->health.path);
	strings_free(spec->command);
	strings_free(spec->environment);
	strings_free(spec->volumes);
	strings_free(spec->secrets);
	strings_free(spec->neighbors);
	strings_free(spec->hosts);
	free(spec->on_change_signal);
	free(spec);
}

/* What follows from several fields at once, and defaults that depend on others. */
static int spec_settle(struct parser *parser, const json_t *object, const char *name,
	struct service_spec *spec)
{
	const struct field *field;
	char *at;

	for (field = service_fields; field->name; field++) {
		parser->field = NULL;
		if ((field->flags & FIELD_REQUIRED) && !json_object_get(object, field->name))
			return parser_refuse(parser, -EINVAL, "%s is needed", field->name);
	}
	parser->field = "Name";
	if (spec->name && strcasecmp(spec->name, name) != 0)
		return parser_refuse(parser, -EINVAL,
			"\"%s\" is not the name of the directory, which is \"%s\"", spec->name,
			name);
	if (!spec->container_port)
		spec->container_port = spec->lb_port ? spec->lb_port : 80;
	for (at = spec->dns; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	parser->field = "DNS";
	if (spec->dns[0] && !spec->lb_port)
		return parser_refuse(parser, -EINVAL,
			"a name points to a load balancer, which needs an ExternalLBPort");
	return 0;
}

static int parse_object(struct parser *parser, const json_t *object, const char *name,
	struct service_spec *spec)
{
	const char *key;
	json_t *value;
	int r = 0;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		const struct field *field = field_find(service_fields, key);

		parser->field = key;
		if (r == 0)
			r = field ? parse_field(parser, field, value, spec)
				  : parser_unknown(parser, service_fields, key);
	}
	return r ? r : spec_settle(parser, object, name, spec);
}

/* What jansson says, as a sentence; -ENODATA when more text could mend it. */
static int parse_syntax(const json_error_t *json, struct error *reterr)
{
	enum json_error_code code = json_error_code(json);

	if (code == json_error_out_of_memory)
		return error_oom(reterr);
	if (code == json_error_premature_end_of_input)
		return error_set(reterr, -ENODATA,
			"line %d, column %d: the document ends too early", json->line,
			json->column < 1 ? 1 : json->column);
	return error_set(reterr, -EINVAL, "line %d, column %d: %s", json->line,
		json->column < 1 ? 1 : json->column, json->text);
}

static bool is_blank(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r' && text[i] != '\n')
			return false;
	return true;
}

int service_spec_parse(const char *text, size_t len, const char *name, struct service_spec **ret,
	struct error *reterr)
{
	struct parser parser = {.text = text, .len = len, .reterr = reterr};
	_cleanup_service_spec_ struct service_spec *spec = NULL;
	_cleanup_json_ json_t *object = NULL;
	json_error_t json;
	int r;

	if (len > SPEC_SIZE_MAX)
		return error_set(reterr, -EFBIG, "a spec has at most %d bytes", SPEC_SIZE_MAX);
	if (is_blank(text, len))
		return error_set(reterr, -ENODATA, "line 1, column 1: the document is empty");
	object = json_loadb(text, len, JSON_REJECT_DUPLICATES, &json);
	if (!object)
		return parse_syntax(&json, reterr);
	if (!json_is_object(object))
		return error_set(reterr, -EINVAL, "line 1, column 1: an object is needed: {...}");
	spec = spec_new();
	if (!spec)
		return error_oom(reterr);
	r = parse_object(&parser, object, name, spec);
	if (r < 0)
		return r;
	*ret = TAKE(spec);
	return 0;
}
