/* SPDX-License-Identifier: Apache-2.0 */
/*
 * announce - tells who watches files by inotify(7) what the platform has changed in them.
 * Promises: each change is told soon, many at once as one; who begins to watch may be told of what
 *           was just before. Costs nothing while nothing changes, and a bounded share of a
 *           processor however much does: /proc tells who watches, and is looked at seldom.
 * Threads: announcer_feed from any and never blocks; a thread and a process of its own do the work.
 * Ownership: borrows fs and the mount point.
 */
#ifndef DUPLOFS_FS_ANNOUNCE_H
#define DUPLOFS_FS_ANNOUNCE_H

#include <stddef.h>

#include "base/error.h"
#include "store/store.h"

struct announcer;
struct fs;

int announcer_new(struct announcer **ret, struct fs *fs, const char *mountpoint,
	struct error *reterr);
void announcer_free(struct announcer *announcer);

/* From the store's feed. */
void announcer_feed(struct announcer *announcer, const struct change *changes, size_t count);

#endif
