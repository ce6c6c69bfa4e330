/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/queue.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/idmap.h"
#include "base/lock.h"
#include "base/text.h"
#include "base/thread.h"

#define NO_PLACE SIZE_MAX

struct entry {
	int64_t key;
	int64_t due_ns; /* while running: the earliest wake-up that came meanwhile */
	size_t place; /* in the heap, or NO_PLACE */
	bool running;
	int failures; /* in a row */
	struct queue_waits waits; /* likewise */
};

struct queue {
	struct lock lock;
	struct cond work_due;
	queue_work_fn work;
	void *arg;
	struct idmap entries; /* by key, all but sweep */
	struct entry sweep;
	struct entry **heap; /* by due time; room for every entry and sweep */
	size_t count, room;
	int64_t busy;
	uint64_t random;
	bool stopping;
	int workers;
	pthread_t threads[];
};

int64_t queue_backoff_ns(int failures, uint64_t random)
{
	int64_t limit = QUEUE_BACKOFF_MIN_NS;

	for (int i = 1; i < failures && limit < QUEUE_BACKOFF_MAX_NS; i++)
		limit *= 2;
	if (limit > QUEUE_BACKOFF_MAX_NS)
		limit = QUEUE_BACKOFF_MAX_NS;
	return (int64_t)(random % (uint64_t)limit);
}

int64_t queue_wait_ns(int waits, uint64_t random)
{
	int64_t limit = QUEUE_WAIT_MIN_NS;

	for (int i = 3; i < waits && limit < QUEUE_WAIT_MAX_NS; i += 3)
		limit *= 2;
	if (limit > QUEUE_WAIT_MAX_NS)
		limit = QUEUE_WAIT_MAX_NS;
	return limit - (int64_t)(random % (uint64_t)(limit / 5));
}

int64_t queue_wait_for(const char *why)
{
	return QUEUE_WAIT - (int64_t)(text_hash(why, error_gist(why)) % QUEUE_WHYS);
}

static bool is_wait(int64_t next_ns)
{
	return next_ns <= QUEUE_WAIT && next_ns > QUEUE_WAIT - QUEUE_WHYS;
}

int queue_waits_add(struct queue_waits *waits, int64_t next_ns)
{
	uint16_t why = (uint16_t)(QUEUE_WAIT - next_ns);
	size_t place = 0;

	while (place < ARRAY_SIZE(waits->whys) - 1 && waits->whys[place] != why)
		place++;
	if (waits->whys[place] != why)
		waits->count = 0;
	memmove(&waits->whys[1], &waits->whys[0], place * sizeof(waits->whys[0]));
	waits->whys[0] = why;
	waits->count += waits->count < 30;
	return waits->count;
}

static uint64_t queue_random(struct queue *queue)
{
	/* xorshift64: https://www.jstatsoft.org/article/view/v008i14 */
	queue->random ^= queue->random << 13;
	queue->random ^= queue->random >> 7;
	queue->random ^= queue->random << 17;
	return queue->random;
}

static void heap_set(struct queue *queue, size_t place, struct entry *entry)
{
	queue->heap[place] = entry;
	entry->place = place;
}

static void heap_up(struct queue *queue, size_t place, struct entry *entry)
{
	while (place > 0) {
		size_t above = (place - 1) / 2;

		if (queue->heap[above]->due_ns <= entry->due_ns)
			break;
		heap_set(queue, place, queue->heap[above]);
		place = above;
	}
	heap_set(queue, place, entry);
}

static void heap_down(struct queue *queue, size_t place, struct entry *entry)
{
	for (;;) {
		size_t below = 2 * place + 1;

		if (below >= queue->count)
			break;
		if (below + 1 < queue->count &&
			queue->heap[below + 1]->due_ns < queue->heap[below]->due_ns)
			below++;
		if (entry->due_ns <= queue->heap[below]->due_ns)
			break;
		heap_set(queue, place, queue->heap[below]);
		place = below;
	}
	heap_set(queue, place, entry);
}

static struct entry *heap_pop(struct queue *queue)
{
	struct entry *first = queue->heap[0];

	queue->count--;
	if (queue->count > 0)
		heap_down(queue, 0, queue->heap[queue->count]);
	first->place = NO_PLACE;
	return first;
}

static void heap_push(struct queue *queue, struct entry *entry)
{
	heap_up(queue, queue->count++, entry);
	cond_signal(&queue->work_due);
}

/* Room for one entry more than there are: pushing a known one must never fail. */
static int queue_reserve(struct queue *queue)
{
	size_t wanted = queue->entries.count + 2;
	size_t room = queue->room ? queue->room : 32;
	struct entry **heap;

	if (wanted <= queue->room && (queue->room <= 32 || wanted * 4 > queue->room))
		return 0;
	while (room < wanted)
		room *= 2;
	while (room > 32 && wanted * 4 <= room)
		room /= 2;
	heap = realloc(queue->heap, room * sizeof(*heap));
	if (!heap)
		return -ENOMEM;
	queue->heap = heap;
	queue->room = room;
	return 0;
}

/* NULL when memory is short. */
static struct entry *queue_entry(struct queue *queue, int64_t key)
{
	struct entry *entry;

