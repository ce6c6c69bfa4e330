/* SPDX-License-Identifier: Apache-2.0 */
/* A look at all machines of this platform: one list by their tags, one of those that it misses by
 * their ids, and one of their disks where these are not known. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "cloud/aws/machine/machine_disk.h"
#include "cloud/aws/machine/machine_table.h"

#define FAILED_NS (2 * NS_PER_SECOND)
#define SHOWN_NS  (120 * NS_PER_SECOND) /* after this AWS shows what was made, or it is gone */

struct look {
	const char *platform;
	struct idmap hosts;
	int64_t began_ns;
	bool all; /* asked for everything */
	int error;
};

/* ---- asking ---- */

static bool carries_tags(const struct answer_node *item, const char *platform,
	const struct machine_row *told, const struct machine_row *known)
{
	const struct answer_node *tag = answer_find(item, "tagSet/item");

	while (tag && (strcmp(answer_text(tag, "key"), TAG_PLATFORM) != 0 ||
			      strcmp(answer_text(tag, "value"), platform) != 0))
		tag = answer_next(tag);
	return tag && told->host == known->host && strcmp(told->token, known->token) == 0;
}

typedef void (*instance_fn)(struct look *look, const struct answer_node *item, void *arg);

struct reading {
	struct look *look;
	instance_fn fn;
	void *arg;
};

static int take_page(void *arg, const struct answer_node *root)
{
	const struct answer_node *reservation = answer_find(root, "reservationSet/item"), *item;
	const struct reading *reading = arg;

	for (; reservation; reservation = answer_next(reservation)) {
		item = answer_find(reservation, "instancesSet/item");
		for (; item && reading->look->error == 0; item = answer_next(item))
			reading->fn(reading->look, item, reading->arg);
	}
	return reading->look->error;
}

static void take_listed(struct look *look, const struct answer_node *item, void *arg)
{
	struct machine_row row;

	(void)arg;
	machine_row_read(item, &row);
	row.listed = true;
	if (row.host > 0)
		look->error = machine_lists_put(&look->hosts, &row);
}

static int ask_by_tag(const struct account *account, struct look *look, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(EC2_DESCRIBE_INSTANCES);
	struct reading reading = {look, take_listed, NULL};
	struct fault fault;

	aws_request_set(&request, "Filter.1.Name", "tag:" TAG_PLATFORM);
	aws_request_set(&request, "Filter.1.Value.1", account->platform);
	return aws_client_pages(account->client, &request, take_page, &reading, &fault, reterr);
}

/* Rows as they were known. */
struct known {
	struct machine_row *rows;
	size_t count;
};

/* A tag that says that it is another host's makes it no machine of that host. */
static void disown(struct look *look, const struct machine_row *owned)
{
	struct machine_list *list;
	size_t position = 0;

	while ((list = idmap_next(&look->hosts, &position))) {
		struct machine_row *row = machine_list_find(list, owned->id);

		if (row && row->host != owned->host)
			row->phase = MACHINE_ENDED;
	}
}

/* Who it is its id says, whatever became of its tags. */
static void take_known(struct look *look, const struct answer_node *item, void *arg)
{
	const struct known *known = arg;
	const struct machine_row *before = NULL;
	struct machine_row row;

	machine_row_read(item, &row);
	for (size_t i = 0; i < known->count && !before; i++)
		if (strcmp(known->rows[i].id, row.id) == 0)
			before = &known->rows[i];
	if (!before)
		return;
	row.stripped = !carries_tags(item, look->platform, &row, before);
	if (row.stripped) {
		row.refused = before->refused;
		row.refused_ns = before->refused_ns;
		(void)text_copy(row.refusal, sizeof(row.refusal), before->refusal);
	}
	row.listed = true;
	row.host = before->host;
	(void)text_copy(row.token, sizeof(row.token), before->token);
	look->error = machine_lists_put(&look->hosts, &row);
	if (row.stripped)
		disown(look, &row);
}

