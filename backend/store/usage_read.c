/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger's reading side: one payer's window as arrays, in a few queries. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/text.h"
#include "store/store_private.h"
#include "store/usage.h"
#include "store/usage_pack.h"

struct loading {
	struct connection *connection;
	int64_t payer, from_ns, to_ns;
	struct usage_set *set;
	struct idmap places; /* subject id -> index + 1 */
	size_t subjects, intervals, measures, actuals; /* capacities */
};

/* Room for one more of size bytes; -ENOMEM. */
static int grow(void *array, size_t *capacity, size_t count, size_t size)
{
	void **slot = array, *grown;
	size_t more = *capacity ? 2 * *capacity : 64;

	if (count < *capacity)
		return 0;
	grown = reallocarray(*slot, more, size);
	if (!grown)
		return -ENOMEM;
	*slot = grown;
	*capacity = more;
	return 0;
}

static void copy(char *target, size_t size, sqlite3_stmt *statement, int column)
{
	const char *text = (const char *)sqlite3_column_text(statement, column);

	(void)text_copy(target, size, text ? text : "");
}

static int add_subject(struct loading *loading, sqlite3_stmt *statement)
{
	struct usage_set *set = loading->set;
	struct usage_subject *subject;
	int r = grow(&set->subjects, &loading->subjects, set->subject_count,
		sizeof(*set->subjects));

	if (r < 0)
		return r;
	subject = &set->subjects[set->subject_count];
	*subject = (struct usage_subject){
		.kind = (enum usage_kind)sqlite3_column_int(statement, 1),
		.cpu_milli = sqlite3_column_int64(statement, 7),
		.memory_mib = sqlite3_column_int64(statement, 8),
		.quantity = sqlite3_column_int64(statement, 9),
	};
	copy(subject->service, sizeof(subject->service), statement, 2);
	copy(subject->name, sizeof(subject->name), statement, 3);
	copy(subject->host, sizeof(subject->host), statement, 4);
	copy(subject->sku, sizeof(subject->sku), statement, 5);
	copy(subject->region, sizeof(subject->region), statement, 6);
	set->subject_count++;
	return idmap_put(&loading->places, sqlite3_column_int64(statement, 0),
		(void *)set->subject_count); /* NOLINT: a number, not a place */
}

/* Index + 1 of a subject, which is read when it is seen first: of those of years ago a month has
 * few. 0: there is none. */
static int find_place(struct loading *loading, int64_t id, size_t *ret)
{
	int r;

	*ret = (size_t)idmap_get(&loading->places, id); /* NOLINT: a number, not a place */
	if (*ret == 0) {
		_cleanup_statement_ sqlite3_stmt *statement = connection_query(loading->connection,
			"SELECT id, kind, service, name, host, sku, region, cpu_milli, memory_mib,"
			" quantity FROM usage_subject WHERE id = ?1",
			"i", id);

		r = connection_step(loading->connection, statement);
		if (r > 0)
			r = add_subject(loading, statement);
		if (r < 0)
			return r;
		*ret = (size_t)idmap_get(&loading->places, id); /* NOLINT */
	}
	return 0;
}

/* Rows of subject, start, end. */
static int load_intervals(struct loading *loading, sqlite3_stmt *statement)
{
	struct usage_set *set = loading->set;
	int r;

	while ((r = connection_step(loading->connection, statement)) > 0) {
		int64_t start_ns = sqlite3_column_int64(statement, 1);
		int64_t end_ns = sqlite3_column_int64(statement, 2);
		size_t place;

		if (start_ns < loading->from_ns)
			start_ns = loading->from_ns;
		if (end_ns > loading->to_ns)
			end_ns = loading->to_ns;
		if (start_ns >= end_ns)
			continue;
		r = find_place(loading, sqlite3_column_int64(statement, 0), &place);
		if (r < 0)
			return r;
		if (place == 0)
			continue;
		r = grow(&set->intervals, &loading->intervals, set->interval_count,
			sizeof(*set->intervals));
		if (r < 0)
			return r;
		set->intervals[set->interval_count++] =
			(struct usage_interval){start_ns, end_ns, place - 1};
	}
	return r;
}

/* What has ended never crosses the end of a month: the key's range is all of it. */
static int load_ended(struct loading *loading)
{
	_cleanup_statement_ sqlite3_stmt *statement = connection_query(loading->connection,
		"SELECT subject, start_ns, end_ns FROM usage"
		" WHERE tenant = ?1 AND end_ns > ?2 AND end_ns <= ?3",
		"iii", loading->payer, loading->from_ns,
		calendar_month_of(loading->from_ns).end_ns);

	return load_intervals(loading, statement);
}

