/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/announce.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysmacros.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/thread.h"
#include "fs/kernel/crier.h"
#include "fs/kernel/watchers.h"
#include "fs/process/mount.h"
#include "fs/tree/path.h"
#include "fs/tree/touched.h"

#define GATHER_NS (20 * NS_PER_MILLISECOND) /* what happens within this is told at once */
#define REST      50 /* times as long as it has worked, the thread rests */

struct announcer {
	struct fs *fs;
	const char *mountpoint;
	pthread_t thread;
	struct lock lock;
	struct cond woken;
	struct touched news; /* guarded by lock, as is stopping */
	bool stopping;

	/* The thread's own. */
	struct touched taken;
	struct nodes watchers;
	int64_t rested_ns;
	struct crier *crier;
};

void announcer_feed(struct announcer *announcer, const struct change *changes, size_t count)
{
	size_t i;

	LOCKED(&announcer->lock);
	if (touched_is_empty(&announcer->news))
		cond_signal(&announcer->woken);
	for (i = 0; i < count; i++)
		touched_add(&announcer->news, &changes[i]);
}

static bool find_device(const struct announcer *announcer, dev_t *ret)
{
	unsigned major, minor;
	char device[32];

	if (!mount_is(announcer->mountpoint, "fuse.duplofs", device, sizeof(device)) ||
		sscanf(device, "%u:%u", &major, &minor) != 2)
		return false;
	*ret = makedev(major, minor);
	return true;
}

/* -EAGAIN: later; all else is over and done with. */
static int tell(struct announcer *announcer, dev_t device, uint64_t node)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	const struct row *row = row_get(node_row(node));
	struct error error = ERROR_INIT;
	int tries, r = path_of(announcer->fs, row, node_object(node), &path);

	if (r < 0)
		return 0;
	for (tries = 0, r = -EPIPE; tries < 2 && r == -EPIPE; tries++) {
		if (!announcer->crier &&
			crier_new(&announcer->crier, announcer->mountpoint, device, &error) < 0) {
			log_debug("%s", error.text);
			return 0;
		}
		r = crier_call(announcer->crier, buf_string(&path), row_is_dir(row));
		if (r == -EPIPE) {
			crier_free(announcer->crier);
			announcer->crier = NULL;
		}
	}
	return r == -EAGAIN ? r : 0;
}

/* Tells all watchers of what was taken; -EAGAIN: not of all of it. */
static int announce(struct announcer *announcer)
{
	_cleanup_nodes_ struct nodes nodes = {0};
	dev_t device;
	size_t i;
	int r = 0;

	if (!find_device(announcer, &device) || watchers_look(&announcer->watchers, device) < 0)
		return 0;
	for (i = 0; r == 0 && i < announcer->watchers.count; i++)
		r = touched_below(&announcer->taken, announcer->watchers.all[i], &nodes);
	nodes_tidy(&nodes);
	for (i = 0; r == 0 && i < nodes.count; i++)
		r = tell(announcer, device, nodes.all[i]);
	return r == -EAGAIN ? r : 0;
}

/* Waits for news and a while longer; false: it is over. Locked. */
static bool gather(struct announcer *announcer)
{
	int64_t until_ns;

	while (!announcer->stopping && touched_is_empty(&announcer->news))
		cond_wait(&announcer->woken, &announcer->lock);
	until_ns = clock_now_ns() + GATHER_NS;
	if (until_ns < announcer->rested_ns)
		until_ns = announcer->rested_ns;
	while (!announcer->stopping &&
		cond_wait_until(&announcer->woken, &announcer->lock, until_ns))
		;
	return !announcer->stopping;
}

static void *run(void *arg)
{
	struct announcer *announcer = arg;
	int64_t begun_ns;
	int r;

	lock_acquire(&announcer->lock);
	while (gather(announcer)) {
		announcer->taken = announcer->news;
		touched_clear(&announcer->news);
		lock_release(&announcer->lock);
		begun_ns = clock_now_ns();
		r = announce(announcer);
		announcer->rested_ns = clock_now_ns() + REST * (clock_now_ns() - begun_ns);
		lock_acquire(&announcer->lock);
		if (r == -EAGAIN)
			touched_merge(&announcer->news, &announcer->taken);
	}
	lock_release(&announcer->lock);
	return NULL;
}

int announcer_new(struct announcer **ret, struct fs *fs, const char *mountpoint,
	struct error *reterr)
{
	struct announcer *announcer = calloc(1, sizeof(*announcer));
	int r;

	if (!announcer)
		return error_oom(reterr);
	announcer->fs = fs;
	announcer->mountpoint = mountpoint;
	lock_init(&announcer->lock, LOCK_LEAF);
	cond_init(&announcer->woken);
	r = thread_start(&announcer->thread, "announce", run, announcer, reterr);
	if (r < 0) {
		cond_done(&announcer->woken);
		lock_done(&announcer->lock);
		free(announcer);
		return r;
	}
	*ret = announcer;
	return 0;
}

void announcer_free(struct announcer *announcer)
{
	if (!announcer)
		return;
	lock_acquire(&announcer->lock);
	announcer->stopping = true;
	cond_signal(&announcer->woken);
	lock_release(&announcer->lock);
	thread_join(announcer->thread);
	crier_free(announcer->crier);
	nodes_done(&announcer->watchers);
	cond_done(&announcer->woken);
	lock_done(&announcer->lock);
	free(announcer);
}
