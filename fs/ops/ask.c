/* SPDX-License-Identifier: Apache-2.0 */
/* Files whose reads are answers: what is asked goes to the reconciler, which calls the engine. */
#include "fs/ops/ask.h"

#include <errno.h>
#include <fcntl.h>

#include "base/clock.h"
#include "base/text.h"
#include "fs/edit/edit.h"
#include "fs/ops/waiter.h"
#include "store/inquiry.h"

#define FRESH_NS NS_PER_SECOND /* an answer that is no older is shown again */

static int ask_now(struct fs *fs, const struct ref *ref, int64_t *ret_id)
{
	struct inquiry inquiry = {
		.type = ref->row->asks, .tenant = ref->object.tenant, .instance = ref->object.id};
	uint64_t bits;
	int r = text_random(&bits, sizeof(bits));

	if (r < 0)
		return r;
	inquiry.id = inquiry_id(bits);
	r = inquiry_ask(fs->inquiry_dir, &inquiry, "", 0, NULL);
	if (r == 0)
		r = store_tell(fs->store, ref->object.id, CHANGE_ASKED);
	*ret_id = inquiry.id;
	return r;
}

/* Whether the last one is as good as a new one: under way, or just answered. */
static bool is_fresh(struct fs *fs, int64_t id)
{
	int64_t mtime_ns = 0;
	int r = id ? inquiry_answered(fs->inquiry_dir, id, NULL, &mtime_ns) : -ENOENT;

	return r == 0 || (r == 1 && clock_wall_ns() - mtime_ns < FRESH_NS);
}

int ask_open(struct fs *fs, const struct ref *ref, uint64_t *ret_handle)
{
	int64_t id = inquiry_last(fs->inquiry_dir, ref->object.id, ref->row->asks);
	int r = 0;

	/* A command is asked by writing it; looking at it shows what became of the last one. */
	if (ref->row->asks != INQUIRY_COMMAND && !is_fresh(fs, id))
		r = ask_now(fs, ref, &id);
	*ret_handle = (uint64_t)id;
	return r;
}

/* Who has written a command reads what became of it, on the same descriptor, from wherever its
 * position is by then. */
static int find_own(struct fs *fs, const struct ref *ref, uint64_t handle, int64_t *ret_id,
	size_t *offset)
{
	_cleanup_edit_ struct edit edit = EDIT_INIT;
	int r = edit_open(fs->edits, handle, &edit);

	if (r < 0)
		return r;
	*ret_id = (int64_t)edit.header.asked;
	if (!*ret_id)
		*ret_id = inquiry_last(fs->inquiry_dir, ref->object.id, ref->row->asks);
	if (edit.header.base > *offset) {
		edit.header.base = *offset;
		r = edit_save(&edit);
	}
	*offset -= edit.header.base;
	return r;
}

void ask_read(fuse_req_t req, struct ref *ref, const struct fuse_file_info *file, size_t offset,
	size_t size)
{
	struct fs *fs = op_fs(req);
	int64_t id = (int64_t)file->fh;
	int r = 0;

	if (OP_IS_DRAFT(file->fh))
		r = find_own(fs, ref, file->fh, &id, &offset);
	if (r < 0)
		(void)fuse_reply_err(req, -r);
	else if (id == 0)
		(void)fuse_reply_buf(req, NULL, 0);
	else
		waiter_ask(fs->waiters, req, ref->object.id, id, offset, size,
			file->flags & O_NONBLOCK);
}
