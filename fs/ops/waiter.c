/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/ops/waiter.h"

#include <errno.h>
#include <stdlib.h>

#include "base/lock.h"
#include "base/thread.h"
#include "store/inquiry.h"

#define BUCKETS 256

struct waiter {
	struct waiter *next;
	uint64_t id; /* how an interrupt finds it: by then it may be gone */
	fuse_req_t req;
	int64_t object, generation;
	int64_t inquiry; /* 0: waits for the object to settle */
	size_t offset, size; /* of the answer */
	bool busy; /* being armed or looked at: only who does that may take it away */
	bool interrupted; /* while it was busy */
	bool look; /* something changed */
};

struct waiters {
	struct fs *fs;
	pthread_t thread;
	struct lock lock;
	struct cond changed;
	struct waiter *buckets[BUCKETS]; /* by object */
	size_t count;
	uint64_t last_id;
	bool look, stopping;
};

/* ---- has it settled? ---- */

static int object_settled(const struct object *object, int64_t generation)
{
	if (object->deleting)
		return -ESTALE;
	if (generation == 0)
		return 1;
	if (object->observed < generation || object->observed_restart < object->restart)
		return 0;
	return object->failed ? -EIO : 1;
}

static int look_at_service(void *arg, const struct object *service)
{
	int *verdict = arg;
	int r = object_settled(service, service->generation);

	if (r == 0)
		*verdict = 0;
	else if (r == -EIO && *verdict == 1)
		*verdict = -EIO;
	return r == 0;
}

int waiter_settled(struct fs *fs, int64_t id, int64_t generation)
{
	struct object object = OBJECT_INIT;
	int r = store_peek(fs->store, id, &object);
	int verdict;

	if (r < 0)
		return r == -ENOENT ? -ESTALE : r;
	verdict = object_settled(&object, generation);
	/* A tenant has settled when all of its services have. */
	if (verdict == 1 && object.kind == KIND_TENANT)
		r = store_list(fs->store, id, KIND_SERVICE, 0, false, look_at_service, &verdict);
	return r < 0 ? r : verdict;
}

/* ---- the list ---- */

static struct waiter **bucket(struct waiters *waiters, int64_t object)
{
	return &waiters->buckets[(uint64_t)object % BUCKETS];
}

static struct waiter *detach(struct waiters *waiters, struct waiter **slot)
{
	struct waiter *waiter = *slot;

	*slot = waiter->next;
	waiters->count--;
	return waiter;
}

static struct waiter **find(struct waiters *waiters, uint64_t id)
{
	struct waiter **slot;
	size_t i;

	for (i = 0; i < BUCKETS; i++)
		for (slot = &waiters->buckets[i]; *slot; slot = &(*slot)->next)
			if ((*slot)->id == id)
				return slot;
	return NULL;
}

/* A part of the answer, or that there is nothing to read. */
static void reply(fuse_req_t req, const struct waiter *waiter, int verdict)
{
	struct buf text = BUF_INIT;

	if (verdict >= 0 && waiter->inquiry) {
		verdict = inquiry_read(op_fs(req)->inquiry_dir, waiter->inquiry, waiter->offset,
			waiter->size, &text);
		/* Forgotten: so many were answered since. */
		if (verdict == -ENOENT)
			verdict = 0;
	}
	if (verdict < 0)
		(void)fuse_reply_err(req, -verdict);
	else
		(void)fuse_reply_buf(req, text.data, text.len);
	buf_wipe(&text);
	buf_done(&text);
}

static int verdict_of(struct fs *fs, const struct waiter *waiter)
{
	int r;

	if (!waiter->inquiry)
		return waiter_settled(fs, waiter->object, waiter->generation);
	r = inquiry_answered(fs->inquiry_dir, waiter->inquiry, NULL, NULL);
	return r == -ENOENT ? 1 : r;
}

/* Called by libfuse with the request locked: nothing of ours may be held that a reply needs. */
static void interrupted(fuse_req_t req, void *data)
{
	struct waiters *waiters = op_fs(req)->waiters;
	struct waiter *waiter = NULL;
	struct waiter **slot;

	lock_acquire(&waiters->lock);
	slot = find(waiters, (uint64_t)(uintptr_t)data);
	if (slot && (*slot)->busy)
		(*slot)->interrupted = true;
	else if (slot)
		waiter = detach(waiters, slot);
	lock_release(&waiters->lock);
	if (!waiter)
		return;
	free(waiter);
	(void)fuse_reply_err(req, EINTR);
}

static struct waiter *add(struct waiters *waiters, const struct waiter *wanted)
{
	struct waiter **slot = bucket(waiters, wanted->object);
	struct waiter *waiter = malloc(sizeof(*waiter));

	if (!waiter)
		return NULL;
	*waiter = *wanted;
	waiter->busy = true;
	LOCKED(&waiters->lock);
	waiter->id = ++waiters->last_id;
	waiter->next = *slot;
	*slot = waiter;
	waiters->count++;
	return waiter;
}

/* Ends a look: true when the waiter is gone from the list and must be replied to. Locked. */
static bool settle(struct waiters *waiters, struct waiter *waiter, int *verdict)
{
	struct waiter **slot = bucket(waiters, waiter->object);

	waiter->busy = false;
	if (waiter->interrupted && *verdict == 0)
		*verdict = -EINTR;
	if (*verdict == 0)
		return false;
	while (*slot != waiter)
		slot = &(*slot)->next;
	(void)detach(waiters, slot);
	return true;
}

