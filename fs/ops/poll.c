/* SPDX-License-Identifier: Apache-2.0 */
#define FUSE_USE_VERSION 314
#include "fs/ops/poll.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <linux/fuse.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/lock.h"

/* A handle is never taken back by the kernel: the oldest make room. */
#define POLLS_MAX 4096

struct poll_entry {
	uint64_t handle, node;
	int64_t told_ns; /* mtime that was last told */
	bool waiting;
};

struct polls {
	struct fuse_session *session;
	int fd; /* handles, for the next worker */
	struct lock lock;
	atomic_size_t count;
	size_t next;
	struct poll_entry entries[POLLS_MAX];
	struct buf inherited;
};

int polls_new(struct polls **ret, const char *path, struct error *reterr)
{
	_cleanup_free_ struct polls *polls = calloc(1, sizeof(*polls));
	int r;

	if (!polls)
		return error_oom(reterr);
	if (access(path, F_OK) == 0) {
		r = file_read(path, POLLS_MAX * sizeof(uint64_t), &polls->inherited, reterr);
		if (r < 0)
			return r;
	}
	polls->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (polls->fd < 0)
		return error_errno(reterr, errno, "cannot open %s", path);
	lock_init(&polls->lock, LOCK_LEAF);
	*ret = TAKE(polls);
	return 0;
}

void polls_free(struct polls *polls)
{
	if (!polls)
		return;
	(void)close(polls->fd);
	buf_done(&polls->inherited);
	lock_done(&polls->lock);
	free(polls);
}

/* The kernel ignores numbers that it does not know. */
static void wake(struct fuse_session *session, uint64_t handle)
{
	struct {
		struct fuse_out_header header;
		struct fuse_notify_poll_wakeup_out body;
	} notice = {
		.header = {.len = sizeof(notice), .error = FUSE_NOTIFY_POLL},
		.body = {.kh = handle},
	};

	while (write(fuse_session_fd(session), &notice, sizeof(notice)) < 0 && errno == EINTR)
		;
}

void polls_attach(struct polls *polls, struct fuse_session *session)
{
	const uint64_t *handles = (const void *)polls->inherited.data;
	size_t i;

	polls->session = session;
	for (i = 0; i < polls->inherited.len / sizeof(*handles); i++)
		wake(session, handles[i]);
	buf_done(&polls->inherited);
	polls->inherited = BUF_INIT;
}

/* Locked. */
static struct poll_entry *get(struct polls *polls, uint64_t handle)
{
	struct poll_entry *entry;
	size_t i, count = atomic_load(&polls->count);

	for (i = 0; i < count; i++)
		if (polls->entries[i].handle == handle)
			return &polls->entries[i];
	entry = &polls->entries[polls->next];
	(void)!pwrite(polls->fd, &handle, sizeof(handle), (off_t)(polls->next * sizeof(handle)));
	polls->next = (polls->next + 1) % POLLS_MAX;
	if (count < POLLS_MAX)
		atomic_store(&polls->count, count + 1);
	*entry = (struct poll_entry){.handle = handle};
	return entry;
}

int poll_look(struct polls *polls, uint64_t handle, uint64_t node, int64_t mtime_ns,
	int64_t opened_ns, int *ret_changed)
{
	struct poll_entry *entry;

	LOCKED(&polls->lock);
	entry = get(polls, handle);
	if (entry->node != node) {
		entry->node = node;
		entry->told_ns = opened_ns;
	}
	*ret_changed = mtime_ns > entry->told_ns;
	/* Even who is told of a change now may sleep until the next without asking again
	 * (EPOLLET). */
	entry->waiting = true;
	if (*ret_changed)
		entry->told_ns = mtime_ns;
	return 0;
}

void poll_wake(struct polls *polls, uint64_t node)
{
	size_t i, count = atomic_load_explicit(&polls->count, memory_order_relaxed);

	if (count == 0 || !polls->session)
		return;
	LOCKED(&polls->lock);
	for (i = 0; i < count; i++) {
		struct poll_entry *entry = &polls->entries[i];

		if (entry->node != node || !entry->waiting)
			continue;
		entry->waiting = false;
		wake(polls->session, entry->handle);
	}
}
