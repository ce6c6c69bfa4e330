/* SPDX-License-Identifier: Apache-2.0 */
#include "store/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* Rows are read in pages, so that a callback may use the same connection and take its time. */
#define OBJECT_PAGE 128

void object_done(struct object *object)
{
	if (!object)
		return;
	free(object->spec);
	free(object->status);
	free(object->last_error);
	free(object->reason);
	*object = OBJECT_INIT;
}

static int object_text(sqlite3_stmt *statement, int column, char **ret)
{
	const unsigned char *text = sqlite3_column_text(statement, column);

	*ret = text ? strdup((const char *)text) : NULL;
	return text && !*ret ? -ENOMEM : 0;
}

int object_from_row(sqlite3_stmt *row, bool with_texts, struct object *ret)
{
	struct object object = OBJECT_INIT;
	int r = 0;

	object.id = sqlite3_column_int64(row, 0);
	object.kind = (enum kind)sqlite3_column_int(row, 1);
	object.parent = sqlite3_column_int64(row, 2);
	object.tenant = sqlite3_column_int64(row, 3);
	(void)text_copy(object.name, sizeof(object.name),
		(const char *)(sqlite3_column_text(row, 4) ?: (const unsigned char *)""));
	object.generation = sqlite3_column_int64(row, 5);
	object.template_generation = sqlite3_column_int64(row, 6);
	object.observed = sqlite3_column_int64(row, 7);
	object.failed = sqlite3_column_int(row, 8) != 0;
	object.deleting = sqlite3_column_int(row, 9) != 0;
	object.protect = sqlite3_column_int(row, 10) != 0;
	object.paused = sqlite3_column_int(row, 11) != 0;
	object.restart = sqlite3_column_int64(row, 12);
	object.uid = (uid_t)sqlite3_column_int64(row, 13);
	object.gid = (gid_t)sqlite3_column_int64(row, 14);
	object.mode = (mode_t)sqlite3_column_int(row, 15);
	object.created_ns = sqlite3_column_int64(row, 16);
	object.spec_ns = sqlite3_column_int64(row, 17);
	object.status_ns = sqlite3_column_int64(row, 18);
	object.events_ns = sqlite3_column_int64(row, 19);
	object.error_ns = sqlite3_column_int64(row, 20);
	object.children_ns = sqlite3_column_int64(row, 21);
	object.value_size = sqlite3_column_int64(row, 22);
	if (with_texts) {
		r = object_text(row, 23, &object.spec);
		r = object_text(row, 24, &object.status) ?: r;
		r = object_text(row, 25, &object.last_error) ?: r;
		r = object_text(row, 26, &object.reason) ?: r;
	}
	if (r < 0) {
		object_done(&object);
		return r;
	}
	*ret = object;
	return 0;
}

/* Steps once and reads the row; gives the statement back. */
static int object_step(struct connection *connection, sqlite3_stmt *statement, bool with_texts,
	struct object *ret)
{
	int step = sqlite3_step(statement);
	int r;

	if (step == SQLITE_ROW)
		r = object_from_row(statement, with_texts, ret);
	else
		r = step == SQLITE_DONE ? -ENOENT : connection_errno(step);
	connection_give(connection, statement);
	return r;
}

int object_by_id(struct connection *connection, int64_t id, bool with_texts, struct object *ret)
{
	static const char full[] =
		"SELECT " OBJECT_COLUMNS OBJECT_TEXTS OBJECT_FROM " WHERE o.id = ?1";
	static const char peek[] = "SELECT " OBJECT_COLUMNS OBJECT_FROM " WHERE o.id = ?1";
	sqlite3_stmt *statement = connection_take(connection, with_texts ? full : peek);

	if (!statement)
		return -EIO;
	(void)sqlite3_bind_int64(statement, 1, id);
	return object_step(connection, statement, with_texts, ret);
}

int object_by_name(struct connection *connection, int64_t parent, enum kind kind, const char *name,
	bool with_texts, struct object *ret)
{
#define BY_NAME " WHERE o.parent = ?1 AND o.kind = ?2 AND o.name = ?3 AND o.deleting = 0"
	static const char full[] = "SELECT " OBJECT_COLUMNS OBJECT_TEXTS OBJECT_FROM BY_NAME;
	static const char peek[] = "SELECT " OBJECT_COLUMNS OBJECT_FROM BY_NAME;
	sqlite3_stmt *statement = connection_take(connection, with_texts ? full : peek);

	if (!statement)
		return -EIO;
	(void)sqlite3_bind_int64(statement, 1, parent);
	(void)sqlite3_bind_int(statement, 2, (int)kind);
	(void)sqlite3_bind_text(statement, 3, name, -1, SQLITE_STATIC);
	return object_step(connection, statement, with_texts, ret);
}

struct page {
	struct object objects[OBJECT_PAGE];
	size_t count;
};

static int page_read(struct connection *connection, sqlite3_stmt *statement, bool with_texts,
	struct page *page)
{
	int step = SQLITE_DONE, r = 0;

	page->count = 0;
	while (r == 0 && page->count < OBJECT_PAGE &&
		(step = sqlite3_step(statement)) == SQLITE_ROW) {
		r = object_from_row(statement, with_texts, &page->objects[page->count]);
		if (r == 0)
			page->count++;
	}
	connection_give(connection, statement);
	return r ? r : connection_errno(step);
}

/* Hands the page's objects to fn and releases them; what fn says when it is not 0. */
static int page_deliver(struct page *page, store_object_fn fn, void *arg)
{
	int r = 0;
	size_t i;

	for (i = 0; i < page->count; i++) {
		if (r == 0)
			r = fn(arg, &page->objects[i]);
		object_done(&page->objects[i]);
	}
	return r;
}

