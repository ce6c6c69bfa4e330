/* SPDX-License-Identifier: Apache-2.0 */
#include "store/rotate.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "store/txn.h"
#include "store/value.h"

/* Rows a transaction: others write in between. */
#define ROTATE_KEYS   64
#define ROTATE_VALUES 16

static const char *const words[] = {
	[ROTATE_MASTER] = "master",
	[ROTATE_TENANTS] = "tenants",
	[ROTATE_ALL] = "all",
};

enum rotation_what rotation_parse(const char *word)
{
	for (int what = ROTATE_MASTER; what <= ROTATE_ALL; what++)
		if (strcmp(words[what], word) == 0)
			return (enum rotation_what)what;
	return 0;
}

const char *rotation_word(enum rotation_what what)
{
	return what >= ROTATE_MASTER && what <= ROTATE_ALL ? words[what] : "";
}

/* ---- the row ---- */

static int rotation_read(struct connection *connection, struct rotation *ret)
{
	_cleanup_statement_ sqlite3_stmt *row = connection_query(connection,
		"SELECT what, phase, master, cursor, keys, sealed, damaged, started_ns, finished_ns"
		" FROM rotation",
		"");
	int r = connection_step(connection, row);

	if (r < 0)
		return r;
	*ret = (struct rotation){0};
	if (r == 0)
		return 0;
	ret->what = (enum rotation_what)sqlite3_column_int(row, 0);
	ret->phase = (enum rotation_phase)sqlite3_column_int(row, 1);
	ret->master = sqlite3_column_int64(row, 2);
	ret->cursor = sqlite3_column_int64(row, 3);
	ret->keys = sqlite3_column_int64(row, 4);
	ret->values = sqlite3_column_int64(row, 5);
	ret->damaged = sqlite3_column_int64(row, 6);
	ret->started_ns = sqlite3_column_int64(row, 7);
	ret->finished_ns = sqlite3_column_int64(row, 8);
	return 0;
}

static int rotation_write(struct txn *txn, const struct rotation *rotation)
{
	return txn_run(txn,
		"INSERT OR REPLACE INTO rotation (id, what, phase, master, cursor, keys, sealed,"
		" damaged, started_ns, finished_ns) VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
		"iiiiiiiii", (int64_t)rotation->what, (int64_t)rotation->phase, rotation->master,
		rotation->cursor, rotation->keys, rotation->values, rotation->damaged,
		rotation->started_ns, rotation->finished_ns);
}

static int rotation_tell(struct txn *txn)
{
	struct object platform = OBJECT_INIT;
	int r = txn_peek(txn, PLATFORM_ID, &platform);

	return r < 0 ? r : txn_note(txn, &platform, CHANGE_FLAGS);
}

int store_rotation(struct store *store, struct rotation *ret)
{
	struct connection *connection = reader_take(store, NULL);
	int r;

	if (!connection)
		return -EIO;
	r = rotation_read(connection, ret);
	reader_give(store, connection);
	/* Between two rotations: what is in use. */
	if (r == 0 && (ret->phase == ROTATION_IDLE || !(ret->what & ROTATE_MASTER)))
		ret->master = keys_master(&store->keys);
	return r;
}

int txn_rotate(struct txn *txn, enum rotation_what what, struct error *reterr)
{
	struct rotation rotation = {0};
	int r = txn_fail(txn, rotation_read(txn->connection, &rotation));

	if (r < 0)
		return txn_error(txn, r, reterr);
	if (rotation.phase != ROTATION_IDLE)
		return error_set(reterr, -EBUSY, "a rotation (%s) is under way: let it end first",
			rotation_word(rotation.what));
	if (keys_master(&txn->store->keys) == 0)
		return error_set(reterr, -ENOKEY, "there is no master key");
	rotation = (struct rotation){
		.what = what,
		.phase = what & ROTATE_MASTER ? ROTATION_MASTER_MAKE : ROTATION_TENANT_MAKE,
		.master = keys_master(&txn->store->keys) + 1,
		.started_ns = txn->now_ns,
	};
	r = rotation_write(txn, &rotation);
	if (r == 0)
		r = rotation_tell(txn);
	return r < 0 ? txn_error(txn, r, reterr) : 0;
}