/* Of a filter one that is not there is no fault. */
static int ask_by_id(const struct account *account, struct look *look, struct known *known,
	struct error *reterr)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < known->count; i += MACHINES_OF_CALL) {
		_cleanup_request_ struct aws_request request =
			aws_request_of(EC2_DESCRIBE_INSTANCES);
		struct reading reading = {look, take_known, known};
		struct fault fault;

		aws_request_set(&request, "Filter.1.Name", "instance-id");
		for (size_t j = i; j < known->count && j < i + MACHINES_OF_CALL; j++)
			aws_request_setf(&request, known->rows[j].id, "Filter.1.Value.%zu",
				j - i + 1);
		r = aws_client_pages(account->client, &request, take_page, &reading, &fault,
			reterr);
	}
	return r;
}

/* ---- what is known besides ---- */

/* What is told of it under other tags than it was made with is told of it all the same. */
static bool is_shown(struct look *look, const struct machine_row *row)
{
	struct machine_row *shown = machine_list_find(idmap_get(&look->hosts, row->host), row->id);

	return shown && strcmp(shown->token, row->token) == 0;
}

/* Those that lists have shown and this one does not; what it does show takes over what AWS tells
 * elsewhere. */
static int compare_known(struct machine_table *table, struct look *look, struct known *missed)
{
	struct machine_list *list;
	size_t position = 0;

	LOCKED(&table->lock);
	missed->rows = calloc(table->hosts.count * MACHINES_OF_HOST + 1, sizeof(*missed->rows));
	if (!missed->rows)
		return -ENOMEM;
	while ((list = idmap_next(&table->hosts, &position)))
		for (size_t i = 0; i < list->count; i++) {
			const struct machine_row *row = &list->rows[i];

			if (machine_is_alive(row) && row->listed && !is_shown(look, row))
				missed->rows[missed->count++] = *row;
		}
	return 0;
}

static void carry(struct machine_table *table, struct look *look)
{
	struct machine_list *list;
	size_t position = 0;

	LOCKED(&table->lock);
	while ((list = idmap_next(&look->hosts, &position)))
		for (size_t i = 0; i < list->count; i++) {
			struct machine_row *row = &list->rows[i];
			const struct machine_row *before =
				machine_list_find(idmap_get(&table->hosts, row->host), row->id);

			if (!before)
				continue;
			row->recalled = before->recalled;
			row->disk_gib = before->disk_gib;
			row->disk_told_ns = before->disk_told_ns;
			row->grow_gib = before->grow_gib;
			(void)text_copy(row->grow_words, sizeof(row->grow_words),
				before->grow_words);
		}
}

/* What one of them lacks is asked of all, when all are looked at, else of those that lack it. */
static int ask_disks(const struct account *account, struct look *look, struct error *reterr)
{
	struct machine_row **rows = calloc(look->hosts.count * MACHINES_OF_HOST + 1, sizeof(*rows));
	struct machine_list *list;
	size_t position = 0, count = 0;
	int r;

	while (rows && (list = idmap_next(&look->hosts, &position)))
		for (size_t i = 0; i < list->count; i++) {
			struct machine_row *row = &list->rows[i];

			if (machine_is_alive(row) && row->volume[0] &&
				(look->all || row->disk_gib == 0))
				rows[count++] = row;
		}
	r = rows ? machine_disks_ask(account, rows, count, reterr) : error_oom(reterr);
	free(rows);
	return r;
}

/* ---- putting it into place ---- */

static bool is_another(const struct machine_row *now, const struct machine_row *before)
{
	return now->phase != before->phase || strcmp(now->address, before->address) != 0 ||
	       now->disk_gib != before->disk_gib || now->grow_gib != 0 || now->stripped;
}

