/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/ops/op.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/clock.h"
#include "fs/edit/commit.h"
#include "fs/tree/content.h"
#include "fs/tree/snapshot.h"
#include "fs/edit/cut.h"
#include "fs/edit/edit.h"
#include "fs/edit/hot.h"
#include "fs/ops/ask.h"
#include "fs/ops/copier.h"
#include "fs/ops/name.h"
#include "fs/edit/scratch.h"
#include "fs/kernel/session.h"
#include "fs/edit/sweeper.h"
#include "fs/edit/value.h"
#include "fs/edit/veil.h"

#define SECRET_AT_ONCE 4096 /* bytes that every reader asks for in one piece */

/* What has just changed may soon change again, under who reads it piece by piece. */
#define RECENT_NS (2 * NS_PER_SECOND)

static bool is_writing(const struct fuse_file_info *file)
{
	return (file->flags & O_ACCMODE) != O_RDONLY;
}

static bool is_recent(int64_t mtime_ns)
{
	int64_t age_ns = clock_wall_ns() - mtime_ns;

	return age_ns >= 0 && age_ns < RECENT_NS;
}

static int make_copy(fuse_req_t req, struct ref *ref, struct fuse_file_info *file)
{
	_cleanup_content_ struct content content = CONTENT_INIT;
	_cleanup_edit_ struct edit edit = EDIT_INIT;
	struct edit_header header = {.node = ref->node, .flags = EDIT_LOADED | EDIT_COPY};
	struct fs *fs = op_fs(req);
	int r = ref_reload(fs, ref);

	if (r == 0)
		r = content_render(fs, ref, &content);
	header.base = (uint64_t)content.mtime_ns;
	if (r == 0)
		r = edit_create(fs->edits, &header, &file->fh);
	if (r < 0)
		return r;
	r = edit_open(fs->edits, file->fh, &edit);
	if (r == 0 && content.text.len > 0)
		r = edit_write(&edit, 0, content.text.data, content.text.len);
	edit_close(&edit);
	if (r < 0)
		edit_drop(fs->edits, file->fh);
	return r;
}

/* Beside a writer, and of what has just changed, a reader gets a copy of its own of what is in
 * force now: one version, whole, whatever becomes of the file and of this process. Where memory is
 * full it reads what is in force at each of its reads. */
static int open_copy(fuse_req_t req, struct ref *ref, struct fuse_file_info *file)
{
	int r = make_copy(req, ref, file);

	file->direct_io = 1;
	file->noflush = 1;
	if (r != -ENOSPC)
		return r;
	file->fh = 0;
	return 0;
}

/* A secret stays in no cache. What is read at once is whole; of a long one each reader gets a copy
 * of its own, which goes when it is closed. */
static int open_secret(fuse_req_t req, struct ref *ref, struct fuse_file_info *file)
{
	int64_t size, mtime_ns;
	int r = content_stat(op_fs(req), ref, &size, &mtime_ns);

	if (r < 0 || size > SECRET_AT_ONCE)
		return r < 0 ? r : open_copy(req, ref, file);
	file->direct_io = 1;
	file->noflush = 1;
	return 0;
}

