/* SPDX-License-Identifier: Apache-2.0 */
/* Objects appear, are marked deleted, and go for good. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "store/txn.h"
#include "store/usage.h"

#define ID_LIMIT    (INT64_C(1) << 28) /* node ids of the file tree give an object 28 bits */
#define TENANT_MODE 0750

static int txn_touch_children(struct txn *txn, int64_t parent)
{
	return txn_run(txn,
		"UPDATE object SET children_ns = max(children_ns + 1, ?2) WHERE id = ?1", "ii",
		parent, txn->now_ns);
}

static int txn_insert(struct txn *txn, struct object *object, struct error *reterr)
{
	sqlite3 *db = connection_handle(txn->connection);
	int r;

	r = txn_run(txn,
		"INSERT INTO object (kind, parent, tenant, name, created_ns, spec_ns, status_ns,"
		" events_ns, error_ns, children_ns) VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?5, ?5, ?5, "
		"?5)",
		"iiiti", (int64_t)object->kind, object->parent, object->tenant, object->name,
		txn->now_ns);
	if (r == -EEXIST)
		return error_set(reterr, r, "%s \"%s\" is there already", kind_name(object->kind),
			object->name);
	if (r < 0)
		return txn_error(txn, r, reterr);
	object->id = sqlite3_last_insert_rowid(db);
	if (object->id >= ID_LIMIT)
		return error_set(reterr, -ENOSPC, "all %" PRId64 " object numbers are used up",
			ID_LIMIT);
	return 0;
}

/* A tenant belongs to itself and to who made it. */
static int txn_found_tenant(struct txn *txn, struct object *object)
{
	const struct caller *caller = txn->caller;
	int r;

	object->tenant = object->id;
	r = txn_run(txn, "UPDATE object SET tenant = id WHERE id = ?1", "i", object->id);
	if (r < 0)
		return r;
	return txn_run(txn, "INSERT INTO owner (tenant, uid, gid, mode) VALUES (?1, ?2, ?3, ?4)",
		"iiii", object->id, (int64_t)(caller ? caller->uid : 0),
		(int64_t)(caller ? caller->gid : 0), (int64_t)TENANT_MODE);
}

int txn_create(struct txn *txn, int64_t parent, enum kind kind, const char *name, int64_t *ret_id,
	struct error *reterr)
{
	struct object above = OBJECT_INIT, object = {.kind = kind, .parent = parent};
	int r;

	r = kind_check_name(kind, name, reterr);
	if (r < 0)
		return r;
	(void)memcpy(object.name, name, strlen(name) + 1);
	r = txn_peek_living(txn, parent, &above);
	if (r < 0)
		return txn_error(txn, r, reterr);
	object.tenant = above.tenant;
	r = txn_insert(txn, &object, reterr);
	if (r < 0)
		return r;
	if (kind == KIND_TENANT)
		r = txn_found_tenant(txn, &object);
	if (r == 0)
		r = txn_touch_children(txn, parent);
	if (r == 0)
		r = txn_note(txn, &object, CHANGE_CREATED);
	if (r < 0)
		return txn_error(txn, r, reterr);
	*ret_id = object.id;
	return 0;
}

static int txn_remove_rows(struct txn *txn, int64_t id)
{
	static const char *const statements[] = {
		"DELETE FROM text WHERE id BETWEEN ?1 * 8 AND ?1 * 8 + 7",
		"DELETE FROM value WHERE object = ?1",
		"DELETE FROM history WHERE object = ?1",
		"DELETE FROM staged WHERE object = ?1",
		"DELETE FROM reserve WHERE service = ?1",
		"DELETE FROM wanted WHERE object = ?1",
		"DELETE FROM event WHERE object = ?1",
		"DELETE FROM allocation WHERE owner = ?1",
		"DELETE FROM tenant_key WHERE tenant = ?1",
		"DELETE FROM owner WHERE tenant = ?1",
		"DELETE FROM service_grants WHERE service = ?1",
		"DELETE FROM object WHERE id = ?1",
	};
	int r = 0;

	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]) && r == 0; i++)
		r = txn_run(txn, statements[i], "i", id);
	return r;
}

static int txn_check_purge(struct txn *txn, const struct object *object, struct error *reterr)
{
	int64_t found = 0;
	int r;

	if (object->id == PLATFORM_ID)
		return error_set(reterr, -EBUSY, "the platform itself cannot be removed");
	r = txn_fail(txn,
		connection_get_int(txn->connection, &found,
			"SELECT 1 FROM intent WHERE owner = ?1 LIMIT 1", "i", object->id));
	if (r == 0)
		return error_set(reterr, -EBUSY, "\"%s\" still has something outside that it made",
			object->name);
	if (r == -ENOENT)
		r = txn_fail(txn,
			connection_get_int(txn->connection, &found,
				"SELECT 1 FROM object WHERE parent = ?1 LIMIT 1", "i", object->id));
	if (r == 0)
		return error_set(reterr, -EBUSY, "\"%s\" still holds other objects", object->name);
	return r == -ENOENT ? 0 : txn_error(txn, r, reterr);
}

