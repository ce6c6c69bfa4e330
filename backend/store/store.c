/* SPDX-License-Identifier: Apache-2.0 */
#include "store/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "store/schema.h"

struct reader *reader_take(struct store *store)
{
	struct reader *reader;

	lock_acquire(&store->queue_lock);
	reader = store->idle_readers;
	if (reader)
		store->idle_readers = reader->next;
	lock_release(&store->queue_lock);
	if (reader)
		return reader;
	reader = calloc(1, sizeof(*reader));
	if (reader && connection_open(&reader->connection, store->path, true, NULL) < 0) {
		free(reader);
		return NULL;
	}
	return reader;
}

void reader_give(struct store *store, struct reader *reader)
{
	if (!reader)
		return;
	lock_acquire(&store->queue_lock);
	reader->next = store->idle_readers;
	store->idle_readers = reader;
	lock_release(&store->queue_lock);
}

static int store_setting(struct connection *connection, const char *name, char *value, size_t size)
{
	static const char sql[] = "SELECT value FROM settings WHERE name = ?1";
	sqlite3_stmt *statement = connection_take(connection, sql);
	int r = -ENOENT;

	if (!statement)
		return -EIO;
	(void)sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
	if (sqlite3_step(statement) == SQLITE_ROW) {
		(void)text_copy(value, size, (const char *)sqlite3_column_text(statement, 0));
		r = 0;
	}
	connection_give(connection, statement);
	return r;
}

/* The platform's row and its random name, at the first start. */
static int store_found(struct store *store, struct error *reterr)
{
	char *sql;
	unsigned char random[6];
	int r = text_random(random, sizeof(random));

	if (r < 0)
		return error_errno(reterr, -r, "cannot get random bytes");
	sql = sqlite3_mprintf("BEGIN IMMEDIATE;"
			      "INSERT INTO settings VALUES ('platform', "
			      "'%02x%02x%02x%02x%02x%02x');"
			      "INSERT INTO objects (id, kind, parent, tenant, name, mode, "
			      "created_ns,"
			      " spec_ns, status_ns, events_ns, error_ns, children_ns)"
			      " VALUES (%d, %d, 0, 0, '', 493, %lld, %lld, %lld, %lld, %lld, %lld);"
			      "COMMIT",
		random[0], random[1], random[2], random[3], random[4], random[5], PLATFORM_ID,
		KIND_PLATFORM, clock_wall_ns(), clock_wall_ns(), clock_wall_ns(), clock_wall_ns(),
		clock_wall_ns(), clock_wall_ns());
	if (!sql)
		return error_oom(reterr);
	r = connection_exec(&store->writer, sql);
	sqlite3_free(sql);
	if (r < 0)
		return error_set(reterr, r, "cannot write the database: %s",
			sqlite3_errmsg(store->writer.db));
	return store_setting(&store->writer, "platform", store->platform, sizeof(store->platform));
}

static int store_begin(struct store *store, struct error *reterr)
{
	bool fresh = access(store->path, F_OK) < 0;
	mode_t old_mask = umask(0077);
	int r = connection_open(&store->writer, store->path, store->read_only, reterr);

	(void)umask(old_mask);
	if (r < 0)
		return r;
	if (!store->read_only) {
		r = connection_exec(&store->writer, "PRAGMA journal_mode = WAL;"
						    "PRAGMA synchronous = FULL;"
						    "PRAGMA wal_autocheckpoint = 4000");
		if (r < 0)
			return error_set(reterr, r, "cannot use %s: %s", store->path,
				sqlite3_errmsg(store->writer.db));
		store->synced = true;
		r = schema_upgrade(&store->writer, reterr);
		if (r < 0)
			return r;
	}
	r = store_setting(&store->writer, "platform", store->platform, sizeof(store->platform));
	if (r == -ENOENT && !store->read_only)
		r = store_found(store, reterr);
	if (r < 0)
		return error_set(reterr, r, "%s is not a database of duplofs", store->path);
	return keys_open(store, fresh, reterr);
}

int store_open(struct store **ret, const struct store_options *options, struct error *reterr)
{
	struct store *store = calloc(1, sizeof(*store));
	int r;

	if (!store)
		return error_oom(reterr);
	lock_init(&store->writer_lock, LOCK_STORE_WRITER);
	lock_init(&store->queue_lock, LOCK_STORE_QUEUE);
	lock_init(&store->watch_lock, LOCK_STORE_WATCH);
	lock_init(&store->keys_lock, LOCK_STORE_KEYS);
	cond_init(&store->queue_cond);
	store->queue_tail = &store->queue_head;
	store->read_only = options->read_only;
	(void)text_copy(store->dir, sizeof(store->dir), options->dir);
	(void)snprintf(store->path, sizeof(store->path), "%s/duplofs.db", store->dir);
	r = options->read_only ? 0 : file_mkdirs(options->dir, 0700, reterr);
	if (r == 0)
		r = store_begin(store, reterr);
	if (r < 0) {
		store_close(store);
		return r;
	}
	*ret = store;
	return 0;
}

void store_close(struct store *store)
{
	struct reader *reader;

	if (!store)
		return;
	while ((reader = store->idle_readers) != NULL) {
		store->idle_readers = reader->next;
		connection_close(&reader->connection);
		free(reader);
	}
	connection_close(&store->writer);
	keys_close(store);
	free(store->tokens);
	cond_done(&store->queue_cond);
	lock_done(&store->keys_lock);
	lock_done(&store->watch_lock);
	lock_done(&store->queue_lock);
	lock_done(&store->writer_lock);
	free(store);
}

const char *store_platform(const struct store *store)
{
	return store->platform;
}