	if (key == QUEUE_SWEEP)
		return &queue->sweep;
	entry = idmap_get(&queue->entries, key);
	if (entry)
		return entry;
	if (queue_reserve(queue) < 0)
		return NULL;
	entry = malloc(sizeof(*entry));
	if (!entry)
		return NULL;
	*entry = (struct entry){.key = key, .due_ns = CLOCK_FOREVER, .place = NO_PLACE};
	if (idmap_put(&queue->entries, key, entry) < 0) {
		free(entry);
		return NULL;
	}
	return entry;
}

static void queue_schedule(struct queue *queue, struct entry *entry, int64_t due_ns)
{
	if (due_ns >= entry->due_ns)
		return;
	entry->due_ns = due_ns;
	if (entry->running)
		return;
	if (entry->place == NO_PLACE) {
		heap_push(queue, entry);
	} else {
		heap_up(queue, entry->place, entry);
		cond_signal(&queue->work_due);
	}
}

void queue_wake_at(struct queue *queue, int64_t key, int64_t due_ns)
{
	struct entry *entry;

	LOCKED(&queue->lock);
	if (queue->stopping)
		return;
	entry = queue_entry(queue, key);
	queue_schedule(queue, entry ? entry : &queue->sweep, due_ns);
}

void queue_wake(struct queue *queue, int64_t key)
{
	queue_wake_at(queue, key, clock_now_ns());
}

int64_t queue_length(struct queue *queue)
{
	LOCKED(&queue->lock);
	return (int64_t)queue->count + queue->busy;
}

/* Called with the lock held after the work on entry. */
static void queue_finish(struct queue *queue, struct entry *entry, int64_t next_ns)
{
	int64_t due_ns = entry->due_ns;

	entry->running = false;
	entry->due_ns = CLOCK_FOREVER;
	if (next_ns == QUEUE_RETRY) {
		entry->failures += entry->failures < 30;
		next_ns = clock_now_ns() + queue_backoff_ns(entry->failures, queue_random(queue));
	} else if (is_wait(next_ns)) {
		entry->failures = 0;
		next_ns = clock_now_ns() + queue_wait_ns(queue_waits_add(&entry->waits, next_ns),
						   queue_random(queue));
	} else {
		entry->failures = 0;
		entry->waits = (struct queue_waits){0};
	}
	if (next_ns < due_ns)
		due_ns = next_ns;
	if (due_ns != CLOCK_FOREVER) {
		queue_schedule(queue, entry, due_ns);
	} else if (entry != &queue->sweep) {
		(void)idmap_remove(&queue->entries, entry->key);
		free(entry);
	}
}

static void *queue_run(void *arg)
{
	struct queue *queue = arg;

	lock_acquire(&queue->lock);
	while (!queue->stopping) {
		struct entry *entry = queue->count ? queue->heap[0] : NULL;
		int64_t next_ns;

		if (!entry || entry->due_ns > clock_now_ns()) {
			(void)cond_wait_until(&queue->work_due, &queue->lock,
				entry ? entry->due_ns : CLOCK_FOREVER);
			continue;
		}
		(void)heap_pop(queue);
		entry->running = true;
		entry->due_ns = CLOCK_FOREVER;
		queue->busy++;
		lock_release(&queue->lock);

		next_ns = queue->work(queue->arg, entry->key);

		lock_acquire(&queue->lock);
		queue->busy--;
		queue_finish(queue, entry, next_ns);
	}
	lock_release(&queue->lock);
	return NULL;
}

int queue_new(struct queue **ret, const char *name, int workers, queue_work_fn work, void *arg,
	struct error *reterr)
{
	struct queue *queue = calloc(1, sizeof(*queue) + (size_t)workers * sizeof(pthread_t));
	int r;

	if (!queue)
		return error_oom(reterr);
	lock_init(&queue->lock, LOCK_QUEUE);
	cond_init(&queue->work_due);
	queue->work = work;
	queue->arg = arg;
	queue->sweep =
		(struct entry){.key = QUEUE_SWEEP, .due_ns = CLOCK_FOREVER, .place = NO_PLACE};
	r = queue_reserve(queue);
	if (r < 0)
		error_oom(reterr);
	if (r == 0)
		r = text_random(&queue->random, sizeof(queue->random));
	queue->random |= 1; /* xorshift never leaves zero */
	while (r == 0 && queue->workers < workers) {
		char thread[16];

		(void)snprintf(thread, sizeof(thread), "%.12s%d", name, queue->workers % 100);
		r = thread_start(&queue->threads[queue->workers], thread, queue_run, queue, reterr);
		if (r == 0)
			queue->workers++;
	}
	if (r < 0) {
		queue_free(queue);
		return r;
	}
	*ret = queue;
	return 0;
}

void queue_stop(struct queue *queue)
{
	lock_acquire(&queue->lock);
	queue->stopping = true;
	cond_broadcast(&queue->work_due);
	lock_release(&queue->lock);
	for (int i = 0; i < queue->workers; i++)
		thread_join(queue->threads[i]);
	queue->workers = 0;
}

void queue_free(struct queue *queue)
{
	size_t position = 0;
	struct entry *entry;

	if (!queue)
		return;
	queue_stop(queue);
	while ((entry = idmap_next(&queue->entries, &position)))
		free(entry);
	idmap_done(&queue->entries);
	free(queue->heap);
	cond_done(&queue->work_due);
	lock_done(&queue->lock);
	free(queue);
}
