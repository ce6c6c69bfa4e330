/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/edit/value.h"
#include "fs/ops/copier.h"
#include "fs/ops/op.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include "fs/edit/commit.h"
#include "fs/tree/content.h"
#include "fs/edit/draft.h"
#include "fs/edit/cut.h"
#include "fs/edit/edit.h"
#include "fs/edit/hot.h"
#include "fs/edit/removed.h"
#include "fs/edit/scratch.h"
#include "fs/kernel/session.h"
#include "fs/ops/ask.h"
#include "fs/ops/waiter.h"

static void read_answer(fuse_req_t req, struct ref *ref, const struct fuse_file_info *file,
	size_t offset, size_t size);

/* ---- reading ---- */

/* Whether the newest content is the copy and something behind it. */
static bool continues(struct edit *edit, const struct buf *newest)
{
	_cleanup_buf_ struct buf copy = BUF_INIT;

	return edit_read(edit, 0, edit->size, &copy) == 0 && copy.len == edit->size &&
	       newest->len > copy.len &&
	       (copy.len == 0 || memcmp(newest->data, copy.data, copy.len) == 0);
}

/* Who keeps a file open and reads it again from the start sees it anew, as in /proc; who has come
 * to the end of what only grows goes on there. */
static int follow(struct fs *fs, struct ref *ref, struct edit *edit, size_t offset)
{
	_cleanup_content_ struct content newest = CONTENT_INIT;
	int64_t size, mtime_ns;
	int r = content_stat(fs, ref, &size, &mtime_ns);

	if (r < 0 || mtime_ns == (int64_t)edit->header.base)
		return r;
	r = ref_reload(fs, ref);
	if (r == 0)
		r = content_render(fs, ref, &newest);
	if (r < 0 || (offset > 0 && !continues(edit, &newest.text)))
		return r;
	r = edit_truncate(edit, newest.text.len);
	if (r == 0 && newest.text.len > 0)
		r = edit_write(edit, 0, newest.text.data, newest.text.len);
	edit->header.base = (uint64_t)newest.mtime_ns;
	return r < 0 ? r : edit_save(edit);
}

static int read_draft(struct fs *fs, struct ref *ref, uint64_t handle, size_t offset, size_t len,
	struct buf *out)
{
	_cleanup_edit_ struct edit edit = EDIT_INIT;
	int r = edit_open(fs->edits, handle, &edit);

	if (r < 0)
		return r;
	if (edit.header.flags & EDIT_COPY && (offset == 0 || offset >= edit.size))
		r = follow(fs, ref, &edit, offset);
	if (r == 0 && edit.header.flags & EDIT_LOADED)
		return edit_read(&edit, offset, len, out);
	if (r < 0)
		return r;
	edit_close(&edit);
	return content_read(fs, ref, offset, len, out);
}

static int read_row(struct fs *fs, struct ref *ref, const struct fuse_file_info *file,
	size_t offset, size_t len, struct buf *out)
{
	_cleanup_content_ struct content content = CONTENT_INIT;
	int r;

	if (OP_IS_DRAFT(file->fh))
		return read_draft(fs, ref, file->fh, offset, len, out);
	if (ref->row->read)
		return ref->row->read(fs, ref, offset, len, out);
	if (!(ref->row->flags & ROW_DIRECT))
		return content_read(fs, ref, offset, len, out);
	r = content_render(fs, ref, &content);
	if (r == 0 && offset < content.text.len)
		buf_add(out, content.text.data + offset,
			len < content.text.len - offset ? len : content.text.len - offset);
	return r < 0 ? r : out->error;
}

void op_read(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset,
	struct fuse_file_info *file)
{
	_cleanup_ref_ struct ref ref = REF_INIT;
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct fs *fs = op_fs(req);
	int r;

	if (node_row(node) == ROW_SCRATCH) {
		r = scratch_read(fs->scratch, node, (size_t)offset, size, &out);
	} else {
		r = ref_open(fs, node, &ref);
		if (r == 0 && ref.row->flags & ROW_WAITS &&
			copier_reads_all(fuse_req_ctx(req)->pid)) {
			(void)fuse_reply_buf(req, NULL, 0);
			return;
		}
		if (r == 0 && ref.row->flags & ROW_WAITS) {
			waiter_read(fs->waiters, req, &ref, (int64_t)file->fh,
				file->flags & O_NONBLOCK);
			return;
		}
		if (r == 0 && ref.row->asks) {
			read_answer(req, &ref, file, (size_t)offset, size);
			return;
		}
		if (r == 0)
			r = read_row(fs, &ref, file, (size_t)offset, size, &out);
	}
	if (r < 0)
		(void)fuse_reply_err(req, -r);
	else
		(void)fuse_reply_buf(req, out.data, out.len);
	buf_wipe(&out);
}

