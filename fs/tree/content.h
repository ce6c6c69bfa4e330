/* SPDX-License-Identifier: Apache-2.0 */
/*
 * content - what a file shows: rendered by its row, or as the kernel was last told.
 * Promises: sizes are exact; see snapshot.h for what a reader sees while the content changes.
 * Threads: any.
 * Ownership: appends to the caller's buf.
 */
#ifndef DUPLOFS_FS_TREE_CONTENT_H
#define DUPLOFS_FS_TREE_CONTENT_H

#include "fs/tree/context.h"

/* Renders now. */
int content_render(struct fs *fs, struct ref *ref, struct content *content);

/* Size and time for the kernel, which from then on counts on them. */
int content_stat(struct fs *fs, struct ref *ref, int64_t *ret_size, int64_t *ret_mtime_ns);

/* Up to len bytes from offset, of the content whose size the kernel knows. */
int content_read(struct fs *fs, struct ref *ref, size_t offset, size_t len, struct buf *out);

/* The attributes of a node that was asked for before and has not changed since, without a look into
 * the store. */
bool content_attr_kept(struct fs *fs, uint64_t node, struct stat *ret);

/* All of ref's attributes, for the reply to the request that the calling thread serves. */
int content_attr(struct fs *fs, struct ref *ref, struct stat *ret);

#endif
