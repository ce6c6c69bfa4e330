/* SPDX-License-Identifier: Apache-2.0 */
/* What is being made outside, written before the call that makes it. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "store/txn.h"

#define INTENT_PAGE 32

int txn_intent_add(struct txn *txn, int64_t owner, const char *type, const char *name)
{
	struct intent intent;

	if (strlen(type) >= sizeof(intent.type) || strlen(name) >= sizeof(intent.name))
		return -ENAMETOOLONG;
	return txn_run(txn,
		"INSERT INTO intent (owner, type, name, created_ns) VALUES (?1, ?2, ?3, ?4)"
		" ON CONFLICT (owner, type, name) DO NOTHING",
		"itti", owner, type, name, txn->now_ns);
}

int txn_intent_done(struct txn *txn, int64_t owner, const char *type, const char *name)
{
	return txn_run(txn, "DELETE FROM intent WHERE owner = ?1 AND type = ?2 AND name = ?3",
		"itt", owner, type, name);
}

int txn_intent_bury(struct txn *txn, int64_t owner, const char *type, const char *name)
{
	int r = txn_run(txn,
		"INSERT INTO intent_past (owner, type, name, done_ns) VALUES (?1, ?2, ?3, ?4)"
		" ON CONFLICT (owner, type, name) DO UPDATE SET done_ns = excluded.done_ns",
		"itti", owner, type, name, txn->now_ns);

	return r < 0 ? r : txn_intent_done(txn, owner, type, name);
}

int txn_intent_forget(struct txn *txn, int64_t before_ns)
{
	return txn_run(txn, "DELETE FROM intent_past WHERE done_ns < ?1", "i", before_ns);
}

int store_intent_known(struct store *store, int64_t owner, const char *type, const char *name,
	int64_t *ret_buried_ns)
{
	struct connection *connection = reader_take(store, NULL);
	int64_t live = 0, buried_ns = 0;
	int r = -EIO;

	if (connection)
		r = connection_get_int(connection, &live,
			"SELECT count(*) FROM intent WHERE owner = ?1 AND type = ?2 AND name = ?3",
			"itt", owner, type, name);
	if (r == 0 && live == 0)
		r = connection_get_int(connection, &buried_ns,
			"SELECT coalesce(max(done_ns), 0) FROM intent_past"
			" WHERE owner = ?1 AND type = ?2 AND name = ?3",
			"itt", owner, type, name);
	reader_give(store, connection);
	*ret_buried_ns = buried_ns;
	return r < 0 ? r : live > 0 || buried_ns > 0;
}

static int intent_read_page(struct connection *connection, int64_t owner, int64_t after,
	struct intent *page, int *ret_count)
{
	_cleanup_statement_ sqlite3_stmt *statement = NULL;
	int count = 0, r;

	statement = owner ? connection_query(connection,
				    "SELECT id, owner, type, name, created_ns FROM intent"
				    " WHERE owner = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
				    "iii", owner, after, (int64_t)INTENT_PAGE)
			  : connection_query(connection,
				    "SELECT id, owner, type, name, created_ns FROM intent"
				    " WHERE id > ?1 ORDER BY id LIMIT ?2",
				    "ii", after, (int64_t)INTENT_PAGE);
	while ((r = connection_step(connection, statement)) > 0) {
		struct intent *intent = &page[count++];

		intent->id = sqlite3_column_int64(statement, 0);
		intent->owner = sqlite3_column_int64(statement, 1);
		(void)text_copy(intent->type, sizeof(intent->type),
			(const char *)sqlite3_column_text(statement, 2));
		(void)text_copy(intent->name, sizeof(intent->name),
			(const char *)sqlite3_column_text(statement, 3));
		intent->created_ns = sqlite3_column_int64(statement, 4);
	}
	*ret_count = count;
	return r;
}

int store_intents(struct store *store, int64_t owner,
	int (*fn)(void *arg, const struct intent *intent), void *arg)
{
	struct intent page[INTENT_PAGE];
	int count = INTENT_PAGE, r = 0;
	int64_t after = 0;

	while (r == 0 && count == INTENT_PAGE) {
		struct connection *connection = reader_take(store, NULL);

		r = connection ? intent_read_page(connection, owner, after, page, &count) : -EIO;
		reader_give(store, connection);
		for (int i = 0; i < count && r == 0; i++) {
			after = page[i].id;
			r = fn(arg, &page[i]);
		}
	}
	return r < 0 ? r : 0;
}
