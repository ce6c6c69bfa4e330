/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A spec in one form, whatever its text looked like: two specs are equal when their prints are.
 */
#include "model/service.h"

#include <errno.h>
#include <string.h>

#include "model/service_internal.h"

/* Strings carry their length, so that no content can look like another structure. */
static void print_string(const char *text, struct buf *out)
{
	if (text)
		buf_printf(out, "%zu:%s,", strlen(text), text);
	else
		buf_puts(out, "-,");
}

static void print_strings(char *const *list, struct buf *out)
{
	if (!list)
		buf_puts(out, "-");
	for (; list && *list; list++)
		print_string(*list, out);
	buf_putc(out, ';');
}

static void print_value(const struct field *field, const void *slot, struct buf *out);

static void print_health(const struct health_spec *health, struct buf *out)
{
	const struct field *field;

	for (field = health_fields; field->name; field++)
		print_value(field, (const char *)health + field->offset, out);
}

static void print_value(const struct field *field, const void *slot, struct buf *out)
{
	switch (field->type) {
	case FIELD_TEXT:
		print_string(*(char *const *)slot, out);
		break;
	case FIELD_INT:
	case FIELD_DECIMAL:
		buf_printf(out, "%lld,", (long long)*(const int64_t *)slot);
		break;
	case FIELD_BOOL:
		buf_printf(out, "%d,", *(const bool *)slot);
		break;
	case FIELD_LIST:
	case FIELD_MAP:
		print_strings(*(char **const *)slot, out);
		break;
	case FIELD_CUSTOM:
		break;
	}
}

/* Fields that have all of flags; Name is left out, the directory says it. */
static void print_spec(const struct service_spec *spec, unsigned flags, struct buf *out)
{
	const struct field *field;

	for (field = service_fields + 1; field->name; field++)
		if ((field->flags & flags) == flags)
			print_value(field, (const char *)spec + field->offset, out);
	if (flags)
		return;
	print_health(&spec->health, out);
	print_strings(spec->hosts, out);
	buf_printf(out, "%d,%d,", spec->spot, spec->on_change);
	print_string(spec->on_change_signal, out);
}

static bool prints_equal(const struct service_spec *a, const struct service_spec *b, unsigned flags)
{
	_cleanup_buf_ struct buf left = BUF_INIT;
	_cleanup_buf_ struct buf right = BUF_INIT;

	print_spec(a, flags, &left);
	print_spec(b, flags, &right);
	return !left.error && !right.error && strcmp(buf_string(&left), buf_string(&right)) == 0;
}

bool service_spec_equal(const struct service_spec *a, const struct service_spec *b)
{
	return prints_equal(a, b, 0);
}

bool service_spec_same_template(const struct service_spec *a, const struct service_spec *b)
{
	return prints_equal(a, b, FIELD_TEMPLATE);
}

int service_spec_view(const struct service_spec *spec, const char *name, struct buf *out)
{
	const struct field *field;

	for (field = service_fields; field->name; field++) {
		const void *slot = (const char *)spec + field->offset;

		if (strcmp(field->name, name) != 0)
			continue;
		if (field->type == FIELD_INT)
			buf_printf(out, "%lld", (long long)*(const int64_t *)slot);
		else if (field->type == FIELD_TEXT && *(char *const *)slot)
			buf_puts(out, *(char *const *)slot);
		return out->error;
	}
	return -EINVAL;
}
