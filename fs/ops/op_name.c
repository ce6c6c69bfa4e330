/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/ops/op.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "fs/edit/commit.h"
#include "fs/edit/replace.h"
#include "fs/edit/record.h"
#include "fs/edit/removed.h"
#include "fs/edit/scratch.h"
#include "fs/edit/sweeper.h"
#include "fs/edit/value.h"
#include "fs/edit/veil.h"
#include "fs/files/quota.h"
#include "fs/ops/copier.h"
#include "fs/tree/content.h"

static void reply(fuse_req_t req, int r)
{
	(void)fuse_reply_err(req, -r);
}

static void reply_refused(fuse_req_t req, const struct ref *ref, const char *name,
	const char *operation, int r, const struct error *error)
{
	/* The request is gone with its reply. */
	struct caller caller = op_caller(req);
	struct fs *fs = op_fs(req);

	reply(req, r);
	caller.operation = operation;
	if (r < 0)
		commit_refuse(fs, ref, name, &caller, r, error);
}

/* ---- mkdir ---- */

/* "config.next" beside "config": values that are put in the place of all of its at once. Returns
 * the row of config, or NULL. */
static const struct row *staged_row(const struct ref *directory, const char *name)
{
	const char *dot = strchr(name, '.');
	const struct row *row;
	char values[32];

	if (!dot || strcmp(dot, ".next") != 0 || (size_t)(dot - name) >= sizeof(values))
		return NULL;
	(void)snprintf(values, sizeof(values), "%.*s", (int)(dot - name), name);
	row = row_find(directory->row, values);
	return row && replace_is_values(row) ? row : NULL;
}

/* Version control keeps a directory of its own in a work tree. */
static const char *const repositories[] = {".git", ".hg", ".svn", NULL};
/* rsync gathers files there, to put them all in their places in the end. */
static const char *const gatherings[] = {".~tmp~", ".rsync-partial", NULL};

static bool is_scratch_directory(const struct ref *directory, const char *name)
{
	if (directory->row->flags & ROW_DERIVED)
		return true;
	if (!(directory->row->flags & ROW_SCRATCHY))
		return false;
	return text_is_one_of(name, repositories) || text_is_one_of(name, gatherings) ||
	       staged_row(directory, name);
}

/* A repository is kept longer than what a copy brought along: it is marked by a bit that
 * directories have no use for. */
static mode_t scratch_mode(const struct ref *directory, const char *name, mode_t mode)
{
	const struct row *staged = staged_row(directory, name);

	/* As private as what it will be. */
	mode &= staged ? staged->mode : 01777;
	if (!(directory->row->flags & ROW_DERIVED) && !text_is_one_of(name, gatherings))
		mode |= SCRATCH_KEPT_DIR;
	return S_IFDIR | (mode & (01777 | SCRATCH_KEPT_DIR));
}

static void make_scratch(fuse_req_t req, uint64_t parent, const char *name, mode_t mode)
{
	struct caller caller = op_caller(req);
	struct fuse_entry_param entry;
	struct stat st;
	int r = scratch_create(op_fs(req)->scratch, parent, name, mode, &caller, &st);

	r = op_settle_scratch(r, -EEXIST);
	if (r < 0) {
		reply(req, r);
		return;
	}
	sweeper_wake(op_fs(req)->sweeper);
	op_entry_scratch(&st, &entry);
	(void)fuse_reply_entry(req, &entry);
}

struct making {
	int64_t parent;
	enum kind kind;
	const char *name;
};

static int make(struct txn *txn, void *arg, struct error *reterr)
{
	const struct making *making = arg;
	int64_t id;
	int r = quota_apply_create(txn, making->parent, making->kind, reterr);

	return r < 0 ? r : txn_create(txn, making->parent, making->kind, making->name, &id, reterr);
}

