/* SPDX-License-Identifier: Apache-2.0 */
/* Contents of secrets and of resources' outputs, sealed, and of config values, plain. */
#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

#include "base/text.h"
#include "store/txn.h"
#include "store/value.h"

#define PLAIN   0 /* key version of what is not sealed */
#define FOREVER 1 /* generation of a tenant's own value: it never gets another one */

/* A tenant's own value is its SSH key, which does not follow the tenant's generations. */
static struct object *value_owner(struct object *object)
{
	if (object->kind == KIND_TENANT)
		object->generation = FOREVER;
	return object;
}

static bool value_is_sealed(const struct object *object)
{
	return object->kind != KIND_CONFIG;
}

/* What a sealed value is bound to: its bytes open nowhere else, and no older ones in its place. */
struct value_context {
	char purpose[16], platform[16];
	int64_t tenant, object, generation, key_version;
};

static struct value_context value_context(const struct store *store, const struct object *object,
	int64_t key_version)
{
	struct value_context context = {.tenant = object->tenant,
		.object = object->id,
		.generation = object->generation,
		.key_version = key_version};

	(void)text_copy(context.purpose, sizeof(context.purpose), "value");
	(void)text_copy(context.platform, sizeof(context.platform), store->platform);
	return context;
}

static int value_damaged(const struct object *object, struct error *reterr)
{
	return error_set(reterr, -EIO,
		"the stored %s \"%s\" is damaged or belongs elsewhere; write it anew",
		kind_name(object->kind), object->name);
}

static int value_unseal(struct store *store, struct connection *connection,
	const struct object *object, int64_t key_version, const void *bytes, size_t len,
	struct buf *out, struct error *reterr)
{
	struct value_context context = value_context(store, object, key_version);
	unsigned char key[SEAL_KEY_SIZE];
	int r;

	r = keys_find(&store->keys, connection, object->tenant, key_version, key);
	if (r == 0)
		r = unseal(key, &context, sizeof(context), bytes, len, out);
	explicit_bzero(key, sizeof(key));
	if (r == -ENOMEM)
		return error_oom(reterr);
	return r < 0 ? value_damaged(object, reterr) : 0;
}

static int value_read(struct store *store, struct connection *connection,
	const struct object *object, struct buf *out, struct error *reterr)
{
	_cleanup_statement_ sqlite3_stmt *row = connection_query(connection,
		"SELECT generation, key_version, bytes FROM value WHERE object = ?1", "i",
		object->id);
	int r = connection_step(connection, row);
	int64_t key_version;
	const void *bytes;
	size_t len;

	if (r < 0)
		return connection_error(connection, reterr);
	if (r == 0)
		return 0; /* never written: empty */
	key_version = sqlite3_column_int64(row, 1);
	bytes = sqlite3_column_blob(row, 2);
	len = (size_t)sqlite3_column_bytes(row, 2);
	if (sqlite3_column_int64(row, 0) != object->generation ||
		(key_version == PLAIN) == value_is_sealed(object))
		return value_damaged(object, reterr);
	if (key_version != PLAIN)
		return value_unseal(store, connection, object, key_version, bytes, len, out,
			reterr);
	buf_add(out, bytes ? bytes : "", len);
	return out->error ? error_oom(reterr) : 0;
}

int store_value(struct store *store, int64_t id, struct buf *out, struct error *reterr)
{
	struct connection *connection = reader_take(store, reterr);
	struct object object = OBJECT_INIT;
	bool alone = !reader_is_frozen(store);
	int r = -EIO;

	if (!connection)
		return r;
	/* One state of both rows: a write may come between two queries of their own. */
	r = alone ? connection_run(connection, "BEGIN", "") : 0;
	if (r == 0)
		r = object_read_row(connection, id, &object);
	if (r == -ENOENT || (r == 0 && object.deleting))
		r = error_set(reterr, -ENOENT, "the value is not there any more");
	else if (r < 0)
		r = connection_error(connection, reterr);
	else
		r = value_read(store, connection, value_owner(&object), out, reterr);
	if (alone)
		(void)connection_run(connection, "COMMIT", "");
	reader_give(store, connection);
	return r;
}

/* True when the object holds these very bytes. What cannot be read is not the same. */
static bool value_is(struct txn *txn, const struct object *object, const void *data, size_t len)
{
	_cleanup_buf_ struct buf there = BUF_INIT;
	bool same;

	if (object->generation == 0 || (size_t)object->value_size != len)
		return false;
	same = value_read(txn->store, txn->connection, object, &there, NULL) == 0 &&
	       there.len == len && (len == 0 || CRYPTO_memcmp(there.data, data, len) == 0);
	buf_wipe(&there);
	return same;
}

