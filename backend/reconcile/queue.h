/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue - keys with due times, and the threads that work on them.
 * Promises: wake-ups of a key merge; a key is worked on by one thread at a time; a wake-up during
 *           the work makes it run once more. No wake-up is lost: when memory is short, QUEUE_SWEEP
 *           comes. Nothing due: no CPU, no memory.
 * Threads: wake from any thread, also under store and engine callbacks; new and stop from one.
 * Ownership: keys are numbers; the queue knows nothing of what they mean.
 */
#ifndef DUPLOFS_RECONCILE_QUEUE_H
#define DUPLOFS_RECONCILE_QUEUE_H

#include <errno.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"

#define QUEUE_DONE  CLOCK_FOREVER /* nothing to do until the next wake-up */
#define QUEUE_RETRY INT64_C(-1) /* it failed: again after a backoff that grows */
#define QUEUE_WAIT  INT64_C(-2) /* not yet: again after about a second, later less often */
#define QUEUE_WHYS  INT64_C(0x10000) /* QUEUE_WAIT - n, n below this: the same, for reason n */
#define QUEUE_SWEEP INT64_C(0) /* the key that means: wake-ups were lost, look at everything */

#define QUEUE_BACKOFF_MIN_NS (200 * NS_PER_MILLISECOND)
#define QUEUE_BACKOFF_MAX_NS (60 * NS_PER_SECOND)
#define QUEUE_WAIT_MIN_NS    NS_PER_SECOND
#define QUEUE_WAIT_MAX_NS    (15 * NS_PER_SECOND)

/* Returns QUEUE_DONE, QUEUE_RETRY, QUEUE_WAIT (less a reason), or when to be called again
 * (monotonic ns). */
typedef int64_t (*queue_work_fn)(void *arg, int64_t key);

struct queue;

/* name: of the threads, at most 12 bytes. */
int queue_new(struct queue **ret, const char *name, int workers, queue_work_fn work, void *arg,
	struct error *reterr);

/* Work that has begun is finished; nothing new begins; wake-ups are ignored from now on. */
void queue_stop(struct queue *queue);
void queue_free(struct queue *queue); /* stops first */

void queue_wake(struct queue *queue, int64_t key);
/* The earliest of several due times counts. */
void queue_wake_at(struct queue *queue, int64_t key, int64_t due_ns);

/* Keys that wait or are worked on. */
int64_t queue_length(struct queue *queue);

/* Full jitter: anywhere up to a limit that doubles with each failure (from 1), up to the cap.
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ */
int64_t queue_backoff_ns(int failures, uint64_t random);

/* Of what only needs time: a limit that doubles with every third wait (from 1), from
 * QUEUE_WAIT_MIN_NS up to QUEUE_WAIT_MAX_NS, less up to a fifth of it at random. */
int64_t queue_wait_ns(int waits, uint64_t random);

/* What waiting for something asks for. why: a sentence; see error_says_same. */
int64_t queue_wait_for(const char *why);

/* The waits of a key since it last had nothing to wait for. */
struct queue_waits {
	int count;
	uint16_t whys[4]; /* the last reasons, the newest first */
};

/* One more, for a reason as queue_wait_for says it; returns their number: from 1 when it is none of
 * the last reasons, so that it comes soon, however long another thing took before it. Pure. */
int queue_waits_add(struct queue_waits *waits, int64_t next_ns);

/* What a result of -EAGAIN, of -EINPROGRESS (it takes a second), or any other failure asks for. */
static inline int64_t queue_after(int result, const char *why)
{
	if (result == -EINPROGRESS)
		return clock_now_ns() + NS_PER_SECOND;
	return result == -EAGAIN ? queue_wait_for(why) : QUEUE_RETRY;
}

#endif
