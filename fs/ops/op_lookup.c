/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/ops/op.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/cleanup.h"
#include "fs/tree/content.h"
#include "fs/edit/draft.h"
#include "fs/edit/edit.h"
#include "fs/edit/hot.h"
#include "fs/edit/record.h"
#include "fs/edit/scratch.h"
#include "fs/edit/veil.h"
#include "fs/kernel/session.h"

#define NAME_BYTES_MAX 255

static void reply_absent(fuse_req_t req, bool cached)
{
	struct fuse_entry_param entry = {.entry_timeout = OP_FOREVER_S};

	if (cached)
		(void)fuse_reply_entry(req, &entry);
	else
		(void)fuse_reply_err(req, ENOENT);
}

static void lookup_scratch(fuse_req_t req, uint64_t directory, const char *name, bool cached)
{
	struct fuse_entry_param entry;
	struct stat st;

	if (scratch_find(op_fs(req)->scratch, directory, name, &st) < 0) {
		reply_absent(req, cached);
		return;
	}
	op_entry_scratch(&st, &entry);
	(void)fuse_reply_entry(req, &entry);
}

static void lookup_row(fuse_req_t req, struct ref *directory, const char *name, struct ref *ref)
{
	enum veil veil = op_veil(req, ref);
	struct fuse_entry_param entry;
	int r;

	/* It may have been brought along before it came to be. */
	if (veil == VEIL_MINE) {
		lookup_scratch(req, directory->node, name, false);
		return;
	}
	r = op_entry(op_fs(req), directory, ref, &entry);
	if (r < 0) {
		(void)fuse_reply_err(req, -r);
		return;
	}
	/* Who drew the veil must ask again, whatever others have cached. */
	if (veil == VEIL_OTHERS)
		entry.entry_timeout = 0;
	(void)fuse_reply_entry(req, &entry);
}

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	_cleanup_ref_ struct ref directory = REF_INIT;
	_cleanup_ref_ struct ref ref = REF_INIT;
	bool cached;
	int r;

	if (strlen(name) > NAME_BYTES_MAX) {
		(void)fuse_reply_err(req, ENAMETOOLONG);
		return;
	}
	if (node_row(parent) == ROW_SCRATCH) {
		lookup_scratch(req, parent, name, false);
		return;
	}
	r = ref_open(op_fs(req), parent, &directory);
	if (r == 0)
		r = ref_child(op_fs(req), &directory, name, &ref);
	cached = r == -ENOENT && !(directory.row->flags & ROW_VOLATILE) &&
		 !row_find(directory.row, name);
	if (r == 0)
		lookup_row(req, &directory, name, &ref);
	else if (r == -ENOENT && directory.row->flags & (ROW_SCRATCHY | ROW_DERIVED))
		lookup_scratch(req, parent, name, cached);
	else if (r == -ENOENT)
		reply_absent(req, cached);
	else
		(void)fuse_reply_err(req, -r);
}

/* Nodes need no table, so nothing is kept for the kernel's sake. */
void op_forget(fuse_req_t req, fuse_ino_t node, uint64_t lookups)
{
	(void)node;
	(void)lookups;
	fuse_reply_none(req);
}

void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	(void)count;
	(void)forgets;
	fuse_reply_none(req);
}

static void reply_attr(fuse_req_t req, struct ref *ref)
{
	struct stat st;
	int r = content_attr(op_fs(req), ref, &st);

	if (r < 0)
		(void)fuse_reply_err(req, -r);
	else
		(void)fuse_reply_attr(req, &st, op_attr_timeout_s(ref));
}

static void reply_scratch_attr(fuse_req_t req, uint64_t node)
{
	struct stat st;
	int r = scratch_stat(op_fs(req)->scratch, node, &st);

	if (r < 0)
		(void)fuse_reply_err(req, -r);
	else
		(void)fuse_reply_attr(req, &st, 0);
}

/* Where the end is for who writes (SEEK_END asks through the handle); nobody else is to count on
 * it. */
static bool reply_draft_attr(fuse_req_t req, struct ref *ref, uint64_t handle)
{
	_cleanup_edit_ struct edit edit = EDIT_INIT;
	struct stat st;

	if (edit_open(op_fs(req)->edits, handle, &edit) < 0 || !(edit.header.flags & EDIT_LOADED) ||
		content_attr(op_fs(req), ref, &st) < 0)
		return false;
	st.st_size = (off_t)edit.size;
	hot_touch(ref->node);
	(void)fuse_reply_attr(req, &st, 0);
	return true;
}

static void getattr_row(fuse_req_t req, uint64_t node, const struct fuse_file_info *file)
{
	_cleanup_ref_ struct ref ref = REF_INIT;
	int r = ref_open(op_fs(req), node, &ref);

	if (r < 0)
		(void)fuse_reply_err(req, -r);
	else if (!file || !OP_IS_DRAFT(file->fh) || !reply_draft_attr(req, &ref, file->fh))
		reply_attr(req, &ref);
}

void op_getattr(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *file)
{
	struct stat st;

	if (content_attr_kept(op_fs(req), node, &st)) {
		(void)fuse_reply_attr(req, &st, OP_FOREVER_S);
		return;
	}
	session_linger();
	if (node_row(node) == ROW_SCRATCH)
		reply_scratch_attr(req, node);
	else
		getattr_row(req, node, file);
}

