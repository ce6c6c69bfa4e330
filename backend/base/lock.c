/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lock.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"

#ifdef DUPLOFS_LOCK_CHECK
static __thread enum lock_rank held_ranks[16];
static __thread int held_count;

static void lock_check_acquire(const struct lock *lock)
{
	if (held_count > 0 && held_ranks[held_count - 1] >= lock->rank) {
		(void)fprintf(stderr, "lock of rank %d taken while one of rank %d is held\n",
			lock->rank, held_ranks[held_count - 1]);
		abort();
	}
	if (held_count < 16)
		held_ranks[held_count] = lock->rank;
	held_count++;
}

static void lock_check_release(const struct lock *lock)
{
	int i, found = -1;

	for (i = 0; i < held_count && i < 16; i++)
		if (held_ranks[i] == lock->rank)
			found = i;
	if (found >= 0)
		for (i = found; i + 1 < held_count && i + 1 < 16; i++)
			held_ranks[i] = held_ranks[i + 1];
	held_count--;
}
#else
static void lock_check_acquire(const struct lock *lock)
{
	(void)lock;
}

static void lock_check_release(const struct lock *lock)
{
	(void)lock;
}
#endif

void lock_init(struct lock *lock, enum lock_rank rank)
{
	(void)pthread_mutex_init(&lock->mutex, NULL);
	lock->rank = rank;
}

void lock_done(struct lock *lock)
{
	(void)pthread_mutex_destroy(&lock->mutex);
}

void lock_acquire(struct lock *lock)
{
	lock_check_acquire(lock);
	(void)pthread_mutex_lock(&lock->mutex);
}

void lock_release(struct lock *lock)
{
	/* First: once unlocked, whoever waited may free it. */
	lock_check_release(lock);
	(void)pthread_mutex_unlock(&lock->mutex);
}

void cond_init(struct cond *cond)
{
	pthread_condattr_t attributes;

	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&cond->cond, &attributes);
	(void)pthread_condattr_destroy(&attributes);
}

void cond_done(struct cond *cond)
{
	(void)pthread_cond_destroy(&cond->cond);
}

void cond_signal(struct cond *cond)
{
	(void)pthread_cond_signal(&cond->cond);
}

void cond_broadcast(struct cond *cond)
{
	(void)pthread_cond_broadcast(&cond->cond);
}

void cond_wait(struct cond *cond, struct lock *lock)
{
	(void)pthread_cond_wait(&cond->cond, &lock->mutex);
}

bool cond_wait_until(struct cond *cond, struct lock *lock, int64_t deadline_ns)
{
	struct timespec deadline = clock_timespec(deadline_ns);

	if (deadline_ns == CLOCK_FOREVER) {
		cond_wait(cond, lock);
		return true;
	}
	return pthread_cond_timedwait(&cond->cond, &lock->mutex, &deadline) != ETIMEDOUT;
}

uint32_t eventcount_read(struct eventcount *events)
{
	return atomic_load_explicit(&events->count, memory_order_acquire);
}

void eventcount_await(struct eventcount *events, uint32_t seen)
{
	while (eventcount_read(events) == seen)
		(void)syscall(SYS_futex, &events->count, FUTEX_WAIT_PRIVATE, seen, NULL);
}

void eventcount_advance(struct eventcount *events)
{
	(void)atomic_fetch_add_explicit(&events->count, 1, memory_order_release);
	(void)syscall(SYS_futex, &events->count, FUTEX_WAKE_PRIVATE, INT_MAX);
}
