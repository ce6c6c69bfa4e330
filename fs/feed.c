/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/feed.h"

#include <stdlib.h>

#include "fs/kernel/notifier.h"
#include "fs/ops/poll.h"
#include "fs/tree/snapshot.h"
#include "fs/ops/waiter.h"

struct feeding {
	struct fs *fs;
	const struct change *change;
};

static void stale(struct fs *fs, const struct row *row, int64_t object)
{
	uint64_t node = node_make(row, object, 0);

	snapshot_stale(fs->snapshots, node);
	notifier_inode(fs->notifier, node);
	if (row->flags & (ROW_POLLED | ROW_WAITS))
		poll_wake(fs->polls, node);
}

/* Files of the object itself. */
static void take_object(void *arg, const struct row *row)
{
	const struct feeding *feeding = arg;
	const struct change *change = feeding->change;
	unsigned flags = change->flags;

	if (row->kind != change->kind || row_is_dir(row))
		return;
	if (flags & (CHANGE_DELETED | CHANGE_PURGED))
		snapshot_drop(feeding->fs->snapshots, node_make(row, change->id, 0));
	else if (row->depends & flags ||
		 (row->flags & ROW_WAITS && flags & (CHANGE_STATUS | CHANGE_SPEC)))
		stale(feeding->fs, row, change->id);
}

/* Directories that list the object, and what sums up the children of the one above. */
static void take_parent(void *arg, const struct row *row)
{
	const struct feeding *feeding = arg;
	const struct change *change = feeding->change;
	bool service = change->kind == KIND_INSTANCE ||
		       (change->kind == KIND_CONFIG && change->parent != change->tenant);

	if (row_is_dir(row) && row->child_kind == change->kind &&
		change->flags & (CHANGE_CREATED | CHANGE_DELETED) &&
		(change->kind != KIND_CONFIG || service == (row->kind == KIND_SERVICE)))
		notifier_entry(feeding->fs->notifier, node_make(row, change->parent, 0),
			change->name);
	/* The status of a service shows its instances. */
	if (change->kind == KIND_INSTANCE && row->kind == KIND_SERVICE && !row_is_dir(row) &&
		row->depends & CHANGE_STATUS)
		stale(feeding->fs, row, change->parent);
	/* The events and the status of a tenant show those of its services. */
	if (change->tenant != change->id && row->kind == KIND_TENANT &&
		row->flags & (ROW_POLLED | ROW_WAITS))
		poll_wake(feeding->fs->polls, node_make(row, change->tenant, 0));
}

/* ---- a new owner: everything below has one ---- */

struct owner_walk {
	struct fs *fs;
	int64_t tenant;
	const struct object *object;
};

static void renew_row(void *arg, const struct row *row)
{
	const struct owner_walk *walk = arg;

	if (row->kind == walk->object->kind)
		notifier_inode(walk->fs->notifier, node_make(row, walk->object->id, 0));
}

static int renew_object(void *arg, const struct object *object)
{
	static const enum kind below[] = {KIND_SERVICE, KIND_INSTANCE, KIND_SECRET, KIND_CONFIG};
	struct owner_walk walk = *(struct owner_walk *)arg;
	size_t i;

	walk.object = object;
	rows_each(renew_row, &walk);
	for (i = 0; i < sizeof(below) / sizeof(below[0]); i++)
		(void)store_list(walk.fs->store, object->id, below[i], 0, false, renew_object,
			&walk);
	return 0;
}

static void renew_owner(void *arg)
{
	struct owner_walk *walk = arg;
	struct object object = OBJECT_INIT;

	if (store_peek(walk->fs->store, walk->tenant, &object) == 0)
		(void)renew_object(walk, &object);
	object_done(&object);
	free(walk);
}

/* Too much for the committing thread, and it would have to ask the store. */
static void take_owner(struct fs *fs, const struct change *change)
{
	struct owner_walk *walk = malloc(sizeof(*walk));

	if (!walk)
		return;
	*walk = (struct owner_walk){.fs = fs, .tenant = change->id};
	notifier_call(fs->notifier, renew_owner, walk);
}

void feed_take(void *arg, const struct change *changes, size_t count)
{
	struct fs *fs = arg;
	size_t i;

	for (i = 0; i < count; i++) {
		struct feeding feeding = {fs, &changes[i]};

		rows_each(take_object, &feeding);
		rows_each(take_parent, &feeding);
		if (changes[i].flags & CHANGE_OWNER && changes[i].kind == KIND_TENANT)
			take_owner(fs, &changes[i]);
	}
	waiter_feed(fs->waiters, changes, count);
}
