/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/ops/op.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "fs/tree/content.h"
#include "fs/edit/scratch.h"

/*
 * Cookies, in the order of a listing: . and .., the rows, then the children of the store by id,
 * then scratch files by node. Each names the last entry that was given, so a listing goes on where
 * it was whatever appears or vanishes, and whichever worker is asked.
 */
enum { COOKIE_DOT = 1, COOKIE_DOT_DOT = 2, COOKIE_ROWS = 3 };
#define COOKIE_CHILDREN (INT64_C(1) << 32)
#define COOKIE_SCRATCH  (INT64_C(1) << 62)
#define SCRATCH_NODES   ((UINT64_C(1) << 56) - 1)

struct listing {
	fuse_req_t req;
	struct fs *fs;
	struct ref *directory;
	bool plus;
	char *data;
	size_t size, used;
	bool full;
};

static int add(struct listing *listing, const char *name, const struct fuse_entry_param *entry,
	int64_t cookie)
{
	char *at = listing->data + listing->used;
	size_t left = listing->size - listing->used;
	size_t need =
		listing->plus
			? fuse_add_direntry_plus(listing->req, at, left, name, entry, cookie)
			: fuse_add_direntry(listing->req, at, left, name, &entry->attr, cookie);

	if (need > left) {
		listing->full = true;
		return 1;
	}
	listing->used += need;
	return 0;
}

static int add_dot(struct listing *listing, const char *name, uint64_t node, int64_t cookie)
{
	/* ino 0: these are no lookups, and the kernel must not count them. */
	struct fuse_entry_param entry = {.attr = {.st_ino = node, .st_mode = S_IFDIR}};

	return add(listing, name, &entry, cookie);
}

static int add_ref(struct listing *listing, const char *name, struct ref *ref, int64_t cookie)
{
	struct fuse_entry_param entry = {0};

	if (listing->plus) {
		/* What vanished meanwhile is not there. */
		if (op_entry(listing->fs, listing->directory, ref, &entry) < 0)
			return 0;
	} else {
		entry.attr.st_ino = ref->node;
		entry.attr.st_mode = row_is_dir(ref->row) ? S_IFDIR : S_IFREG;
	}
	return add(listing, name, &entry, cookie);
}

static int list_rows(struct listing *listing, int64_t after)
{
	const struct ref *directory = listing->directory;
	struct entry same = {.object = directory->object.id, .sub = directory->sub};
	const struct row *row;
	int64_t cookie = COOKIE_ROWS;
	int r = 0;

	for (row = row_first(directory->row); row && r == 0; row = row_next(row), cookie++) {
		_cleanup_ref_ struct ref ref = REF_INIT;

		if (cookie <= after)
			continue;
		r = row->present ? ref_child(listing->fs, directory, row_name(row), &ref)
				 : ref_entry(listing->fs, directory, row, &same, NULL, &ref);
		if (r == 0)
			r = add_ref(listing, row_name(row), &ref, cookie);
		else if (r == -ENOENT)
			r = 0;
	}
	return r;
}

static int list_object(void *arg, const struct object *object)
{
	_cleanup_ref_ struct ref ref = REF_INIT;
	struct listing *listing = arg;
	struct entry entry = {.name = object->name, .object = object->id};
	int r = ref_entry(listing->fs, listing->directory, row_variable(listing->directory->row),
		&entry, object, &ref);

	return r < 0 ? r : add_ref(listing, object->name, &ref, COOKIE_CHILDREN + object->id);
}

static int list_entry(void *arg, const struct entry *entry)
{
	_cleanup_ref_ struct ref ref = REF_INIT;
	struct listing *listing = arg;
	int r = ref_entry(listing->fs, listing->directory, row_variable(listing->directory->row),
		entry, NULL, &ref);

	if (r == -ENOENT)
		return 0;
	return r < 0 ? r
		     : add_ref(listing, entry->name, &ref,
			       COOKIE_CHILDREN + (entry->place ? entry->place : entry->sub));
}

