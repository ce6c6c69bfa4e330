/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/settled.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/idmap.h"
#include "base/lock.h"
#include "base/text.h"
#include "cloud/aws/survey.h"

struct settled_row {
	int64_t object;
	enum settled_part part;
	int64_t put_ns; /* monotonic */
	struct settled_entry entry;
	uint64_t targets;
	int64_t asked_ns;
};

struct settled {
	struct lock lock;
	struct idmap rows;
};

uint64_t settled_fact(const char *first, ...)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	va_list list;

	va_start(list, first);
	for (const char *part = first; part; part = va_arg(list, const char *))
		buf_printf(&text, "%s\n", part);
	va_end(list);
	return text_hash(buf_string(&text), text.len) | 1;
}

void settled_add(struct settled_entry *entry, uint64_t fact)
{
	if (entry->count < SETTLED_FACTS)
		entry->facts[entry->count++] = fact;
}

struct settled *settled_new(void)
{
	struct settled *settled = calloc(1, sizeof(*settled));

	if (settled)
		lock_init(&settled->lock, LOCK_LEAF);
	return settled;
}

void settled_free(struct settled *settled)
{
	size_t position = 0;
	void *row;

	if (!settled)
		return;
	while ((row = idmap_next(&settled->rows, &position)))
		free(row);
	idmap_done(&settled->rows);
	lock_done(&settled->lock);
	free(settled);
}

static int64_t key_of(int64_t object, enum settled_part part)
{
	return object * SETTLED_PARTS + (int64_t)part;
}

static struct settled_row *row_of(struct settled *settled, int64_t object, enum settled_part part)
{
	return idmap_get(&settled->rows, key_of(object, part));
}

void settled_put(struct settled *settled, int64_t object, enum settled_part part,
	const struct settled_entry *entry)
{
	struct settled_row *row;

	LOCKED(&settled->lock);
	row = row_of(settled, object, part);
	if (!row) {
		row = calloc(1, sizeof(*row));
		if (!row || idmap_put(&settled->rows, key_of(object, part), row) < 0) {
			free(row);
			return;
		}
	}
	*row = (struct settled_row){
		.object = object, .part = part, .put_ns = clock_now_ns(), .entry = *entry};
}

void settled_drop(struct settled *settled, int64_t object, enum settled_part part)
{
	LOCKED(&settled->lock);
	free(idmap_remove(&settled->rows, key_of(object, part)));
}

bool settled_get(struct settled *settled, int64_t object, enum settled_part part,
	struct settled_entry *ret)
{
	const struct settled_row *row;

	LOCKED(&settled->lock);
	row = row_of(settled, object, part);
	if (row)
		*ret = row->entry;
	return row != NULL;
}

/* ---- targets ---- */

void settled_put_targets(struct settled *settled, int64_t service, uint64_t targets)
{
	struct settled_row *row;

	LOCKED(&settled->lock);
	row = row_of(settled, service, SETTLED_BALANCER);
	if (row)
		row->targets = targets;
}

int64_t settled_asked_ns(struct settled *settled, int64_t service)
{
	const struct settled_row *row;

	LOCKED(&settled->lock);
	row = row_of(settled, service, SETTLED_BALANCER);
	return row && row->targets ? row->asked_ns : -1;
}

bool settled_check_targets(struct settled *settled, int64_t service, uint64_t targets)
{
	struct settled_row *row;

	LOCKED(&settled->lock);
	row = row_of(settled, service, SETTLED_BALANCER);
	if (!row)
		return true;
	row->asked_ns = clock_now_ns();
	if (row->targets == targets || row->targets == 0)
		return true;
	free(idmap_remove(&settled->rows, key_of(service, SETTLED_BALANCER)));
	return false;
}

/* ---- comparing ---- */

static bool is_seen(const struct settled_row *row, const struct survey_seen *seen)
{
	uint32_t ignored;

	for (size_t i = 0; i < row->entry.count; i++)
		if (!key_map_get(&seen->facts, (int64_t)row->entry.facts[i], &ignored))
			return false;
	return true;
}

static enum estate_level level_of(enum settled_part part)
{
	return part == SETTLED_RESOURCE ? ESTATE_OF_RESOURCE : ESTATE_OF_SERVICE;
}

struct finding {
	int64_t object;
	enum settled_part part;
};

static bool differs(const struct settled_row *row, const struct survey_seen *seen)
{
	return !is_seen(row, seen) && !survey_is_unseen(seen, row->entry.type);
}

/* All rows that differ, and were brought to what they are before until_ns; NULL: no memory.
 * *ret_young: others, from then until began_ns, do, too. */
static struct finding *find_all(struct settled *settled, const struct survey_seen *seen,
	int64_t until_ns, int64_t began_ns, size_t *ret_count, bool *ret_young)
{
	const struct settled_row *row;
	struct finding *all;
	size_t position = 0;

	LOCKED(&settled->lock);
	*ret_count = 0;
	*ret_young = false;
	all = calloc(settled->rows.count + 1, sizeof(*all));
	while (all && (row = idmap_next(&settled->rows, &position))) {
		if (row->put_ns >= began_ns || !differs(row, seen))
			continue;
		if (row->put_ns < until_ns)
			all[(*ret_count)++] = (struct finding){row->object, row->part};
		else
			*ret_young = true;
	}
	return all;
}

int settled_compare(struct settled *settled, const struct survey *survey, int64_t began_ns)
{
	const struct estate_hearer *hearer = survey->hearer;
	size_t count;
	bool young;
	_cleanup_free_ struct finding *all = find_all(settled, survey->seen,
		began_ns - hearer->lag_ns, began_ns, &count, &young);
	int r = all ? 0 : -ENOMEM;

	if (young)
		hearer->unsure(hearer->arg);
	for (size_t i = 0; r == 0 && i < count; i++) {
		settled_drop(settled, all[i].object, all[i].part);
		r = hearer->differs(hearer->arg, level_of(all[i].part), all[i].object);
	}
	return r;
}
