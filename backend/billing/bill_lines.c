/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/bill_lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static bool same(const struct bill_line *a, const struct bill_line *b)
{
	return a->kind == b->kind && strcmp(a->service, b->service) == 0 &&
	       strcmp(a->name, b->name) == 0 && strcmp(a->sku, b->sku) == 0 &&
	       strcmp(a->region, b->region) == 0;
}

static int64_t hash(const struct bill_line *key, int64_t probe)
{
	uint64_t value = text_hash(key->service, strlen(key->service));

	value = value * 31 + text_hash(key->name, strlen(key->name));
	value = value * 31 + text_hash(key->sku, strlen(key->sku));
	value = value * 31 + text_hash(key->region, strlen(key->region));
	return (int64_t)(value * 31 + (uint64_t)key->kind) + probe;
}

static int add(struct bill_lines *lines, const struct bill_line *key, int64_t place)
{
	struct bill_line *line;

	if (lines->count == lines->capacity) {
		size_t more = lines->capacity ? 2 * lines->capacity : 32;
		struct bill_line *grown = reallocarray(lines->all, more, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		lines->all = grown;
		lines->capacity = more;
	}
	line = &lines->all[lines->count];
	*line = (struct bill_line){.kind = key->kind};
	(void)text_copy(line->service, sizeof(line->service), key->service);
	(void)text_copy(line->name, sizeof(line->name), key->name);
	(void)text_copy(line->sku, sizeof(line->sku), key->sku);
	(void)text_copy(line->region, sizeof(line->region), key->region);
	lines->count++;
	return idmap_put(&lines->places, place,
		(void *)lines->count); /* NOLINT: a number, not a place */
}

int bill_lines_find(struct bill_lines *lines, const struct bill_line *key, size_t *ret)
{
	for (int64_t probe = 0;; probe++) {
		int64_t place = hash(key, probe);
		size_t index = (size_t)idmap_get(&lines->places, place); /* NOLINT */
		int r;

		if (index > 0 && same(&lines->all[index - 1], key)) {
			*ret = index - 1;
			return 0;
		}
		if (index > 0)
			continue;
		r = add(lines, key, place);
		if (r == 0)
			*ret = lines->count - 1;
		return r;
	}
}

void bill_lines_add(struct bill_lines *lines, size_t line, int64_t at_ns, int64_t nano)
{
	int64_t day = (at_ns - lines->month_ns) / CALENDAR_DAY_NS;

	lines->all[line].nano += nano;
	if (day >= 0 && day < BILL_DAYS_MAX)
		lines->all[line].daily[day] += nano;
}

struct bill_use *bill_lines_use(struct bill_lines *lines, size_t line, int64_t at_ns)
{
	int64_t day = (at_ns - lines->month_ns) / CALENDAR_DAY_NS;

	return &lines->all[line].use[day < BILL_DAYS_MAX ? day : BILL_DAYS_MAX - 1];
}

void bill_lines_done(struct bill_lines *lines)
{
	free(lines->all);
	idmap_done(&lines->places);
	*lines = (struct bill_lines){0};
}
