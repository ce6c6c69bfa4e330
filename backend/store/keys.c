/* SPDX-License-Identifier: Apache-2.0 */
#include "store/keys.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "store/master.h"
#include "store/txn.h"

struct cached_key {
	int64_t tenant, version; /* tenant 0: the place is free */
	uint64_t used; /* when, in uses of the cache */
	unsigned char key[SEAL_KEY_SIZE];
};

struct vault {
	struct master_key masters[MASTER_KEYS_MAX]; /* the newest first */
	size_t master_count;
	char platform[PLATFORM_NAME_SIZE];
	uint64_t uses;
	struct cached_key cached[KEYS_CACHED];
};

/* What a tenant's key is bound to. */
struct key_context {
	char purpose[16], platform[16];
	int64_t tenant, version, master_version;
};

static struct key_context key_context(const struct vault *vault, int64_t tenant, int64_t version,
	int64_t master_version)
{
	struct key_context context = {
		.tenant = tenant, .version = version, .master_version = master_version};

	(void)text_copy(context.purpose, sizeof(context.purpose), "tenant key");
	(void)text_copy(context.platform, sizeof(context.platform), vault->platform);
	return context;
}

void keys_init(struct keys *keys)
{
	lock_init(&keys->lock, LOCK_STORE_KEYS);
	keys->vault = NULL;
}

void keys_done(struct keys *keys)
{
	if (keys->vault) {
		explicit_bzero(keys->vault, sizeof(*keys->vault));
		(void)munmap(keys->vault, sizeof(*keys->vault));
	}
	keys->vault = NULL;
	lock_done(&keys->lock);
}

