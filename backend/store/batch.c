/* SPDX-License-Identifier: Apache-2.0 */
#include "store/batch.h"

#include "base/clock.h"
#include "store/audit.h"
#include "store/store_private.h"

static int not_written(struct connection *writer, struct error *reterr)
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
		return not_written(txn->connection, member->reterr);
	if (r < 0)
		return r;
	changed = sqlite3_total_changes(db) != before;
	if (txn_audit(txn, member->caller, changed ? "accepted" : "unchanged") < 0)
		return not_written(txn->connection, member->reterr);
	/* What changed nothing may as well run again. */
	if (token && changed) {
		r = tokens_record(&txn->store->tokens, txn->connection, token);
		if (r < 0)
			return not_written(txn->connection, member->reterr);
	}
	if (change_list_add_all(&txn->store->commit.changes, txn->changes) < 0)
		return error_oom(member->reterr);
	return 0;
}

static int member_run_once(struct member *member, struct store *store)
{
	struct txn txn = {
		.store = store,
		.connection = store->commit.writer,
		.caller = member->caller,
		.now_ns = clock_wall_ns(),
		.changes = &store->commit.part_changes,
	};

	change_list_reset(txn.changes);
	return member_apply(member, &txn);
}

#ifdef DUPLOFS_REHEARSE
/* Finds functions that count on being run once. */
static int member_run(struct member *member, struct store *store)
{
	struct connection *writer = store->commit.writer;
	int r = connection_run(writer, "SAVEPOINT rehearsal", "");

	r = r < 0 ? not_written(writer, member->reterr) : member_run_once(member, store);
	if (r < 0)
		return r;
	(void)connection_run(writer, "ROLLBACK TO rehearsal", "");
	(void)connection_run(writer, "RELEASE rehearsal", "");
	return member_run_once(member, store);
}
#else
static int member_run(struct member *member, struct store *store)
{
	return member_run_once(member, store);
}
#endif

/* So that the part can be undone alone. */
static int member_run_apart(struct member *member, struct store *store)
{
	struct connection *writer = store->commit.writer;
	int r;

	if (connection_run(writer, "SAVEPOINT part", "") < 0)
		return not_written(writer, member->reterr);
	r = member_run(member, store);
	/* What cannot be undone alone is undone with all others. */
	if (r < 0 && connection_run(writer, "ROLLBACK TO part", "") < 0) {
		(void)connection_run(writer, "ROLLBACK", "");
		return r;
	}
	if (connection_run(writer, "RELEASE part", "") < 0 && r == 0)
		r = not_written(writer, member->reterr);
	return r;
}

/* All that would have been kept is not. */
static void batch_fail(struct batch *batch, struct connection *writer)
{
	batch->over = true;
	for (struct member *member = batch->first; member; member = member->next)
		if (member->result == 0)
			member->result = not_written(writer, member->reterr);
}

/* Out of space or memory, SQLite may have rolled back the whole of it by itself. */
static bool batch_stands(struct batch *batch, struct connection *writer)
{
	if (sqlite3_get_autocommit(connection_handle(writer)))
		batch_fail(batch, writer);
	return !batch->over;
}

/* Undoes all and runs the parts that were kept once more, now each so that it can be undone. */
static void batch_repeat(struct batch *batch, struct store *store, const struct member *refused)
{
	struct connection *writer = store->commit.writer;

	batch->apart = true;
	change_list_reset(&store->commit.changes);
	if (connection_run(writer, "ROLLBACK", "") < 0 ||
		connection_run(writer, "BEGIN IMMEDIATE", "") < 0) {
		batch_fail(batch, writer);
		return;
	}
	for (struct member *member = batch->first; member != refused; member = member->next) {
		if (member->result < 0)
			continue;
		member->result = member_run_apart(member, store);
		if (!batch_stands(batch, writer))
			return;
	}
}

/*
 * With savepoints parts take half as long again. Most that are refused have changed nothing yet and
 * need none; for the few others the batch is run again.
 */
static void batch_run(struct batch *batch, struct store *store, struct member *member)
{
	struct connection *writer = store->commit.writer;
	int before = sqlite3_total_changes(connection_handle(writer));

	member->result = batch->apart ? member_run_apart(member, store) : member_run(member, store);
	if (batch_stands(batch, writer) && member->result < 0 && !batch->apart &&
		sqlite3_total_changes(connection_handle(writer)) != before)
		batch_repeat(batch, store, member);
}

void batch_add(struct batch *batch, struct store *store, struct member *members)
{
	*batch->end = members;
	for (struct member *member = members; member; member = member->next) {
		batch->end = &member->next;
		batch->count++;
	}
	for (struct member *member = members; member && !batch->over; member = member->next)
		batch_run(batch, store, member);
}

/* A change of the setting is only allowed outside a transaction. */
static int batch_set_sync(const struct batch *batch, struct commit *commit)
{
	int wanted = batch->durable ? 2 : 1, r;

	if (commit->synced == wanted)
		return 0;
	r = connection_execute(commit->writer,
		wanted == 2 ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
	if (r == 0)
		commit->synced = wanted;
	return r;
}

void batch_begin(struct batch *batch, struct store *store, struct member *members, bool durable)
{
	struct connection *writer = store->commit.writer;

	*batch = (struct batch){.end = &batch->first, .durable = durable};
	change_list_reset(&store->commit.changes);
	if (batch_set_sync(batch, &store->commit) < 0 ||
		connection_run(writer, "BEGIN IMMEDIATE", "") < 0) {
		batch->first = members;
		batch_fail(batch, writer);
		return;
	}
	batch_add(batch, store, members);
}

void batch_end(struct batch *batch, struct store *store)
{
	struct connection *writer = store->commit.writer;

	if (batch->over)
		return;
	if (connection_run(writer, "COMMIT", "") < 0) {
		batch_fail(batch, writer);
		(void)connection_execute(writer, "ROLLBACK");
		return;
	}
	feed_publish(&store->feed, &store->commit.changes);
}