/* ---- writing ---- */

/* What is to be judged: all of the draft, or what follows the values accepted already. */
static size_t draft_start(const struct ref *ref, const struct edit *edit)
{
	return ref->row->flags & ROW_LINE ? edit->header.start : 0;
}

static int read_all(const struct ref *ref, struct edit *edit, struct buf *text)
{
	size_t start = draft_start(ref, edit);
	int r = edit_read(edit, start, edit->size, text);

	return r < 0 ? r : text->error;
}

static char last_byte(const struct ref *ref, const char *data, size_t size)
{
	if (ref->row->flags & ROW_DOCUMENT)
		while (size > 1 && strchr(" \t\r\n", data[size - 1]))
			size--;
	return data[size - 1];
}

/* After data was written: is it wrong already? */
static int check_draft(struct fs *fs, const struct ref *ref, struct edit *edit, const char *data,
	size_t size, size_t offset, struct error *reterr)
{
	const struct caller caller = {
		.uid = edit->header.uid, .gid = edit->header.gid, .pid = edit->header.pid};
	_cleanup_content_ struct content all = CONTENT_INIT;
	enum edit_step step;
	int r;

	step = edit_after_write(ref->row->flags & ROW_LINE, ref->row->flags & ROW_DOCUMENT, offset,
		size, edit->size, last_byte(ref, data, size));
	if (step == EDIT_NOTHING)
		return 0;
	r = read_all(ref, edit, &all.text);
	if (r < 0)
		return r;
	r = (step == EDIT_CHECK ? commit_check : commit_check_begun)(fs, ref, buf_string(&all.text),
		all.text.len, &caller, reterr);
	return r == -ENODATA ? 0 : r;
}

static int put_draft(struct fs *fs, struct ref *ref, struct edit *edit, const char *data,
	size_t size, size_t offset, struct error *reterr)
{
	size_t limit = ref->row->limit + draft_start(ref, edit);
	bool append = edit->header.flags & EDIT_APPEND;
	int r = draft_load(fs, ref, edit, append ? 1 : offset);

	if (r < 0)
		return r;
	if (append)
		offset = edit->size;
	if (offset > limit || offset + size > limit)
		return error_set(reterr, -EFBIG, "more than the %zu bytes that fit here",
			ref->row->limit);
	/* Said now, a shell sees it; at close it would not. */
	r = store_check_room(fs->store, size);
	if (r == 0)
		r = edit_write(edit, offset, data, size);
	return r < 0 ? r : check_draft(fs, ref, edit, data, size, offset, reterr);
}

/* A writer that was told of a refusal begins anew. */
static int restart_draft(struct edit *edit)
{
	if (edit->header.flags & EDIT_APPEND) {
		edit->header.flags &= ~(uint32_t)EDIT_LOADED;
		return edit_truncate(edit, 0);
	}
	edit->header.flags |= EDIT_EMPTY | EDIT_LOADED;
	return edit_truncate(edit, edit->header.start);
}

static int write_draft(struct fs *fs, struct ref *ref, struct edit *edit, const char *data,
	size_t size, size_t offset, struct error *reterr)
{
	bool append = edit->header.flags & EDIT_APPEND;
	int r = 0;

	switch (edit_before_write(&edit->header, append ? 0 : offset)) {
	case EDIT_REPEAT:
		return edit->header.error;
	case EDIT_RESTART:
		r = restart_draft(edit);
		break;
	default:
		break;
	}
	if (r == 0)
		r = put_draft(fs, ref, edit, data, size, offset, reterr);
	if (r < 0) {
		edit_refused(&edit->header, r);
	} else {
		edit->header.flags |= EDIT_DIRTY;
		edit->header.flags &= ~(uint32_t)(EDIT_REFUSED | EDIT_POISONED | EDIT_TOLD);
	}
	(void)edit_save(edit);
	return r;
}