static void wait_for(struct waiters *waiters, const struct waiter *wanted, bool nonblock)
{
	int r = verdict_of(waiters->fs, wanted);
	struct waiter *waiter;
	bool done;

	if (r != 0 || nonblock) {
		reply(wanted->req, wanted, r == 0 ? -EAGAIN : r);
		return;
	}
	waiter = add(waiters, wanted);
	if (!waiter) {
		reply(wanted->req, wanted, -ENOMEM);
		return;
	}
	fuse_req_interrupt_func(wanted->req, interrupted, (void *)(uintptr_t)waiter->id);
	/* It may have settled before it was in the list. */
	r = verdict_of(waiters->fs, waiter);
	lock_acquire(&waiters->lock);
	done = settle(waiters, waiter, &r);
	if (!done && waiter->look)
		cond_signal(&waiters->changed);
	lock_release(&waiters->lock);
	if (!done)
		return;
	free(waiter);
	reply(wanted->req, wanted, r);
}

void waiter_read(struct waiters *waiters, fuse_req_t req, const struct ref *ref, int64_t generation,
	bool nonblock)
{
	struct waiter wanted = {.req = req, .object = ref->object.id, .generation = generation};

	wait_for(waiters, &wanted, nonblock);
}

void waiter_ask(struct waiters *waiters, fuse_req_t req, int64_t object, int64_t inquiry,
	size_t offset, size_t size, bool nonblock)
{
	struct waiter wanted = {
		.req = req, .object = object, .inquiry = inquiry, .offset = offset, .size = size};

	wait_for(waiters, &wanted, nonblock);
}

/* ---- the thread ---- */

static struct waiter *next_changed(struct waiters *waiters)
{
	struct waiter *waiter;
	size_t i;

	for (i = 0; i < BUCKETS && waiters->look; i++)
		for (waiter = waiters->buckets[i]; waiter; waiter = waiter->next)
			if (waiter->look && !waiter->busy)
				return waiter;
	waiters->look = false;
	return NULL;
}

static void look_again(struct waiters *waiters, struct waiter *waiter)
{
	bool done;
	int verdict;

	waiter->look = false;
	waiter->busy = true;
	lock_release(&waiters->lock);
	verdict = verdict_of(waiters->fs, waiter);
	lock_acquire(&waiters->lock);
	done = settle(waiters, waiter, &verdict);
	if (!done)
		return;
	lock_release(&waiters->lock);
	reply(waiter->req, waiter, verdict);
	free(waiter);
	lock_acquire(&waiters->lock);
}

static void *run(void *arg)
{
	struct waiters *waiters = arg;
	struct waiter *waiter;

	lock_acquire(&waiters->lock);
	while (!waiters->stopping) {
		waiter = next_changed(waiters);
		if (waiter)
			look_again(waiters, waiter);
		else
			cond_wait(&waiters->changed, &waiters->lock);
	}
	lock_release(&waiters->lock);
	return NULL;
}

/* Marks who waits for an object. Locked. */
static void mark(struct waiters *waiters, int64_t object)
{
	struct waiter *waiter;

	for (waiter = *bucket(waiters, object); waiter; waiter = waiter->next)
		if (waiter->object == object)
			waiter->look = waiters->look = true;
}

void waiter_feed(struct waiters *waiters, const struct change *changes, size_t count)
{
	size_t i;

	LOCKED(&waiters->lock);
	if (waiters->count == 0)
		return;
	for (i = 0; i < count; i++) {
		if (!(changes[i].flags & (CHANGE_STATUS | CHANGE_SPEC | CHANGE_DELETED |
						 CHANGE_PURGED | CHANGE_ANSWERED)))
			continue;
		mark(waiters, changes[i].id);
		if (changes[i].kind == KIND_SERVICE)
			mark(waiters, changes[i].tenant);
	}
	if (waiters->look)
		cond_signal(&waiters->changed);
}

int waiters_new(struct waiters **ret, struct fs *fs, struct error *reterr)
{
	struct waiters *waiters = calloc(1, sizeof(*waiters));
	int r;

	if (!waiters)
		return error_oom(reterr);
	waiters->fs = fs;
	lock_init(&waiters->lock, LOCK_WAITER);
	cond_init(&waiters->changed);
	r = thread_start(&waiters->thread, "wait", run, waiters, reterr);
	if (r < 0) {
		cond_done(&waiters->changed);
		lock_done(&waiters->lock);
		free(waiters);
		return r;
	}
	*ret = waiters;
	return 0;
}

void waiters_free(struct waiters *waiters)
{
	size_t i;

	if (!waiters)
		return;
	lock_acquire(&waiters->lock);
	waiters->stopping = true;
	cond_signal(&waiters->changed);
	lock_release(&waiters->lock);
	thread_join(waiters->thread);
	for (i = 0; i < BUCKETS; i++)
		while (waiters->buckets[i]) {
			struct waiter *waiter = detach(waiters, &waiters->buckets[i]);

			fuse_reply_none(waiter->req);
			free(waiter);
		}
	cond_done(&waiters->changed);
	lock_done(&waiters->lock);
	free(waiters);
}