/* What was said of a machine by others than this look stays; true when something has changed. */
static bool merge(struct machine_list *old, struct look *look, int64_t host)
{
	struct machine_list *list = idmap_get(&look->hosts, host);
	bool changed = false;

	for (size_t i = 0; i < old->count; i++) {
		const struct machine_row *before = &old->rows[i];
		struct machine_row *row = machine_list_find(list, before->id);
		bool young = look->began_ns - before->told_ns < SHOWN_NS;

		if (row) {
			row->recalled = before->recalled;
			if (before->disk_told_ns > look->began_ns) {
				row->disk_gib = before->disk_gib;
				row->grow_gib = before->grow_gib;
			}
			changed = changed || is_another(row, before);
		} else if (young && (!before->listed || !machine_is_alive(before))) {
			(void)machine_lists_put(&look->hosts, before);
			list = idmap_get(&look->hosts, host);
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
static void take_over(struct machine_table *table, struct look *look, struct news *news)
{
	struct machine_list *list;
	size_t position = 0;

	LOCKED(&table->lock);
	news->hosts = calloc(table->hosts.count + 1, sizeof(*news->hosts));
	while ((list = idmap_next(&table->hosts, &position))) {
		int64_t host = list->rows[0].host;

		if (merge(list, look, host) && news->hosts)
			news->hosts[news->count++] = host;
	}
	machine_lists_done(&table->hosts);
	table->hosts = look->hosts;
	look->hosts = (struct idmap){0};
	table->looked_ns = look->began_ns;
}

static bool is_fresh(struct machine_table *table, int64_t age_ns)
{
	LOCKED(&table->lock);
	return table->looked_ns && clock_now_ns() - table->looked_ns < age_ns;
}

static int ask(struct machine_table *table, const struct account *account, struct look *look,
	struct error *reterr)
{
	struct known missed = {NULL, 0};
	int r = ask_by_tag(account, look, reterr);

	if (r == 0 && compare_known(table, look, &missed) < 0)
		r = error_oom(reterr);
	if (r == 0)
		r = ask_by_id(account, look, &missed, reterr);
	free(missed.rows);
	if (r < 0)
		return r;
	carry(table, look);
	return ask_disks(account, look, reterr);
}

static int look_now(struct machine_table *table, const struct account *account, bool all,
	struct error *reterr)
{
	struct look look = {.platform = account->platform, .began_ns = clock_now_ns(), .all = all};
	struct news news = {0};
	machine_table_fn changed;
	int r = ask(table, account, &look, reterr);

	lock_acquire(&table->lock);
	changed = table->changed;
	lock_release(&table->lock);
	if (r == 0)
		take_over(table, &look, &news);
	machine_lists_done(&look.hosts);
	for (size_t i = 0; changed && i < news.count; i++)
		changed(table->arg, news.hosts[i]);
	free(news.hosts);
	return r;
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

static int look_unless_failed(struct machine_table *table, const struct account *account, bool all,
	struct error *reterr)
{
	struct error error = ERROR_INIT;
	int r = recent_failure(table, reterr);

	if (r < 0)
		return r;
	r = note_failure(table, look_now(table, account, all, &error), &error);
	if (r < 0 && reterr)
		*reterr = error;
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
	if (!is_fresh(table, age_ns))
		r = look_unless_failed(table, account, age_ns == 0, reterr);
	if (mine)
		turn_give(&table->turn);
	return r;
}

/* ---- one by its id ---- */

/* Found under other tags it is moved to where it belongs. */
static bool is_known(struct machine_table *table, const struct machine_row *as)
{
	struct machine_row *row;

	LOCKED(&table->lock);
	row = machine_list_find(idmap_get(&table->hosts, as->host), as->id);
	if (row && strcmp(row->token, as->token) != 0) {
		(void)text_copy(row->token, sizeof(row->token), as->token);
		row->stripped = true;
	}
	return row;
}

int machine_table_claim(struct machine_table *table, const struct account *account, int64_t host,
	const char *token, const char *id, struct error *reterr)
{
	struct machine_row row = {.host = host};
	struct known known = {&row, 1};
	struct look look = {.platform = account->platform, .began_ns = clock_now_ns()};
	const struct machine_list *list;
	int r;

	(void)text_copy(row.token, sizeof(row.token), token);
	(void)text_copy(row.id, sizeof(row.id), id);
	if (!*id || is_known(table, &row))
		return 0;
	r = ask_by_id(account, &look, &known, reterr);
	if (r == 0)
		r = ask_disks(account, &look, reterr);
	list = r == 0 ? idmap_get(&look.hosts, host) : NULL;
	if (list && machine_table_put(table, &list->rows[0]) < 0)
		r = error_oom(reterr);
	machine_lists_done(&look.hosts);
	return r;
}
