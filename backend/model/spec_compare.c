/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compares what two specs mean. Allocates nothing: a comparison that could fail would replace
 * containers that need no replacement.
 */
#include "model/spec.h"

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
	const void *left = a, *right = b;
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
	return field->custom->equal(left, right);
}

/* Name is left out: the directory says it. */
const struct field *spec_difference(const struct spec_type *type, const void *a, const void *b,
	unsigned flags)
{
	const struct field *field;

	for (field = type->fields; field->name; field++)
		if ((field->flags & flags) == flags && strcmp(field->name, "Name") != 0 &&
			!values_equal(field, a, b))
			return field;
	return NULL;
}

bool spec_equal(const struct spec_type *type, const void *a, const void *b, unsigned flags)
{
	return !spec_difference(type, a, b, flags);
}
