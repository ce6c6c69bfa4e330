/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/tree/context.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "fs/tree/snapshot.h"

#define BLOCK_BYTES     512
#define BLOCK_SIZE_HINT 4096

void ref_done(struct ref *ref)
{
	object_done(&ref->object);
	*ref = REF_INIT;
}

/* Or one that has come under its name since. */
static bool is_same_file(struct fs *fs, const struct row *row, uint64_t node)
{
	int64_t sub = node_sub(node);

	return !row->present ||
	       (row->present(fs, node_object(node), &sub) >= 0 && sub == node_sub(node));
}

int ref_open(struct fs *fs, uint64_t node, struct ref *ret)
{
	const struct row *row = row_get(node_row(node));
	struct object object = OBJECT_INIT;
	int r;

	uint64_t epoch = snapshot_epoch(fs->snapshots);

	if (!row)
		return -ESTALE;
	r = store_peek(fs->store, node_object(node), &object);
	if (r < 0)
		return r == -ENOENT ? -ESTALE : r;
	if (object.kind != row->kind || object.deleting || !is_same_file(fs, row, node)) {
		object_done(&object);
		return -ESTALE;
	}
	*ret = (struct ref){
		.row = row, .node = node, .sub = node_sub(node), .epoch = epoch, .object = object};
	return 0;
}

static int reload(struct fs *fs, struct ref *ref, bool texts)
{
	struct object object = OBJECT_INIT;
	int r = texts ? store_get(fs->store, ref->object.id, &object)
		      : store_peek(fs->store, ref->object.id, &object);

	if (r < 0)
		return r == -ENOENT ? -ESTALE : r;
	object_done(&ref->object);
	ref->object = object;
	ref->texts = texts;
	return 0;
}

int ref_load(struct fs *fs, struct ref *ref)
{
	return ref->texts ? 0 : reload(fs, ref, true);
}

int ref_reload(struct fs *fs, struct ref *ref)
{
	return reload(fs, ref, ref->row->flags & ROW_TEXTS);
}

/* A plain copy: without texts, which have one owner. */
static struct object object_bare(const struct object *object)
{
	struct object copy = *object;

	copy.spec = copy.status = copy.last_error = copy.reason = NULL;
	return copy;
}

int ref_entry(struct fs *fs, const struct ref *directory, const struct row *row,
	const struct entry *entry, const struct object *object, struct ref *ret)
{
	struct ref child = {.row = row, .sub = entry->sub, .epoch = directory->epoch};
	int r;

	if (object)
		child.object = object_bare(object);
	else if (entry->object == directory->object.id)
		child.object = object_bare(&directory->object);
	else if ((r = store_peek(fs->store, entry->object, &child.object)) < 0)
		return r;
	child.node = node_make(row, child.object.id, entry->sub);
	*ret = child;
	return 0;
}

static int find_variable(struct fs *fs, const struct ref *directory, const struct row *row,
	const char *name, struct ref *ret)
{
	struct object object = OBJECT_INIT;
	struct entry entry = {.name = name};
	int r;

	if (directory->row->find) {
		r = directory->row->find(fs, directory, name, &entry);
		return r < 0 ? r : ref_entry(fs, directory, row, &entry, NULL, ret);
	}
	if (strlen(name) > OBJECT_NAME_MAX)
		return -ENOENT;
	r = store_peek_name(fs->store, directory->object.id, directory->row->child_kind, name,
		&object);
	if (r < 0)
		return r;
	entry.object = object.id;
	return ref_entry(fs, directory, row, &entry, &object, ret);
}

static int find_named(struct fs *fs, const struct ref *directory, const struct row *row,
	bool unwritten, struct ref *ret)
{
	struct entry same = {.object = directory->object.id, .sub = directory->sub};
	int r = row->present ? row->present(fs, same.object, &same.sub) : 1;

	if (r <= 0 && !(r == 0 && unwritten))
		return r < 0 ? r : -ENOENT;
	return ref_entry(fs, directory, row, &same, NULL, ret);
}

int ref_unwritten(struct fs *fs, const struct ref *directory, const char *name, struct ref *ret)
{
	const struct row *row = row_find(directory->row, name);

	return row ? find_named(fs, directory, row, true, ret) : -ENOENT;
}

int ref_child(struct fs *fs, const struct ref *directory, const char *name, struct ref *ret)
{
	const struct row *row = row_find(directory->row, name);

	if (row)
		return find_named(fs, directory, row, false, ret);
	row = row_variable(directory->row);
	return row ? find_variable(fs, directory, row, name, ret) : -ENOENT;
}

uint64_t ref_parent(const struct ref *ref)
{
	const struct row *above = row_parent(ref->row);

	if (!above || above->number == ROW_ROOT)
		return NODE_ROOT;
	if (above->kind == ref->row->kind)
		return node_make(above, ref->object.id, row_name(ref->row) ? ref->sub : 0);
	return node_make(above, ref->object.parent, 0);
}

static int64_t newest(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

int64_t ref_mtime_ns(const struct ref *ref)
{
	const struct object *object = &ref->object;
	unsigned depends = ref->row->depends;
	int64_t mtime_ns = object->created_ns;

	if (ref->row->child_kind)
		mtime_ns = newest(mtime_ns, object->children_ns);
	if (depends & CHANGE_SPEC)
		mtime_ns = newest(mtime_ns, object->spec_ns);
	if (depends & CHANGE_STATUS)
		mtime_ns = newest(mtime_ns, object->status_ns);
	if (depends & CHANGE_EVENTS)
		mtime_ns = newest(mtime_ns, object->events_ns);
	if (depends & CHANGE_ERROR)
		mtime_ns = newest(mtime_ns, object->error_ns);
	return mtime_ns;
}

/* Below a tenant's directory its group sees something only where it may enter the directory. */
static mode_t inherited_mode(const struct ref *ref)
{
	mode_t mode = ref->row->mode;

	if (ref->row->flags & ROW_PRIVATE || ref->object.kind == KIND_PLATFORM)
		return mode;
	if (ref->row->number == ROW_TENANT)
		return ref->object.mode & 0750;
	return (ref->object.mode & 0050) == 0050 ? mode & 0750 : mode & 0700;
}

void ref_stat(const struct ref *ref, int64_t size, int64_t mtime_ns, struct stat *ret)
{
	bool ours = ref->row->flags & ROW_PRIVATE || ref->object.kind == KIND_PLATFORM;
	bool dir = row_is_dir(ref->row);
	struct timespec when = clock_timespec(mtime_ns);

	*ret = (struct stat){
		.st_ino = ref->node,
		.st_mode = (dir ? S_IFDIR : S_IFREG) | inherited_mode(ref),
		.st_nlink = dir ? 2 : 1,
		.st_uid = ours ? 0 : ref->object.uid,
		.st_gid = ours ? 0 : ref->object.gid,
		.st_size = size,
		.st_blksize = BLOCK_SIZE_HINT,
		.st_blocks = (size + BLOCK_BYTES - 1) / BLOCK_BYTES,
		.st_atim = when,
		.st_mtim = when,
		.st_ctim = when,
	};
}
