/* SPDX-License-Identifier: Apache-2.0 */
#include "store/feed.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "store/store_private.h"

#define CHANGES_KEPT 64 /* entries that a list keeps room for between commits */

static int change_list_grow(struct change_list *list)
{
	size_t capacity = list->capacity ? list->capacity * 2 : 16;
	struct change *entries;

	if (list->count < list->capacity)
		return 0;
	entries = reallocarray(list->entries, capacity, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	list->entries = entries;
	list->capacity = capacity;
	return 0;
}

int change_list_add(struct change_list *list, const struct change *change)
{
	size_t place = (size_t)(uintptr_t)idmap_get(&list->places, change->id);
	int r;

	if (place > 0) {
		list->entries[place - 1].flags |= change->flags;
		return 0;
	}
	r = change_list_grow(list);
	if (r == 0)
		r = idmap_put(&list->places, change->id, (void *)(uintptr_t)(list->count + 1));
	if (r == 0)
		list->entries[list->count++] = *change;
	return r;
}

int change_list_add_all(struct change_list *list, const struct change_list *more)
{
	int r = 0;

	for (size_t i = 0; i < more->count && r == 0; i++)
		r = change_list_add(list, &more->entries[i]);
	return r;
}

void change_list_reset(struct change_list *list)
{
	if (list->capacity > CHANGES_KEPT) {
		change_list_done(list);
		return;
	}
	for (size_t i = 0; i < list->count; i++)
		(void)idmap_remove(&list->places, list->entries[i].id);
	list->count = 0;
}

void change_list_done(struct change_list *list)
{
	free(list->entries);
	idmap_done(&list->places);
	*list = (struct change_list){0};
}

void feed_init(struct feed *feed)
{
	lock_init(&feed->lock, LOCK_STORE_WATCH);
	feed->count = 0;
}

void feed_done(struct feed *feed)
{
	lock_done(&feed->lock);
}

void feed_publish(struct feed *feed, const struct change_list *list)
{
	if (list->count == 0)
		return;
	LOCKED(&feed->lock);
	for (size_t i = 0; i < feed->count; i++)
		feed->watchers[i].fn(feed->watchers[i].arg, list->entries, list->count);
}

int store_watch(struct store *store, store_watch_fn fn, void *arg)
{
	struct feed *feed = &store->feed;

	LOCKED(&feed->lock);
	if (feed->count == FEED_WATCHERS_MAX)
		return -ENOSPC;
	feed->watchers[feed->count].fn = fn;
	feed->watchers[feed->count].arg = arg;
	feed->count++;
	return 0;
}
