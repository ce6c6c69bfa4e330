/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed - from the store's changes to what the kernel must forget.
 * Promises: only what depends on the change is invalidated; the rows say what that is.
 * Threads: feed_take is called by the store on committing threads.
 * Ownership: nothing is kept.
 */
#ifndef DUPLOFS_FS_FEED_H
#define DUPLOFS_FS_FEED_H

#include "fs/tree/context.h"

/* A store_watch_fn; arg is the fs. */
void feed_take(void *arg, const struct change *changes, size_t count);

/* The same for all that the object's files show, when a worker may have died before it told. */
void feed_renew(struct fs *fs, const struct object *object);

#endif
