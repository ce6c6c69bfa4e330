/* SPDX-License-Identifier: Apache-2.0 */
#include "store/internal.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"

static const char event_insert[] =
	"INSERT INTO events (object, tenant, wall_ns, severity, path, text)"
	" VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

/* "tenant/service" or "tenant"; an instance speaks for its service; "platform" for the platform. */
static int event_path(struct txn *txn, const struct object *object, char *path, size_t size)
{
	_cleanup_object_ struct object tenant = OBJECT_INIT;
	int r;

	if (object->kind == KIND_PLATFORM || object->kind == KIND_TENANT) {
		(void)snprintf(path, size, "%s", object->name[0] ? object->name : "platform");
		return 0;
	}
	r = object_by_id(txn->connection, object->tenant, false, &tenant);
	if (r == 0)
		(void)snprintf(path, size, "%s/%s", tenant.name, object->name);
	return r;
}

static int event_write(struct txn *txn, const struct object *object, const char *severity,
	const char *path, const char *text)
{
	sqlite3_stmt *statement = connection_take(txn->connection, event_insert);

	if (!statement)
		return -EIO;
	(void)sqlite3_bind_int64(statement, 1, object->id);
	(void)sqlite3_bind_int64(statement, 2, object->tenant);
	(void)sqlite3_bind_int64(statement, 3, txn->now_ns);
	(void)sqlite3_bind_text(statement, 4, severity, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(statement, 5, path, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(statement, 6, text, -1, SQLITE_STATIC);
	return connection_run(txn->connection, statement);
}

static int event_run(struct txn *txn, const char *sql, int64_t id, int64_t number)
{
	sqlite3_stmt *statement = connection_take(txn->connection, sql);

	if (!statement)
		return -EIO;
	(void)sqlite3_bind_int64(statement, 1, id);
	(void)sqlite3_bind_int64(statement, 2, number);
	return connection_run(txn->connection, statement);
}

/* Moves the object's time, drops what is above the cap, tells the feed. */
static int event_settle(struct txn *txn, int64_t id)
{
	static const char touch[] =
		"UPDATE objects SET events_ns = max(events_ns + 1, ?2) WHERE id = ?1";
	static const char cap[] =
		"DELETE FROM events WHERE object = ?1 AND id <= (SELECT id FROM events"
		" WHERE object = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)";
	int r = event_run(txn, touch, id, txn->now_ns);

	if (r == 0)
		r = event_run(txn, cap, id, STORE_EVENTS_MAX);
	return r ? r : txn_changed(txn, id, CHANGE_EVENTS);
}

int txn_event(struct txn *txn, int64_t id, const char *severity, const char *format, ...)
{
	_cleanup_object_ struct object object = OBJECT_INIT;
	char path[2 * OBJECT_NAME_MAX + 8], text[1024];
	va_list ap;
	char *at;
	int r;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	for (at = text; *at; at++) /* one line an event, whatever a program printed */
		if ((unsigned char)*at < ' ')
			*at = ' ';
	r = object_by_id(txn->connection, id, false, &object);
	if (r == 0 && object.kind == KIND_INSTANCE) {
		id = object.parent;
		object_done(&object);
		r = object_by_id(txn->connection, id, false, &object);
	}
	if (r == 0)
		r = event_path(txn, &object, path, sizeof(path));
	if (r == 0)
		r = event_write(txn, &object, severity, path, text);
	return r ? r : event_settle(txn, id);
}

/* Oldest first of the newest STORE_EVENTS_MAX. */
static int event_print(struct connection *connection, const char *sql, int64_t id, struct buf *out)
{
	sqlite3_stmt *row = connection_take(connection, sql);
	char time[32];

	if (!row)
		return -EIO;
	(void)sqlite3_bind_int64(row, 1, id);
	(void)sqlite3_bind_int(row, 2, STORE_EVENTS_MAX);
	while (sqlite3_step(row) == SQLITE_ROW) {
		clock_format_utc(sqlite3_column_int64(row, 0), time, sizeof(time));
		buf_printf(out, "%s %s %s: %s\n", time, (const char *)sqlite3_column_text(row, 1),
			(const char *)sqlite3_column_text(row, 2),
			(const char *)sqlite3_column_text(row, 3));
	}
	connection_give(connection, row);
	return out->error;
}

int store_events(struct store *store, int64_t id, struct buf *out)
{
#define EVENTS_NEWEST(where)                                                                       \
	"SELECT wall_ns, severity, path, text FROM (SELECT * FROM events WHERE " where             \
	" ORDER BY id DESC LIMIT ?2) ORDER BY id"
	static const char all[] = EVENTS_NEWEST("?1 = ?1");
	static const char of_tenant[] = EVENTS_NEWEST("tenant = ?1");
	static const char of_object[] = EVENTS_NEWEST("object = ?1");
	_cleanup_object_ struct object object = OBJECT_INIT;
	struct reader *reader = reader_take(store);
	const char *sql = of_object;
	int r = reader ? object_by_id(&reader->connection, id, false, &object) : -EIO;

	if (object.kind == KIND_PLATFORM)
		sql = all;
	if (object.kind == KIND_TENANT)
		sql = of_tenant;
	if (r == 0)
		r = event_print(&reader->connection, sql, id, out);
	reader_give(store, reader);
	return r;
}
