/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mirror_tree - what lies in the directory of a view, and what has to be brought to a copy of it
 *               elsewhere: orders for backend/agent and the files that they name, as archives.
 * Promises: a set is complete at the copy before a link leads to it; what has not changed is not
 *           sent; archives are at most about MIRROR_BATCH_BYTES, or one file.
 * Threads: no state; a tree belongs to one thread at a time.
 * Ownership: mirror_tree_done frees; archives hold secrets and are wiped.
 */
#ifndef DUPLOFS_RECONCILE_VIEW_MIRROR_TREE_H
#define DUPLOFS_RECONCILE_VIEW_MIRROR_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

#define MIRROR_BATCH_BYTES ((size_t)4 << 20)

struct mirror_entry {
	char *path; /* below the view */
	char *target; /* of a link, else NULL */
	mode_t type; /* S_IFDIR, S_IFREG, S_IFLNK */
	ino_t inode;
	int64_t mtime_ns, size;
};

struct mirror_tree {
	struct mirror_entry *entries; /* by path */
	size_t count, room;
};

/* Takes one batch to where the copy is; to be applied in order. */
typedef int (*mirror_send_fn)(void *arg, const struct buf *tar, struct error *reterr);

/* -EAGAIN: the view switches just now. */
int mirror_tree_scan(struct mirror_tree *tree, const char *view, struct error *reterr);
void mirror_tree_done(struct mirror_tree *tree);
#define _cleanup_mirror_tree_ __attribute__((cleanup(mirror_tree_done)))

/* Makes a copy that is as old says (NULL: it is not known how) as wanted, which view is. Nothing is
 * sent when nothing differs. -EAGAIN: the view has switched meanwhile. */
int mirror_tree_bring(const struct mirror_tree *old, const struct mirror_tree *wanted,
	const char *view, int64_t service, mirror_send_fn send, void *arg, struct error *reterr);

#endif