static int open_reading(fuse_req_t req, struct ref *ref, struct fuse_file_info *file)
{
	struct fs *fs = op_fs(req);
	bool hot = row_is_writable(ref->row) && hot_is(ref->node);
	bool direct = ref->row->flags & (ROW_DIRECT | ROW_WAITS);
	int64_t size, mtime_ns;
	int r;

	if (ref->row->asks) {
		file->direct_io = 1;
		file->noflush = 1;
		/* As empty as its size says. */
		if (copier_reads_all(fuse_req_ctx(req)->pid))
			return 0;
		return ask_open(fs, ref, &file->fh);
	}
	if (hot && !direct)
		return open_copy(req, ref, file);
	if (ref->row->flags & ROW_SECRETIVE && !(ref->row->flags & ROW_DIRECT))
		return open_secret(req, ref, file);
	file->noflush = 1;
	file->direct_io = direct;
	file->keep_cache = !direct && !(ref->row->flags & ROW_VOLATILE);
	if (ref->row->flags & ROW_WAITS) {
		file->nonseekable = 1;
		/* What the read waits for is what is wanted now. */
		file->fh = (uint64_t)ref->object.generation;
	}
	if (ref->row->flags & (ROW_DIRECT | ROW_WAITS))
		return 0;
	r = content_stat(fs, ref, &size, &mtime_ns);
	if (r == 0 && !(ref->row->flags & ROW_VOLATILE) && is_recent(mtime_ns))
		return open_copy(req, ref, file);
	if (r == 0 && ref->row->stamp)
		file->keep_cache = snapshot_show(fs->snapshots, ref->node);
	/* What poll(2) waits for is a change after this. */
	if (r == 0 && ref->row->flags & ROW_POLLED)
		file->fh = (uint64_t)mtime_ns;
	return r;
}

static int open_writing(fuse_req_t req, const struct ref *ref, uint32_t flags,
	struct fuse_file_info *file)
{
	const struct fuse_ctx *context = fuse_req_ctx(req);
	struct edit_header header = {
		.node = ref->node,
		.flags = flags,
		.uid = context->uid,
		.gid = context->gid,
		.pid = context->pid,
	};

	file->direct_io = 1;
	if (!row_is_writable(ref->row) || copier_brings_spec(req, ref)) {
		file->fh = OP_SINK;
		return 0;
	}
	hot_touch(ref->node);
	if (cut_take(op_fs(req)->cuts, ref->node, context->uid) || file->flags & O_TRUNC)
		header.flags |= EDIT_EMPTY;
	if (header.flags & EDIT_EMPTY)
		header.flags |= EDIT_LOADED;
	/* The position is where an answer was read to, perhaps. */
	if (file->flags & O_APPEND || ref->row->asks)
		header.flags |= EDIT_APPEND;
	return edit_create(op_fs(req)->edits, &header, &file->fh);
}

static void open_scratch(fuse_req_t req, uint64_t node, struct fuse_file_info *file)
{
	struct scratch *scratch = op_fs(req)->scratch;
	struct stat st, none = {0};
	int r = scratch_stat(scratch, node, &st);

	/* Without a name it was renamed over one of ours, or is gone: the path leads elsewhere
	 * now. */
	if (r == 0 && st.st_nlink == 0)
		r = -ESTALE;
	if (r == 0 && file->flags & O_TRUNC)
		r = scratch_setattr(scratch, node, &none, FUSE_SET_ATTR_SIZE);
	if (r < 0) {
		(void)fuse_reply_err(req, -r);
		return;
	}
	file->direct_io = is_writing(file);
	file->noflush = 1;
	scratch_opened(scratch, node);
	if (fuse_reply_open(req, file) == -ENOENT)
		scratch_released(scratch, node);
}

/* A file that has not changed since its size was told: as open_reading, without the store. */
static bool open_unchanged(struct fs *fs, uint64_t node, struct fuse_file_info *file)
{
	struct stat st;

	if (is_writing(file) || hot_is(node) || !content_attr_kept(fs, node, &st) ||
		is_recent(clock_of_timespec(&st.st_mtim)))
		return false;
	file->noflush = 1;
	file->keep_cache = 1;
	if (row_get(node_row(node))->flags & ROW_POLLED)
		file->fh = (uint64_t)clock_of_timespec(&st.st_mtim);
	return true;
}

static void open_row(fuse_req_t req, uint64_t node, struct fuse_file_info *file)
{
	_cleanup_ref_ struct ref ref = REF_INIT;
	struct fs *fs = op_fs(req);
	int r = ref_open(fs, node, &ref);

	if (r == 0)
		r = is_writing(file) ? open_writing(req, &ref, 0, file)
				     : open_reading(req, &ref, file);
	if (r < 0)
		(void)fuse_reply_err(req, -r);
	else if (fuse_reply_open(req, file) == -ENOENT && OP_IS_DRAFT(file->fh))
		edit_drop(fs->edits, file->fh);
}

