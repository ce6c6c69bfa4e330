/* SPDX-License-Identifier: Apache-2.0 */
/*
 * waiter - reads of `wait`: they are answered when the generation that was wanted at open has
 *          settled.
 * Promises: one thread for all of them; a read that is interrupted ends with EINTR at once; reads
 *           that a dead worker had are asked for again by the kernel.
 * Threads: any.
 * Ownership: a request given to waiter_read is replied to by the waiter.
 */
#ifndef DUPLOFS_FS_OPS_WAITER_H
#define DUPLOFS_FS_OPS_WAITER_H

#include <stdbool.h>
#include <stddef.h>

#include "fs/ops/op.h"

struct waiters;

int waiters_new(struct waiters **ret, struct fs *fs, struct error *reterr);
/* Reads that still wait are left to the next worker. */
void waiters_free(struct waiters *waiters);

/* Replies, now or later: nothing (it settled well), EIO (it did not), EAGAIN (nonblock). */
void waiter_read(struct waiters *waiters, fuse_req_t req, const struct ref *ref, int64_t generation,
	bool nonblock);

/* 1: settled; 0: not yet; -EIO: failed; -ESTALE: the object is gone. */
int waiter_settled(struct fs *fs, int64_t object, int64_t generation);

/* Replies with a part of an answer, see store/inquiry.h, when it is there. */
void waiter_ask(struct waiters *waiters, fuse_req_t req, int64_t object, int64_t inquiry,
	size_t offset, size_t size, bool nonblock);

/* From the store's feed. */
void waiter_feed(struct waiters *waiters, const struct change *changes, size_t count);

#endif