int txn_purge(struct txn *txn, int64_t id, struct error *reterr)
{
	struct object object = OBJECT_INIT;
	unsigned flags = CHANGE_PURGED;
	int r;

	r = txn_peek(txn, id, &object);
	if (r < 0)
		return txn_error(txn, r, reterr);
	r = txn_check_purge(txn, &object, reterr);
	if (r < 0)
		return r;
	if (!object.deleting) {
		flags |= CHANGE_DELETED;
		r = txn_touch_children(txn, object.parent);
	}
	/* The ledger keeps what it was; nothing is counted for what is gone. */
	if (r == 0)
		r = txn_usage_set(txn, id, 0, NULL);
	if (r == 0)
		r = txn_remove_rows(txn, id);
	if (r == 0)
		r = txn_note(txn, &object, flags);
	return r < 0 ? txn_error(txn, r, reterr) : 0;
}

static int txn_set_tombstone(struct txn *txn, const struct object *object)
{
	int r;

	r = txn_run(txn,
		"UPDATE object SET deleting = 1, status_ns = max(status_ns + 1, ?2) WHERE id = ?1",
		"ii", object->id, txn->now_ns);
	return r < 0 ? r : txn_note(txn, object, CHANGE_DELETED);
}

static int tombstone_child(void *arg, const struct object *child)
{
	return txn_set_tombstone(arg, child);
}

/* A living child that a user made. */
static int txn_find_obstacle(struct txn *txn, const struct object *object, struct object *ret)
{
	int64_t found = 0;
	int r;

	r = connection_get_int(txn->connection, &found,
		"SELECT id FROM object WHERE parent = ?1 AND kind <> ?2 AND kind <> ?3"
		" AND kind <> ?4 AND deleting = 0 LIMIT 1",
		"iiii", object->id, (int64_t)KIND_INSTANCE,
		(int64_t)(object->kind == KIND_SERVICE ? KIND_CONFIG : 0), (int64_t)KIND_OUTPUT);
	return r < 0 ? txn_fail(txn, r) : txn_peek(txn, found, ret);
}

/* A tenant that is in the group. */
static int txn_find_member(struct txn *txn, const struct object *group, struct object *ret)
{
	int64_t found = 0;
	int r = connection_get_int(txn->connection, &found,
		"SELECT w.tenant FROM owner AS w JOIN object AS o ON o.id = w.tenant"
		" WHERE w.policy_group = ?1 AND w.policy_group <> 0 AND o.deleting = 0 LIMIT 1",
		"i", group->id);

	return r < 0 ? txn_fail(txn, r) : txn_peek(txn, found, ret);
}

static int txn_check_delete(struct txn *txn, const struct object *object, struct error *reterr)
{
	struct object obstacle = OBJECT_INIT;
	int r;

	if (object->id == PLATFORM_ID)
		return error_set(reterr, -EBUSY, "the platform itself cannot be removed");
	if (object->protect)
		return error_set(reterr, -EBUSY,
			"%s \"%s\" is protected: write off to its file protect first",
			kind_name(object->kind), object->name);
	if (object->kind == KIND_GROUP) {
		r = txn_find_member(txn, object, &obstacle);
		if (r == 0)
			return error_set(reterr, -EBUSY,
				"group \"%s\" is that of tenant \"%s\": write another to its file "
				"group first",
				object->name, obstacle.name);
		return r == -ENOENT ? 0 : txn_error(txn, r, reterr);
	}
	r = txn_find_obstacle(txn, object, &obstacle);
	if (r == 0)
		return error_set(reterr, -ENOTEMPTY,
			"%s \"%s\" still holds %s \"%s\": remove what is in it first",
			kind_name(object->kind), object->name, kind_name(obstacle.kind),
			obstacle.name);
	return r == -ENOENT ? 0 : txn_error(txn, r, reterr);
}

int txn_delete(struct txn *txn, int64_t id, struct error *reterr)
{
	struct object object = OBJECT_INIT;
	int r;

	r = txn_peek_living(txn, id, &object);
	if (r < 0)
		return txn_error(txn, r, reterr);
	r = txn_check_delete(txn, &object, reterr);
	if (r < 0)
		return r;
	r = txn_set_tombstone(txn, &object);
	if (r == 0 && object.kind == KIND_SERVICE)
		r = txn_run(txn, "DELETE FROM reserve WHERE service = ?1", "i", id);
	if (r == 0)
		r = txn_touch_children(txn, object.parent);
	if (r == 0 && object.kind == KIND_SERVICE)
		r = txn_list(txn, id, KIND_INSTANCE, false, tombstone_child, txn);
	if (r == 0 && object.kind == KIND_SERVICE)
		r = txn_list(txn, id, KIND_CONFIG, false, tombstone_child, txn);
	if (r == 0 && object.kind == KIND_RESOURCE)
		r = txn_list(txn, id, KIND_OUTPUT, false, tombstone_child, txn);
	/* Nothing outside is a group's. */
	if (r == 0 && object.kind == KIND_GROUP)
		return txn_purge(txn, id, reterr);
	return r < 0 ? txn_error(txn, r, reterr) : 0;
}
