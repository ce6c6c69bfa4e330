/* SPDX-License-Identifier: Apache-2.0 */
#include "model/service.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "model/check.h"
#include "model/json_syntax.h"
#include "model/json_text.h"
#include "model/kind.h"
#include "model/service_parser.h"
#include "model/strings.h"

/* NUL is let in, for a refusal that names the field. */
#define LOAD_FLAGS       (JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL)
#define MEMORY_LEAST_MIB 6 /* what the container engine takes as a limit at least */

static int parse_on_change(const struct parser *parser, const json_t *value,
	struct service_spec *spec)
{
	const char *text = json_string_value(value);
	struct error why = ERROR_INIT;

	if (text && strcmp(text, "none") == 0)
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
		return parse_on_change(parser, value, base);
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

static int check_required(const struct parser *parser, const json_t *object)
{
	const struct field *field;

	for (field = service_fields; field->name; field++)
		if ((field->flags & FIELD_REQUIRED) && !json_object_get(object, field->name))
			return parser_refuse(parser, -EINVAL, "%s is needed", field->name);
	return 0;
}

/* Two volumes at one place in the container. */
static int check_volumes(const struct parser *parser, char *const *volumes)
{
	for (char *const *a = volumes; a && *a; a++) {
		const char *path = strchr(*a, ':');
		size_t len = strcspn(path + 1, ":") + 1;

		while (path[len - 1] == '/')
			len--;
		for (char *const *b = volumes; b < a; b++) {
			const char *rest = strchr(*b, ':');

			if (strncmp(path, rest, len) != 0)
				continue;
			rest += len;
			rest += strspn(rest, "/");
			if (*rest == '\0' || *rest == ':')
				return parser_refuse(parser, -EINVAL, "two volumes are at %.*s",
					(int)len - 1, path + 1);
		}
	}
	return 0;
}

/* What follows from several fields at once, and defaults that depend on others. */
static int settle(const struct parser *parser, const json_t *object, const char *name,
	struct service_spec *spec)
{
	struct parser at = *parser;
	int r = check_required(parser, object);

	if (r < 0)
		return r;
	at.field = "Name";
	if (spec->name && strcasecmp(spec->name, name) != 0)
		return parser_refuse(&at, -EINVAL,
			"\"%.80s\" is not the name of the directory, which is \"%s\"", spec->name,
			name);
	at.field = "MemoryMiB";
	if (spec->memory_mib > 0 && spec->memory_mib < MEMORY_LEAST_MIB)
		return parser_refuse(&at, -EINVAL, "%lld is below %d", (long long)spec->memory_mib,
			MEMORY_LEAST_MIB);
	at.field = "DNS";
	if (spec->dns[0] && !spec->lb_port)
		return parser_refuse(&at, -EINVAL,
			"a name points to a load balancer, which needs an ExternalLBPort");
	at.field = "Volumes";
	r = check_volumes(&at, spec->volumes);
	if (r < 0)
		return r;
	if (!spec->container_port)
		spec->container_port = spec->lb_port ? spec->lb_port : 80;
	for (char *c = spec->dns; *c; c++)
		*c = (char)tolower((unsigned char)*c);
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

int service_spec_parse(const char *text, size_t len, const char *name, struct service_spec **ret,
	struct error *reterr)
{
	const struct parser parser = {.text = text, .len = len, .reterr = reterr};
	_cleanup_service_spec_ struct service_spec *spec = NULL;
	_cleanup_json_ json_t *object = NULL;
	int r;

	if (len > SPEC_SIZE_MAX)
		return error_set(reterr, -EFBIG, "a spec has at most %d bytes", SPEC_SIZE_MAX);
	object = load(&parser, &r);
	if (r < 0)
		return r;
	spec = spec_new();
	if (!spec)
		return error_oom(reterr);
	r = parse_members(&parser, service_fields, object, spec);
	if (r == 0)
		r = settle(&parser, object, name, spec);
	if (r < 0)
		return r;
	*ret = TAKE(spec);
	return 0;
}
