/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Group commit: whoever finds nobody committing leads. The leader takes all that wait, runs each in a
 * savepoint of one transaction, commits once and wakes them. Who arrives meanwhile waits for the
 * next batch.
 */
#include "store/internal.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"

static int commit_sync(struct store *store, bool full)
{
	int r;

	if (store->synced == full)
		return 0;
	r = connection_exec(&store->writer,
		full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
	if (r == 0)
		store->synced = full;
	return r;
}

static int commit_statement(struct store *store, const char *sql)
{
	return connection_run(&store->writer, connection_take(&store->writer, sql));
}

static int commit_refused(const struct store *store, int r, struct error *reterr)
{
	return error_set(reterr, r == -ENOMEM ? r : -EROFS,
		"the platform's database cannot be written: %s", sqlite3_errmsg(store->writer.db));
}

/* One member, in its own savepoint. */
static void commit_member(struct txn *txn, struct update *update)
{
	static const char begin[] = "SAVEPOINT member";
	static const char keep[] = "RELEASE member";
	static const char undo[] = "ROLLBACK TO member";
	struct store *store = txn->store;
	int r = commit_statement(store, begin);

	txn->caller = update->caller;
	txn->now_ns = clock_wall_ns();
	txn->member_start = txn->change_count;
	if (r < 0) {
		update->result = commit_refused(store, r, update->reterr);
		return;
	}
	update->result = update->fn(txn, update->arg, update->reterr);
	if (update->result >= 0)
		update->result = token_record(txn);
	if (update->result < 0) {
		txn->change_count = txn->member_start;
		(void)commit_statement(store, undo);
	}
	(void)commit_statement(store, keep);
}

/* The whole batch: r < 0 when nothing of it was kept. */
static int commit_transaction(struct txn *txn, struct update *batch)
{
	static const char begin[] = "BEGIN IMMEDIATE";
	static const char commit[] = "COMMIT";
	struct store *store = txn->store;
	struct update *update;
	bool full = false;
	int r;

	for (update = batch; update; update = update->next)
		full = full || update->durability == STORE_DURABLE;
	r = commit_sync(store, full);
	if (r == 0)
		r = commit_statement(store, begin);
	if (r < 0)
		return r;
	for (update = batch; update; update = update->next)
		commit_member(txn, update);
	r = commit_statement(store, commit);
	if (r < 0 && !sqlite3_get_autocommit(store->writer.db))
		(void)connection_exec(&store->writer, "ROLLBACK");
	return r;
}

static void commit_batch(struct store *store, struct update *batch)
{
	struct txn txn = {.store = store, .connection = &store->writer};
	struct update *update;
	int r;

	lock_acquire(&store->writer_lock);
	r = commit_transaction(&txn, batch);
	if (r < 0) {
		for (update = batch; update; update = update->next)
			if (update->result >= 0)
				update->result = commit_refused(store, r, update->reterr);
	} else {
		feed_publish(store, txn.changes, txn.change_count);
	}
	lock_release(&store->writer_lock);
	free(txn.changes);
}

static void commit_lead(struct store *store)
{
	struct update *batch, *update, *next;

	batch = store->queue_head;
	store->queue_head = NULL;
	store->queue_tail = &store->queue_head;
	lock_release(&store->queue_lock);
	commit_batch(store, batch);
	lock_acquire(&store->queue_lock);
	for (update = batch; update; update = next) {
		next = update->next;
		update->done = true;
	}
}

int store_update(struct store *store, enum store_durability durability, const struct caller *caller,
	store_update_fn fn, void *arg, struct error *reterr)
{
	struct update update = {
		.durability = durability,
		.caller = caller,
		.fn = fn,
		.arg = arg,
		.reterr = reterr,
	};

	if (store->read_only)
		return error_set(reterr, -EROFS,
			"the platform's database is open for reading only");
	if (token_applied(store, caller))
		return 0;
	lock_acquire(&store->queue_lock);
	*store->queue_tail = &update;
	store->queue_tail = &update.next;
	while (!update.done) {
		if (store->leading) {
			cond_wait(&store->queue_cond, &store->queue_lock);
			continue;
		}
		store->leading = true;
		commit_lead(store);
		store->leading = false;
		cond_broadcast(&store->queue_cond);
	}
	lock_release(&store->queue_lock);
	return update.result;
}