static int value_seal(struct txn *txn, const struct object *object, const void *data, size_t len,
	int64_t *ret_key_version, struct buf *out)
{
	unsigned char key[SEAL_KEY_SIZE];
	struct value_context context;
	int r;

	r = keys_newest(&txn->store->keys, txn, object->tenant, ret_key_version, key);
	if (r == 0) {
		context = value_context(txn->store, object, *ret_key_version);
		r = seal(key, &context, sizeof(context), data, len, out);
	}
	explicit_bzero(key, sizeof(key));
	return r;
}

static int value_write(struct txn *txn, const struct object *object, const void *data, size_t len)
{
	_cleanup_buf_ struct buf sealed = BUF_INIT;
	int64_t key_version = PLAIN;
	int r = 0;

	if (value_is_sealed(object)) {
		r = value_seal(txn, object, data, len, &key_version, &sealed);
		data = sealed.data;
		len = sealed.len;
	}
	if (r < 0)
		return r;
	return txn_run(txn,
		"INSERT OR REPLACE INTO value (object, generation, key_version, bytes)"
		" VALUES (?1, ?2, ?3, ?4)",
		"iiib", object->id, object->generation, key_version, data, len);
}

/* Opens what a row of value holds; *ret_version is 0 when there is no such row any more. */
static int reseal_open(struct txn *txn, const struct object *object, int64_t *ret_version,
	struct buf *plain)
{
	_cleanup_statement_ sqlite3_stmt *row = connection_query(txn->connection,
		"SELECT generation, key_version, bytes FROM value WHERE object = ?1", "i",
		object->id);
	int r = connection_step(txn->connection, row);

	*ret_version = PLAIN;
	if (r <= 0)
		return txn_fail(txn, r);
	*ret_version = sqlite3_column_int64(row, 1);
	if (sqlite3_column_int64(row, 0) != object->generation || *ret_version == PLAIN)
		return -EBADMSG;
	r = value_unseal(txn->store, txn->connection, object, *ret_version,
		sqlite3_column_blob(row, 2), (size_t)sqlite3_column_bytes(row, 2), plain, NULL);
	return r == -EIO ? -EBADMSG : r;
}

static int reseal_write(struct txn *txn, const struct object *object, const struct buf *plain)
{
	_cleanup_buf_ struct buf sealed = BUF_INIT;
	int64_t version;
	int r = value_seal(txn, object, plain->data, plain->len, &version, &sealed);

	if (r < 0)
		return r;
	return txn_run(txn, "UPDATE value SET key_version = ?2, bytes = ?3 WHERE object = ?1",
		"iib", object->id, version, sealed.data, sealed.len);
}

int value_reseal(struct txn *txn, int64_t id)
{
	struct buf plain = BUF_INIT;
	struct object object = OBJECT_INIT;
	int64_t version = PLAIN, newest = 0;
	int r = txn_peek(txn, id, &object);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	(void)value_owner(&object);
	r = reseal_open(txn, &object, &version, &plain);
	if (r == 0 && version != PLAIN)
		r = txn_fail(txn, connection_get_int(txn->connection, &newest,
					  "SELECT max(version) FROM tenant_key WHERE tenant = ?1",
					  "i", object.tenant));
	if (r == 0 && newest > version) {
		r = reseal_write(txn, &object, &plain);
		r = r < 0 ? r : 1;
	}
	buf_wipe(&plain);
	buf_done(&plain);
	return r;
}

int txn_set_ssh_key(struct txn *txn, int64_t tenant, const void *data, size_t len,
	struct error *reterr)
{
	struct object object = OBJECT_INIT;
	int64_t there = 0;
	int r = txn_peek_living(txn, tenant, &object);

	if (r == 0)
		r = txn_fail(txn,
			connection_get_int(txn->connection, &there,
				"SELECT count(*) FROM value WHERE object = ?1", "i", tenant));
	if (r == 0 && there > 0)
		return 0;
	if (r == 0)
		r = value_write(txn, value_owner(&object), data, len);
	if (r == 0)
		r = txn_note(txn, &object, CHANGE_STATUS);
	return r < 0 ? txn_error(txn, r, reterr) : 0;
}

int txn_set_value(struct txn *txn, int64_t id, const void *data, size_t len, struct error *reterr)
{
	struct object object = OBJECT_INIT;
	int r;

	if (len > VALUE_SIZE_MAX)
		return error_set(reterr, -EFBIG, "a value has at most %d bytes", VALUE_SIZE_MAX);
	r = txn_peek_living(txn, id, &object);
	if (r < 0)
		return txn_error(txn, r, reterr);
	if (value_is(txn, &object, data, len))
		return 0;
	object.generation++;
	r = value_write(txn, &object, data, len);
	if (r == 0)
		r = txn_run(txn,
			"UPDATE object SET generation = ?2, value_size = ?3,"
			" spec_ns = max(spec_ns + 1, ?4) WHERE id = ?1",
			"iiii", id, object.generation, (int64_t)len, txn->now_ns);
	if (r == 0)
		r = txn_note(txn, &object, CHANGE_SPEC);
	return r < 0 ? txn_error(txn, r, reterr) : 0;
}