static int object_pages(struct connection *connection, const char *sql, int64_t parent,
	enum kind kind, int64_t after, bool with_texts, store_object_fn fn, void *arg)
{
	struct page *page = calloc(1, sizeof(*page));
	bool full = true;
	int r = 0;

	if (!page)
		return -ENOMEM;
	while (full && r == 0) {
		sqlite3_stmt *statement = connection_take(connection, sql);

		if (!statement) {
			r = -EIO;
			break;
		}
		(void)sqlite3_bind_int64(statement, 1, parent);
		(void)sqlite3_bind_int(statement, 2, (int)kind);
		(void)sqlite3_bind_int64(statement, 3, after);
		(void)sqlite3_bind_int(statement, 4, OBJECT_PAGE);
		r = page_read(connection, statement, with_texts, page);
		full = page->count == OBJECT_PAGE;
		if (page->count > 0)
			after = page->objects[page->count - 1].id;
		r = page_deliver(page, fn, arg) ?: r;
	}
	free(page);
	return r > 0 ? 0 : r;
}

int object_children(struct connection *connection, int64_t parent, enum kind kind, int64_t after,
	bool with_texts, store_object_fn fn, void *arg)
{
#define CHILDREN                                                                                   \
	" WHERE o.parent = ?1 AND o.kind = ?2 AND o.deleting = 0 AND o.id > ?3"                    \
	" ORDER BY o.id LIMIT ?4"
	static const char full[] = "SELECT " OBJECT_COLUMNS OBJECT_TEXTS OBJECT_FROM CHILDREN;
	static const char peek[] = "SELECT " OBJECT_COLUMNS OBJECT_FROM CHILDREN;

	return object_pages(connection, with_texts ? full : peek, parent, kind, after, with_texts,
		fn, arg);
}

int store_get(struct store *store, int64_t id, struct object *ret)
{
	struct reader *reader = reader_take(store);
	int r = reader ? object_by_id(&reader->connection, id, true, ret) : -EIO;

	reader_give(store, reader);
	return r;
}

int store_peek(struct store *store, int64_t id, struct object *ret)
{
	struct reader *reader = reader_take(store);
	int r = reader ? object_by_id(&reader->connection, id, false, ret) : -EIO;

	reader_give(store, reader);
	return r;
}

int store_find(struct store *store, int64_t parent, enum kind kind, const char *name,
	struct object *ret)
{
	struct reader *reader = reader_take(store);
	int r = reader ? object_by_name(&reader->connection, parent, kind, name, true, ret) : -EIO;

	reader_give(store, reader);
	return r;
}

int store_peek_name(struct store *store, int64_t parent, enum kind kind, const char *name,
	struct object *ret)
{
	struct reader *reader = reader_take(store);
	int r = reader ? object_by_name(&reader->connection, parent, kind, name, false, ret) : -EIO;

	reader_give(store, reader);
	return r;
}

int store_list(struct store *store, int64_t parent, enum kind kind, int64_t after, bool with_texts,
	store_object_fn fn, void *arg)
{
	struct reader *reader = reader_take(store);
	int r = -EIO;

	if (reader)
		r = object_children(&reader->connection, parent, kind, after, with_texts, fn, arg);
	reader_give(store, reader);
	return r;
}

int store_list_all(struct store *store, enum kind kind, int64_t after, bool with_texts,
	store_object_fn fn, void *arg)
{
#define ALL " WHERE ?1 = 0 AND o.kind = ?2 AND o.id > ?3 ORDER BY o.id LIMIT ?4"
	static const char full[] = "SELECT " OBJECT_COLUMNS OBJECT_TEXTS OBJECT_FROM ALL;
	static const char peek[] = "SELECT " OBJECT_COLUMNS OBJECT_FROM ALL;
	struct reader *reader = reader_take(store);
	int r = -EIO;

	if (reader)
		r = object_pages(&reader->connection, with_texts ? full : peek, 0, kind, after,
			with_texts, fn, arg);
	reader_give(store, reader);
	return r;
}

int store_count(struct store *store, int64_t parent, enum kind kind, int64_t *ret)
{
	static const char sql[] =
		"SELECT count(*) FROM objects WHERE parent = ?1 AND kind = ?2 AND deleting = 0";
	struct reader *reader = reader_take(store);
	sqlite3_stmt *statement = reader ? connection_take(&reader->connection, sql) : NULL;
	int r = -EIO;

	if (statement) {
		(void)sqlite3_bind_int64(statement, 1, parent);
		(void)sqlite3_bind_int(statement, 2, (int)kind);
		r = sqlite3_step(statement) == SQLITE_ROW ? 0 : -EIO;
		if (r == 0)
			*ret = sqlite3_column_int64(statement, 0);
		connection_give(&reader->connection, statement);
	}
	reader_give(store, reader);
	return r;
}

int store_find_dns(struct store *store, const char *dns, int64_t *ret_service)
{
	static const char sql[] = "SELECT id FROM objects WHERE dns = ?1 AND deleting = 0";
	struct reader *reader = reader_take(store);
	sqlite3_stmt *statement = reader ? connection_take(&reader->connection, sql) : NULL;
	int r = -EIO;

	if (statement) {
		(void)sqlite3_bind_text(statement, 1, dns, -1, SQLITE_STATIC);
		r = sqlite3_step(statement) == SQLITE_ROW ? 0 : -ENOENT;
		if (r == 0)
			*ret_service = sqlite3_column_int64(statement, 0);
		connection_give(&reader->connection, statement);
	}
	reader_give(store, reader);
	return r;
}