/* ---- steps ---- */

static void rotation_enter(struct rotation *rotation, enum rotation_phase phase)
{
	rotation->phase = phase;
	rotation->cursor = 0;
}

static int rotation_finish(struct txn *txn, struct rotation *rotation)
{
	int r;

	rotation_enter(rotation, ROTATION_IDLE);
	rotation->finished_ns = txn->now_ns;
	r = txn_event(txn, PLATFORM_ID, rotation->damaged ? "warning" : "info",
		"keys were rotated (%s): %lld keys and %lld secrets sealed anew, %lld damaged",
		rotation_word(rotation->what), (long long)rotation->keys,
		(long long)rotation->values, (long long)rotation->damaged);
	return r < 0 ? r : rotation_tell(txn);
}

struct picked {
	int64_t id, version;
};

/* Rows of two numbers behind the cursor. */
static int pick(struct txn *txn, const char *sql, int64_t cursor, struct picked *picked, int max)
{
	_cleanup_statement_ sqlite3_stmt *row =
		connection_query(txn->connection, sql, "ii", cursor, (int64_t)max);
	int count = 0, r;

	while ((r = connection_step(txn->connection, row)) > 0 && count < max)
		picked[count++] =
			(struct picked){sqlite3_column_int64(row, 0), sqlite3_column_int64(row, 1)};
	return r < 0 ? txn_fail(txn, r) : count;
}

/* The cursor counts versions of a tenant's keys, too: ids are below 2^28. */
#define WRAP_VERSIONS (INT64_C(1) << 32)

static int step_master_wrap(struct txn *txn, struct rotation *rotation)
{
	struct picked picked[ROTATE_KEYS];
	int count = pick(txn,
		"SELECT tenant, version FROM tenant_key"
		" WHERE master_version < (SELECT master FROM rotation)"
		" AND tenant * 4294967296 + version > ?1 ORDER BY tenant, version LIMIT ?2",
		rotation->cursor, picked, ROTATE_KEYS);
	int r = count < 0 ? count : 0;

	for (int i = 0; i < count && r == 0; i++) {
		r = keys_rewrap(&txn->store->keys, txn, picked[i].id, picked[i].version);
		rotation->cursor = picked[i].id * WRAP_VERSIONS + picked[i].version;
		rotation->keys += r == 0;
		/* No key that we have opens it: none is lost with the old one. */
		if (r == -EBADMSG) {
			rotation->damaged++;
			r = 0;
		}
	}
	if (r < 0 || count > 0)
		return r;
	/* This transaction must be on the disk before the old key goes from its file. */
	rotation_enter(rotation, ROTATION_MASTER_DROP);
	return txn_fail(txn, keys_write_check(&txn->store->keys, txn->connection));
}

static int step_tenant_make(struct txn *txn, struct rotation *rotation)
{
	struct picked picked[ROTATE_KEYS];
	int count = pick(txn,
		"SELECT tenant, max(version) FROM tenant_key WHERE tenant > ?1 GROUP BY tenant"
		" ORDER BY tenant LIMIT ?2",
		rotation->cursor, picked, ROTATE_KEYS);
	int r = count < 0 ? count : 0;

	for (int i = 0; i < count && r == 0; i++) {
		r = keys_renew(&txn->store->keys, txn, picked[i].id);
		rotation->cursor = picked[i].id;
		rotation->keys += r == 0;
	}
	if (r == 0 && count == 0)
		rotation_enter(rotation, ROTATION_VALUE_SEAL);
	return r;
}

static int step_value_seal(struct txn *txn, struct rotation *rotation)
{
	struct picked picked[ROTATE_VALUES];
	int count = pick(txn,
		"SELECT object, key_version FROM value WHERE object > ?1 AND key_version > 0"
		" ORDER BY object LIMIT ?2",
		rotation->cursor, picked, ROTATE_VALUES);
	int r = count < 0 ? count : 0;

	for (int i = 0; i < count && r >= 0; i++) {
		r = value_reseal(txn, picked[i].id);
		rotation->cursor = picked[i].id;
		rotation->values += r > 0;
		if (r == -EBADMSG) {
			rotation->damaged++;
			r = 0;
		}
	}
	if (r >= 0 && count == 0)
		rotation_enter(rotation, ROTATION_TENANT_DROP);
	return r < 0 ? r : 0;
}

