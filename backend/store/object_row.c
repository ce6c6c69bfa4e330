/* SPDX-License-Identifier: Apache-2.0 */
#include "store/object_row.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define COLUMNS                                                                                    \
	"SELECT o.id, o.kind, o.parent, o.tenant, o.name, o.generation, o.template_generation,"    \
	" o.observed, o.failed, o.deleting, o.protect, o.paused, o.restart, o.observed_restart,"   \
	" o.created_ns, o.spec_ns, o.status_ns, o.events_ns, o.error_ns, o.children_ns,"           \
	" o.value_size"
#define OWNER ", w.uid, w.gid, w.mode"
#define TEXTS                                                                                      \
	", (SELECT text FROM text WHERE id = o.id * 8 + 1)"                                        \
	", (SELECT text FROM text WHERE id = o.id * 8 + 2)"                                        \
	", (SELECT text FROM text WHERE id = o.id * 8 + 3)"                                        \
	", (SELECT text FROM text WHERE id = o.id * 8 + 4)"
#define FROM       " FROM object AS o "
#define FROM_OWNED FROM "CROSS JOIN owner AS w ON w.tenant = o.tenant "
#define OWNED      COLUMNS OWNER FROM_OWNED
#define WHOLE      COLUMNS OWNER TEXTS FROM_OWNED

#define BY_ID   "WHERE o.id = ?1"
#define BY_NAME "WHERE o.parent = ?1 AND o.kind = ?2 AND o.name = ?3 AND o.deleting = 0"
#define BY_PARENT                                                                                  \
	"WHERE o.parent = ?1 AND o.kind = ?2 AND o.deleting = 0 AND o.id > ?3 ORDER BY o.id "      \
	"LIMIT ?4"
#define BY_KIND "WHERE o.kind = ?1 AND o.id > ?2 ORDER BY o.id LIMIT ?3"

/* Columns. */
#define FIRST_OWNER 21
#define FIRST_TEXT  24

void object_done(struct object *object)
{
	if (!object)
		return;
	free(object->spec);
	free(object->status);
	free(object->last_error);
	free(object->reason);
	object->spec = object->status = object->last_error = object->reason = NULL;
}

static void object_fill(sqlite3_stmt *row, struct object *object)
{
	int i = 0;

	object->id = sqlite3_column_int64(row, i++);
	object->kind = (enum kind)sqlite3_column_int(row, i++);
	object->parent = sqlite3_column_int64(row, i++);
	object->tenant = sqlite3_column_int64(row, i++);
	(void)text_copy(object->name, sizeof(object->name),
		(const char *)sqlite3_column_text(row, i++));
	object->generation = sqlite3_column_int64(row, i++);
	object->template_generation = sqlite3_column_int64(row, i++);
	object->observed = sqlite3_column_int64(row, i++);
	object->failed = sqlite3_column_int(row, i++) != 0;
	object->deleting = sqlite3_column_int(row, i++) != 0;
	object->protect = sqlite3_column_int(row, i++) != 0;
	object->paused = sqlite3_column_int(row, i++) != 0;
	object->restart = sqlite3_column_int64(row, i++);
	object->observed_restart = sqlite3_column_int64(row, i++);
	object->created_ns = sqlite3_column_int64(row, i++);
	object->spec_ns = sqlite3_column_int64(row, i++);
	object->status_ns = sqlite3_column_int64(row, i++);
	object->events_ns = sqlite3_column_int64(row, i++);
	object->error_ns = sqlite3_column_int64(row, i++);
	object->children_ns = sqlite3_column_int64(row, i++);
	object->value_size = sqlite3_column_int64(row, i++);
}

static void object_fill_owner(sqlite3_stmt *row, struct object *object)
{
	object->uid = (uid_t)sqlite3_column_int64(row, FIRST_OWNER);
	object->gid = (gid_t)sqlite3_column_int64(row, FIRST_OWNER + 1);
	object->mode = (mode_t)sqlite3_column_int64(row, FIRST_OWNER + 2);
}

