/* SPDX-License-Identifier: Apache-2.0 */
#include "store/internal.h"

#include <errno.h>
#include <stdlib.h>

#include "base/text.h"

int store_watch(struct store *store, store_watch_fn fn, void *arg)
{
	LOCKED(&store->watch_lock);
	if (store->watcher_count == STORE_WATCHERS_MAX)
		return -ENOSPC;
	store->watchers[store->watcher_count].fn = fn;
	store->watchers[store->watcher_count].arg = arg;
	store->watcher_count++;
	return 0;
}

void feed_publish(struct store *store, const struct change *changes, size_t count)
{
	unsigned i, watchers;

	if (count == 0)
		return;
	lock_acquire(&store->watch_lock);
	watchers = store->watcher_count;
	lock_release(&store->watch_lock);
	/* Watchers are only ever added, so those counted stay as they are. */
	for (i = 0; i < watchers; i++)
		store->watchers[i].fn(store->watchers[i].arg, changes, count);
}

static int feed_grow(struct txn *txn)
{
	size_t capacity = txn->change_capacity ? 2 * txn->change_capacity : 16;
	struct change *changes;

	if (txn->change_count < txn->change_capacity)
		return 0;
	changes = realloc(txn->changes, capacity * sizeof(*changes));
	if (!changes)
		return -ENOMEM;
	txn->changes = changes;
	txn->change_capacity = capacity;
	return 0;
}

int txn_changed(struct txn *txn, int64_t id, unsigned flags)
{
	_cleanup_object_ struct object object = OBJECT_INIT;
	struct change *change;
	size_t i;
	int r;

	/* Entries of earlier members of the batch stay: this one may still be rolled back. */
	for (i = txn->member_start; i < txn->change_count; i++) {
		if (txn->changes[i].id != id)
			continue;
		txn->changes[i].flags |= flags;
		return 0;
	}
	r = object_by_id(txn->connection, id, false, &object);
	if (r == 0)
		r = feed_grow(txn);
	if (r < 0)
		return r;
	change = &txn->changes[txn->change_count++];
	change->id = id;
	change->parent = object.parent;
	change->tenant = object.tenant;
	change->kind = object.kind;
	change->flags = flags;
	(void)text_copy(change->name, sizeof(change->name), object.name);
	return 0;
}