static int list_children(struct listing *listing, int64_t after)
{
	const struct ref *directory = listing->directory;
	const struct row *row = directory->row;

	after = after > COOKIE_CHILDREN ? after - COOKIE_CHILDREN : 0;
	if (!row_variable(row))
		return 0;
	if (row->list)
		return row->list(listing->fs, directory, after, list_entry, listing);
	return store_list(listing->fs->store, directory->object.id, row->child_kind, after, false,
		list_object, listing);
}

static int list_scratch(void *arg, const char *name, const struct stat *st)
{
	struct listing *listing = arg;
	struct fuse_entry_param entry;

	/* What has become an object since hides it. */
	if (listing->directory->row) {
		_cleanup_ref_ struct ref ref = REF_INIT;

		if (ref_child(listing->fs, listing->directory, name, &ref) == 0)
			return 0;
	}
	op_entry_scratch(st, &entry);
	return add(listing, name, &entry, (int64_t)(st->st_ino & SCRATCH_NODES) | COOKIE_SCRATCH);
}

static int list_scratch_after(struct listing *listing, uint64_t directory, int64_t after)
{
	uint64_t node = after > COOKIE_SCRATCH ? node_make_scratch((uint64_t)after) : 0;

	return scratch_list(listing->fs->scratch, directory, node, list_scratch, listing);
}

static int list_dots(struct listing *listing, uint64_t node, uint64_t parent, int64_t after)
{
	int r = 0;

	if (after < COOKIE_DOT)
		r = add_dot(listing, ".", node, COOKIE_DOT);
	if (r == 0 && after < COOKIE_DOT_DOT)
		r = add_dot(listing, "..", parent, COOKIE_DOT_DOT);
	return r;
}

static int list_directory(struct listing *listing, uint64_t node, int64_t after)
{
	struct ref *directory = listing->directory;
	int r = ref_open(listing->fs, node, directory);

	if (r == 0)
		r = list_dots(listing, node, ref_parent(directory), after);
	if (r == 0 && after < COOKIE_CHILDREN)
		r = list_rows(listing, after);
	if (r == 0 && after < COOKIE_SCRATCH)
		r = list_children(listing, after);
	if (r == 0 && !listing->full && directory->row->flags & (ROW_SCRATCHY | ROW_DERIVED))
		r = list_scratch_after(listing, node, after);
	return r;
}

static void list(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset, bool plus)
{
	_cleanup_ref_ struct ref directory = REF_INIT;
	_cleanup_free_ char *data = malloc(size);
	struct listing listing = {req, op_fs(req), &directory, plus, data, size, 0, false};
	int r;

	if (!data)
		r = -ENOMEM;
	else if (node_row(node) != ROW_SCRATCH)
		r = list_directory(&listing, node, offset);
	else if ((r = list_dots(&listing, node, node, offset)) == 0)
		r = list_scratch_after(&listing, node, offset);
	if (r < 0)
		(void)fuse_reply_err(req, -r);
	else
		(void)fuse_reply_buf(req, data, listing.used);
}

void op_readdir(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset,
	struct fuse_file_info *file)
{
	(void)file;
	list(req, node, size, offset, false);
}

void op_readdirplus(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset,
	struct fuse_file_info *file)
{
	(void)file;
	list(req, node, size, offset, true);
}

void op_opendir(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *file)
{
	(void)node;
	(void)fuse_reply_open(req, file);
}

void op_releasedir(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *file)
{
	(void)node;
	(void)file;
	(void)fuse_reply_err(req, 0);
}

/* Names are durable when they are there. */
void op_fsyncdir(fuse_req_t req, fuse_ino_t node, int datasync, struct fuse_file_info *file)
{
	(void)node;
	(void)datasync;
	(void)file;
	(void)fuse_reply_err(req, 0);
}
