/* SPDX-License-Identifier: Apache-2.0 */
#include "store/internal.h"

#include <errno.h>

static void history_from_row(sqlite3_stmt *row, struct history_entry *ret)
{
	ret->generation = sqlite3_column_int64(row, 0);
	ret->wall_ns = sqlite3_column_int64(row, 1);
	ret->uid = (uid_t)sqlite3_column_int64(row, 2);
	ret->gid = (gid_t)sqlite3_column_int64(row, 3);
	ret->size = (size_t)sqlite3_column_int64(row, 4);
}

int store_history(struct store *store, int64_t id, int64_t generation, struct history_entry *ret,
	struct buf *out)
{
	static const char sql[] = "SELECT generation, wall_ns, uid, gid, length(CAST(spec AS "
				  "BLOB)), spec FROM history"
				  " WHERE object = ?1 AND generation = ?2";
	struct reader *reader = reader_take(store);
	sqlite3_stmt *statement = reader ? connection_take(&reader->connection, sql) : NULL;
	int r = -EIO;

	if (statement) {
		(void)sqlite3_bind_int64(statement, 1, id);
		(void)sqlite3_bind_int64(statement, 2, generation);
		r = sqlite3_step(statement) == SQLITE_ROW ? 0 : -ENOENT;
		if (r == 0 && ret)
			history_from_row(statement, ret);
		if (r == 0 && out)
			buf_add(out, sqlite3_column_text(statement, 5),
				(size_t)sqlite3_column_bytes(statement, 5));
		connection_give(&reader->connection, statement);
	}
	reader_give(store, reader);
	return r == 0 && out && out->error ? out->error : r;
}

int store_history_list(struct store *store, int64_t id, int64_t after,
	int (*fn)(void *arg, const struct history_entry *entry), void *arg)
{
	static const char sql[] =
		"SELECT generation, wall_ns, uid, gid, length(CAST(spec AS BLOB)) FROM history"
		" WHERE object = ?1 AND generation > ?2 ORDER BY generation";
	struct reader *reader = reader_take(store);
	sqlite3_stmt *statement = reader ? connection_take(&reader->connection, sql) : NULL;
	struct history_entry entry;
	int r = statement ? 0 : -EIO;

	if (statement) {
		(void)sqlite3_bind_int64(statement, 1, id);
		(void)sqlite3_bind_int64(statement, 2, after);
		while (r == 0 && sqlite3_step(statement) == SQLITE_ROW) {
			history_from_row(statement, &entry);
			r = fn(arg, &entry);
		}
		connection_give(&reader->connection, statement);
	}
	reader_give(store, reader);
	return r > 0 ? 0 : r;
}
