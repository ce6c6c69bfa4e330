/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes one value in the text that a person wrote, and nothing else of it.
 */
#include "model/spec.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "model/json_text.h"

int spec_view_check(const struct spec_type *type, const char *name, const char *value,
	struct error *reterr)
{
	const struct field *field = field_find(type->fields, name);
	struct error why = ERROR_INIT;
	int64_t number;
	int r = 0;

	if (!field)
		return error_set(reterr, -EINVAL, "unknown field \"%s\"", name);
	if (!text_is_utf8(value, strlen(value)))
		return error_set(reterr, -EINVAL, "%s: the value is not UTF-8", name);
	if (field->type == FIELD_INT) {
		r = text_parse_int(value, INT64_MIN, INT64_MAX, &number);
		if (r == -EINVAL)
			return error_set(reterr, -EINVAL,
				"line 1, column 1: %s: \"%.80s\" is no whole number", name, value);
		if (r == -ERANGE)
			number = value[0] == '-' ? INT64_MIN : INT64_MAX;
		if (number < field->min || number > field->max)
			return error_set(reterr, -EINVAL, "line 1, column 1: %s: %.40s is %s %lld",
				name, value, number < field->min ? "below" : "above",
				(long long)(number < field->min ? field->min : field->max));
		return 0;
	}
	if (field->check)
		r = field->check(value, &why);
	return r < 0 ? error_set(reterr, r, "line 1, column 1: %s: %s", name, why.text) : 0;
}

/* More digits only lead further away from 0. */
static bool number_begins(const struct field *field, const char *value)
{
	int64_t number;

	if (!*value || strcmp(value, "-") == 0)
		return true;
	if (text_parse_int(value, INT64_MIN, INT64_MAX, &number) < 0)
		return false;
	return value[0] == '-' ? number >= field->min : number <= field->max;
}

bool spec_view_begins(const struct spec_type *type, const char *name, const char *value)
{
	const struct field *field = field_find(type->fields, name);

	if (field && field->type == FIELD_INT)
		return number_begins(field, value);
	return !field || !field->begins || field->begins(value);
}

int spec_view(const struct spec_type *type, const void *spec, const char *name, struct buf *out)
{
	const struct field *field = field_find(type->fields, name);
	const void *slot = field ? (const char *)spec + field->offset : NULL;

	if (!field)
		return -EINVAL;
	if (field->type == FIELD_INT)
		buf_printf(out, "%lld", (long long)*(const int64_t *)slot);
	else if (field->type == FIELD_TEXT && *(char *const *)slot)
		buf_puts(out, *(char *const *)slot);
	return out->error;
}

/* value as JSON: a number stays bare unless the text has a string there. */
static void put_value(const struct field *field, bool as_string, const char *value, struct buf *out)
{
	_cleanup_json_ json_t *string = NULL;
	int64_t number;

	/* JSON knows no 007. */
	if (field->type == FIELD_INT && !as_string &&
		text_parse_int(value, INT64_MIN, INT64_MAX, &number) == 0) {
		buf_printf(out, "%lld", (long long)number);
		return;
	}
	string = json_string(value);
	if (string)
		json_print(string, 0, out);
	else if (!out->error)
		out->error = -ENOMEM;
}

/* How the text writes its members. */
struct style {
	struct json_member last;
	size_t gap, gap_end; /* in front of a member's key */
	size_t colon, colon_end; /* between key and value */
	bool strings; /* numbers stand as strings */
};

static bool read_style(const struct spec_type *type, const char *text, struct json_span object,
	struct style *ret)
{
	size_t at = object.start, count = 0, behind = object.start + 1;

	*ret = (struct style){0};
	while (json_text_next(text, object, &at, &ret->last)) {
		const struct json_member *member = &ret->last;
		const struct field *field;
		char name[64] = "";

		ret->gap = behind;
		ret->gap_end = member->key;
		if (count++ == 0) {
			ret->colon = member->key_end;
			ret->colon_end = member->value;
		} else {
			/* Behind the comma. */
			ret->gap +=
				(size_t)((char *)memchr(text + behind, ',', object.end - behind) -
					 (text + behind)) +
				1;
		}
		behind = member->value_end;
		if (member->key_end - member->key - 2 < sizeof(name))
			memcpy(name, text + member->key + 1, member->key_end - member->key - 2);
		field = field_find(type->fields, name);
		if (field && field->type == FIELD_INT && text[member->value] == '"')
			ret->strings = true;
	}
	return count > 0;
}

/* A new member behind the last one, in the style of the others. Returns where the text goes on. */
static size_t put_member(const struct spec_type *type, const char *text, struct json_span object,
	const struct field *field, const char *value, struct buf *out)
{
	struct style style;

	if (!read_style(type, text, object, &style)) {
		buf_add(out, text, object.start + 1);
		buf_printf(out, "\"%s\":", field->name);
		put_value(field, false, value, out);
		return object.start + 1;
	}
	buf_add(out, text, style.last.value_end);
	buf_putc(out, ',');
	buf_add(out, text + style.gap, style.gap_end - style.gap);
	buf_printf(out, "\"%s\"", field->name);
	buf_add(out, text + style.colon, style.colon_end - style.colon);
	put_value(field, style.strings, value, out);
	return style.last.value_end;
}

int spec_text_set(const struct spec_type *type, const char *text, size_t len, const char *name,
	const char *value, struct buf *out, struct error *reterr)
{
	struct json_span object = json_text_object(text, len);
	const struct field *field = field_find(type->fields, name);
	struct json_member member;
	size_t rest = 0;

	if (!field || field->type == FIELD_LIST || field->type == FIELD_MAP)
		return error_set(reterr, -EINVAL, "\"%s\" is no field with a single value", name);
	if (object.start >= len || text[object.start] != '{')
		return error_set(reterr, -EINVAL, "there is no spec whose %s could be set", name);
	if (json_text_find(text, object, name, &member)) {
		buf_add(out, text, member.value);
		put_value(field, text[member.value] == '"', value, out);
		rest = member.value_end;
	} else if (*value) {
		rest = put_member(type, text, object, field, value, out);
	}
	/* A field that is missing has no value to clear. */
	buf_add(out, text + rest, len - rest);
	return out->error ? error_oom(reterr) : 0;
}
