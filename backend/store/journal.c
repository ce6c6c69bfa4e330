/* SPDX-License-Identifier: Apache-2.0 */
#include "store/internal.h"

#include <errno.h>

#include "base/text.h"

static int journal_run(struct txn *txn, const char *sql, int64_t owner, const char *type,
	const char *name)
{
	sqlite3_stmt *statement = connection_take(txn->connection, sql);

	if (!statement)
		return -EIO;
	(void)sqlite3_bind_int64(statement, 1, owner);
	(void)sqlite3_bind_text(statement, 2, type, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(statement, 3, name, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int64(statement, 4, txn->now_ns);
	return connection_run(txn->connection, statement);
}

int txn_intent_add(struct txn *txn, int64_t owner, const char *type, const char *name)
{
	static const char sql[] = "INSERT OR IGNORE INTO intents (owner, type, name, created_ns)"
				  " VALUES (?1, ?2, ?3, ?4)";

	return journal_run(txn, sql, owner, type, name);
}

int txn_intent_done(struct txn *txn, int64_t owner, const char *type, const char *name)
{
	static const char sql[] = "DELETE FROM intents WHERE owner = ?1 AND type = ?2 AND name = ?3"
				  " AND ?4 = ?4";

	return journal_run(txn, sql, owner, type, name);
}

int store_intents(struct store *store, int64_t owner,
	int (*fn)(void *arg, const struct intent *intent), void *arg)
{
	static const char sql[] = "SELECT id, owner, type, name, created_ns FROM intents"
				  " WHERE ?1 = 0 OR owner = ?1 ORDER BY id";
	struct reader *reader = reader_take(store);
	sqlite3_stmt *row = reader ? connection_take(&reader->connection, sql) : NULL;
	struct intent intent;
	int r = row ? 0 : -EIO;

	if (row) {
		(void)sqlite3_bind_int64(row, 1, owner);
		while (r == 0 && sqlite3_step(row) == SQLITE_ROW) {
			intent.id = sqlite3_column_int64(row, 0);
			intent.owner = sqlite3_column_int64(row, 1);
			(void)text_copy(intent.type, sizeof(intent.type),
				(const char *)sqlite3_column_text(row, 2));
			(void)text_copy(intent.name, sizeof(intent.name),
				(const char *)sqlite3_column_text(row, 3));
			intent.created_ns = sqlite3_column_int64(row, 4);
			r = fn(arg, &intent);
		}
		connection_give(&reader->connection, row);
	}
	reader_give(store, reader);
	return r > 0 ? 0 : r;
}
