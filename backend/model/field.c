/* SPDX-License-Identifier: Apache-2.0 */
#include "model/field.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

const struct field *field_find(const struct field *fields, const char *name)
{
	for (; fields->name; fields++)
		if (strcmp(fields->name, name) == 0)
			return fields;
	return NULL;
}

const char *field_nearest(const struct field *fields, const char *name)
{
	const char *words[64];
	size_t i;

	for (i = 0; fields[i].name && i + 1 < ARRAY_SIZE(words); i++)
		words[i] = fields[i].name;
	words[i] = NULL;
	return text_nearest(name, words);
}