/* A draft was refused: what was removed to make room for it is in force again. */
static void put_back(struct fs *fs, const struct ref *ref, const struct edit_header *header)
{
	_cleanup_content_ struct content before = CONTENT_INIT;
	/* Not the request's own change, which is refused. */
	const struct caller caller = {.uid = header->uid, .gid = header->gid, .pid = header->pid};
	struct error error = ERROR_INIT;

	if (header->flags & EDIT_CREATED && !(header->flags & EDIT_ACCEPTED) &&
		removed_take(fs->removed, &ref->object, header->uid, &before.text))
		(void)commit_apply(fs, ref, buf_string(&before.text), before.text.len, &caller,
			&error);
}

static void write_row(fuse_req_t req, uint64_t node, const char *data, size_t size, size_t offset,
	const struct fuse_file_info *file)
{
	_cleanup_ref_ struct ref ref = REF_INIT;
	_cleanup_edit_ struct edit edit = EDIT_INIT;
	struct caller caller = op_caller(req);
	struct error error = ERROR_INIT;
	struct fs *fs = op_fs(req);
	int r = ref_open(fs, node, &ref);

	if (r == 0)
		r = edit_open(fs->edits, file->fh, &edit);
	if (r == 0)
		r = write_draft(fs, &ref, &edit, data, size, offset, &error);
	if (r < 0 && error.code)
		put_back(fs, &ref, &edit.header);
	edit_close(&edit);
	/* Said again, it is the same refusal. */
	if (r < 0 && error.code)
		commit_refuse(fs, &ref, NULL, &caller, r, &error);
	(void)cut_take(fs->cuts, node, 0);
	/* The kernel is about to believe that the file has grown. */
	hot_touch(node);
	if (r < 0)
		op_reply_later(fs, req, r);
	else
		(void)fuse_reply_write(req, size);
}

void op_write(fuse_req_t req, fuse_ino_t node, const char *data, size_t size, off_t offset,
	struct fuse_file_info *file)
{
	int r;

	if (node_row(node) == ROW_SCRATCH) {
		r = scratch_write(op_fs(req)->scratch, node, (size_t)offset, data, size);
		if (r < 0)
			(void)fuse_reply_err(req, -r);
		else
			(void)fuse_reply_write(req, size);
	} else if (file->fh == OP_SINK && offset + (off_t)size > SCRATCH_FILE_MAX) {
		(void)fuse_reply_err(req, EFBIG);
	} else if (file->fh == OP_SINK || size == 0) {
		(void)fuse_reply_write(req, size);
	} else {
		write_row(req, node, data, size, (size_t)offset, file);
	}
}

/* ---- deciding ---- */

static int commit_draft(struct fs *fs, const struct ref *ref, struct edit *edit,
	const struct caller *caller)
{
	_cleanup_content_ struct content all = CONTENT_INIT;
	struct error error = ERROR_INIT;
	int r = read_all(ref, edit, &all.text);

	if (r < 0)
		return r;
	r = commit_apply(fs, ref, buf_string(&all.text), all.text.len, caller, &error);
	if (r < 0) {
		/* It takes back what last_error says. */
		put_back(fs, ref, &edit->header);
		commit_refuse(fs, ref, NULL, caller, r, &error);
	}
	edit_decided(&edit->header, r, r < 0 ? edit->header.start : edit->size);
	if (r == 0 && ref->row->asks) {
		edit->header.asked = (uint64_t)inquiry_id(caller->token ^ fs->mount_hash);
		edit->header.base = UINT64_MAX;
	}
	(void)edit_save(edit);
	return r;
}

/* Of several processes that write one after the other into what one of them has opened, only that
 * one says that all is there. */
static bool is_opener(const struct edit *edit, pid_t thread)
{
	pid_t opener = edit->header.pid;

	if (opener == 0 || thread == 0 || opener == thread)
		return true;
	if (kill(opener, 0) < 0 && errno == ESRCH)
		return true;
	return op_process(opener) == op_process(thread);
}

