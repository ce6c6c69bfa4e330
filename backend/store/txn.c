/* SPDX-License-Identifier: Apache-2.0 */
#include "store/internal.h"

#include <errno.h>
#include <stdio.h>

/* Node ids of the file system hold 28 bits of an object's id. */
#define OBJECT_ID_MAX ((INT64_C(1) << 28) - 1)

int txn_get(struct txn *txn, int64_t id, struct object *ret)
{
	return object_by_id(txn->connection, id, true, ret);
}

int txn_find(struct txn *txn, int64_t parent, enum kind kind, const char *name, struct object *ret)
{
	return object_by_name(txn->connection, parent, kind, name, true, ret);
}

int txn_list(struct txn *txn, int64_t parent, enum kind kind, bool with_texts, store_object_fn fn,
	void *arg)
{
	return object_children(txn->connection, parent, kind, 0, with_texts, fn, arg);
}

static int txn_touch_parent(struct txn *txn, int64_t parent)
{
	static const char sql[] =
		"UPDATE objects SET children_ns = max(children_ns + 1, ?2) WHERE id = ?1";
	sqlite3_stmt *statement = connection_take(txn->connection, sql);

	if (!statement)
		return -EIO;
	(void)sqlite3_bind_int64(statement, 1, parent);
	(void)sqlite3_bind_int64(statement, 2, txn->now_ns);
	return connection_run(txn->connection, statement);
}

static int txn_insert(struct txn *txn, int64_t parent, int64_t tenant, enum kind kind,
	const char *name)
{
	static const char sql[] = "INSERT INTO objects (kind, parent, tenant, name, uid, gid, "
				  "mode, created_ns, spec_ns,"
				  " status_ns, events_ns, error_ns, children_ns)"
				  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, 488, ?7, ?7, ?7, ?7, ?7, ?7)";
	sqlite3_stmt *statement = connection_take(txn->connection, sql);

	if (!statement)
		return -EIO;
	(void)sqlite3_bind_int(statement, 1, (int)kind);
	(void)sqlite3_bind_int64(statement, 2, parent);
	(void)sqlite3_bind_int64(statement, 3, tenant);
	(void)sqlite3_bind_text(statement, 4, name, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int64(statement, 5, txn->caller ? txn->caller->uid : 0);
	(void)sqlite3_bind_int64(statement, 6, txn->caller ? txn->caller->gid : 0);
	(void)sqlite3_bind_int64(statement, 7, txn->now_ns);
	return connection_run(txn->connection, statement);
}

static int txn_own_tenant(struct txn *txn, int64_t id)
{
	static const char sql[] = "UPDATE objects SET tenant = id WHERE id = ?1";
	sqlite3_stmt *statement = connection_take(txn->connection, sql);

	if (!statement)
		return -EIO;
	(void)sqlite3_bind_int64(statement, 1, id);
	return connection_run(txn->connection, statement);
}

int txn_create(struct txn *txn, int64_t parent, enum kind kind, const char *name, int64_t *ret_id,
	struct error *reterr)
{
	_cleanup_object_ struct object above = OBJECT_INIT;
	int64_t id;
	int r;

	r = kind_check_name(kind, name, reterr);
	if (r < 0)
		return r;
	r = object_by_id(txn->connection, parent, false, &above);
	if (r == 0 && above.deleting)
		r = -ENOENT;
	if (r < 0)
		return error_set(reterr, r, "the parent of %s \"%s\" is gone", kind_name(kind),
			name);
	r = txn_insert(txn, parent, above.tenant, kind, name);
	if (r == -EEXIST)
		return error_set(reterr, r, "%s \"%s\" exists", kind_name(kind), name);
	id = sqlite3_last_insert_rowid(txn->connection->db);
	if (r == 0 && id > OBJECT_ID_MAX)
		return error_set(reterr, -ENOSPC, "the platform has used up its object numbers");
	if (r == 0 && kind == KIND_TENANT)
		r = txn_own_tenant(txn, id);
	if (r == 0)
		r = txn_touch_parent(txn, parent);
	if (r == 0)
		r = txn_changed(txn, id, CHANGE_CREATED);
	if (r < 0)
		return error_set(reterr, r, "cannot write %s \"%s\"", kind_name(kind), name);
	*ret_id = id;
	return 0;
}

struct obstacle {
	enum kind kind;
	char name[OBJECT_NAME_MAX + 1];
};

static int obstacle_note(void *arg, const struct object *object)
{
	struct obstacle *obstacle = arg;

	obstacle->kind = object->kind;
	(void)snprintf(obstacle->name, sizeof(obstacle->name), "%s", object->name);
	return 1;
}

