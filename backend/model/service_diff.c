/* SPDX-License-Identifier: Apache-2.0 */
#include "model/service_diff.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/json.h"

/* What a service is that says nothing but an image. */
#define DEFAULTS "{\"DockerImage\":\"none\"}"
#define ABSENT   "-"

struct walk {
	service_diff_fn fn;
	void *arg;
	bool first; /* there is nothing to differ from */
	struct buf field, before, after;
};

static void put_json(json_t *value, struct buf *out)
{
	if (value)
		json_print(value, JSON_ENCODE_ANY | JSON_COMPACT, out);
	else if (!out->error)
		out->error = -ENOMEM;
	json_decref(value);
}

/* A word stands for itself. */
static void put_text(const char *text, struct buf *out)
{
	const char *at = text;

	while ((unsigned char)*at > ' ' && *at != '"' && *at != 0x7f)
		at++;
	if (*text && !*at)
		buf_puts(out, text);
	else
		put_json(json_string(text), out);
}

static void put_list(char *const *list, struct buf *out)
{
	json_t *array = json_array();

	for (; array && *list; list++)
		if (json_array_append_new(array, json_string(*list)) < 0) {
			json_decref(array);
			array = NULL;
			break;
		}
	put_json(array, out);
}

static void put_decimal(int64_t thousandths, struct buf *out)
{
	buf_printf(out, "%" PRId64, thousandths / 1000);
	if (thousandths % 1000 == 0)
		return;
	buf_printf(out, ".%03d", (int)(thousandths % 1000));
	while (out->len > 0 && out->data[out->len - 1] == '0')
		buf_truncate(out, out->len - 1);
}

static void put_absent(const struct field *field, struct buf *out)
{
	buf_printf(out, "(%s)", field->otherwise && *field->otherwise ? field->otherwise : "none");
}

static void put_custom(const struct service_spec *spec, struct buf *out)
{
	if (spec->on_change == ON_CHANGE_SIGNAL)
		buf_printf(out, "signal:%s", spec->on_change_signal);
	else
		buf_puts(out, spec->on_change == ON_CHANGE_RESTART ? "restart" : "none");
}

static void put_value(const struct field *field, const void *base, struct buf *out)
{
	const void *slot = (const char *)base + field->offset;

	switch (field->type) {
	case FIELD_TEXT:
		if (*(char *const *)slot && **(char *const *)slot)
			put_text(*(char *const *)slot, out);
		else
			put_absent(field, out);
		break;
	case FIELD_INT:
		if (*(const int64_t *)slot == 0 && field->flags & FIELD_NONE)
			put_absent(field, out);
		else
			buf_printf(out, "%" PRId64, *(const int64_t *)slot);
		break;
	case FIELD_DECIMAL:
		put_decimal(*(const int64_t *)slot, out);
		break;
	case FIELD_BOOL:
		buf_puts(out, *(const bool *)slot ? "true" : "false");
		break;
	case FIELD_LIST:
	case FIELD_MAP:
		if (*(char **const *)slot)
			put_list(*(char **const *)slot, out);
		else
			put_absent(field, out);
		break;
	case FIELD_OBJECT:
		break;
	case FIELD_CUSTOM:
		put_custom(base, out);
		break;
	}
}

/* What stands in before and after is told when it differs. */
static int tell(struct walk *walk, const struct field *field, bool always)
{
	struct service_difference difference = {
		.field = buf_string(&walk->field),
		.after = buf_string(&walk->after),
		.template = field->flags & FIELD_TEMPLATE,
	};

	if (walk->field.error || walk->before.error || walk->after.error)
		return -ENOMEM;
	if (!always && strcmp(buf_string(&walk->before), difference.after) == 0)
		return 0;
	difference.before = walk->first ? ABSENT : buf_string(&walk->before);
	return walk->fn(walk->arg, &difference);
}

static const char *find_variable(char *const *list, const char *variable)
{
	size_t len = strcspn(variable, "=");

	for (; list && *list; list++)
		if (strncmp(*list, variable, len) == 0 && (*list)[len] == '=')
			return *list + len + 1;
	return NULL;
}

static int diff_variable(struct walk *walk, const struct field *field, const char *variable,
	const char *before, const char *after)
{
	buf_reset(&walk->field);
	buf_reset(&walk->before);
	buf_reset(&walk->after);
	buf_printf(&walk->field, "%s.%.*s", field->name, (int)strcspn(variable, "="), variable);
	buf_puts(&walk->before, before ? "" : ABSENT);
	buf_puts(&walk->after, after ? "" : ABSENT);
	if (before)
		put_text(before, &walk->before);
	if (after)
		put_text(after, &walk->after);
	return tell(walk, field, !before != !after);
}

static int diff_map(struct walk *walk, const struct field *field, char *const *before,
	char *const *after)
{
	int r = 0;

	for (char *const *at = before; r == 0 && at && *at; at++)
		r = diff_variable(walk, field, *at, strchr(*at, '=') + 1,
			find_variable(after, *at));
	for (char *const *at = after; r == 0 && at && *at; at++)
		if (!find_variable(before, *at))
			r = diff_variable(walk, field, *at, NULL, strchr(*at, '=') + 1);
	return r;
}

static int diff_fields(struct walk *walk, const struct field *fields, const char *prefix,
	const void *before, const void *after)
{
	int r = 0;

	for (const struct field *field = fields; r == 0 && field->name; field++) {
		const char *old = (const char *)before + field->offset;
		const char *new = (const char *)after + field->offset;

		/* The directory says it. */
		if (!prefix && strcmp(field->name, "Name") == 0)
			continue;
		if (field->type == FIELD_OBJECT) {
			r = diff_fields(walk, field->members, field->name, old, new);
			continue;
		}
		if (field->type == FIELD_MAP) {
			r = diff_map(walk, field, *(char **const *)(const void *)old,
				*(char **const *)(const void *)new);
			continue;
		}
		buf_reset(&walk->field);
		buf_reset(&walk->before);
		buf_reset(&walk->after);
		buf_printf(&walk->field, "%s%s%s", prefix ? prefix : "", prefix ? "." : "",
			field->name);
		put_value(field, before, &walk->before);
		put_value(field, after, &walk->after);
		r = tell(walk, field, walk->first && field->flags & FIELD_REQUIRED);
	}
	return r;
}

int service_spec_diff(const struct service_spec *before, const struct service_spec *after,
	service_diff_fn fn, void *arg)
{
	_cleanup_service_spec_ struct service_spec *defaults = NULL;
	struct walk walk = {fn, arg, !before, BUF_INIT, BUF_INIT, BUF_INIT};
	int r = 0;

	if (!before)
		r = service_spec_parse(DEFAULTS, strlen(DEFAULTS), "none", &defaults, NULL);
	if (r == 0)
		r = diff_fields(&walk, service_fields, NULL, before ? before : defaults, after);
	buf_done(&walk.field);
	buf_done(&walk.before);
	buf_done(&walk.after);
	return r;
}
