/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/edit/sweeper.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/thread.h"
#include "fs/edit/removed.h"
#include "fs/edit/scratch.h"

#define SCRATCH_AGE_S (10 * 60)
#define PERIOD_NS     (60 * NS_PER_SECOND)

struct sweeper {
	struct scratch *scratch;
	struct removed *removed;
	pthread_t thread;
	struct lock lock;
	struct cond woken;
	atomic_bool busy; /* there may be a scratch file to sweep */
	int64_t due_ns; /* when it is looked for; the thread's own */
	bool stopping;
};

/* Locked, but for the sweep itself. */
static void sweep_scratch(struct sweeper *sweeper)
{
	if (!atomic_load(&sweeper->busy)) {
		sweeper->due_ns = CLOCK_FOREVER;
		return;
	}
	if (sweeper->due_ns == CLOCK_FOREVER)
		sweeper->due_ns = clock_now_ns() + PERIOD_NS;
	if (clock_now_ns() < sweeper->due_ns)
		return;
	lock_release(&sweeper->lock);
	atomic_store(&sweeper->busy, false);
	if (scratch_sweep(sweeper->scratch, SCRATCH_AGE_S) > 0)
		atomic_store(&sweeper->busy, true);
	lock_acquire(&sweeper->lock);
	sweeper->due_ns = atomic_load(&sweeper->busy) ? clock_now_ns() + PERIOD_NS : CLOCK_FOREVER;
}

static void *run(void *arg)
{
	struct sweeper *sweeper = arg;
	int64_t due_ns;

	lock_acquire(&sweeper->lock);
	while (!sweeper->stopping) {
		sweep_scratch(sweeper);
		due_ns = removed_sweep(sweeper->removed);
		if (sweeper->due_ns < due_ns)
			due_ns = sweeper->due_ns;
		if (!sweeper->stopping)
			(void)cond_wait_until(&sweeper->woken, &sweeper->lock, due_ns);
	}
	lock_release(&sweeper->lock);
	return NULL;
}

int sweeper_new(struct sweeper **ret, struct scratch *scratch, struct removed *removed,
	struct error *reterr)
{
	struct sweeper *sweeper = calloc(1, sizeof(*sweeper));
	int r;

	if (!sweeper)
		return error_oom(reterr);
	sweeper->scratch = scratch;
	sweeper->removed = removed;
	sweeper->due_ns = CLOCK_FOREVER;
	atomic_store(&sweeper->busy, true);
	lock_init(&sweeper->lock, LOCK_EDIT);
	cond_init(&sweeper->woken);
	r = thread_start(&sweeper->thread, "sweep", run, sweeper, reterr);
	if (r < 0) {
		cond_done(&sweeper->woken);
		lock_done(&sweeper->lock);
		free(sweeper);
		return r;
	}
	*ret = sweeper;
	return 0;
}

void sweeper_free(struct sweeper *sweeper)
{
	if (!sweeper)
		return;
	lock_acquire(&sweeper->lock);
	sweeper->stopping = true;
	cond_signal(&sweeper->woken);
	lock_release(&sweeper->lock);
	thread_join(sweeper->thread);
	cond_done(&sweeper->woken);
	lock_done(&sweeper->lock);
	free(sweeper);
}

void sweeper_wake(struct sweeper *sweeper)
{
	if (atomic_load_explicit(&sweeper->busy, memory_order_relaxed))
		return;
	LOCKED(&sweeper->lock);
	atomic_store(&sweeper->busy, true);
	cond_signal(&sweeper->woken);
}

void sweeper_wake_removed(struct sweeper *sweeper)
{
	LOCKED(&sweeper->lock);
	cond_signal(&sweeper->woken);
}