/* The first living child that a user made and that stands in the way of deleting object. */
static int txn_obstacle(struct txn *txn, const struct object *object, struct obstacle *ret)
{
	static const enum kind kinds[] = {
		KIND_SERVICE, KIND_SECRET, KIND_CONFIG, KIND_HOST, KIND_RESOURCE};
	size_t i;
	int r = 0;

	ret->name[0] = '\0';
	if (object->kind != KIND_TENANT)
		return 0;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && r == 0 && !ret->name[0]; i++)
		r = object_children(txn->connection, object->id, kinds[i], 0, false, obstacle_note,
			ret);
	return r;
}

static int txn_bury(struct txn *txn, int64_t id)
{
	static const char sql[] = "UPDATE objects SET deleting = 1, status_ns = ?2 WHERE id = ?1";
	sqlite3_stmt *statement = connection_take(txn->connection, sql);
	int r;

	if (!statement)
		return -EIO;
	(void)sqlite3_bind_int64(statement, 1, id);
	(void)sqlite3_bind_int64(statement, 2, txn->now_ns);
	r = connection_run(txn->connection, statement);
	return r ? r : txn_changed(txn, id, CHANGE_DELETED);
}

static int txn_bury_child(void *arg, const struct object *object)
{
	return txn_bury(arg, object->id);
}

int txn_delete(struct txn *txn, int64_t id, struct error *reterr)
{
	_cleanup_object_ struct object object = OBJECT_INIT;
	struct obstacle obstacle;
	int r = object_by_id(txn->connection, id, false, &object);

	if (r == 0 && object.deleting)
		r = -ENOENT;
	if (r < 0)
		return error_set(reterr, r, "it is gone");
	if (object.protect)
		return error_set(reterr, -EBUSY,
			"%s \"%s\" is protected: write off to its protect first",
			kind_name(object.kind), object.name);
	r = txn_obstacle(txn, &object, &obstacle);
	if (r == 0 && obstacle.name[0])
		return error_set(reterr, -ENOTEMPTY, "%s \"%s\" still holds %s \"%s\"",
			kind_name(object.kind), object.name, kind_name(obstacle.kind),
			obstacle.name);
	if (r == 0)
		r = object_children(txn->connection, id, KIND_INSTANCE, 0, false, txn_bury_child,
			txn);
	if (r == 0 && object.kind == KIND_SERVICE)
		r = object_children(txn->connection, id, KIND_CONFIG, 0, false, txn_bury_child,
			txn);
	if (r == 0)
		r = txn_bury(txn, id);
	if (r == 0)
		r = txn_touch_parent(txn, object.parent);
	return r < 0 ? error_set(reterr, r, "cannot delete \"%s\"", object.name) : 0;
}

static int txn_exists(struct txn *txn, const char *sql, int64_t id)
{
	sqlite3_stmt *statement = connection_take(txn->connection, sql);
	int r;

	if (!statement)
		return -EIO;
	(void)sqlite3_bind_int64(statement, 1, id);
	r = sqlite3_step(statement) == SQLITE_ROW;
	connection_give(txn->connection, statement);
	return r;
}

static int txn_run_for(struct txn *txn, const char *sql, int64_t id)
{
	sqlite3_stmt *statement = connection_take(txn->connection, sql);

	if (!statement)
		return -EIO;
	(void)sqlite3_bind_int64(statement, 1, id);
	return connection_run(txn->connection, statement);
}

int txn_purge(struct txn *txn, int64_t id, struct error *reterr)
{
	static const char children[] = "SELECT 1 FROM objects WHERE parent = ?1 LIMIT 1";
	static const char intents[] = "SELECT 1 FROM intents WHERE owner = ?1 LIMIT 1";
	static const char *const removals[] = {
		"DELETE FROM history WHERE object = ?1",
		"DELETE FROM events WHERE object = ?1",
		"DELETE FROM allocations WHERE owner = ?1",
		"DELETE FROM keys WHERE tenant = ?1",
		"DELETE FROM objects WHERE id = ?1",
	};
	size_t i;
	int r = txn_exists(txn, intents, id);

	if (r > 0)
		return error_set(reterr, -EBUSY, "something that it caused is not gone yet");
	r = r < 0 ? r : txn_exists(txn, children, id);
	if (r > 0)
		return error_set(reterr, -EBUSY, "something below it is not gone yet");
	if (r == 0)
		r = txn_changed(txn, id, CHANGE_PURGED);
	if (r == -ENOENT)
		return 0;
	for (i = 0; i < sizeof(removals) / sizeof(removals[0]) && r == 0; i++)
		r = txn_run_for(txn, removals[i], id);
	return r < 0 ? error_set(reterr, r, "cannot remove object %lld", (long long)id) : 0;
}
