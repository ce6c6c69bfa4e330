/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that only one object may have: host ports, addresses of balancers. */
#include <errno.h>

#include "store/txn.h"

static int allocation_held(struct txn *txn, const char *pool, int64_t owner, int64_t *ret)
{
	return txn_fail(txn, connection_get_int(txn->connection, ret,
				     "SELECT number FROM allocation WHERE owner = ?1 AND pool = ?2",
				     "it", owner, pool));
}

/* The first free number in [low, high] that is not not_this: walks over those that are taken. */
static int allocation_search(struct txn *txn, const char *pool, int64_t low, int64_t high,
	int64_t not_this, int64_t *ret)
{
	_cleanup_statement_ sqlite3_stmt *statement = NULL;
	int64_t number = low;
	int r;

	statement = connection_query(txn->connection,
		"SELECT number FROM allocation WHERE pool = ?1 AND number BETWEEN ?2 AND ?3"
		" ORDER BY number",
		"tii", pool, low, high);
	while ((r = txn_fail(txn, connection_step(txn->connection, statement))) > 0) {
		int64_t taken = sqlite3_column_int64(statement, 0);

		if (number == not_this && taken > number)
			number++;
		if (taken > number)
			break;
		number = taken + 1;
	}
	if (r < 0)
		return r;
	if (number == not_this)
		number++;
	if (number > high)
		return -ENOSPC;
	*ret = number;
	return 0;
}

static int allocation_find(struct txn *txn, const char *pool, int64_t low, int64_t high,
	int64_t not_this, int64_t *ret)
{
	int64_t last = low - 1;
	int r;

	r = txn_fail(txn, connection_get_int(txn->connection, &last,
				  "SELECT last FROM pool WHERE pool = ?1", "t", pool));
	if (r < 0 && r != -ENOENT)
		return r;
	if (last < low || last > high)
		last = low - 1;
	r = allocation_search(txn, pool, last + 1, high, not_this, ret);
	if (r == -ENOSPC)
		r = allocation_search(txn, pool, low, last, not_this, ret);
	return r;
}

int txn_allocate(struct txn *txn, const char *pool, int64_t low, int64_t high, int64_t not_this,
	int64_t owner, int64_t *ret)
{
	int64_t number = 0;
	int r;

	r = allocation_held(txn, pool, owner, &number);
	if (r == 0 && (number != not_this || not_this == 0)) {
		*ret = number;
		return 0;
	}
	if (r == 0)
		r = txn_release(txn, pool, owner);
	if (r < 0 && r != -ENOENT)
		return r;
	r = allocation_find(txn, pool, low, high, not_this, &number);
	if (r == 0)
		r = txn_run(txn, "INSERT INTO allocation (pool, number, owner) VALUES (?1, ?2, ?3)",
			"tii", pool, number, owner);
	if (r == 0)
		r = txn_run(txn,
			"INSERT INTO pool (pool, last) VALUES (?1, ?2)"
			" ON CONFLICT (pool) DO UPDATE SET last = excluded.last",
			"ti", pool, number);
	if (r == 0)
		*ret = number;
	return r;
}

int txn_release(struct txn *txn, const char *pool, int64_t owner)
{
	return txn_run(txn, "DELETE FROM allocation WHERE owner = ?1 AND pool = ?2", "it", owner,
		pool);
}
