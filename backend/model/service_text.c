/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes one value in the text that a person wrote, and nothing else of it.
 */
#include "model/service.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "model/json_text.h"

static const struct field *field_named(const char *name)
{
	const struct field *field;

	for (field = service_fields; field->name; field++)
		if (strcmp(field->name, name) == 0)
			return field;
	return NULL;
}

int service_view_check(const char *name, const char *value, struct error *reterr)
{
	const struct field *field = field_named(name);
	struct error why = ERROR_INIT;
	int64_t number;
	int r = 0;

	if (!field)
		return error_set(reterr, -EINVAL, "unknown field \"%s\"", name);
	if (!text_is_utf8(value, strlen(value)))
		return error_set(reterr, -EINVAL, "%s: the value is not UTF-8", name);
	if (field->type == FIELD_INT) {
		r = text_parse_int(value, field->min, field->max, &number);
		if (r == -ERANGE)
			return error_set(reterr, -EINVAL,
				"line 1, column 1: %s: %s is not within %lld to %lld", name, value,
				(long long)field->min, (long long)field->max);
		if (r < 0)
			return error_set(reterr, -EINVAL,
				"line 1, column 1: %s: \"%s\" is no whole number", name, value);
		return 0;
	}
	if (field->check)
		r = field->check(value, &why);
	return r < 0 ? error_set(reterr, r, "line 1, column 1: %s: %s", name, why.text) : 0;
}

/* value as JSON: a number stays bare unless the text has a string there. */
static void put_value(const struct field *field, bool as_string, const char *value, struct buf *out)
{
	_cleanup_json_ json_t *string = NULL;

	if (field->type == FIELD_INT && !as_string) {
		buf_puts(out, value);
		return;
	}
	string = json_string(value);
	if (string)
		json_print(string, 0, out);
	else if (!out->error)
		out->error = -ENOMEM;
}

/* A new member behind the last one, in the style of the first. */
static void put_member(const char *text, struct json_span object, const struct field *field,
	const char *value, struct buf *out)
{
	struct json_member first, last;
	size_t at = object.start;
	bool as_string;

	if (!json_text_next(text, object, &at, &first)) {
		buf_add(out, text, object.start + 1);
		buf_printf(out, "\"%s\":", field->name);
		put_value(field, false, value, out);
		return;
	}
	last = first;
	while (json_text_next(text, object, &at, &last))
		continue;
	as_string = text[first.value] == '"' && text[last.value] == '"';
	buf_add(out, text, last.value_end);
	buf_putc(out, ',');
	buf_add(out, text + object.start + 1, first.key - object.start - 1);
	buf_printf(out, "\"%s\"", field->name);
	buf_add(out, text + first.key_end, first.value - first.key_end);
	put_value(field, as_string, value, out);
}

int service_text_set(const char *text, size_t len, const char *name, const char *value,
	struct buf *out, struct error *reterr)
{
	struct json_span object = json_text_object(text, len);
	const struct field *field = field_named(name);
	struct json_member member, last;
	size_t rest, at = object.start;

	if (!field || object.start >= len || text[object.start] != '{')
		return error_set(reterr, -EINVAL, "unknown field \"%s\"", name);
	if (json_text_find(text, object, name, &member)) {
		buf_add(out, text, member.value);
		put_value(field, text[member.value] == '"', value, out);
		rest = member.value_end;
	} else {
		put_member(text, object, field, value, out);
		rest = object.start + 1;
		while (json_text_next(text, object, &at, &last))
			rest = last.value_end;
	}
	buf_add(out, text + rest, len - rest);
	return out->error ? error_oom(reterr) : 0;
}
