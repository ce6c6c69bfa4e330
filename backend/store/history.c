/* SPDX-License-Identifier: Apache-2.0 */
/* Every accepted spec, with who and when. */
#include <errno.h>

#include "store/store_private.h"

#define HISTORY_PAGE 64

static void history_fill(sqlite3_stmt *row, struct history_entry *entry)
{
	entry->generation = sqlite3_column_int64(row, 0);
	entry->wall_ns = sqlite3_column_int64(row, 1);
	entry->uid = (uid_t)sqlite3_column_int64(row, 2);
	entry->gid = (gid_t)sqlite3_column_int64(row, 3);
	entry->size = (size_t)sqlite3_column_int64(row, 4);
}

static int history_read(struct connection *connection, int64_t id, int64_t generation,
	struct history_entry *ret, struct buf *out)
{
	_cleanup_statement_ sqlite3_stmt *statement = NULL;
	int r;

	statement = connection_query(connection,
		"SELECT generation, wall_ns, uid, gid, size, text FROM history"
		" WHERE object = ?1 AND generation = ?2",
		"ii", id, generation);
	r = connection_step(connection, statement);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	if (out) {
		const void *text = sqlite3_column_text(statement, 5);

		buf_add(out, text ? text : "", (size_t)sqlite3_column_bytes(statement, 5));
		if (out->error)
			return out->error;
	}
	if (ret)
		history_fill(statement, ret);
	return 0;
}

int store_history(struct store *store, int64_t id, int64_t generation, struct history_entry *ret,
	struct buf *out)
{
	struct connection *connection = reader_take(store, NULL);
	int r = connection ? history_read(connection, id, generation, ret, out) : -EIO;

	reader_give(store, connection);
	return r;
}

static int history_read_page(struct connection *connection, int64_t id, int64_t after,
	struct history_entry *page, int *ret_count)
{
	_cleanup_statement_ sqlite3_stmt *statement = NULL;
	int count = 0, r;

	statement = connection_query(connection,
		"SELECT generation, wall_ns, uid, gid, size FROM history"
		" WHERE object = ?1 AND generation > ?2 ORDER BY generation LIMIT ?3",
		"iii", id, after, (int64_t)HISTORY_PAGE);
	while ((r = connection_step(connection, statement)) > 0)
		history_fill(statement, &page[count++]);
	*ret_count = count;
	return r;
}

int store_history_list(struct store *store, int64_t id, int64_t after,
	int (*fn)(void *arg, const struct history_entry *entry), void *arg)
{
	struct history_entry page[HISTORY_PAGE];
	int count = HISTORY_PAGE, r = 0;

	while (r == 0 && count == HISTORY_PAGE) {
		struct connection *connection = reader_take(store, NULL);

		r = connection ? history_read_page(connection, id, after, page, &count) : -EIO;
		reader_give(store, connection);
		for (int i = 0; i < count && r == 0; i++) {
			after = page[i].generation;
			r = fn(arg, &page[i]);
		}
	}
	return r < 0 ? r : 0;
}
