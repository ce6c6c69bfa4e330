/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/ops/op.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "fs/edit/edit.h"
#include "fs/tree/content.h"
#include "fs/ops/poll.h"
#include "fs/ops/waiter.h"

/* The kernel's number of who polls: the first member of libfuse's opaque struct (fuse_i.h). */
static uint64_t take_handle(struct fuse_pollhandle *handle)
{
	uint64_t number = 0;

	if (handle)
		memcpy(&number, handle, sizeof(number));
	fuse_pollhandle_destroy(handle);
	return number;
}

/* When what the handle shows had changed. */
static uint64_t opened_ns(struct fs *fs, uint64_t handle)
{
	_cleanup_edit_ struct edit edit = EDIT_INIT;

	if (!OP_IS_DRAFT(handle))
		return handle;
	if (edit_open(fs->edits, handle, &edit) < 0 || !(edit.header.flags & EDIT_COPY))
		return 0;
	return edit.header.base;
}

static int look(struct fs *fs, struct ref *ref, uint64_t handle, uint64_t opened, unsigned *ret)
{
	int64_t size, mtime_ns;
	int changed, r;

	if (handle) {
		/* Registered before it is looked at: a change in between wakes. */
		r = poll_look(fs->polls, handle, ref->node, 0, (int64_t)opened, &changed);
		if (r < 0)
			return r;
	}
	if (ref->row->flags & ROW_WAITS) {
		r = waiter_settled(fs, ref->object.id, (int64_t)opened);
		*ret = r == 0 ? 0 : r < 0 ? POLLIN | POLLERR : POLLIN;
		return 0;
	}
	r = content_stat(fs, ref, &size, &mtime_ns);
	if (r < 0)
		return r;
	changed = mtime_ns > (int64_t)opened;
	if (handle)
		r = poll_look(fs->polls, handle, ref->node, mtime_ns, (int64_t)opened, &changed);
	*ret = changed ? POLLIN | POLLPRI : 0;
	return r;
}

void op_poll(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *file,
	struct fuse_pollhandle *handle)
{
	_cleanup_ref_ struct ref ref = REF_INIT;
	uint64_t number = take_handle(handle);
	unsigned events = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
	int r = 0;

	if (node_row(node) != ROW_SCRATCH) {
		r = ref_open(op_fs(req), node, &ref);
		if (r == 0 && ref.row->flags & (ROW_POLLED | ROW_WAITS))
			r = look(op_fs(req), &ref, number, opened_ns(op_fs(req), file->fh),
				&events);
	}
	if (r < 0)
		(void)fuse_reply_err(req, -r);
	else
		(void)fuse_reply_poll(req, events);
}
