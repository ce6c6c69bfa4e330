/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/machine/machine_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

bool machine_is_alive(const struct machine_row *row)
{
	return row->phase == MACHINE_PENDING || row->phase == MACHINE_RUNNING ||
	       row->phase == MACHINE_STOPPED;
}

void machine_lists_done(struct idmap *map)
{
	size_t position = 0;
	void *list;

	while ((list = idmap_next(map, &position)))
		free(list);
	idmap_done(map);
	*map = (struct idmap){0};
}

void machine_table_init(struct machine_table *table)
{
	*table = (struct machine_table){0};
	lock_init(&table->lock, LOCK_CLOUD);
	turn_init(&table->turn);
}

void machine_table_done(struct machine_table *table)
{
	machine_lists_done(&table->hosts);
	turn_done(&table->turn);
	lock_done(&table->lock);
}

void machine_table_watch(struct machine_table *table, machine_table_fn fn, void *arg)
{
	LOCKED(&table->lock);
	table->changed = fn;
	table->arg = arg;
}

void machine_table_doubt(struct machine_table *table)
{
	LOCKED(&table->lock);
	table->looked_ns = 0;
}

/* ---- what AWS says ---- */

static enum machine_phase phase_of(const char *name)
{
	static const struct {
		const char *name;
		enum machine_phase phase;
	} states[] = {
		{"pending", MACHINE_PENDING},
		{"running", MACHINE_RUNNING},
		{"stopping", MACHINE_STOPPED},
		{"stopped", MACHINE_STOPPED},
		{"shutting-down", MACHINE_ENDING},
	};

	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (strcmp(states[i].name, name) == 0)
			return states[i].phase;
	return MACHINE_ENDED;
}

static const char *tag_of(const struct answer_node *item, const char *key)
{
	const struct answer_node *tag = answer_find(item, "tagSet/item");

	for (; tag; tag = answer_next(tag))
		if (strcmp(answer_text(tag, "key"), key) == 0)
			return answer_text(tag, "value");
	return "";
}

/* The disk that it starts from. */
static const char *root_volume(const struct answer_node *item)
{
	const struct answer_node *disk = answer_find(item, "blockDeviceMapping/item");
	const char *root = answer_text(item, "rootDeviceName");

	while (disk && strcmp(answer_text(disk, "deviceName"), root) != 0)
		disk = answer_next(disk);
	return disk ? answer_text(disk, "ebs/volumeId") : "";
}

void machine_row_read(const struct answer_node *item, struct machine_row *ret)
{
	*ret = (struct machine_row){
		.phase = phase_of(answer_text(item, "instanceState/name")),
		.spot = strcmp(answer_text(item, "instanceLifecycle"), "spot") == 0,
		.told_ns = clock_now_ns(),
	};
	(void)text_parse_int(tag_of(item, TAG_HOST_ID), 1, INT64_MAX, &ret->host);
	(void)text_copy(ret->id, sizeof(ret->id), answer_text(item, "instanceId"));
	(void)text_copy(ret->token, sizeof(ret->token), tag_of(item, TAG_TOKEN));
	(void)text_copy(ret->type, sizeof(ret->type), answer_text(item, "instanceType"));
	(void)text_copy(ret->address, sizeof(ret->address), answer_text(item, "privateIpAddress"));
	(void)text_copy(ret->volume, sizeof(ret->volume), root_volume(item));
	(void)text_copy(ret->launched, sizeof(ret->launched), answer_text(item, "launchTime"));
}

/* ---- the table ---- */

static int compare(const void *a, const void *b)
{
	const struct machine_row *left = a, *right = b;
	int order = strcmp(left->launched, right->launched);

	return order ? order : strcmp(left->id, right->id);
}

struct machine_row *machine_list_find(struct machine_list *list, const char *id)
{
	for (size_t i = 0; list && i < list->count; i++)
		if (strcmp(list->rows[i].id, id) == 0)
			return &list->rows[i];
	return NULL;
}

/* In the place of one that has ended, when there are too many. */
static struct machine_row *room_in(struct machine_list *list)
{
	if (list->count < MACHINES_OF_HOST)
		return &list->rows[list->count++];
	for (size_t i = 0; i < list->count; i++)
		if (list->rows[i].phase == MACHINE_ENDED)
			return &list->rows[i];
	return &list->rows[0];
}

int machine_lists_put(struct idmap *map, const struct machine_row *row)
{
	struct machine_list *list = idmap_get(map, row->host);
	struct machine_row *place;

	if (!list) {
		list = calloc(1, sizeof(*list));
		if (!list || idmap_put(map, row->host, list) < 0) {
			free(list);
			return -ENOMEM;
		}
	}
	place = machine_list_find(list, row->id);
	if (!place)
		place = room_in(list);
	*place = *row;
	qsort(list->rows, list->count, sizeof(list->rows[0]), compare);
	return 0;
}

int machine_table_put(struct machine_table *table, const struct machine_row *row)
{
	LOCKED(&table->lock);
	return machine_lists_put(&table->hosts, row);
}

size_t machine_table_of(struct machine_table *table, int64_t host,
	struct machine_row ret[MACHINES_OF_HOST])
{
	const struct machine_list *list;

	LOCKED(&table->lock);
	list = idmap_get(&table->hosts, host);
	for (size_t i = 0; list && i < list->count; i++)
		ret[i] = list->rows[i];
	return list ? list->count : 0;
}

struct machine_row *machine_table_alive(struct machine_table *table, size_t *ret_count)
{
	const struct machine_list *list;
	struct machine_row *rows;
	size_t position = 0;

	LOCKED(&table->lock);
	*ret_count = 0;
	rows = calloc(table->hosts.count * MACHINES_OF_HOST + 1, sizeof(*rows));
	while (rows && (list = idmap_next(&table->hosts, &position)))
		for (size_t i = 0; i < list->count; i++)
			if (machine_is_alive(&list->rows[i]))
				rows[(*ret_count)++] = list->rows[i];
	return rows;
}

bool machine_table_recall(struct machine_table *table, const char *id)
{
	machine_table_fn changed = NULL;
	struct machine_list *list;
	struct machine_row *row;
	size_t position = 0;
	int64_t host = 0;

	lock_acquire(&table->lock);
	while (host == 0 && (list = idmap_next(&table->hosts, &position))) {
		row = machine_list_find(list, id);
		if (!row)
			continue;
		row->recalled = true;
		host = row->host;
		changed = table->changed;
	}
	lock_release(&table->lock);
	if (changed)
		changed(table->arg, host);
	return host != 0;
}
