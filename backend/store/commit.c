/* SPDX-License-Identifier: Apache-2.0 */
#include "store/commit.h"

#include <errno.h>

#include "base/clock.h"
#include "store/audit.h"
#include "store/store_private.h"

/* The longest that a leader waits for the members that the last batch had. */
#define GATHER_MAX_NS (2 * NS_PER_MILLISECOND)

struct member {
	struct member *next;
	store_update_fn fn;
	void *arg;
	const struct caller *caller;
	enum store_durability durability;
	struct error *reterr;
	int result;
	bool done, leads; /* guarded by queue_lock */
	struct cond woken;
};

void commit_init(struct commit *commit, struct connection *writer, const struct error *frozen)
{
	*commit = (struct commit){.writer = writer};
	if (frozen)
		commit->frozen = *frozen;
	lock_init(&commit->writer_lock, LOCK_STORE_WRITER);
	lock_init(&commit->queue_lock, LOCK_STORE_QUEUE);
	cond_init(&commit->arrived);
	commit->end = &commit->first;
}

void commit_done(struct commit *commit)
{
	connection_close(commit->writer);
	change_list_done(&commit->changes);
	change_list_done(&commit->part_changes);
	cond_done(&commit->arrived);
	lock_done(&commit->queue_lock);
	lock_done(&commit->writer_lock);
}

static int commit_not_written(struct connection *writer, struct error *reterr)
{
	int r = connection_error(writer, reterr);

	return reterr ? error_prefix(reterr, "nothing was changed") : r;
}

/* The member's function and its token. */
static int member_apply(struct member *member, struct txn *txn)
{
	sqlite3 *db = connection_handle(txn->connection);
	uint64_t token = member->caller ? member->caller->token : 0;
	int before = sqlite3_total_changes(db);
	bool changed;
	int r;

	if (token && tokens_known(&txn->store->tokens, token))
		return 0;
	r = member->fn(txn, member->arg, member->reterr);
	if (txn->failure < 0)
		return commit_not_written(txn->connection, member->reterr);
	if (r < 0)
		return r;
	changed = sqlite3_total_changes(db) != before;
	if (txn_audit(txn, member->caller, changed ? "accepted" : "unchanged") < 0)
		return commit_not_written(txn->connection, member->reterr);
	/* What changed nothing may as well run again. */
	if (token && changed) {
		r = tokens_record(&txn->store->tokens, txn->connection, token);
		if (r < 0)
			return commit_not_written(txn->connection, member->reterr);
	}
	if (change_list_add_all(&txn->store->commit.changes, txn->changes) < 0)
		return error_oom(member->reterr);
	return 0;
}

/* alone: the transaction is the member's own, and needs no savepoint to be undone. */
static int member_run(struct member *member, struct store *store, bool alone)
{
	struct connection *writer = store->commit.writer;
	struct txn txn = {
		.store = store,
		.connection = writer,
		.caller = member->caller,
		.now_ns = clock_wall_ns(),
		.changes = &store->commit.part_changes,
	};
	int r;

	change_list_reset(txn.changes);
	if (!alone && connection_run(writer, "SAVEPOINT part", "") < 0)
		return commit_not_written(writer, member->reterr);
	r = member_apply(member, &txn);
	/* What cannot be undone alone is undone with all others. */
	if (r < 0 && (alone || connection_run(writer, "ROLLBACK TO part", "") < 0)) {
		(void)connection_run(writer, "ROLLBACK", "");
		return r;
	}
	if (!alone && connection_run(writer, "RELEASE part", "") < 0 && r == 0)
		r = commit_not_written(writer, member->reterr);
	return r;
}

/* All that would have been kept is not. */
static void batch_fail(struct member *batch, struct connection *writer)
{
	for (struct member *member = batch; member; member = member->next)
		if (member->result == 0)
			member->result = commit_not_written(writer, member->reterr);
}

