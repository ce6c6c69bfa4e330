/* SPDX-License-Identifier: Apache-2.0 */
#include "store/reader.h"

#include <errno.h>

#include "store/store_private.h"

void readers_init(struct readers *readers, const char *path, enum connection_mode mode)
{
	lock_init(&readers->lock, LOCK_LEAF);
	cond_init(&readers->freed);
	readers->path = path;
	readers->mode = mode;
	readers->idle_count = 0;
	readers->open_count = 0;
}

void readers_done(struct readers *readers)
{
	while (readers->idle_count > 0)
		connection_close(readers->idle[--readers->idle_count]);
	cond_done(&readers->freed);
	lock_done(&readers->lock);
}

/* What this thread reads all its queries by, while it looks at one state of the store. */
static _Thread_local struct {
	const struct store *store;
	struct connection *connection;
} frozen;

struct connection *reader_take(struct store *store, struct error *reterr)
{
	struct readers *readers = &store->readers;
	struct connection *connection = NULL;

	if (frozen.store == store)
		return frozen.connection;
	lock_acquire(&readers->lock);
	while (readers->idle_count == 0 && readers->open_count == READERS_MAX)
		cond_wait(&readers->freed, &readers->lock);
	if (readers->idle_count > 0)
		connection = readers->idle[--readers->idle_count];
	else
		readers->open_count++;
	lock_release(&readers->lock);
	if (connection)
		return connection;
	if (connection_open(&connection, readers->path, readers->mode, reterr) == 0)
		return connection;
	lock_acquire(&readers->lock);
	readers->open_count--;
	cond_signal(&readers->freed);
	lock_release(&readers->lock);
	return NULL;
}

void reader_give(struct store *store, struct connection *connection)
{
	struct readers *readers = &store->readers;

	if (!connection || frozen.connection == connection)
		return;
	lock_acquire(&readers->lock);
	readers->idle[readers->idle_count++] = connection;
	cond_signal(&readers->freed);
	lock_release(&readers->lock);
}

bool reader_is_frozen(const struct store *store)
{
	return frozen.store == store;
}

static int freeze(struct store *store, struct connection *connection, struct error *reterr)
{
	if (connection_run(connection, "BEGIN", "") < 0)
		return connection_error(connection, reterr);
	frozen.store = store;
	frozen.connection = connection;
	return 0;
}

int store_freeze(struct store *store, struct error *reterr)
{
	struct connection *connection = reader_take(store, reterr);
	int r = connection ? freeze(store, connection, reterr) : -EIO;

	if (r < 0)
		reader_give(store, connection);
	return r;
}

/* What is committed is published before the writer's lock is given back. */
static int watch_frozen(struct store *store, struct connection *connection, store_watch_fn fn,
	void *arg, struct error *reterr)
{
	LOCKED(&store->commit.writer_lock);
	int64_t id;
	int r = freeze(store, connection, reterr);

	if (r < 0)
		return r;
	/* SQLite begins to look at one state with the first query. */
	if (connection_get_int(connection, &id, "SELECT id FROM object LIMIT 1", "") < 0)
		return connection_error(connection, reterr);
	r = store_watch(store, fn, arg);
	return r < 0 ? error_set(reterr, r, "too many watch the store") : 0;
}

int store_watch_frozen(struct store *store, store_watch_fn fn, void *arg, struct error *reterr)
{
	struct connection *connection = reader_take(store, reterr);
	int r = connection ? watch_frozen(store, connection, fn, arg, reterr) : -EIO;

	if (r < 0 && frozen.store == store)
		store_thaw(store);
	else if (r < 0)
		reader_give(store, connection);
	return r;
}

void store_thaw(struct store *store)
{
	struct connection *connection = frozen.connection;

	if (frozen.store != store)
		return;
	(void)connection_run(connection, "COMMIT", "");
	frozen.store = NULL;
	frozen.connection = NULL;
	reader_give(store, connection);
}
