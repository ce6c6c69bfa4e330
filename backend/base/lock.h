/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lock - mutexes and conditions on the monotonic clock, with one table of ranks.
 * Promises: in builds with DUPLOFS_LOCK_CHECK a thread that takes a lock of a lower or equal rank
 *           than one it holds is reported on stderr and aborts (tests only; never in a release).
 * Threads: that is what it is for.
 * Ownership: a lock lives inside the object it guards.
 */
#ifndef DUPLOFS_BASE_LOCK_H
#define DUPLOFS_BASE_LOCK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The only order in which locks may be taken, outermost first. No lock is ever held across I/O that
 * can block for long; LOCK_STORE_WRITER is held across one SQLite transaction, which is its job.
 */
enum lock_rank {
	LOCK_SUPERVISOR = 1,
	LOCK_EDIT,
	LOCK_SCRATCH,
	LOCK_RECONCILE, /* reconciler's context: hosts, view */
	LOCK_CLOUD, /* balancers and names of the local cloud */
	LOCK_ENGINE, /* an engine's tables */
	LOCK_PROBER, /* probe heap */
	LOCK_STORE_WRITER, /* the writer's connection */
	LOCK_STORE_QUEUE, /* group commit queue */
	LOCK_STORE_KEYS, /* cache of unsealed tenant keys */
	LOCK_STORE_WATCH, /* list of watchers */
	LOCK_SNAPSHOT,
	LOCK_WAITER,
	LOCK_SESSION,
	LOCK_QUEUE, /* reconcile queue */
	LOCK_NOTIFIER, /* invalidation queue */
	LOCK_NET, /* stream loop */
	LOCK_LEAF, /* guards a few instructions, takes nothing inside */
};

struct lock {
	pthread_mutex_t mutex;
	enum lock_rank rank;
};

struct cond {
	pthread_cond_t cond;
};

/*
 * Counts events that any number of threads wait for, all woken at once and with no lock between
 * (Reed and Kanodia, Synchronization with Eventcounts and Sequencers, 1979). All zero is ready.
 */
struct eventcount {
	_Atomic uint32_t count;
};

#define LOCK_INIT(lock_rank)                                                                       \
	{                                                                                          \
		.mutex = PTHREAD_MUTEX_INITIALIZER, .rank = (lock_rank)                            \
	}

void lock_init(struct lock *lock, enum lock_rank rank);
void lock_done(struct lock *lock);
void lock_acquire(struct lock *lock);
void lock_release(struct lock *lock);

void cond_init(struct cond *cond);
void cond_done(struct cond *cond);
void cond_signal(struct cond *cond);
void cond_broadcast(struct cond *cond);
void cond_wait(struct cond *cond, struct lock *lock);

/* Waits until deadline_ns (clock_now_ns; CLOCK_FOREVER: no limit). False when the time is over. */
bool cond_wait_until(struct cond *cond, struct lock *lock, int64_t deadline_ns);

/* To wait for something: read, look whether it is there, await what was read, and look again. */
uint32_t eventcount_read(struct eventcount *events);
void eventcount_await(struct eventcount *events, uint32_t seen);
void eventcount_advance(struct eventcount *events);

static inline void lock_cleanup(struct lock **held)
{
	if (*held)
		lock_release(*held);
}

/* Holds the lock until the end of the block. */
#define LOCKED(lock_pointer)                                                                       \
	struct lock *LOCK_CONCAT(held_, __LINE__) __attribute__((cleanup(lock_cleanup), unused)) = \
		(lock_pointer);                                                                    \
	lock_acquire(LOCK_CONCAT(held_, __LINE__))
#define LOCK_CONCAT(a, b)  LOCK_CONCAT_(a, b)
#define LOCK_CONCAT_(a, b) a##b

#endif