/* A change of the setting is only allowed outside a transaction. */
static int batch_set_sync(struct commit *commit, const struct member *batch)
{
	int wanted = 1, r;

	for (const struct member *member = batch; member; member = member->next)
		if (member->durability == STORE_DURABLE)
			wanted = 2;
	if (commit->synced == wanted)
		return 0;
	r = connection_execute(commit->writer,
		wanted == 2 ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
	if (r == 0)
		commit->synced = wanted;
	return r;
}

static void batch_write(struct store *store, struct member *batch)
{
	struct commit *commit = &store->commit;
	struct connection *writer = commit->writer;

	change_list_reset(&commit->changes);
	if (batch_set_sync(commit, batch) < 0 ||
		connection_run(writer, "BEGIN IMMEDIATE", "") < 0) {
		batch_fail(batch, writer);
		return;
	}
	for (struct member *member = batch; member; member = member->next) {
		member->result = member_run(member, store, !batch->next);
		/* Out of space or memory, SQLite may have rolled back the whole of it, too. */
		if (sqlite3_get_autocommit(connection_handle(writer))) {
			batch_fail(batch, writer);
			return;
		}
	}
	if (connection_run(writer, "COMMIT", "") < 0) {
		batch_fail(batch, writer);
		(void)connection_execute(writer, "ROLLBACK");
		return;
	}
	feed_publish(&store->feed, &commit->changes);
}

/*
 * Writers that come again and again would fall into two groups that take turns, each half as large
 * as it could be: those whom a batch has just woken come back a moment after the next one began. So
 * a leader waits for as many as the last batch had, for a fraction of the time that writing takes.
 */
static void commit_gather(struct commit *commit)
{
	int64_t deadline_ns, patience_ns = commit->last_ns / 2;

	if (commit->last_count < 2 || commit->waiting >= commit->last_count)
		return;
	if (patience_ns > GATHER_MAX_NS)
		patience_ns = GATHER_MAX_NS;
	deadline_ns = clock_now_ns() + patience_ns;
	commit->gathering = commit->last_count;
	while (commit->waiting < commit->gathering)
		if (!cond_wait_until(&commit->arrived, &commit->queue_lock, deadline_ns))
			break;
	commit->gathering = 0;
}

/* Wakes the batch and hands the lead to the first who waits. A member is gone once it is done. */
static void commit_wake(struct commit *commit, struct member *batch, const struct member *self)
{
	for (struct member *next; batch; batch = next) {
		next = batch->next;
		batch->done = true;
		if (batch != self)
			cond_signal(&batch->woken);
	}
	if (commit->first) {
		commit->first->leads = true;
		cond_signal(&commit->first->woken);
	} else {
		commit->leading = false;
	}
}

/* Called and returns with queue_lock held. */
static void commit_lead(struct store *store, const struct member *self)
{
	struct commit *commit = &store->commit;
	struct member *batch;
	size_t count;
	int64_t start_ns;

	commit_gather(commit);
	batch = commit->first;
	count = commit->waiting;
	commit->first = NULL;
	commit->end = &commit->first;
	commit->waiting = 0;
	lock_release(&commit->queue_lock);

	lock_acquire(&commit->writer_lock);
	start_ns = clock_now_ns();
	batch_write(store, batch);
	start_ns = clock_now_ns() - start_ns;
	lock_release(&commit->writer_lock);

	lock_acquire(&commit->queue_lock);
	commit->last_count = count;
	commit->last_ns = start_ns;
	commit_wake(commit, batch, self);
}

static void commit_enqueue(struct commit *commit, struct member *member)
{
	*commit->end = member;
	commit->end = &member->next;
	commit->waiting++;
	if (commit->gathering && commit->waiting >= commit->gathering)
		cond_signal(&commit->arrived);
	if (!commit->leading) {
		commit->leading = true;
		member->leads = true;
	}
}

int store_update(struct store *store, enum store_durability durability, const struct caller *caller,
	store_update_fn fn, void *arg, struct error *reterr)
{
	struct commit *commit = &store->commit;
	struct member member = {
		.fn = fn, .arg = arg, .caller = caller, .durability = durability, .reterr = reterr};

	if (!commit->writer)
		return error_set(reterr, commit->frozen.code, "%s", commit->frozen.text);
	cond_init(&member.woken);
	lock_acquire(&commit->queue_lock);
	commit_enqueue(commit, &member);
	while (!member.done && !member.leads)
		cond_wait(&member.woken, &commit->queue_lock);
	if (!member.done)
		commit_lead(store, &member);
	lock_release(&commit->queue_lock);
	cond_done(&member.woken);
	return member.result;
}