static int load_running(struct loading *loading)
{
	_cleanup_statement_ sqlite3_stmt *statement = connection_query(loading->connection,
		"SELECT subject, start_ns, ?2 FROM usage_open WHERE tenant = ?1", "ii",
		loading->payer, loading->to_ns);

	return load_intervals(loading, statement);
}

static int add_measure(struct loading *loading, int64_t hour_ns,
	const struct packed_measure *measure)
{
	struct usage_set *set = loading->set;
	size_t place = 0;
	int r = find_place(loading, measure->subject, &place);

	if (r < 0 || place == 0)
		return r;
	r = grow(&set->measures, &loading->measures, set->measure_count, sizeof(*set->measures));
	if (r == 0)
		set->measures[set->measure_count++] = (struct usage_measure){
			hour_ns, place - 1, measure->cpu_milli, measure->memory_mib};
	return r;
}

/* Of hours that are over. */
static int load_packs(struct loading *loading)
{
	_cleanup_statement_ sqlite3_stmt *statement = connection_query(loading->connection,
		"SELECT hour_ns, measures FROM usage_pack"
		" WHERE tenant = ?1 AND hour_ns >= ?2 AND hour_ns < ?3",
		"iii", loading->payer, loading->from_ns, loading->to_ns);
	int r;

	while ((r = connection_step(loading->connection, statement)) > 0) {
		const void *bytes = sqlite3_column_blob(statement, 1);
		size_t count = usage_pack_count((size_t)sqlite3_column_bytes(statement, 1));

		for (size_t i = 0; i < count; i++) {
			struct packed_measure measure = usage_pack_get(bytes, i);

			r = add_measure(loading, sqlite3_column_int64(statement, 0), &measure);
			if (r < 0)
				return r;
		}
	}
	return r;
}

/* The others come later: what they say counts. */
static int load_measures(struct loading *loading)
{
	_cleanup_statement_ sqlite3_stmt *statement = connection_query(loading->connection,
		"SELECT hour_ns, subject, cpu_milli, memory_mib FROM usage_hour"
		" WHERE tenant = ?1 AND hour_ns >= ?2 AND hour_ns < ?3",
		"iii", loading->payer, loading->from_ns, loading->to_ns);
	int r;

	while ((r = connection_step(loading->connection, statement)) > 0) {
		const struct packed_measure measure = {sqlite3_column_int64(statement, 1),
			sqlite3_column_int64(statement, 2), sqlite3_column_int64(statement, 3)};

		r = add_measure(loading, sqlite3_column_int64(statement, 0), &measure);
		if (r < 0)
			return r;
	}
	return r;
}

static int load_actuals(struct loading *loading)
{
	_cleanup_statement_ sqlite3_stmt *statement = connection_query(loading->connection,
		"SELECT day_ns, service, sum(nano) FROM usage_actual"
		" WHERE tenant = ?1 AND day_ns >= ?2 AND day_ns < ?3 GROUP BY day_ns, service",
		"iii", loading->payer, loading->from_ns, loading->to_ns);
	struct usage_set *set = loading->set;
	int r;

	while ((r = connection_step(loading->connection, statement)) > 0) {
		struct usage_actual *actual;

		r = grow(&set->actuals, &loading->actuals, set->actual_count,
			sizeof(*set->actuals));
		if (r < 0)
			return r;
		actual = &set->actuals[set->actual_count++];
		*actual = (struct usage_actual){
			.day_ns = sqlite3_column_int64(statement, 0),
			.nano = sqlite3_column_int64(statement, 2),
		};
		copy(actual->service, sizeof(actual->service), statement, 1);
	}
	return r;
}

/* One state of the ledger: a meter that ends meanwhile is not in both tables, nor in neither. */
static int load(struct loading *loading)
{
	int r = connection_execute(loading->connection, "BEGIN");

	if (r < 0)
		return r;
	r = load_ended(loading);
	if (r == 0)
		r = load_running(loading);
	if (r == 0)
		r = load_packs(loading);
	if (r == 0)
		r = load_measures(loading);
	if (r == 0)
		r = load_actuals(loading);
	(void)connection_execute(loading->connection, "COMMIT");
	return r;
}

int store_usage_load(struct store *store, int64_t payer, int64_t from_ns, int64_t to_ns,
	struct usage_set *ret)
{
	struct usage_set set = {0};
	struct loading loading = {.payer = payer, .from_ns = from_ns, .to_ns = to_ns, .set = &set};
	int r = -EIO;