static int vault_map(struct keys *keys)
{
	void *memory = mmap(NULL, sizeof(*keys->vault), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return -ENOMEM;
	/* As good as it gets: who may lock no memory still runs. */
	(void)mlock(memory, sizeof(*keys->vault));
	(void)madvise(memory, sizeof(*keys->vault), MADV_DONTDUMP);
	keys->vault = memory;
	return 0;
}

static void cleanup_master(struct master_key *master)
{
	explicit_bzero(master, sizeof(*master));
}
#define _cleanup_master_ __attribute__((cleanup(cleanup_master)))

/* A copy, which a rotation does not change. version 0: the newest. */
static bool vault_master(struct keys *keys, int64_t version, struct master_key *ret)
{
	const struct vault *vault = keys->vault;

	LOCKED(&keys->lock);
	for (size_t i = 0; i < vault->master_count; i++) {
		if (version && vault->masters[i].version != version)
			continue;
		*ret = vault->masters[i];
		return true;
	}
	return false;
}

static int key_unseal(struct keys *keys, int64_t tenant, int64_t version, int64_t master_version,
	const void *sealed, size_t len, unsigned char key[SEAL_KEY_SIZE])
{
	struct key_context context = key_context(keys->vault, tenant, version, master_version);
	_cleanup_master_ struct master_key master = {0};
	_cleanup_buf_ struct buf plain = BUF_INIT;
	int r = -EBADMSG;

	if (vault_master(keys, master_version, &master))
		r = unseal(master.key, &context, sizeof(context), sealed, len, &plain);
	if (r == 0 && plain.len != SEAL_KEY_SIZE)
		r = -EBADMSG;
	if (r == 0)
		memcpy(key, plain.data, SEAL_KEY_SIZE);
	buf_wipe(&plain);
	return r;
}

static bool cache_get(struct keys *keys, int64_t tenant, int64_t version,
	unsigned char key[SEAL_KEY_SIZE])
{
	struct vault *vault = keys->vault;

	LOCKED(&keys->lock);
	for (size_t i = 0; i < KEYS_CACHED; i++) {
		struct cached_key *cached = &vault->cached[i];

		if (cached->tenant != tenant || cached->version != version)
			continue;
		cached->used = ++vault->uses;
		memcpy(key, cached->key, SEAL_KEY_SIZE);
		return true;
	}
	return false;
}

static void cache_put(struct keys *keys, int64_t tenant, int64_t version,
	const unsigned char key[SEAL_KEY_SIZE])
{
	struct vault *vault = keys->vault;
	struct cached_key *oldest = &vault->cached[0];

	LOCKED(&keys->lock);
	for (size_t i = 1; i < KEYS_CACHED; i++)
		if (vault->cached[i].used < oldest->used)
			oldest = &vault->cached[i];
	oldest->tenant = tenant;
	oldest->version = version;
	oldest->used = ++vault->uses;
	memcpy(oldest->key, key, SEAL_KEY_SIZE);
}

static int key_load(struct keys *keys, struct connection *connection, int64_t tenant,
	int64_t version, unsigned char key[SEAL_KEY_SIZE])
{
	_cleanup_statement_ sqlite3_stmt *row = NULL;
	int r;

	row = connection_query(connection,
		"SELECT master_version, sealed FROM tenant_key WHERE tenant = ?1 AND version = ?2",
		"ii", tenant, version);
	r = connection_step(connection, row);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	return key_unseal(keys, tenant, version, sqlite3_column_int64(row, 0),
		sqlite3_column_blob(row, 1), (size_t)sqlite3_column_bytes(row, 1), key);
}

int keys_find(struct keys *keys, struct connection *connection, int64_t tenant, int64_t version,
	unsigned char key[SEAL_KEY_SIZE])
{
	int r;

	if (!keys->vault)
		return -ENOENT;
	if (cache_get(keys, tenant, version, key))
		return 0;
	r = key_load(keys, connection, tenant, version, key);
	/* What a transaction sees of itself may be rolled back yet. */
	if (r == 0 && sqlite3_txn_state(connection_handle(connection), NULL) != SQLITE_TXN_WRITE)
		cache_put(keys, tenant, version, key);
	return r;
}

/* Writes the key, sealed under the newest master key. */
static int key_put(struct keys *keys, struct txn *txn, int64_t tenant, int64_t version,
	const unsigned char key[SEAL_KEY_SIZE])
{
	_cleanup_master_ struct master_key master = {0};
	_cleanup_buf_ struct buf sealed = BUF_INIT;
	struct key_context context;
	int r;

	if (!vault_master(keys, 0, &master))
		return -ENOKEY;
	context = key_context(keys->vault, tenant, version, master.version);
	r = seal(master.key, &context, sizeof(context), key, SEAL_KEY_SIZE, &sealed);
	if (r < 0)
		return r;
	return txn_run(txn,
		"INSERT OR REPLACE INTO tenant_key (tenant, version, master_version, sealed)"
		" VALUES (?1, ?2, ?3, ?4)",
		"iiib", tenant, version, master.version, sealed.data, sealed.len);
}

static int key_make(struct keys *keys, struct txn *txn, int64_t tenant, int64_t version,
	unsigned char key[SEAL_KEY_SIZE])
{
	int r = text_random(key, SEAL_KEY_SIZE);

	return r < 0 ? r : key_put(keys, txn, tenant, version, key);
}

int keys_newest(struct keys *keys, struct txn *txn, int64_t tenant, int64_t *ret_version,
	unsigned char key[SEAL_KEY_SIZE])
{
	int64_t version = 0;
	int r;

	r = connection_get_int(txn->connection, &version,
		"SELECT version FROM tenant_key WHERE tenant = ?1 ORDER BY version DESC LIMIT 1",
		"i", tenant);
	if (r == -ENOENT) {
		version = 1;
		r = key_make(keys, txn, tenant, version, key);
	} else if (r == 0 && !cache_get(keys, tenant, version, key)) {
		r = key_load(keys, txn->connection, tenant, version, key);
	}
	if (r == 0)
		*ret_version = version;
	return txn_fail(txn, r);
}

/* ---- rotation ---- */

int64_t keys_master(struct keys *keys)
{
	if (!keys->vault)
		return 0;
	LOCKED(&keys->lock);
	return keys->vault->masters[0].version;
}

/* The file first: a key that something is sealed under is never only in memory. */
static int masters_replace(struct keys *keys, const struct master_key *masters, size_t count,
	struct error *reterr)
{
	int r = master_write(keys->path, masters, count, reterr);

	if (r < 0)
		return r;
	LOCKED(&keys->lock);
	explicit_bzero(keys->vault->masters, sizeof(keys->vault->masters));
	memcpy(keys->vault->masters, masters, count * sizeof(*masters));
	keys->vault->master_count = count;
	return 0;
}

int keys_add_master(struct keys *keys, int64_t version, struct error *reterr)
{
	struct master_key masters[MASTER_KEYS_MAX] = {{.version = version}};
	size_t count = keys->vault ? keys->vault->master_count : 0;
	int r;

	if (count == 0 || count == MASTER_KEYS_MAX)
		return error_set(reterr, -EINVAL, "the master key file has no room for a new key");
	if (keys_master(keys) >= version)
		return 0; /* made before somebody ended us */
	r = text_random(masters[0].key, SEAL_KEY_SIZE);
	if (r < 0)
		return error_errno(reterr, -r, "no random bytes");
	memcpy(&masters[1], keys->vault->masters, count * sizeof(*masters));
	r = masters_replace(keys, masters, count + 1, reterr);
	explicit_bzero(masters, sizeof(masters));
	return r;
}

int keys_keep_master(struct keys *keys, int64_t version, struct error *reterr)
{
	_cleanup_master_ struct master_key master = {0};

	if (!vault_master(keys, version, &master))
		return error_set(reterr, -ENOKEY, "master key %lld is not there",
			(long long)version);
	return masters_replace(keys, &master, 1, reterr);
}

int keys_rewrap(struct keys *keys, struct txn *txn, int64_t tenant, int64_t version)
{
	unsigned char key[SEAL_KEY_SIZE];
	int r = key_load(keys, txn->connection, tenant, version, key);

	if (r == 0)
		r = key_put(keys, txn, tenant, version, key);
	explicit_bzero(key, sizeof(key));
	return r;
}

int keys_renew(struct keys *keys, struct txn *txn, int64_t tenant)
{
	unsigned char key[SEAL_KEY_SIZE];
	int64_t newest = 0;
	int r;

	r = connection_get_int(txn->connection, &newest,
		"SELECT max(version) FROM tenant_key WHERE tenant = ?1", "i", tenant);
	if (r == 0)
		r = key_make(keys, txn, tenant, newest + 1, key);
	explicit_bzero(key, sizeof(key));
	return txn_fail(txn, r);
}

void keys_forget(struct keys *keys)
{
	if (!keys->vault)
		return;
	LOCKED(&keys->lock);
	explicit_bzero(keys->vault->cached, sizeof(keys->vault->cached));
}

/* ---- is this the key of this database? ---- */

#define CHECK_NAME "master_key_check"
#define CHECK_TEXT "duplofs master key"

int keys_write_check(struct keys *keys, struct connection *writer)
{
	_cleanup_buf_ struct buf sealed = BUF_INIT, text = BUF_INIT;
	_cleanup_master_ struct master_key master = {0};
	struct key_context context;
	int r;

	if (!vault_master(keys, 0, &master))
		return -ENOKEY;
	context = key_context(keys->vault, 0, 0, master.version);
	r = seal(master.key, &context, sizeof(context), CHECK_TEXT, strlen(CHECK_TEXT), &sealed);
	if (r < 0)
		return r;
	buf_printf(&text, "%lld ", (long long)master.version);
	for (size_t i = 0; i < sealed.len; i++)
		buf_printf(&text, "%02x", (unsigned char)sealed.data[i]);
	return text.error ? text.error : schema_set(writer, CHECK_NAME, buf_string(&text));
}

/* text: "version hex". 0: the key opens it. */
static int check_open(struct keys *keys, char *text)
{
	_cleanup_buf_ struct buf sealed = BUF_INIT, plain = BUF_INIT;
	_cleanup_master_ struct master_key master = {0};
	struct key_context context;
	char *hex = strchr(text, ' ');
	unsigned byte;
	int64_t version;

	if (!hex)
		return -EBADMSG;
	*hex++ = '\0';
	if (text_parse_int(text, 1, INT32_MAX, &version) < 0)
		return -EBADMSG;
	for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
		buf_putc(&sealed, (char)byte);
	if (!vault_master(keys, version, &master) || sealed.error)
		return -EBADMSG;
	context = key_context(keys->vault, 0, 0, version);
	return unseal(master.key, &context, sizeof(context), sealed.data, sealed.len, &plain);
}

static int keys_check(struct keys *keys, const char *path, char *check, struct connection *writer,
	struct error *reterr)
{
	if (check[0] && check_open(keys, check) < 0)
		return error_set(reterr, -EKEYREJECTED,
			"%s is not the master key of this database: restore the right one from "
			"your copy",
			path);
	if (!check[0] && writer && keys_write_check(keys, writer) < 0)
		return connection_error(writer, reterr);
	return 0;
}

int keys_open(struct keys *keys, const char *dir, struct connection *reader,
	struct connection *writer, struct error *reterr)
{
	const char *path = keys->path;
	char check[256] = "";
	int r;

	if (snprintf(keys->path, sizeof(keys->path), "%s/master.key", dir) >=
		(int)sizeof(keys->path))
		return error_set(reterr, -ENAMETOOLONG, "path too long: %s", dir);
	r = schema_get(reader, CHECK_NAME, check, sizeof(check));
	if (r < 0 && r != -ENOENT)
		return connection_error(reader, reterr);
	if (access(path, F_OK) < 0 && errno == ENOENT) {
		if (check[0])
			return error_set(reterr, -ENOKEY,
				"the master key %s is missing: restore it from your copy; without "
				"it no secret of this database can be read",
				path);
		if (!writer)
			return 0;
		r = master_make(path, reterr);
		if (r < 0)
			return r;
	}
	if (vault_map(keys) < 0)
		return error_oom(reterr);
	if (schema_get(reader, "platform", keys->vault->platform, PLATFORM_NAME_SIZE) < 0)
		return connection_error(reader, reterr);
	r = master_read(path, keys->vault->masters, &keys->vault->master_count, reterr);
	return r < 0 ? r : keys_check(keys, path, check, writer, reterr);
}
