/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/edit/sweeper.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/thread.h"
#include "fs/edit/scratch.h"

#define SCRATCH_AGE_S (10 * 60)
#define PERIOD_NS     (60 * NS_PER_SECOND)

struct sweeper {
	struct scratch *scratch;
	pthread_t thread;
	struct lock lock;
	struct cond woken;
	atomic_bool busy; /* there may be something to sweep */
	bool stopping;
};

static void *run(void *arg)
{
	struct sweeper *sweeper = arg;

	lock_acquire(&sweeper->lock);
	while (!sweeper->stopping) {
		int64_t due_ns = clock_now_ns() + PERIOD_NS;

		if (!atomic_load(&sweeper->busy)) {
			cond_wait(&sweeper->woken, &sweeper->lock);
			continue;
		}
		while (!sweeper->stopping &&
			cond_wait_until(&sweeper->woken, &sweeper->lock, due_ns))
			;
		if (sweeper->stopping)
			break;
		lock_release(&sweeper->lock);
		atomic_store(&sweeper->busy, false);
		if (scratch_sweep(sweeper->scratch, SCRATCH_AGE_S) > 0)
			atomic_store(&sweeper->busy, true);
		lock_acquire(&sweeper->lock);
	}
	lock_release(&sweeper->lock);
	return NULL;
}

int sweeper_new(struct sweeper **ret, struct scratch *scratch, struct error *reterr)
{
	struct sweeper *sweeper = calloc(1, sizeof(*sweeper));
	int r;

	if (!sweeper)
		return error_oom(reterr);
	sweeper->scratch = scratch;
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
