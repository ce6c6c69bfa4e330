/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view_list - the entries of a view, in order of part and name.
 * Promises: what is added last is found and ordered like the rest once it is sorted (load does).
 * Threads: one thread at a time.
 * Ownership: view_list_done frees the entries.
 */
#ifndef DUPLOFS_RECONCILE_VIEW_VIEW_LIST_H
#define DUPLOFS_RECONCILE_VIEW_VIEW_LIST_H

#include "store/view.h"

struct view_list {
	struct view_entry *entries;
	size_t count, room;
};

#define VIEW_LIST_INIT                                                                             \
	(struct view_list)                                                                         \
	{                                                                                          \
		NULL, 0, 0                                                                         \
	}

/* Adds all of one part; one part after the other, in their order. */
int view_list_load(struct view_list *list, struct store *store, int64_t service,
	enum view_part part, struct error *reterr);
/* Keeps one more; in no order until view_list_sort. -ENOMEM. */
int view_list_add(void *list, const struct view_entry *entry);
void view_list_sort(struct view_list *list);
const struct view_entry *view_list_find(const struct view_list *list, enum view_part part,
	const char *name);
void view_list_done(struct view_list *list);
#define _cleanup_view_list_ __attribute__((cleanup(view_list_done)))

#endif
