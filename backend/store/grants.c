/* SPDX-License-Identifier: Apache-2.0 */
/* Who of other tenants may see a service: the text of its file `grants`. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/txn.h"

int txn_set_grants(struct txn *txn, int64_t service, const char *text, size_t len)
{
	struct object object = OBJECT_INIT;
	int r = txn_peek_living(txn, service, &object);

	if (r < 0)
		return r;
	if (object.kind != KIND_SERVICE)
		return -EINVAL;
	if (len == 0)
		r = txn_run(txn, "DELETE FROM service_grants WHERE service = ?1", "i", service);
	else
		r = txn_run(txn,
			"INSERT INTO service_grants (service, changed_ns, text)"
			" VALUES (?1, ?2, CAST(?3 AS TEXT)) ON CONFLICT (service) DO UPDATE"
			" SET changed_ns = excluded.changed_ns, text = excluded.text"
			" WHERE text <> excluded.text",
			"iib", service, txn->now_ns, text, len);
	if (r == 0 && sqlite3_changes(connection_handle(txn->connection)) == 0)
		return 0;
	return r < 0 ? r : txn_note(txn, &object, CHANGE_GRANTS);
}

static int grants_read(struct connection *connection, int64_t service, struct buf *out,
	int64_t *ret_changed_ns)
{
	_cleanup_statement_ sqlite3_stmt *row = connection_query(connection,
		"SELECT changed_ns, text FROM service_grants WHERE service = ?1", "i", service);
	int r = connection_step(connection, row);

	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	if (ret_changed_ns)
		*ret_changed_ns = sqlite3_column_int64(row, 0);
	buf_add(out, sqlite3_column_text(row, 1), (size_t)sqlite3_column_bytes(row, 1));
	return out->error;
}

int store_grants(struct store *store, int64_t service, struct buf *out, int64_t *ret_changed_ns)
{
	struct connection *connection = reader_take(store, NULL);
	int r = connection ? grants_read(connection, service, out, ret_changed_ns) : -EIO;

	reader_give(store, connection);
	return r;
}

#define GRANTS_PAGE 64

static int grants_page(struct connection *connection, int64_t after, int64_t *page, int *ret_count)
{
	_cleanup_statement_ sqlite3_stmt *row = connection_query(connection,
		"SELECT service FROM service_grants WHERE service > ?1 ORDER BY service LIMIT ?2",
		"ii", after, (int64_t)GRANTS_PAGE);
	int r;

	for (*ret_count = 0; (r = connection_step(connection, row)) > 0;)
		page[(*ret_count)++] = sqlite3_column_int64(row, 0);
	return r;
}

int store_grants_list(struct store *store, int (*fn)(void *arg, int64_t service), void *arg)
{
	int64_t page[GRANTS_PAGE], after = 0;
	int count = GRANTS_PAGE, r = 0;

	while (r == 0 && count == GRANTS_PAGE) {
		struct connection *connection = reader_take(store, NULL);

		r = connection ? grants_page(connection, after, page, &count) : -EIO;
		reader_give(store, connection);
		for (int i = 0; r == 0 && i < count; i++)
			r = fn(arg, after = page[i]);
	}
	return r < 0 ? r : 0;
}
