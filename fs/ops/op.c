/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/ops/op.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "fs/edit/hot.h"
#include "fs/tree/content.h"
#include "fs/kernel/notifier.h"
#include "fs/kernel/session.h"

const struct fuse_lowlevel_ops fs_operations = {
	.lookup = op_lookup,
	.forget = op_forget,
	.forget_multi = op_forget_multi,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.statfs = op_statfs,
	.getxattr = op_getxattr,
	.listxattr = op_listxattr,
	.setxattr = op_setxattr,
	.removexattr = op_removexattr,
	.opendir = op_opendir,
	.readdir = op_readdir,
	.readdirplus = op_readdirplus,
	.releasedir = op_releasedir,
	.fsyncdir = op_fsyncdir,
	.open = op_open,
	.create = op_create,
	.read = op_read,
	.write = op_write,
	.flush = op_flush,
	.fsync = op_fsync,
	.release = op_release,
	.fallocate = op_fallocate,
	.poll = op_poll,
	.mkdir = op_mkdir,
	.rmdir = op_rmdir,
	.unlink = op_unlink,
	.rename = op_rename,
	.mknod = op_mknod,
	.symlink = op_symlink,
	.link = op_link,
};
const unsigned long fs_operations_size = sizeof(fs_operations);

struct caller op_caller(fuse_req_t req)
{
	const struct fuse_ctx *context = fuse_req_ctx(req);

	return (struct caller){
		.uid = context->uid,
		.gid = context->gid,
		.pid = context->pid,
		.token = session_token(),
	};
}

bool op_was_applied(fuse_req_t req)
{
	struct caller caller = op_caller(req);

	return session_resent() && store_applied(op_fs(req)->store, &caller);
}

int op_settle_scratch(int r, int error_of_success)
{
	return session_resent() && r == error_of_success ? 0 : r;
}

pid_t op_process(pid_t thread)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[32], line[128];
	int process;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)thread);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Tgid: %d", &process) == 1)
			return process;
	return thread;
}

/* The directory that is the object, for what lies below it; 0 for other objects. */
static uint64_t object_node(const struct ref *ref)
{
	switch (ref->object.kind) {
	case KIND_TENANT:
		return node_make(row_get(ROW_TENANT), ref->object.id, 0);
	case KIND_SERVICE:
		return node_make(row_get(ROW_SERVICE), ref->object.id, 0);
	case KIND_INSTANCE:
		return node_make(row_get(ROW_SERVICE), ref->object.parent, 0);
	default:
		return 0;
	}
}

enum veil op_veil(fuse_req_t req, const struct ref *ref)
{
	struct veils *veils = op_fs(req)->veils;
	pid_t pid = fuse_req_ctx(req)->pid;
	uint64_t above = object_node(ref);
	enum veil veil;

	if (above == ref->node)
		return VEIL_NONE;
	veil = veil_look(veils, ref->node, pid);
	if (veil != VEIL_NONE)
		return veil == VEIL_SHOWN ? VEIL_NONE : veil;
	return veil_look(veils, above, pid) == VEIL_MINE ? VEIL_MINE : VEIL_NONE;
}

double op_attr_timeout_s(const struct ref *ref)
{
	/* Beside a writer the size wavers: see hot.h. */
	bool hot = row_is_writable(ref->row) && hot_is(ref->node);

	return hot || ref->row->flags & (ROW_VOLATILE | ROW_DIRECT) ? 0 : OP_FOREVER_S;
}

int op_entry(struct fs *fs, const struct ref *directory, struct ref *ref,
	struct fuse_entry_param *ret)
{
	bool uncached;
	struct fuse_entry_param entry = {.ino = ref->node};
	int r = content_attr(fs, ref, &entry.attr);

	if (r < 0)
		return r;
	entry.attr_timeout = op_attr_timeout_s(ref);
	/* What comes and goes with its content is looked for each time. */
	uncached = ref->row->present || (directory && directory->row->flags & ROW_VOLATILE);
	entry.entry_timeout = uncached ? 0 : OP_FOREVER_S;
	*ret = entry;
	return 0;
}

void op_entry_scratch(const struct stat *st, struct fuse_entry_param *ret)
{
	*ret = (struct fuse_entry_param){.ino = st->st_ino, .attr = *st};
}

struct reply {
	fuse_req_t req;
	bool write;
	size_t size;
	int error;
};

static void reply_now(void *arg)
{
	_cleanup_free_ struct reply *reply = arg;

	if (reply->write && reply->error == 0)
		(void)fuse_reply_write(reply->req, reply->size);
	else
		(void)fuse_reply_err(reply->req, -reply->error);
}

static void reply_later(struct fs *fs, struct reply *reply)
{
	struct reply *copy = fs->notifier ? malloc(sizeof(*copy)) : NULL;

	if (!copy) {
		if (reply->write && reply->error == 0)
			(void)fuse_reply_write(reply->req, reply->size);
		else
			(void)fuse_reply_err(reply->req, -reply->error);
		return;
	}
	*copy = *reply;
	notifier_call(fs->notifier, reply_now, copy);
}

void op_reply_later(struct fs *fs, fuse_req_t req, int error)
{
	reply_later(fs, &(struct reply){.req = req, .error = error});
}

void op_reply_write_later(struct fs *fs, fuse_req_t req, size_t size)
{
	reply_later(fs, &(struct reply){.req = req, .write = true, .size = size});
}
