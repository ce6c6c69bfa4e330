/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/ops/op.h"

#include <errno.h>
#include <string.h>

#include "fs/edit/commit.h"
#include "fs/edit/replace.h"
#include "fs/tree/content.h"
#include "fs/ops/copier.h"
#include "fs/ops/name.h"
#include "fs/kernel/notifier.h"
#include "fs/edit/scratch.h"
#include "fs/kernel/session.h"
#include "fs/edit/sweeper.h"
#include "fs/edit/value.h"
#include "fs/edit/veil.h"

#define NO_REPLACE 1u /* RENAME_NOREPLACE of renameat2(2) */

/* One end of a rename: a file of ours, a scratch file, or a name that is not there yet. */
struct end {
	uint64_t directory;
	const char *name;
	struct ref directory_ref; /* without a row when the directory is a scratch directory */
	struct ref ref; /* without a row when the name is none of ours */
	bool scratch; /* a scratch file has the name */
	struct stat st;
};

static void end_done(struct end *end)
{
	ref_done(&end->directory_ref);
	ref_done(&end->ref);
}
#define _cleanup_end_ __attribute__((cleanup(end_done)))

static int end_open(fuse_req_t req, struct end *end)
{
	struct fs *fs = op_fs(req);
	int r = -ENOENT;

	if (node_row(end->directory) != ROW_SCRATCH) {
		r = ref_open(fs, end->directory, &end->directory_ref);
		if (r == 0)
			r = ref_child(fs, &end->directory_ref, end->name, &end->ref);
	}
	if (r != -ENOENT)
		return r;
	r = scratch_find(fs->scratch, end->directory, end->name, &end->st);
	end->scratch = r == 0;
	return r == -ENOENT ? 0 : r;
}

/* What the file to be renamed holds. */
static int read_source(struct fs *fs, struct end *from, struct content *content)
{
	if (!from->scratch)
		return content_render(fs, &from->ref, content);
	if (S_ISDIR(from->st.st_mode))
		return -EISDIR;
	if (from->st.st_size > SPEC_SIZE_MAX)
		return -EFBIG;
	return scratch_read(fs->scratch, from->st.st_ino, 0, (size_t)from->st.st_size,
		&content->text);
}

/* A backup that is put back (cp -b after a refusal) is no new write: why it was refused stays. */
static bool is_same(struct fs *fs, struct ref *ref, const struct content *content)
{
	_cleanup_content_ struct content now = CONTENT_INIT;

	/* A new empty value is a write all the same. */
	if (ref->object.generation == 0 && ref->row->flags & ROW_VALUE)
		return false;
	return content_render(fs, ref, &now) == 0 && now.text.len == content->text.len &&
	       (now.text.len == 0 || memcmp(now.text.data, content->text.data, now.text.len) == 0);
}

/* One of our files that was renamed away is still there: the copy tells. */
static bool was_copied(struct fs *fs, struct end *from, struct end *to)
{
	_cleanup_content_ struct content content = CONTENT_INIT;

	return !row_is_dir(from->ref.row) && read_source(fs, to, &content) == 0 &&
	       is_same(fs, &from->ref, &content);
}

/* Asked for again: a rename of objects is known by its token, one of scratch files by its effect.
 *  */
static bool was_renamed(fuse_req_t req, struct end *from, struct end *to)
{
	if (op_was_applied(req))
		return true;
	if (!session_resent() || (!to->scratch && !to->ref.row))
		return false;
	if (from->ref.row)
		return to->scratch && was_copied(op_fs(req), from, to);
	return !from->scratch;
}

static struct caller rename_caller(fuse_req_t req)
{
	struct caller caller = op_caller(req);

	caller.operation = "rename";
	return caller;
}

/* What is staged takes effect by its name alone. Elsewhere mv copies and unlinks. */
static int rename_staged(fuse_req_t req, struct end *from, struct end *to, struct error *reterr)
{
	struct caller caller = rename_caller(req);

	if (from->ref.node == to->ref.node)
		return 0;
	if (row_is_dir(to->ref.row))
		return -EISDIR;
	if (from->ref.object.id != to->ref.object.id || to->ref.row->kind != from->ref.row->kind ||
		!row_is_writable(to->ref.row))
		return -EXDEV;
	return commit_move(op_fs(req), &from->ref, &to->ref, &caller, reterr);
}

/* What was renamed is scratch no more. */
static int remove_source(struct fs *fs, const struct end *from)
{
	if (!S_ISDIR(from->st.st_mode))
		return scratch_unlink(fs->scratch, from->directory, from->name);
	replace_clear(fs, from->st.st_ino);
	return scratch_rmdir(fs->scratch, from->directory, from->name);
}

/* A directory of values becomes another one. */
static int rename_values(fuse_req_t req, struct end *from, struct end *to, struct error *reterr)
{
	struct caller caller = rename_caller(req);
	int r = replace_values(op_fs(req), from->st.st_ino, &to->ref, &caller, reterr);

	return r < 0 ? r : remove_source(op_fs(req), from);
}