/* A draft is cut; what everybody else sees is not. */
static int set_size(fuse_req_t req, struct ref *ref, uint64_t handle, off_t size)
{
	struct caller caller = op_caller(req);

	if (row_is_dir(ref->row))
		return -EISDIR;
	if (OP_IS_DRAFT(handle))
		return draft_truncate(op_fs(req), ref, handle, (uint64_t)size);
	return draft_truncate_file(op_fs(req), ref, (uint64_t)size, &caller);
}

struct owner_change {
	const struct ref *ref;
	const struct stat *attr;
	int to_set;
};

static int set_owner(struct txn *txn, void *arg, struct error *reterr)
{
	const struct owner_change *change = arg;
	const struct object *now = &change->ref->object;

	(void)reterr;
	return txn_set_owner(txn, now->id,
		change->to_set & FUSE_SET_ATTR_UID ? change->attr->st_uid : now->uid,
		change->to_set & FUSE_SET_ATTR_GID ? change->attr->st_gid : now->gid,
		change->to_set & FUSE_SET_ATTR_MODE ? change->attr->st_mode & 0750 : now->mode);
}

/* For the audit: "owner=5:5", "mode=750". */
static const char *print_owner(const struct stat *attr, int to_set, char *detail, size_t size)
{
	char uid[16] = "", gid[16] = "";

	if (to_set & FUSE_SET_ATTR_UID)
		(void)snprintf(uid, sizeof(uid), "%u", (unsigned)attr->st_uid);
	if (to_set & FUSE_SET_ATTR_GID)
		(void)snprintf(gid, sizeof(gid), "%u", (unsigned)attr->st_gid);
	if (to_set & FUSE_SET_ATTR_MODE)
		(void)snprintf(detail, size, "mode=%o", (unsigned)(attr->st_mode & 0750));
	else
		(void)snprintf(detail, size, "owner=%s:%s", uid, gid);
	return detail;
}

/* chown, chgrp and chmod of a tenant's directory mean all that is below. Elsewhere they change
 * nothing and are no error: cp -a, rsync, tar and editors do that to what they save. */
static int change_owner(fuse_req_t req, struct ref *ref, const struct stat *attr, int to_set)
{
	_cleanup_record_ struct record record = RECORD_INIT;
	struct owner_change change = {ref, attr, to_set};
	struct caller caller = op_caller(req);
	char detail[64];
	int r;

	if (ref->row->number != ROW_TENANT ||
		!(to_set & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID | FUSE_SET_ATTR_MODE)))
		return 0;
	caller.operation = to_set & FUSE_SET_ATTR_MODE ? "chmod" : "chown";
	record_fill(&record, op_fs(req), &caller, ref, NULL);
	record.audit.detail = print_owner(attr, to_set, detail, sizeof(detail));
	r = store_update(op_fs(req)->store, STORE_DURABLE, &record.caller, set_owner, &change,
		NULL);
	return r < 0 ? r : ref_reload(op_fs(req), ref);
}

void op_setattr(fuse_req_t req, fuse_ino_t node, struct stat *attr, int to_set,
	struct fuse_file_info *file)
{
	_cleanup_ref_ struct ref ref = REF_INIT;
	struct fs *fs = op_fs(req);
	int r;

	if (node_row(node) == ROW_SCRATCH) {
		r = scratch_setattr(fs->scratch, node, attr, to_set);
		if (r < 0)
			(void)fuse_reply_err(req, -r);
		else
			reply_scratch_attr(req, node);
		return;
	}
	r = ref_open(fs, node, &ref);
	if (r == 0 && to_set & FUSE_SET_ATTR_SIZE)
		r = set_size(req, &ref, file ? file->fh : 0, attr->st_size);
	if (r == 0)
		r = change_owner(req, &ref, attr, to_set);
	if (r < 0)
		(void)fuse_reply_err(req, -r);
	else if (!file || !OP_IS_DRAFT(file->fh) || !reply_draft_attr(req, &ref, file->fh))
		reply_attr(req, &ref);
}

void op_statfs(fuse_req_t req, fuse_ino_t node)
{
	struct statvfs st = {
		.f_bsize = 4096,
		.f_frsize = 4096,
		.f_namemax = NAME_BYTES_MAX,
	};

	(void)node;
	/* No blocks of its own: what is written here takes space in the state directory. */
	(void)fuse_reply_statfs(req, &st);
}

void op_getxattr(fuse_req_t req, fuse_ino_t node, const char *name, size_t size)
{
	(void)node;
	(void)name;
	(void)size;
	(void)fuse_reply_err(req, ENOTSUP);
}

void op_listxattr(fuse_req_t req, fuse_ino_t node, size_t size)
{
	(void)node;
	if (size == 0)
		(void)fuse_reply_xattr(req, 0);
	else
		(void)fuse_reply_buf(req, NULL, 0);
}

void op_setxattr(fuse_req_t req, fuse_ino_t node, const char *name, const char *value, size_t size,
	int flags)
{
	(void)node;
	(void)name;
	(void)value;
	(void)size;
	(void)flags;
	(void)fuse_reply_err(req, ENOTSUP);
}

void op_removexattr(fuse_req_t req, fuse_ino_t node, const char *name)
{
	(void)node;
	(void)name;
	(void)fuse_reply_err(req, ENOTSUP);
}