static int step_tenant_drop(struct txn *txn, struct rotation *rotation)
{
	struct picked picked[ROTATE_KEYS];
	int count = pick(txn,
		"SELECT tenant, max(version) FROM tenant_key WHERE tenant > ?1 GROUP BY tenant"
		" ORDER BY tenant LIMIT ?2",
		rotation->cursor, picked, ROTATE_KEYS);
	int r = count < 0 ? count : 0;

	for (int i = 0; i < count && r == 0; i++) {
		rotation->cursor = picked[i].id;
		r = txn_run(txn,
			"DELETE FROM tenant_key WHERE tenant = ?1 AND version < ?2 AND version NOT"
			" IN (SELECT value.key_version FROM object"
			"  JOIN value ON value.object = object.id"
			"  WHERE object.id = ?1 OR (object.parent = ?1 AND object.kind = ?3)"
			"   OR (object.kind = ?4 AND object.parent IN"
			"    (SELECT id FROM object WHERE parent = ?1 AND kind = ?5)))",
			"iiiii", picked[i].id, picked[i].version, (int64_t)KIND_SECRET,
			(int64_t)KIND_OUTPUT, (int64_t)KIND_RESOURCE);
	}
	return r == 0 && count == 0 ? rotation_finish(txn, rotation) : r;
}

/* The old master keys are gone from the file. */
static int step_master_dropped(struct txn *txn, struct rotation *rotation)
{
	if (!(rotation->what & ROTATE_TENANTS))
		return rotation_finish(txn, rotation);
	rotation_enter(rotation, ROTATION_TENANT_MAKE);
	return 0;
}

static int step_write(struct txn *txn, void *arg, struct error *reterr)
{
	struct rotation rotation = {0};
	int r = txn_fail(txn, rotation_read(txn->connection, &rotation));

	(void)arg;
	if (r < 0 || rotation.phase == ROTATION_IDLE)
		return r < 0 ? txn_error(txn, r, reterr) : 0;
	switch (rotation.phase) {
	case ROTATION_MASTER_MAKE:
		rotation_enter(&rotation, ROTATION_MASTER_WRAP);
		break;
	case ROTATION_MASTER_WRAP:
		r = step_master_wrap(txn, &rotation);
		break;
	case ROTATION_MASTER_DROP:
		r = step_master_dropped(txn, &rotation);
		break;
	case ROTATION_TENANT_MAKE:
		r = step_tenant_make(txn, &rotation);
		break;
	case ROTATION_VALUE_SEAL:
		r = step_value_seal(txn, &rotation);
		break;
	case ROTATION_TENANT_DROP:
		r = step_tenant_drop(txn, &rotation);
		break;
	case ROTATION_IDLE:
		break;
	}
	if (r == 0)
		r = rotation_write(txn, &rotation);
	return r < 0 ? txn_error(txn, r, reterr) : 0;
}

int store_rotate_step(struct store *store, bool *ret_more, struct error *reterr)
{
	struct rotation before = {0}, after = {0};
	enum store_durability durability = STORE_RELAXED;
	int r = store_rotation(store, &before);

	*ret_more = false;
	if (r < 0)
		return error_set(reterr, r, "the store cannot be read");
	if (before.phase == ROTATION_IDLE)
		return 0;
	if (before.phase == ROTATION_MASTER_MAKE)
		r = keys_add_master(&store->keys, before.master, reterr);
	else if (before.phase == ROTATION_MASTER_DROP)
		r = keys_keep_master(&store->keys, before.master, reterr);
	if (r < 0)
		return r;
	/* All that was written before is on the disk with it. */
	if (before.phase <= ROTATION_MASTER_DROP)
		durability = STORE_DURABLE;
	r = store_update(store, durability, NULL, step_write, NULL, reterr);
	if (r == 0)
		r = store_rotation(store, &after);
	if (r < 0)
		return r;
	*ret_more = after.phase != ROTATION_IDLE;
	if (before.phase == ROTATION_TENANT_DROP && !*ret_more)
		keys_forget(&store->keys);
	return 0;
}
