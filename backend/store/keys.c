/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two levels: the master key, a file beside the database, seals a random key of each tenant; the
 * tenant's key seals its values, each bound to its object. Only the master key stays in memory.
 */
#include "store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "store/seal.h"

_Static_assert(STORE_KEY_SIZE == SEAL_KEY_SIZE, "one key size");

#define KEY_VERSION 1

static int keys_make_master(const char *path, struct error *reterr)
{
	unsigned char key[STORE_KEY_SIZE];
	int r = text_random(key, sizeof(key));

	if (r < 0)
		return error_errno(reterr, -r, "cannot get random bytes");
	r = file_write_atomic(path, key, sizeof(key), 0600, 1, reterr);
	explicit_bzero(key, sizeof(key));
	return r;
}

static int keys_read_master(const char *path, unsigned char *key, struct error *reterr)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(reterr, errno, "cannot open the master key %s", path);
	if (st.st_mode & 077)
		return error_set(reterr, -EPERM,
			"the master key %s may be read by others: chmod 600 it", path);
	if (read(fd, key, STORE_KEY_SIZE) != STORE_KEY_SIZE || st.st_size != STORE_KEY_SIZE)
		return error_set(reterr, -EINVAL, "the master key %s is damaged", path);
	return 0;
}

int keys_open(struct store *store, bool fresh, struct error *reterr)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char path[4096];
	int r;

	(void)snprintf(path, sizeof(path), "%s/master.key", store->dir);
	if (fresh && !store->read_only && access(path, F_OK) < 0) {
		r = keys_make_master(path, reterr);
		if (r < 0)
			return r;
	}
	store->master =
		mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (store->master == MAP_FAILED) {
		store->master = NULL;
		return error_oom(reterr);
	}
	/* Best effort: an unprivileged reader may not lock memory. */
	(void)mlock(store->master, page);
	(void)madvise(store->master, page, MADV_DONTDUMP);
	return keys_read_master(path, store->master, reterr);
}

void keys_close(struct store *store)
{
	if (!store->master)
		return;
	explicit_bzero(store->master, STORE_KEY_SIZE);
	(void)munmap(store->master, (size_t)sysconf(_SC_PAGESIZE));
	store->master = NULL;
}

static int keys_read_sealed(struct connection *connection, int64_t tenant, struct buf *out)
{
	static const char sql[] = "SELECT sealed FROM keys WHERE tenant = ?1 AND version = ?2";
	sqlite3_stmt *statement = connection_take(connection, sql);
	int r = -ENOENT;

	if (!statement)
		return -EIO;
	(void)sqlite3_bind_int64(statement, 1, tenant);
	(void)sqlite3_bind_int(statement, 2, KEY_VERSION);
	if (sqlite3_step(statement) == SQLITE_ROW) {
		buf_add(out, sqlite3_column_blob(statement, 0),
			(size_t)sqlite3_column_bytes(statement, 0));
		r = out->error;
	}
	connection_give(connection, statement);
	return r;
}

/* The tenant's key in the clear, for the time of one value. */
static int keys_tenant(const struct store *store, struct connection *connection, int64_t tenant,
	unsigned char key[STORE_KEY_SIZE])
{
	_cleanup_buf_ struct buf sealed = BUF_INIT;
	_cleanup_buf_ struct buf plain = BUF_INIT;
	int r = keys_read_sealed(connection, tenant, &sealed);

	if (r == 0)
		r = unseal(store->master, &tenant, sizeof(tenant), sealed.data, sealed.len, &plain);
	if (r == 0 && plain.len != STORE_KEY_SIZE)
		r = -EBADMSG;
	if (r == 0)
		memcpy(key, plain.data, STORE_KEY_SIZE);
	buf_wipe(&plain);
	return r;
}

static int keys_make_tenant(struct txn *txn, int64_t tenant, unsigned char key[STORE_KEY_SIZE])
{
	static const char sql[] = "INSERT INTO keys (tenant, version, sealed) VALUES (?1, ?2, ?3)";
	_cleanup_buf_ struct buf sealed = BUF_INIT;
	sqlite3_stmt *statement;
	int r = text_random(key, STORE_KEY_SIZE);

	if (r == 0)
		r = seal(txn->store->master, &tenant, sizeof(tenant), key, STORE_KEY_SIZE, &sealed);
	if (r < 0)
		return r;
	statement = connection_take(txn->connection, sql);
	if (!statement)
		return -EIO;
	(void)sqlite3_bind_int64(statement, 1, tenant);
	(void)sqlite3_bind_int(statement, 2, KEY_VERSION);
	(void)sqlite3_bind_blob(statement, 3, sealed.data, (int)sealed.len, SQLITE_STATIC);
	return connection_run(txn->connection, statement);
}

int seal_value(struct txn *txn, int64_t tenant, int64_t object, const void *data, size_t len,
	struct buf *out, struct error *reterr)
{
	unsigned char key[STORE_KEY_SIZE];
	int r = keys_tenant(txn->store, txn->connection, tenant, key);

	if (r == -ENOENT)
		r = keys_make_tenant(txn, tenant, key);
	if (r == 0)
		r = seal(key, &object, sizeof(object), data, len, out);
	explicit_bzero(key, sizeof(key));
	return r < 0 ? error_set(reterr, r, "cannot seal the value") : 0;
}

int unseal_value(struct store *store, struct connection *connection, int64_t tenant, int64_t object,
	const void *data, size_t len, struct buf *out, struct error *reterr)
{
	unsigned char key[STORE_KEY_SIZE];
	int r = keys_tenant(store, connection, tenant, key);

	if (r == 0)
		r = unseal(key, &object, sizeof(object), data, len, out);
	explicit_bzero(key, sizeof(key));
	if (r < 0)
		return error_set(reterr, -EIO, "the sealed value is damaged or of another key");
	return 0;
}

int store_value(struct store *store, int64_t id, struct buf *out, struct error *reterr)
{
	static const char sql[] = "SELECT kind, tenant, value FROM objects WHERE id = ?1";
	struct reader *reader = reader_take(store);
	sqlite3_stmt *row = reader ? connection_take(&reader->connection, sql) : NULL;
	int r = error_set(reterr, -EIO, "cannot read the database");

	if (row) {
		(void)sqlite3_bind_int64(row, 1, id);
		if (sqlite3_step(row) != SQLITE_ROW) {
			r = error_set(reterr, -ENOENT, "it is gone");
		} else if (sqlite3_column_type(row, 2) == SQLITE_NULL) {
			r = 0;
		} else if (sqlite3_column_int(row, 0) == KIND_SECRET) {
			r = unseal_value(store, &reader->connection, sqlite3_column_int64(row, 1),
				id, sqlite3_column_blob(row, 2),
				(size_t)sqlite3_column_bytes(row, 2), out, reterr);
		} else {
			buf_add(out, sqlite3_column_blob(row, 2),
				(size_t)sqlite3_column_bytes(row, 2));
			r = out->error;
		}
		connection_give(&reader->connection, row);
	}
	reader_give(store, reader);
	return r;
}