static int make_object(fuse_req_t req, const struct ref *directory, const char *name,
	struct ref *ret, struct error *reterr)
{
	const struct row *row = row_variable(directory->row);
	struct making making = {
		.parent = directory->object.id,
		.kind = directory->row->child_kind,
		.name = name,
	};
	_cleanup_record_ struct record record = RECORD_INIT;
	struct caller caller = op_caller(req);
	int r;

	if (!row || !(row->flags & ROW_OBJECT))
		return error_set(reterr, -EPERM, "no directories are made here");
	r = kind_check_name(making.kind, name, reterr);
	if (r < 0)
		return r;
	caller.operation = "mkdir";
	record_fill(&record, op_fs(req), &caller, directory, name);
	r = store_update(op_fs(req)->store, STORE_DURABLE, &record.caller, make, &making, reterr);
	if (r == 0)
		r = ref_child(op_fs(req), directory, name, ret);
	if (r == 0 && copier_wants_empty(caller.pid))
		veil_draw(op_fs(req)->veils, ret->node, op_process(caller.pid));
	return r;
}

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	_cleanup_ref_ struct ref directory = REF_INIT;
	_cleanup_ref_ struct ref ref = REF_INIT;
	struct fuse_entry_param entry;
	struct error error = ERROR_INIT;
	int r;

	if (node_row(parent) == ROW_SCRATCH) {
		make_scratch(req, parent, name, S_IFDIR | (mode & 01777));
		return;
	}
	r = ref_open(op_fs(req), parent, &directory);
	if (r == 0)
		r = ref_child(op_fs(req), &directory, name, &ref);
	if (r == 0 && !op_was_applied(req)) {
		if (row_is_dir(ref.row) && op_veil(req, &ref) == VEIL_MINE)
			veil_show(op_fs(req)->veils, ref.node, op_process(fuse_req_ctx(req)->pid));
		else
			r = -EEXIST;
	}
	if (r == -ENOENT && is_scratch_directory(&directory, name)) {
		make_scratch(req, parent, name, scratch_mode(&directory, name, mode));
		return;
	}
	if (r == -ENOENT)
		r = make_object(req, &directory, name, &ref, &error);
	if (r == 0)
		r = op_entry(op_fs(req), &directory, &ref, &entry);
	if (r == 0)
		(void)fuse_reply_entry(req, &entry);
	else
		reply_refused(req, &directory, name, "mkdir", r, &error);
}

/* ---- what a removal does to one of ours ---- */

static int delete (struct txn *txn, void *arg, struct error *reterr)
{
	const struct ref *ref = arg;
	int r = ref->row->leave ? ref->row->leave(txn, &ref->object, reterr) : 0;

	return r < 0 ? r : txn_delete(txn, ref->object.id, reterr);
}

/* A directory of ours stays; rm -r only wants to hear that nothing of the user's is left in it. */
static int check_empty(struct fs *fs, const struct ref *ref, struct error *reterr)
{
	const struct row *child = row_variable(ref->row);
	int64_t count = 0;
	int r;

	if (!child || !(child->flags & (ROW_OBJECT | ROW_VALUE)))
		return 0;
	r = store_count(fs->store, ref->object.id, ref->row->child_kind, &count);
	if (r == 0 && count > 0)
		r = error_set(reterr, -ENOTEMPTY, "%s still holds %lld %s%s", row_name(ref->row),
			(long long)count, kind_name(ref->row->child_kind), count > 1 ? "s" : "");
	return r;
}

static int remove_directory(fuse_req_t req, const struct ref *ref, struct error *reterr)
{
	_cleanup_record_ struct record record = RECORD_INIT;
	struct caller caller = op_caller(req);

	if (!row_is_dir(ref->row))
		return -ENOTDIR;
	if (ref->row->flags & ROW_PRIVATE)
		return -EPERM;
	if (!(ref->row->flags & ROW_OBJECT))
		return check_empty(op_fs(req), ref, reterr);
	caller.operation = "rmdir";
	record_fill(&record, op_fs(req), &caller, ref, NULL);
	return store_update(op_fs(req)->store, STORE_DURABLE, &record.caller, delete,
		(void *)(uintptr_t)ref, reterr);
}