static int object_fill_text(sqlite3_stmt *row, int column, char **slot)
{
	const char *text = (const char *)sqlite3_column_text(row, column);

	if (!text)
		return sqlite3_column_type(row, column) == SQLITE_NULL ? 0 : -ENOMEM;
	*slot = strdup(text);
	return *slot ? 0 : -ENOMEM;
}

static int object_from_row(sqlite3_stmt *row, bool with_texts, struct object *ret)
{
	struct object object = OBJECT_INIT;
	int r = 0;

	object_fill(row, &object);
	object_fill_owner(row, &object);
	if (with_texts) {
		char **const slots[] = {
			&object.spec, &object.status, &object.last_error, &object.reason};

		for (int i = 0; i < 4 && r == 0; i++)
			r = object_fill_text(row, FIRST_TEXT + i, slots[i]);
	}
	if (r < 0) {
		object_done(&object);
		return r;
	}
	*ret = object;
	return 0;
}

static int object_read_one(struct connection *connection, sqlite3_stmt *statement, bool with_texts,
	struct object *ret)
{
	int r = connection_step(connection, statement);

	if (r == 0)
		r = -ENOENT;
	else if (r > 0)
		r = object_from_row(statement, with_texts, ret);
	statement_done(statement);
	return r;
}

int object_read_row(struct connection *connection, int64_t id, struct object *ret)
{
	_cleanup_statement_ sqlite3_stmt *statement =
		connection_query(connection, COLUMNS FROM BY_ID, "i", id);
	int r = connection_step(connection, statement);

	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	*ret = OBJECT_INIT;
	object_fill(statement, ret);
	return 0;
}

int object_read(struct connection *connection, int64_t id, bool with_texts, struct object *ret)
{
	return object_read_one(connection,
		with_texts ? connection_query(connection, WHOLE BY_ID, "i", id)
			   : connection_query(connection, OWNED BY_ID, "i", id),
		with_texts, ret);
}

int object_read_name(struct connection *connection, int64_t parent, enum kind kind,
	const char *name, bool with_texts, struct object *ret)
{
	int64_t k = (int64_t)kind;

	return object_read_one(connection,
		with_texts ? connection_query(connection, WHOLE BY_NAME, "iit", parent, k, name)
			   : connection_query(connection, OWNED BY_NAME, "iit", parent, k, name),
		with_texts, ret);
}

static size_t object_text_size(const struct object *object)
{
	return (object->spec ? strlen(object->spec) : 0) +
	       (object->status ? strlen(object->status) : 0);
}

static int object_read_page(struct connection *connection, sqlite3_stmt *statement, bool with_texts,
	struct object_page *page)
{
	size_t bytes = 0;
	int r = 0;

	page->count = 0;
	while (page->count < OBJECT_PAGE_MAX && bytes < OBJECT_PAGE_BYTES) {
		r = connection_step(connection, statement);
		if (r > 0)
			r = object_from_row(statement, with_texts, &page->objects[page->count]);
		else
			page->last = true;
		if (page->last || r < 0)
			break;
		bytes += object_text_size(&page->objects[page->count++]);
	}
	statement_done(statement);
	return r;
}

int object_read_children(struct connection *connection, int64_t parent, enum kind kind,
	int64_t after, bool with_texts, struct object_page *page)
{
	int64_t k = (int64_t)kind, limit = OBJECT_PAGE_MAX;

	return object_read_page(connection,
		with_texts ? connection_query(connection, WHOLE BY_PARENT, "iiii", parent, k, after,
				     limit)
			   : connection_query(connection, OWNED BY_PARENT, "iiii", parent, k, after,
				     limit),
		with_texts, page);
}

int object_read_kind(struct connection *connection, enum kind kind, int64_t after, bool with_texts,
	struct object_page *page)
{
	int64_t k = (int64_t)kind, limit = OBJECT_PAGE_MAX;

	return object_read_page(connection,
		with_texts ? connection_query(connection, WHOLE BY_KIND, "iii", k, after, limit)
			   : connection_query(connection, OWNED BY_KIND, "iii", k, after, limit),
		with_texts, page);
}

void object_page_done(struct object_page *page)
{
	for (size_t i = 0; i < page->count; i++)
		object_done(&page->objects[i]);
	page->count = 0;
}
