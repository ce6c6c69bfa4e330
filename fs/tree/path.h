/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path - where a node stands in the tree, as a path from the mount point.
 * Promises: the names are those of this moment.
 * Threads: any; looks into the store.
 * Ownership: appends to the caller's buf.
 */
#ifndef DUPLOFS_FS_TREE_PATH_H
#define DUPLOFS_FS_TREE_PATH_H

#include "fs/tree/context.h"

/* "demo/services/web/status"; "." for the root. -ENOENT: the object, or one above it, is gone. */
int path_of(struct fs *fs, const struct row *row, int64_t object, struct buf *out);

#endif
