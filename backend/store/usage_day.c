/* SPDX-License-Identifier: Apache-2.0 */
#include "store/usage_day.h"

#include <errno.h>

#include "store/txn.h"

#define DAYS_MAX 31

static int read_days(struct connection *connection, int64_t payer, int64_t prices, int64_t from_ns,
	int64_t to_ns, struct usage_day *days, size_t *ret_count)
{
	_cleanup_statement_ sqlite3_stmt *statement = connection_query(connection,
		"SELECT d.day_ns, d.nano, d.shared_nano, d.actual FROM usage_day AS d"
		" JOIN usage_payer AS p ON p.tenant = d.tenant AND p.rewritten = d.rewritten"
		" WHERE d.tenant = ?1 AND d.prices = ?2 AND d.day_ns >= ?3 AND d.day_ns < ?4"
		" ORDER BY d.day_ns LIMIT 31",
		"iiii", payer, prices, from_ns, to_ns);
	int r;

	*ret_count = 0;
	while ((r = connection_step(connection, statement)) > 0 && *ret_count < DAYS_MAX)
		days[(*ret_count)++] = (struct usage_day){
			.day_ns = sqlite3_column_int64(statement, 0),
			.nano = sqlite3_column_int64(statement, 1),
			.shared_nano = sqlite3_column_int64(statement, 2),
			.actual = sqlite3_column_int(statement, 3) != 0,
		};
	return r < 0 ? r : 0;
}

int store_usage_days(struct store *store, int64_t payer, int64_t prices, int64_t from_ns,
	int64_t to_ns, struct usage_day ret[DAYS_MAX], size_t *ret_count)
{
	struct connection *connection = reader_take(store, NULL);
	int r = connection ? read_days(connection, payer, prices, from_ns, to_ns, ret, ret_count)
			   : -EIO;

	reader_give(store, connection);
	return r;
}

static int get_int(struct store *store, const char *sql, int64_t payer, int64_t *ret)
{
	struct connection *connection = reader_take(store, NULL);
	int r = connection ? connection_get_int(connection, ret, sql, "i", payer) : -EIO;

	reader_give(store, connection);
	return r;
}

int store_usage_rewritten(struct store *store, int64_t payer, int64_t *ret)
{
	return get_int(store,
		"SELECT coalesce((SELECT rewritten FROM usage_payer WHERE tenant = ?1), 0)", payer,
		ret);
}

int store_usage_moved_all(struct store *store, int64_t *ret)
{
	return get_int(store, "SELECT coalesce(sum(moved), 0) FROM usage_payer WHERE tenant >= ?1",
		0, ret);
}

int txn_set_usage_day(struct txn *txn, int64_t payer, int64_t prices, int64_t rewritten,
	const struct usage_day *day)
{
	return txn_run(txn,
		"INSERT OR REPLACE INTO usage_day"
		" (tenant, day_ns, prices, rewritten, nano, shared_nano, actual)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
		"iiiiiii", payer, day->day_ns, prices, rewritten, day->nano, day->shared_nano,
		(int64_t)day->actual);
}