void op_open(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *file)
{
	file->fh = 0;
	if (open_unchanged(op_fs(req), node, file)) {
		(void)fuse_reply_open(req, file);
		return;
	}
	session_linger();
	if (node_row(node) == ROW_SCRATCH)
		open_scratch(req, node, file);
	else
		open_row(req, node, file);
}

static void create_scratch(fuse_req_t req, uint64_t directory, const char *name, mode_t mode,
	struct fuse_file_info *file)
{
	struct scratch *scratch = op_fs(req)->scratch;
	struct caller caller = op_caller(req);
	struct fuse_entry_param entry;
	struct stat st;
	int r;

	/* It says where the repository of a work tree is: kept as long as a repository. */
	mode = S_IFREG | (mode & 0777) | (strcmp(name, ".git") == 0 ? SCRATCH_KEPT_FILE : 0);
	r = scratch_create(scratch, directory, name, mode, &caller, &st);

	/* Somebody else was faster: without O_EXCL that is as good. */
	if (r == -EEXIST && (!(file->flags & O_EXCL) || session_resent()))
		r = scratch_find(scratch, directory, name, &st);
	if (r < 0) {
		(void)fuse_reply_err(req, -r);
		return;
	}
	sweeper_wake(op_fs(req)->sweeper);
	op_entry_scratch(&st, &entry);
	file->direct_io = is_writing(file);
	file->noflush = 1;
	scratch_opened(scratch, st.st_ino);
	if (fuse_reply_create(req, &entry, file) == -ENOENT)
		scratch_released(scratch, st.st_ino);
}

static void create_file(fuse_req_t req, struct ref *directory, struct ref *ref, uint32_t flags,
	struct fuse_file_info *file)
{
	struct fuse_entry_param entry;
	struct fs *fs = op_fs(req);
	int r;

	veil_lift(fs->veils, ref->node);
	r = op_entry(fs, directory, ref, &entry);
	if (r == 0)
		r = open_writing(req, ref, flags | EDIT_EMPTY, file);
	if (r < 0 && flags & EDIT_CREATED)
		value_unmake(fs, ref);
	if (r < 0)
		(void)fuse_reply_err(req, -r);
	else if (fuse_reply_create(req, &entry, file) == -ENOENT && OP_IS_DRAFT(file->fh))
		edit_drop(fs->edits, file->fh);
}

void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
	struct fuse_file_info *file)
{
	_cleanup_ref_ struct ref directory = REF_INIT;
	_cleanup_ref_ struct ref ref = REF_INIT;
	struct caller caller = op_caller(req);
	struct error error = ERROR_INIT;
	uint32_t flags = 0;
	int r;

	file->fh = 0;
	if (node_row(parent) == ROW_SCRATCH) {
		create_scratch(req, parent, name, mode, file);
		return;
	}
	r = ref_open(op_fs(req), parent, &directory);
	if (r == 0)
		r = ref_child(op_fs(req), &directory, name, &ref);
	/* The worker that had made it is gone: it is this request's still. */
	if (r == 0 && session_resent() && ref.row->flags & ROW_VALUE && ref.object.generation == 0)
		flags = EDIT_CREATED;
	if (r == -ENOENT)
		switch (name_classify(&directory, name, &error)) {
		case NAME_VALUE:
			flags = EDIT_CREATED;
			r = value_make(op_fs(req), &directory, name, &ref);
			break;
		case NAME_FILE:
			r = ref_unwritten(op_fs(req), &directory, name, &ref);
			break;
		case NAME_SCRATCH:
			create_scratch(req, parent, name, mode, file);
			return;
		case NAME_REFUSED:
			r = error.code;
			caller.operation = "create";
			commit_refuse(op_fs(req), &directory, name, &caller, r, &error);
			break;
		}
	if (r == 0)
		create_file(req, &directory, &ref, flags, file);
	else
		(void)fuse_reply_err(req, -r);
}