	loading.connection = reader_take(store, NULL);
	if (loading.connection)
		r = load(&loading);
	reader_give(store, loading.connection);
	idmap_done(&loading.places);
	if (r < 0) {
		usage_set_done(&set);
		return r;
	}
	*ret = set;
	return 0;
}

void usage_set_done(struct usage_set *set)
{
	free(set->subjects);
	free(set->intervals);
	free(set->measures);
	free(set->actuals);
	*set = (struct usage_set){0};
}

/* The payer behind the given one, in order; -ENOENT. */
static int next_payer(struct store *store, int64_t *payer, char *name, size_t size)
{
	struct connection *connection = reader_take(store, NULL);
	int r = -EIO;

	if (connection) {
		_cleanup_statement_ sqlite3_stmt *statement = connection_query(connection,
			"SELECT tenant, name FROM usage_payer WHERE tenant > ?1"
			" ORDER BY tenant LIMIT 1",
			"i", *payer);

		r = connection_step(connection, statement);
		if (r > 0) {
			*payer = sqlite3_column_int64(statement, 0);
			copy(name, size, statement, 1);
		}
		r = r > 0 ? 0 : r < 0 ? r : -ENOENT;
	}
	reader_give(store, connection);
	return r;
}

int store_usage_payers(struct store *store, int (*fn)(void *arg, int64_t payer, const char *name),
	void *arg)
{
	char name[OBJECT_NAME_MAX + 1];
	int64_t payer = 0;
	int r;

	while ((r = next_payer(store, &payer, name, sizeof(name))) == 0) {
		r = fn(arg, payer, name);
		if (r != 0)
			break;
	}
	return r < 0 && r != -ENOENT ? r : 0;
}

static int get_int(struct store *store, const char *sql, int64_t key, int64_t *ret)
{
	struct connection *connection = reader_take(store, NULL);
	int r = connection ? connection_get_int(connection, ret, sql, "i", key) : -EIO;

	reader_give(store, connection);
	return r;
}

int store_usage_moved(struct store *store, int64_t payer, int64_t *ret)
{
	/* Both only grow, and so does the sum. */
	return get_int(store,
		"SELECT coalesce((SELECT moved FROM usage_payer WHERE tenant = ?1), 0)"
		" + coalesce((SELECT changed_ns FROM budget WHERE tenant = ?1), 0)",
		payer, ret);
}

int store_usage_first(struct store *store, int64_t payer, int64_t *ret_ns)
{
	int64_t ended = INT64_MAX, running = INT64_MAX, actual = INT64_MAX;
	int r;

	r = get_int(store,
		"SELECT start_ns FROM usage WHERE tenant = ?1 ORDER BY tenant, end_ns LIMIT 1",
		payer, &ended);
	if (r == 0 || r == -ENOENT)
		r = get_int(store,
			"SELECT start_ns FROM usage_open WHERE tenant = ?1 ORDER BY start_ns LIMIT "
			"1",
			payer, &running);
	if (r == 0 || r == -ENOENT)
		r = get_int(store,
			"SELECT day_ns FROM usage_actual WHERE tenant = ?1 ORDER BY day_ns LIMIT 1",
			payer, &actual);
	if (r < 0 && r != -ENOENT)
		return r;
	*ret_ns = ended < running ? ended : running;
	*ret_ns = actual < *ret_ns ? actual : *ret_ns;
	return *ret_ns == INT64_MAX ? -ENOENT : 0;
}

int store_budget(struct store *store, int64_t tenant, struct budget *ret)
{
	struct connection *connection = reader_take(store, NULL);
	int r = -EIO;

	*ret = (struct budget){0};
	if (connection) {
		_cleanup_statement_ sqlite3_stmt *statement = connection_query(connection,
			"SELECT nano, changed_ns, month_ns, percent FROM budget WHERE tenant = ?1",
			"i", tenant);

		r = connection_step(connection, statement);
		if (r > 0)
			*ret = (struct budget){
				.nano = sqlite3_column_int64(statement, 0),
				.changed_ns = sqlite3_column_int64(statement, 1),
				.month_ns = sqlite3_column_int64(statement, 2),
				.percent = sqlite3_column_int64(statement, 3),
			};
	}
	reader_give(store, connection);
	return r < 0 ? r : 0;
}

int store_budgets(struct store *store, int (*fn)(void *arg, int64_t tenant), void *arg)
{
	int64_t tenant = 0;
	int r;

	while ((r = get_int(store,
			"SELECT tenant FROM budget WHERE tenant > ?1 AND nano > 0"
			" ORDER BY tenant LIMIT 1",
			tenant, &tenant)) == 0) {
		r = fn(arg, tenant);
		if (r != 0)
			break;
	}
	return r < 0 && r != -ENOENT ? r : 0;
}
