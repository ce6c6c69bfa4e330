/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notifier - tells the kernel what changed, from one thread that never serves a request.
 * Promises: notices are sent in the order given; equal ones that wait merge. Telling the kernel
 *           from a handler, or from a thread that serves, can deadlock: everything goes through
 *           here.
 * Threads: all calls from any thread; none blocks.
 * Ownership: names are copied; closures run once, on the notifier's thread.
 */
#ifndef DUPLOFS_FS_KERNEL_NOTIFIER_H
#define DUPLOFS_FS_KERNEL_NOTIFIER_H

#include <stdint.h>

#include "base/error.h"

struct fuse_session;
struct notifier;

int notifier_new(struct notifier **ret, struct fuse_session *session, struct error *reterr);

/*
 * Attributes and contents of a node are stale. Only the attributes are taken back: the kernel asks
 * for them before the next read and drops the contents when time or size are others. Taking back
 * contents would wait for pages that a read has locked: killed while it waits, this process could
 * not end before that read is answered, and nobody would answer it.
 */
void notifier_inode(struct notifier *notifier, uint64_t node);

/* A name in a directory appeared, vanished or means something else. Where the kernel can, all names
 * are looked up anew, once: taking back one of them would wait for whoever changes its
 * directory. */
void notifier_entry(struct notifier *notifier, uint64_t directory, const char *name);

/* Runs fn(arg) after everything queued before has reached the kernel: the way to reply to a write
 * once its effect can be read. */
void notifier_call(struct notifier *notifier, void (*fn)(void *arg), void *arg);

/* Returns when all that was queued before has reached the kernel, or after two seconds. */
void notifier_flush(struct notifier *notifier);

/* Sends what is queued, then ends the thread. */
void notifier_free(struct notifier *notifier);

#endif