/* Who removes a value may be about to write it anew. */
static int remove_value(struct fs *fs, const struct ref *ref, const struct caller *caller,
	struct error *reterr)
{
	_cleanup_content_ struct content content = CONTENT_INIT;
	bool known = ref->object.generation > 0 &&
		     store_value(fs->store, ref->object.id, &content.text, NULL) == 0;
	int r = value_delete(fs, ref, caller, reterr);

	if (r == 0 && known) {
		removed_keep(fs->removed, &ref->object, caller->uid, &content.text);
		sweeper_wake_removed(fs->sweeper);
	}
	return r;
}

static int remove_file(fuse_req_t req, const struct ref *ref, struct error *reterr)
{
	struct fs *fs = op_fs(req);
	struct caller caller = op_caller(req);
	int r = 0;

	if (row_is_dir(ref->row))
		return -EISDIR;
	caller.operation = "unlink";
	if (ref->row->flags & ROW_VALUE)
		return remove_value(fs, ref, &caller, reterr);
	/* What comes and goes is made anew by who replaces it. */
	if (ref->row->flags & ROW_UNLINK_CLEARS &&
		(ref->row->present || !copier_replaces(caller.pid)))
		r = commit_apply(fs, ref, "", 0, &caller, reterr);
	/* Often the first step to write it anew: for that process the name is free now. */
	if (r == 0 && !ref->row->present)
		veil_draw(fs->veils, ref->node, op_process(caller.pid));
	return r;
}

/* ---- rmdir and unlink ---- */

/* The two kinds of removal: how one takes a name of the scratch files, and how one of ours. */
struct removal {
	const char *operation;
	int (*scratch)(struct scratch *scratch, uint64_t directory, const char *name);
	int (*own)(fuse_req_t req, const struct ref *ref, struct error *reterr);
};

static void remove_name(fuse_req_t req, fuse_ino_t parent, const char *name,
	const struct removal *removal)
{
	_cleanup_ref_ struct ref directory = REF_INIT;
	_cleanup_ref_ struct ref ref = REF_INIT;
	struct scratch *scratch = op_fs(req)->scratch;
	struct error error = ERROR_INIT;
	int r = -ENOENT;

	if (node_row(parent) != ROW_SCRATCH) {
		if (op_was_applied(req)) {
			reply(req, 0);
			return;
		}
		r = ref_open(op_fs(req), parent, &directory);
		if (r == 0)
			r = ref_child(op_fs(req), &directory, name, &ref);
	}
	if (r == -ENOENT) {
		reply(req, op_settle_scratch(removal->scratch(scratch, parent, name), -ENOENT));
		return;
	}
	if (r == 0)
		r = removal->own(req, &ref, &error);
	/* A copy may have brought one along before there was one of ours. */
	if (r == 0)
		(void)removal->scratch(scratch, parent, name);
	if (ref.row)
		reply_refused(req, &ref, NULL, removal->operation, r, &error);
	else
		reply(req, r);
}

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	static const struct removal removal = {"rmdir", scratch_rmdir, remove_directory};

	remove_name(req, parent, name, &removal);
}

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	static const struct removal removal = {"unlink", scratch_unlink, remove_file};

	remove_name(req, parent, name, &removal);
}

/* ---- what this file system does not have ---- */

void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device)
{
	(void)parent;
	(void)name;
	(void)mode;
	(void)device;
	reply(req, -EPERM);
}

void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	(void)target;
	(void)parent;
	(void)name;
	reply(req, -EPERM);
}

void op_link(fuse_req_t req, fuse_ino_t node, fuse_ino_t new_parent, const char *new_name)
{
	(void)node;
	(void)new_parent;
	(void)new_name;
	reply(req, -EPERM);
}
