/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view_readers - tells the audit which service has read which secret.
 * Promises: the first who opens a value is told of, and then one each READ_AGAIN_NS; nobody who
 *           reads waits for that. Without fanotify(7), and of containers on other machines, nothing
 *           is told. The platform's own reading does not count.
 * Threads: one of its own; watch from any.
 * Ownership: borrows the store.
 */
#ifndef DUPLOFS_RECONCILE_VIEW_VIEW_READERS_H
#define DUPLOFS_RECONCILE_VIEW_VIEW_READERS_H

#include "store/store.h"

struct view_readers;

int view_readers_new(struct view_readers **ret, struct store *store, struct error *reterr);
/* Ends the thread. Takes NULL. */
void view_readers_free(struct view_readers *readers);

/* Files in this directory are secrets that a service is shown, until it is removed. */
void view_readers_watch(struct view_readers *readers, int64_t service, const char *directory);

#endif
