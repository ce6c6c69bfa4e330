/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed - what changed, told to watchers after each commit.
 * Promises: one entry an object and commit, flags merged, in the order of first change; watchers
 *           hear commits in commit order.
 * Threads: feed_publish on the committing thread; feed_watch on any.
 * Ownership: a change_list owns its entries until change_list_done.
 */
#ifndef DUPLOFS_STORE_FEED_H
#define DUPLOFS_STORE_FEED_H

#include "base/idmap.h"
#include "base/lock.h"
#include "store/store.h"

#define FEED_WATCHERS_MAX 16

struct change_list {
	struct change *entries;
	size_t count, capacity;
	struct idmap places; /* object id -> index + 1 of its entry */
};

struct feed {
	struct lock lock;
	struct {
		store_watch_fn fn;
		void *arg;
	} watchers[FEED_WATCHERS_MAX];
	size_t count;
};

/* Adds or merges. 0 or -ENOMEM. */
int change_list_add(struct change_list *list, const struct change *change);
int change_list_add_all(struct change_list *list, const struct change_list *more);
void change_list_reset(struct change_list *list);
void change_list_done(struct change_list *list);

void feed_init(struct feed *feed);
void feed_done(struct feed *feed);
void feed_publish(struct feed *feed, const struct change_list *list);

#endif
