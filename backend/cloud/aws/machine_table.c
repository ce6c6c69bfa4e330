/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/machine_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

#define FAILED_NS (2 * NS_PER_SECOND)
#define SHOWN_NS  (120 * NS_PER_SECOND) /* after this AWS shows what was made, or it is gone */

bool machine_is_alive(const struct machine_row *row)
{
	return row->phase == MACHINE_PENDING || row->phase == MACHINE_RUNNING ||
	       row->phase == MACHINE_STOPPED;
}

struct machine_list {
	size_t count;
	struct machine_row rows[MACHINES_OF_HOST];
};

static void lists_done(struct idmap *map)
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
	lists_done(&table->hosts);
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

void machine_row_read(const struct answer_node *item, struct machine_row *ret)
{
	*ret = (struct machine_row){
		.phase = phase_of(answer_text(item, "instanceState/name")),
		.told_ns = clock_now_ns(),
	};
	(void)text_parse_int(tag_of(item, TAG_HOST_ID), 1, INT64_MAX, &ret->host);
	(void)text_copy(ret->id, sizeof(ret->id), answer_text(item, "instanceId"));
	(void)text_copy(ret->token, sizeof(ret->token), tag_of(item, TAG_TOKEN));
	(void)text_copy(ret->type, sizeof(ret->type), answer_text(item, "instanceType"));
	(void)text_copy(ret->address, sizeof(ret->address), answer_text(item, "privateIpAddress"));
	(void)text_copy(ret->launched, sizeof(ret->launched), answer_text(item, "launchTime"));
}

/* ---- the table ---- */

static int compare(const void *a, const void *b)
{
	const struct machine_row *left = a, *right = b;
	int order = strcmp(left->launched, right->launched);

	return order ? order : strcmp(left->id, right->id);
}

static struct machine_row *find(struct machine_list *list, const char *id)
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

static int put(struct idmap *map, const struct machine_row *row)
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
	place = find(list, row->id);
	if (!place)
		place = room_in(list);
	*place = *row;
	qsort(list->rows, list->count, sizeof(list->rows[0]), compare);
	return 0;
}

int machine_table_put(struct machine_table *table, const struct machine_row *row)
{
	LOCKED(&table->lock);
	return put(&table->hosts, row);
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
		row = find(list, id);
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

/* ---- a look at all of them ---- */

struct look {
	struct idmap hosts;
	int error;
};

static int take_page(void *arg, const struct answer_node *root)
{
	const struct answer_node *reservation = answer_find(root, "reservationSet/item"), *item;
	struct look *look = arg;
	struct machine_row row;

	for (; reservation; reservation = answer_next(reservation)) {
		item = answer_find(reservation, "instancesSet/item");
		for (; item && look->error == 0; item = answer_next(item)) {
			machine_row_read(item, &row);
			if (row.host > 0)
				look->error = put(&look->hosts, &row);
		}
	}
	return look->error;
}

static int ask(const struct account *account, struct look *look, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(EC2_DESCRIBE_INSTANCES);
	struct fault fault;

	aws_request_set(&request, "Filter.1.Name", "tag:" TAG_PLATFORM);
	aws_request_set(&request, "Filter.1.Value.1", account->platform);
	return aws_client_pages(account->client, &request, take_page, look, &fault, reterr);
}

/* What was said of a machine by others than this look stays; true when something has changed. */
static bool merge(struct machine_list *old, struct idmap *hosts, int64_t host, int64_t began_ns)
{
	struct machine_list *list = idmap_get(hosts, host);
	bool changed = false;

	for (size_t i = 0; i < old->count; i++) {
		struct machine_row *row = find(list, old->rows[i].id);

		if (row) {
			row->recalled = old->rows[i].recalled;
			changed = changed || row->phase != old->rows[i].phase ||
				  strcmp(row->address, old->rows[i].address) != 0;
		} else if (began_ns - old->rows[i].told_ns < SHOWN_NS) {
			(void)put(hosts, &old->rows[i]);
			list = idmap_get(hosts, host);
		} else {
			changed = true;
		}
	}
	return changed || (list && list->count > old->count);
}

struct news {
	int64_t *hosts;
	size_t count;
};

/* Puts what was seen into the place of what was known. */
static void take_over(struct machine_table *table, struct look *look, int64_t began_ns,
	struct news *news)
{
	struct machine_list *list;
	size_t position = 0;

	LOCKED(&table->lock);
	news->hosts = calloc(table->hosts.count + 1, sizeof(*news->hosts));
	while ((list = idmap_next(&table->hosts, &position))) {
		int64_t host = list->rows[0].host;

		if (merge(list, &look->hosts, host, began_ns) && news->hosts)
			news->hosts[news->count++] = host;
	}
	lists_done(&table->hosts);
	table->hosts = look->hosts;
	look->hosts = (struct idmap){0};
	table->looked_ns = began_ns;
}

static bool is_fresh(struct machine_table *table, int64_t age_ns)
{
	LOCKED(&table->lock);
	return table->looked_ns && clock_now_ns() - table->looked_ns < age_ns;
}

static int note_failure(struct machine_table *table, int r, const struct error *error)
{
	LOCKED(&table->lock);
	table->failed_ns = r < 0 && r != -ECANCELED ? clock_now_ns() : 0;
	table->failure = *error;
	return r;
}

/* -EAGAIN and so on, as it failed a moment ago; 0: it did not. */
static int recent_failure(struct machine_table *table, struct error *reterr)
{
	LOCKED(&table->lock);
	if (!table->failed_ns || clock_now_ns() - table->failed_ns >= FAILED_NS)
		return 0;
	if (reterr)
		*reterr = table->failure;
	return table->failure.code;
}

static int look_now(struct machine_table *table, const struct account *account,
	struct error *reterr)
{
	struct look look = {.error = 0};
	int64_t began_ns = clock_now_ns();
	struct news news = {0};
	machine_table_fn changed;
	int r = ask(account, &look, reterr);

	lock_acquire(&table->lock);
	changed = table->changed;
	lock_release(&table->lock);
	if (r == 0)
		take_over(table, &look, began_ns, &news);
	lists_done(&look.hosts);
	for (size_t i = 0; changed && i < news.count; i++)
		changed(table->arg, news.hosts[i]);
	free(news.hosts);
	return r;
}

int machine_table_look(struct machine_table *table, const struct account *account, int64_t age_ns,
	struct error *reterr)
{
	bool mine;
	int r = 0;

	if (is_fresh(table, age_ns))
		return 0;
	mine = turn_take(&table->turn);
	if (mine || !is_fresh(table, age_ns))
		r = recent_failure(table, reterr);
	if (r == 0 && !is_fresh(table, age_ns)) {
		struct error error = ERROR_INIT;

		r = note_failure(table, look_now(table, account, &error), &error);
		if (r < 0 && reterr)
			*reterr = error;
	}
	if (mine)
		turn_give(&table->turn);
	return r;
}
