/* SPDX-License-Identifier: Apache-2.0 */
#include "store/internal.h"

#include <errno.h>

/* One number or none from a statement bound with pool in ?1 and numbers in ?2 and ?3. */
static int allocate_query(struct txn *txn, const char *sql, const char *pool, int64_t a, int64_t b,
	int64_t *ret)
{
	sqlite3_stmt *statement = connection_take(txn->connection, sql);
	int step, r;

	if (!statement)
		return -EIO;
	(void)sqlite3_bind_text(statement, 1, pool, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int64(statement, 2, a);
	if (sqlite3_bind_parameter_count(statement) >= 3)
		(void)sqlite3_bind_int64(statement, 3, b);
	step = sqlite3_step(statement);
	r = step == SQLITE_DONE ? -ENOENT : connection_errno(step);
	if (step == SQLITE_ROW && sqlite3_column_type(statement, 0) == SQLITE_NULL)
		r = -ENOENT;
	if (r == 0 && ret)
		*ret = sqlite3_column_int64(statement, 0);
	connection_give(txn->connection, statement);
	return r;
}

/* The first number in [low, high] that nobody holds: low itself, or one behind a held number. */
static int allocate_free(struct txn *txn, const char *pool, int64_t low, int64_t high, int64_t *ret)
{
	static const char held[] = "SELECT 1 FROM allocations WHERE pool = ?1 AND number = ?2";
	static const char behind[] =
		"SELECT number + 1 FROM allocations a WHERE pool = ?1 AND number >= ?2"
		" AND number < ?3 AND NOT EXISTS (SELECT 1 FROM allocations b"
		" WHERE b.pool = a.pool AND b.number = a.number + 1) ORDER BY number LIMIT 1";
	int r;

	if (low > high)
		return -ENOENT;
	r = allocate_query(txn, held, pool, low, 0, NULL);
	if (r == -ENOENT) {
		*ret = low;
		return 0;
	}
	return r < 0 ? r : allocate_query(txn, behind, pool, low, high, ret);
}

static int allocate_take(struct txn *txn, const char *pool, int64_t number, int64_t owner)
{
	static const char take[] =
		"INSERT INTO allocations (pool, number, owner) VALUES (?1, ?2, ?3)";
	static const char move[] = "REPLACE INTO cursors (pool, number) VALUES (?1, ?2)";
	int r = allocate_query(txn, take, pool, number, owner, NULL);

	if (r == -ENOENT)
		r = allocate_query(txn, move, pool, number, 0, NULL);
	return r == -ENOENT ? 0 : r;
}

int txn_allocate(struct txn *txn, const char *pool, int64_t low, int64_t high, int64_t not_this,
	int64_t owner, int64_t *ret)
{
	static const char holds[] = "SELECT number FROM allocations WHERE pool = ?1 AND owner = ?2";
	static const char cursor[] = "SELECT number FROM cursors WHERE pool = ?1 AND ?2 = ?2";
	int64_t number = 0, start = low - 1;
	int r = allocate_query(txn, holds, pool, owner, 0, &number);

	if (r == 0 && number != not_this) {
		*ret = number;
		return 0;
	}
	if (r == 0)
		r = txn_release(txn, pool, owner);
	if (r == 0 || r == -ENOENT)
		r = allocate_query(txn, cursor, pool, 0, 0, &start);
	if (r < 0 && r != -ENOENT)
		return r;
	if (start < low - 1 || start >= high)
		start = low - 1;
	r = allocate_free(txn, pool, start + 1, high, &number);
	if (r == -ENOENT)
		r = allocate_free(txn, pool, low, start, &number);
	if (r == -ENOENT)
		return -ENOSPC;
	if (r == 0)
		r = allocate_take(txn, pool, number, owner);
	if (r == 0)
		*ret = number;
	return r;
}

int txn_release(struct txn *txn, const char *pool, int64_t owner)
{
	static const char sql[] = "DELETE FROM allocations WHERE pool = ?1 AND owner = ?2";
	int r = allocate_query(txn, sql, pool, owner, 0, NULL);

	return r == -ENOENT ? 0 : r;
}
