/* SPDX-License-Identifier: Apache-2.0 */
#include "store/commit.h"

#include "base/clock.h"
#include "store/batch.h"
#include "store/store_private.h"

/* The longest that a leader waits for the members that the last batch had. */
#define PATIENCE_MAX_NS (2 * NS_PER_MILLISECOND)

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

static bool member_is_durable(const struct member *member)
{
	return member->durability == STORE_DURABLE;
}

/* Takes from the queue who may be in the batch: what is not synced takes nobody who wants it. With
 * queue_lock held. */
static struct member *commit_pop(struct commit *commit, bool durable)
{
	struct member *first = commit->first, **end = &commit->first;

	while (*end && (durable || !member_is_durable(*end))) {
		end = &(*end)->next;
		commit->waiting--;
	}
	if (end == &commit->first)
		return NULL;
	commit->first = *end;
	*end = NULL;
	if (!commit->first)
		commit->end = &commit->first;
	return first;
}

static struct member *commit_take_first(struct commit *commit, bool *ret_durable)
{
	bool durable = false;

	LOCKED(&commit->queue_lock);
	for (const struct member *member = commit->first; member; member = member->next)
		durable = durable || member_is_durable(member);
	*ret_durable = durable;
	return commit_pop(commit, durable);
}

/*
 * Who has come meanwhile. Writers that come again and again would fall into two groups that take
 * turns, each half as large as it could be: those whom a batch has just woken come back a moment
 * after the next one began. So a leader who has nobody left waits for as many as the last batch
 * had, for a fraction of the time that writing takes.
 */
static struct member *commit_take_more(struct commit *commit, const struct batch *batch,
	int64_t deadline_ns)
{
	LOCKED(&commit->queue_lock);
	if (!commit->first && batch->count < commit->last_count) {
		commit->expected = commit->last_count - batch->count;
		while (commit->waiting < commit->expected)
			if (!cond_wait_until(&commit->arrived, &commit->queue_lock, deadline_ns))
				break;
		commit->expected = 0;
	}
	return commit_pop(commit, batch->durable);
}

static int64_t commit_patience_ns(const struct commit *commit)
{
	int64_t patience_ns = commit->last_ns / 2;

	return patience_ns < PATIENCE_MAX_NS ? patience_ns : PATIENCE_MAX_NS;
}

/* All that wait, and who comes while they are run. */
static void commit_write(struct store *store, struct batch *batch)
{
	struct commit *commit = &store->commit;
	struct member *members;
	int64_t start_ns = clock_now_ns(), deadline_ns = start_ns + commit_patience_ns(commit);
	bool durable;

	members = commit_take_first(commit, &durable);
	batch_begin(batch, store, members, durable);
	while (!batch->over && (members = commit_take_more(commit, batch, deadline_ns)))
		batch_add(batch, store, members);
	start_ns = clock_now_ns();
	batch_end(batch, store);
	commit->last_ns = clock_now_ns() - start_ns;
	commit->last_count = batch->count;
}

/* What is said before is seen by the member. */
static void member_tell(struct member *member)
{
	atomic_store_explicit(&member->told, true, memory_order_release);
}

/* Whoever has come meanwhile leads next; returns whether there is anybody. */
static bool commit_hand_over(struct commit *commit)
{
	struct member *next;

	LOCKED(&commit->queue_lock);
	next = commit->first;
	commit->leading = next != NULL;
	if (!next)
		return false;
	next->leads = true;
	member_tell(next);
	return true;
}

static void commit_lead(struct store *store, const struct member *self)
{
	struct commit *commit = &store->commit;
	struct batch batch;
	bool somebody;

	lock_acquire(&commit->writer_lock);
	commit_write(store, &batch);
	lock_release(&commit->writer_lock);
	somebody = commit_hand_over(commit);
	/* A member is gone once it is told. */
	for (struct member *member = batch.first, *next; member; member = next) {
		next = member->next;
		if (member == self)
			continue;
		member_tell(member);
		somebody = true;
	}
	if (somebody)
		eventcount_advance(&commit->tellings);
}

static void commit_wait(struct commit *commit, const struct member *member)
{
	uint32_t seen = eventcount_read(&commit->tellings);

	while (!atomic_load_explicit(&member->told, memory_order_acquire)) {
		eventcount_await(&commit->tellings, seen);
		seen = eventcount_read(&commit->tellings);
	}
}

/* Returns whether the member leads: nobody else does. */
static bool commit_enqueue(struct commit *commit, struct member *member)
{
	bool leads;

	LOCKED(&commit->queue_lock);
	*commit->end = member;
	commit->end = &member->next;
	commit->waiting++;
	if (commit->expected && commit->waiting >= commit->expected)
		cond_signal(&commit->arrived);
	leads = !commit->leading;
	commit->leading = true;
	return leads;
}

int store_update(struct store *store, enum store_durability durability, const struct caller *caller,
	store_update_fn fn, void *arg, struct error *reterr)
{
	struct commit *commit = &store->commit;
	struct member member = {
		.fn = fn, .arg = arg, .caller = caller, .durability = durability, .reterr = reterr};
	bool leads;

	if (!commit->writer)
		return error_set(reterr, commit->frozen.code, "%s", commit->frozen.text);
	leads = commit_enqueue(commit, &member);
	if (!leads) {
		commit_wait(commit, &member);
		leads = member.leads;
	}
	if (leads)
		commit_lead(store, &member);
	return member.result;
}
