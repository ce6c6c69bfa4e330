/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compares what two specs mean. Allocates nothing: a comparison that could fail would replace
 * containers that need no replacement.
 */
#include "model/service.h"

#include <string.h>

static bool texts_equal(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool lists_equal(char *const *a, char *const *b)
{
	if (!a || !b)
		return a == b;
	for (; *a && *b; a++, b++)
		if (strcmp(*a, *b) != 0)
			return false;
	return *a == *b;
}

static bool values_equal(const struct field *field, const void *a, const void *b)
{
	const struct service_spec *left = a, *right = b;
	const struct field *member;

	a = (const char *)a + field->offset;
	b = (const char *)b + field->offset;
	switch (field->type) {
	case FIELD_TEXT:
		return texts_equal(*(char *const *)a, *(char *const *)b);
	case FIELD_INT:
	case FIELD_DECIMAL:
		return *(const int64_t *)a == *(const int64_t *)b;
	case FIELD_BOOL:
		return *(const bool *)a == *(const bool *)b;
	case FIELD_LIST:
	case FIELD_MAP:
		return lists_equal(*(char **const *)a, *(char **const *)b);
	case FIELD_OBJECT:
		for (member = field->members; member->name; member++)
			if (!values_equal(member, a, b))
				return false;
		return true;
	case FIELD_CUSTOM:
		break;
	}
	return left->on_change == right->on_change &&
	       texts_equal(left->on_change_signal, right->on_change_signal);
}

/* Fields that have all of flags; Name is left out, the directory says it. */
static bool fields_equal(const struct service_spec *a, const struct service_spec *b, unsigned flags)
{
	const struct field *field;

	for (field = service_fields; field->name; field++)
		if ((field->flags & flags) == flags && strcmp(field->name, "Name") != 0 &&
			!values_equal(field, a, b))
			return false;
	return true;
}

bool service_spec_equal(const struct service_spec *a, const struct service_spec *b)
{
	return fields_equal(a, b, 0);
}

bool service_spec_same_template(const struct service_spec *a, const struct service_spec *b)
{
	/* With a balancer, whatever its port, a container is published at a port of its host. */
	return (a->lb_port > 0) == (b->lb_port > 0) && fields_equal(a, b, FIELD_TEMPLATE);
}