/* Something is renamed over one of our files: that is a write of it. */
static int rename_over(fuse_req_t req, struct end *from, struct end *to, struct error *reterr)
{
	_cleanup_content_ struct content content = CONTENT_INIT;
	struct caller caller = rename_caller(req);
	struct fs *fs = op_fs(req);
	int r;

	if (!from->scratch && from->ref.row->move)
		return rename_staged(req, from, to, reterr);
	if (!from->scratch && !(from->ref.row->flags & ROW_VALUE))
		return error_set(reterr, -EPERM, "%s cannot be renamed", from->name);
	if (from->scratch && S_ISDIR(from->st.st_mode) && row_is_dir(to->ref.row))
		return rename_values(req, from, to, reterr);
	if (row_is_dir(to->ref.row))
		return -EISDIR;
	r = read_source(fs, from, &content);
	if (r == 0 && is_same(fs, &to->ref, &content))
		;
	else if (r == 0 && row_is_writable(to->ref.row) && !copier_brings_spec(req, &to->ref))
		r = commit_apply(fs, &to->ref, buf_string(&content.text), content.text.len, &caller,
			reterr);
	if (r < 0)
		return r;
	/* Who unlinked it before has made it again by this. */
	veil_lift(fs->veils, to->ref.node);
	caller.token = 0;
	if (!from->scratch)
		return value_delete(fs, &from->ref, &caller, reterr);
	/* Who has it open keeps it; who still finds it by path is sent to look again. */
	return remove_source(fs, from);
}

/* One of our files is renamed away: its content goes along, the file stays. */
static int rename_away(fuse_req_t req, struct end *from, struct end *to)
{
	_cleanup_content_ struct content content = CONTENT_INIT;
	struct caller caller = op_caller(req);
	struct fs *fs = op_fs(req);
	struct stat st;
	int r;

	if (row_is_dir(from->ref.row))
		return -EPERM;
	r = content_render(fs, &from->ref, &content);
	if (r == 0 && to->scratch)
		r = scratch_unlink(fs->scratch, to->directory, to->name);
	if (r == 0)
		r = scratch_create(fs->scratch, to->directory, to->name, S_IFREG | 0600, &caller,
			&st);
	if (r == 0 && content.text.len > 0)
		r = scratch_write(fs->scratch, st.st_ino, 0, content.text.data, content.text.len);
	sweeper_wake(fs->sweeper);
	if (r == 0 && from->ref.row->present)
		return commit_apply(fs, &from->ref, "", 0, &caller, NULL);
	if (r == 0)
		veil_draw(fs->veils, from->ref.node, op_process(caller.pid));
	return r;
}

/* A new name: a value, a scratch file, or nothing that can be. */
static int rename_new(fuse_req_t req, struct end *from, struct end *to, struct error *reterr)
{
	struct fs *fs = op_fs(req);
	enum name_class class = NAME_SCRATCH;
	int r;

	if (from->scratch && S_ISDIR(from->st.st_mode) && to->directory_ref.row &&
		replace_is_values(to->directory_ref.row))
		return error_set(reterr, -EISDIR,
			"mv -T puts a directory in the place of this one");
	if (to->directory_ref.row)
		class = name_classify(&to->directory_ref, to->name, reterr);
	if (class == NAME_REFUSED)
		return reterr->code;
	if (class == NAME_FILE) {
		r = ref_unwritten(fs, &to->directory_ref, to->name, &to->ref);
		return r < 0 ? r : rename_over(req, from, to, reterr);
	}
	if (class == NAME_VALUE) {
		r = value_make(fs, &to->directory_ref, to->name, &to->ref);
		if (r < 0)
			return r;
		r = rename_over(req, from, to, reterr);
		if (r < 0)
			(void)value_delete(fs, &to->ref, NULL, NULL);
		return r;
	}
	if (!from->scratch)
		return rename_away(req, from, to);
	return scratch_rename(fs->scratch, from->directory, from->name, to->directory, to->name, 0);
}

static int rename_any(fuse_req_t req, struct end *from, struct end *to, unsigned flags,
	struct error *reterr)
{
	if (flags & ~NO_REPLACE)
		return -EINVAL;
	if (!from->scratch && !from->ref.row)
		return -ENOENT;
	if (flags & NO_REPLACE && (to->scratch || to->ref.row))
		return -EEXIST;
	if (to->ref.row)
		return rename_over(req, from, to, reterr);
	if (!to->scratch)
		return rename_new(req, from, to, reterr);
	if (!from->scratch)
		return rename_away(req, from, to);
	return scratch_rename(op_fs(req)->scratch, from->directory, from->name, to->directory,
		to->name, 0);
}

/* A directory of the tree. */
static bool is_ours(const struct end *end)
{
	return !end->scratch && end->ref.row && row_is_dir(end->ref.row);
}

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
	const char *new_name, unsigned flags)
{
	_cleanup_end_ struct end from = {.directory = parent, .name = name};
	_cleanup_end_ struct end to = {.directory = new_parent, .name = new_name};
	struct error error = ERROR_INIT;
	struct fs *fs = op_fs(req);
	struct caller caller;
	int r = end_open(req, &from);

	if (r == 0)
		r = end_open(req, &to);
	if (r == 0 && was_renamed(req, &from, &to))
		(void)remove_source(fs, &from);
	else if (r == 0 && is_ours(&from))
		r = error_set(&error, -EPERM,
			"\"%s\" keeps its name: make another, copy what you wrote, remove this one",
			name);
	else if (r == 0)
		r = rename_any(req, &from, &to, flags, &error);
	caller = rename_caller(req); /* the request is gone with its reply */
	(void)fuse_reply_err(req, -r);
	/* mv copies then. */
	if (r == -EXDEV)
		;
	else if (r == -EPERM && is_ours(&from))
		commit_refuse(fs, &from.ref, NULL, &caller, r, &error);
	else if (r < 0 && to.ref.row)
		commit_refuse(fs, &to.ref, NULL, &caller, r, &error);
	else if (r < 0 && to.directory_ref.row)
		commit_refuse(fs, &to.directory_ref, new_name, &caller, r, &error);
	/* The kernel has moved the old name's node to the new one: that is not what it means. */
	if (r == 0 && fs->notifier && !(from.scratch && !to.ref.row))
		notifier_entry(fs->notifier, new_parent, new_name);
}
