/* SPDX-License-Identifier: Apache-2.0 */
#include "store/txn.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

int txn_fail(struct txn *txn, int r)
{
	if (r < 0 && r != -ENOENT && r != -EEXIST && txn->failure == 0)
		txn->failure = r;
	return r;
}

int txn_error(struct txn *txn, int r, struct error *reterr)
{
	if (r == -ENOENT)
		return error_set(reterr, r, "the object is not there any more");
	if (txn->failure < 0)
		return connection_error(txn->connection, reterr);
	return error_set(reterr, r, "the store refused the change");
}

int txn_peek(struct txn *txn, int64_t id, struct object *ret)
{
	return txn_fail(txn, object_read_row(txn->connection, id, ret));
}

int txn_peek_living(struct txn *txn, int64_t id, struct object *ret)
{
	struct object object = OBJECT_INIT;
	int r = txn_peek(txn, id, &object);

	if (r < 0)
		return r;
	if (object.deleting)
		return -ENOENT;
	*ret = object;
	return 0;
}

int txn_note(struct txn *txn, const struct object *object, unsigned flags)
{
	struct change change = {
		.id = object->id,
		.parent = object->parent,
		.tenant = object->tenant,
		.kind = object->kind,
		.flags = flags,
	};

	(void)text_copy(change.name, sizeof(change.name), object->name);
	return txn_fail(txn, change_list_add(txn->changes, &change));
}

int txn_put_text(struct txn *txn, int64_t id, enum text_part part, const char *text, size_t len)
{
	if (!text || len == 0)
		return txn_run(txn, "DELETE FROM text WHERE id = ?1", "i", text_row(id, part));
	return txn_run(txn,
		"INSERT INTO text (id, text) VALUES (?1, CAST(?2 AS TEXT))"
		" ON CONFLICT (id) DO UPDATE SET text = excluded.text",
		"ib", text_row(id, part), text, len);
}

int txn_has_text(struct txn *txn, int64_t id, enum text_part part, const char *text, size_t len)
{
	_cleanup_statement_ sqlite3_stmt *statement = connection_query(txn->connection,
		"SELECT text FROM text WHERE id = ?1", "i", text_row(id, part));
	int r = txn_fail(txn, connection_step(txn->connection, statement));
	const void *there;

	if (r < 0)
		return r;
	if (r == 0)
		return !text || len == 0;
	there = sqlite3_column_text(statement, 0);
	if (!there)
		return txn_fail(txn, -ENOMEM);
	return text && (size_t)sqlite3_column_bytes(statement, 0) == len &&
	       memcmp(there, text, len) == 0;
}
