/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/feed.h"

#include <stdlib.h>

#include "fs/announce.h"
#include "fs/kernel/notifier.h"
#include "fs/ops/poll.h"
#include "fs/tree/depend.h"
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

/* Files of the object itself, and those above it that show it. */
static void take_file(void *arg, const struct row *row)
{
	const struct feeding *feeding = arg;
	const struct change *change = feeding->change;
	bool own = row->kind == change->kind;
	int64_t object;

	if (own && change->flags & (CHANGE_DELETED | CHANGE_PURGED) && !row_is_dir(row)) {
		snapshot_drop(feeding->fs->snapshots, node_make(row, change->id, 0));
		return;
	}
	object = depend_file(row, change);
	if (!object)
		return;
	if (!own && row->kind == KIND_TENANT)
		poll_wake(feeding->fs->polls, node_make(row, object, 0));
	else
		stale(feeding->fs, row, object);
}

/* Directories that list the object. */
static void take_listing(void *arg, const struct row *row)
{
	const struct feeding *feeding = arg;
	int64_t object = depend_listing(row, feeding->change);

	if (object)
		notifier_entry(feeding->fs->notifier, node_make(row, object, 0),
			feeding->change->name);
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
	static const enum kind below[] = {KIND_SERVICE, KIND_INSTANCE, KIND_SECRET, KIND_CONFIG,
		KIND_HOST, KIND_RESOURCE, KIND_OUTPUT};
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

	snapshots_new_owner(fs->snapshots);
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

		rows_each(take_file, &feeding);
		rows_each(take_listing, &feeding);
		if (changes[i].flags & CHANGE_OWNER && changes[i].kind == KIND_TENANT)
			take_owner(fs, &changes[i]);
	}
	waiter_feed(fs->waiters, changes, count);
	if (fs->announcer)
		announcer_feed(fs->announcer, changes, count);
}

void feed_renew(struct fs *fs, const struct object *object)
{
	const struct change change = {
		.id = object->id,
		.parent = object->parent,
		.tenant = object->tenant,
		.kind = object->kind,
		.flags = CHANGE_SPEC | CHANGE_STATUS | CHANGE_EVENTS | CHANGE_ERROR | CHANGE_FLAGS,
	};
	struct feeding feeding = {fs, &change};

	if (fs->notifier)
		rows_each(take_file, &feeding);
}
