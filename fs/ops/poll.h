/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poll - who waits in poll(2) for a file to change.
 * Promises: each change of a file wakes who polls it once; those who polled through a worker that
 *           died are woken by the next and ask again.
 * Threads: any.
 * Ownership: handles are the kernel's numbers; nothing to free.
 */
#ifndef DUPLOFS_FS_OPS_POLL_H
#define DUPLOFS_FS_OPS_POLL_H

#include <stdint.h>

#include "base/error.h"

struct fuse_session;
struct polls;

/* path: where the handles are kept for the next worker. */
int polls_new(struct polls **ret, const char *path, struct error *reterr);
void polls_free(struct polls *polls);

/* Wakes everybody who polled through an earlier worker. */
void polls_attach(struct polls *polls, struct fuse_session *session);

/* Registers a handle that polls node, and says whether the file has changed since it was last told,
 * or, the first time, since opened_ns. */
int poll_look(struct polls *polls, uint64_t handle, uint64_t node, int64_t mtime_ns,
	int64_t opened_ns, int *ret_changed);

/* Wakes who polls node. */
void poll_wake(struct polls *polls, uint64_t node);

#endif
