/* SPDX-License-Identifier: Apache-2.0 */
/* A spec that waits beside the one in force. */
#include <errno.h>
#include <string.h>

#include "store/txn.h"

static int staged_read(struct connection *connection, int64_t id, struct staged *ret,
	struct buf *out)
{
	_cleanup_statement_ sqlite3_stmt *statement = connection_query(connection,
		"SELECT base, wall_ns, uid, gid, epoch, text FROM staged WHERE object = ?1", "i",
		id);
	int r = connection_step(connection, statement);
	const void *text;

	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	text = sqlite3_column_text(statement, 5);
	*ret = (struct staged){
		.base = sqlite3_column_int64(statement, 0),
		.wall_ns = sqlite3_column_int64(statement, 1),
		.uid = (uid_t)sqlite3_column_int64(statement, 2),
		.gid = (gid_t)sqlite3_column_int64(statement, 3),
		.size = (size_t)sqlite3_column_bytes(statement, 5),
		.epoch = sqlite3_column_int64(statement, 4),
	};
	if (!out)
		return 0;
	buf_add(out, text ? text : "", ret->size);
	return out->error;
}

int store_staged(struct store *store, int64_t id, struct staged *ret, struct buf *out)
{
	struct connection *connection = reader_take(store, NULL);
	int r = connection ? staged_read(connection, id, ret, out) : -EIO;

	reader_give(store, connection);
	return r;
}

int txn_staged(struct txn *txn, int64_t id, struct staged *ret, struct buf *out)
{
	return txn_fail(txn, staged_read(txn->connection, id, ret, out));
}

/* Whether text is staged already, against this very generation. */
static int is_staged(struct txn *txn, const struct object *object, const char *text, size_t len)
{
	struct buf there = BUF_INIT;
	struct staged staged;
	int r = txn_staged(txn, object->id, &staged, &there);

	if (r == -ENOENT)
		r = len == 0;
	else if (r == 0)
		r = staged.size == len && (len == 0 || (staged.base == object->generation &&
							       memcmp(there.data, text, len) == 0));
	buf_done(&there);
	return r;
}

int txn_stage(struct txn *txn, int64_t id, const char *text, size_t len)
{
	const struct caller *caller = txn->caller;
	struct object object = OBJECT_INIT;
	int r = txn_peek_living(txn, id, &object);

	if (r == 0)
		r = is_staged(txn, &object, text, len);
	if (r != 0)
		return r < 0 ? r : 0;
	/* The row stays when the text goes: it says since when there is none. */
	return txn_run(txn,
		"INSERT INTO staged (object, base, wall_ns, uid, gid, text)"
		" VALUES (?1, ?2, ?3, ?4, ?5, CAST(?6 AS TEXT)) ON CONFLICT (object) DO UPDATE SET"
		" base = excluded.base, wall_ns = max(wall_ns + 1, excluded.wall_ns),"
		" uid = excluded.uid, gid = excluded.gid, text = excluded.text,"
		" epoch = epoch + (excluded.text = '')",
		"iiiiib", id, object.generation, txn->now_ns, (int64_t)(caller ? caller->uid : 0),
		(int64_t)(caller ? caller->gid : 0), len > 0 ? text : "", len);
}