static int decide(struct fs *fs, const struct ref *ref, uint64_t handle,
	const struct caller *caller, bool opener)
{
	_cleanup_edit_ struct edit edit = EDIT_INIT;
	int r = edit_open(fs->edits, handle, &edit);

	if (r < 0)
		return r;
	switch (edit_at_close(&edit.header, opener || is_opener(&edit, caller->pid))) {
	case EDIT_COMMIT:
		return commit_draft(fs, ref, &edit, caller);
	case EDIT_REPEAT:
		(void)edit_save(&edit);
		return edit.header.error;
	default:
		/* `: >f` and `truncate -s 0 f`: should the writer come later, it begins there. */
		if (edit_is_cut(&edit))
			cut_make(fs->cuts, ref->node, caller->uid);
		return 0;
	}
}

static void close_row(fuse_req_t req, uint64_t node, const struct fuse_file_info *file, bool sync)
{
	_cleanup_ref_ struct ref ref = REF_INIT;
	struct caller caller = op_caller(req);
	struct fs *fs = op_fs(req);
	int r;

	if (node_row(node) == ROW_SCRATCH || !OP_IS_DRAFT(file->fh)) {
		(void)fuse_reply_err(req, 0);
		return;
	}
	hot_touch(node);
	r = ref_open(fs, node, &ref);
	if (r == 0)
		r = decide(fs, &ref, file->fh, &caller, sync);
	op_reply_later(fs, req, r);
}

/* Who has written a command and reads has written all of it. */
static void read_answer(fuse_req_t req, struct ref *ref, const struct fuse_file_info *file,
	size_t offset, size_t size)
{
	struct caller caller = op_caller(req);
	int r = 0;

	if (OP_IS_DRAFT(file->fh))
		r = decide(op_fs(req), ref, file->fh, &caller, true);
	if (r < 0)
		(void)fuse_reply_err(req, -r);
	else
		ask_read(req, ref, file, offset, size);
}

void op_flush(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *file)
{
	close_row(req, node, file, false);
}

void op_fsync(fuse_req_t req, fuse_ino_t node, int datasync, struct fuse_file_info *file)
{
	(void)datasync;
	close_row(req, node, file, true);
}

/* The last chance for a draft whose opener has left it to others, and for a value that was made and
 * never written (`touch`): it is empty then, or gone when what was written was refused. */
static void release_draft(struct fs *fs, struct ref *ref, uint64_t handle)
{
	_cleanup_edit_ struct edit edit = EDIT_INIT;
	struct caller caller = {0};
	struct error error = ERROR_INIT;
	uint32_t flags;

	if (edit_open(fs->edits, handle, &edit) < 0)
		return;
	caller.uid = edit.header.uid;
	caller.gid = edit.header.gid;
	caller.pid = edit.header.pid;
	if (edit_at_close(&edit.header, true) == EDIT_COMMIT)
		(void)commit_draft(fs, ref, &edit, &caller);
	/* `: >dns`: who had it open has gone without a word, so nothing is what it shall hold. */
	else if (edit_is_cut(&edit) && ref->row->flags & ROW_UNLINK_CLEARS)
		(void)commit_apply(fs, ref, "", 0, &caller, &error);
	flags = edit.header.flags;
	edit_close(&edit);
	if (!(flags & EDIT_CREATED) || flags & EDIT_ACCEPTED || ref_reload(fs, ref) < 0 ||
		ref->object.generation > 0)
		return;
	if (flags & EDIT_REFUSED)
		value_unmake(fs, ref);
	else
		(void)commit_apply(fs, ref, "", 0, &caller, &error);
}

static void release_row(struct fs *fs, uint64_t node, uint64_t handle)
{
	_cleanup_ref_ struct ref ref = REF_INIT;

	if (ref_open(fs, node, &ref) == 0)
		release_draft(fs, &ref, handle);
	edit_drop(fs->edits, handle);
}

void op_release(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *file)
{
	struct fs *fs = op_fs(req);
	bool scratch = node_row(node) == ROW_SCRATCH;

	if (scratch || OP_IS_DRAFT(file->fh))
		session_linger();
	if (scratch)
		scratch_released(fs->scratch, node);
	else if (OP_IS_DRAFT(file->fh))
		release_row(fs, node, file->fh);
	(void)fuse_reply_err(req, 0);
}

void op_fallocate(fuse_req_t req, fuse_ino_t node, int mode, off_t offset, off_t length,
	struct fuse_file_info *file)
{
	(void)node;
	(void)mode;
	(void)offset;
	(void)length;
	(void)file;
	(void)fuse_reply_err(req, EOPNOTSUPP);
}
