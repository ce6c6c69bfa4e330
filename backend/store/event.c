/* SPDX-License-Identifier: Apache-2.0 */
/* What happened to an object, in words for a person, the newest last. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "store/txn.h"

#define EVENTS_MAX      500
#define EVENT_TEXT_SIZE 1024

/* An event is one line, whatever a program or an engine has put into its text. */
static void event_make_line(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = ' ';
}

static bool event_bears(const struct object *object)
{
	return object->kind != KIND_INSTANCE && object->kind != KIND_SECRET &&
	       object->kind != KIND_CONFIG && object->kind != KIND_OUTPUT;
}

/* What happens to an instance or a value is an event of the service or tenant above it: one step,
 * unless a damaged database leads in circles. */
static int event_bearer(struct txn *txn, int64_t id, struct object *ret)
{
	int r = txn_peek(txn, id, ret);

	if (r == 0 && !event_bears(ret))
		r = txn_peek(txn, ret->parent, ret);
	return r == 0 && !event_bears(ret) ? txn_fail(txn, -EIO) : r;
}

static int event_path(struct txn *txn, const struct object *object, char *path, size_t size)
{
	struct object tenant = OBJECT_INIT;
	int r;

	if (object->id == PLATFORM_ID || object->tenant == object->id || object->tenant == 0) {
		(void)snprintf(path, size, "%s", object->name[0] ? object->name : "platform");
		return 0;
	}
	r = txn_peek(txn, object->tenant, &tenant);
	if (r == 0)
		(void)snprintf(path, size, "%s/%s", tenant.name, object->name);
	return r;
}

static int event_insert(struct txn *txn, const struct object *object, const char *severity,
	const char *text)
{
	char path[2 * OBJECT_NAME_MAX + 2];
	int r;

	r = event_path(txn, object, path, sizeof(path));
	if (r < 0)
		return r;
	r = txn_run(txn,
		"INSERT INTO event (object, tenant, wall_ns, severity, path, text)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
		"iiittt", object->id, object->tenant, txn->now_ns, severity, path, text);
	if (r < 0)
		return r;
	return txn_run(txn,
		"DELETE FROM event WHERE object = ?1 AND id <="
		" (SELECT id FROM event WHERE object = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
		"ii", object->id, (int64_t)EVENTS_MAX);
}

/* The files `events` of the tenant and of the platform show it too. */
static int event_note(struct txn *txn, const struct object *object)
{
	const int64_t bearers[] = {object->id, object->tenant, PLATFORM_ID};
	struct object bearer = OBJECT_INIT;
	int r = 0;

	for (int i = 0; i < 3 && r == 0; i++) {
		if (bearers[i] == 0 || (i > 0 && bearers[i] == bearers[0]))
			continue;
		r = txn_run(txn,
			"UPDATE object SET events_ns = max(events_ns + 1, ?2) WHERE id = ?1", "ii",
			bearers[i], txn->now_ns);
		if (r == 0)
			r = txn_peek(txn, bearers[i], &bearer);
		if (r == 0)
			r = txn_note(txn, &bearer, CHANGE_EVENTS);
	}
	return r;
}

int txn_event(struct txn *txn, int64_t id, const char *severity, const char *format, ...)
{
	struct object object = OBJECT_INIT;
	char text[EVENT_TEXT_SIZE];
	va_list ap;
	int r;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	event_make_line(text);
	r = event_bearer(txn, id, &object);
	if (r == 0)
		r = event_insert(txn, &object, severity, text);
	if (r == 0)
		r = event_note(txn, &object);
	return r;
}

#define NEWEST_FIRST        " ORDER BY id DESC LIMIT ?2"
#define EVENT_COLUMNS       "SELECT id, wall_ns, severity, path, text FROM event "
#define OLDEST_FIRST(query) "SELECT * FROM (" query NEWEST_FIRST ") ORDER BY id"

static sqlite3_stmt *event_query(struct connection *connection, const struct object *object)
{
	int64_t limit = EVENTS_MAX;

	if (object->kind == KIND_PLATFORM)
		return connection_query(connection, OLDEST_FIRST(EVENT_COLUMNS "WHERE ?1 = ?1"),
			"ii", object->id, limit);
	if (object->kind == KIND_TENANT)
		return connection_query(connection, OLDEST_FIRST(EVENT_COLUMNS "WHERE tenant = ?1"),
			"ii", object->id, limit);
	return connection_query(connection, OLDEST_FIRST(EVENT_COLUMNS "WHERE object = ?1"), "ii",
		object->id, limit);
}

static int event_print(struct connection *connection, int64_t id, struct buf *out)
{
	_cleanup_statement_ sqlite3_stmt *statement = NULL;
	struct object object = OBJECT_INIT;
	char when[32];
	int r;

	r = object_read_row(connection, id, &object);
	if (r < 0)
		return r;
	statement = event_query(connection, &object);
	while ((r = connection_step(connection, statement)) > 0) {
		clock_format_utc(sqlite3_column_int64(statement, 1), when, sizeof(when));
		buf_printf(out, "%s %s %s: %s\n", when, sqlite3_column_text(statement, 2),
			sqlite3_column_text(statement, 3), sqlite3_column_text(statement, 4));
	}
	return r < 0 ? r : out->error;
}

int store_events(struct store *store, int64_t id, struct buf *out)
{
	struct connection *connection = reader_take(store, NULL);
	int r = connection ? event_print(connection, id, out) : -EIO;

	reader_give(store, connection);
	return r;
}
