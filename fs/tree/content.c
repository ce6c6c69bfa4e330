/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/tree/content.h"

#include <errno.h>

#include "fs/kernel/notifier.h"
#include "fs/tree/snapshot.h"

void content_done(struct content *content)
{
	buf_wipe(&content->text);
	buf_done(&content->text);
}

int content_render(struct fs *fs, struct ref *ref, struct content *content)
{
	int r;

	if (ref->row->flags & ROW_TEXTS && (r = ref_load(fs, ref)) < 0)
		return r;
	content->mtime_ns = ref_mtime_ns(ref);
	if (!ref->row->render)
		return 0;
	r = ref->row->render(fs, ref, content);
	return r < 0 ? r : content->text.error;
}

/* Whether what is kept of a volatile content still holds. */
static bool is_stamped(struct fs *fs, const struct ref *ref)
{
	uint64_t stamp;

	return ref->row->stamp && ref->row->stamp(fs, ref, &stamp) == 0 &&
	       snapshot_has_stamp(fs->snapshots, ref->node, stamp);
}

/* Renders and remembers; a secret only renders. */
static int take(struct fs *fs, struct ref *ref, struct content *content)
{
	uint64_t ticket = snapshot_ticket(fs->snapshots, ref->node), stamp = 0;
	bool stamped;
	int r;

	/* The ref is older than the ticket: what it holds would be taken for fresh. */
	r = ref_reload(fs, ref);
	/* Before it is rendered: what happens meanwhile makes it another. */
	stamped = r == 0 && ref->row->stamp && ref->row->stamp(fs, ref, &stamp) == 0;
	if (r == 0)
		r = content_render(fs, ref, content);
	if (r < 0 || ref->row->flags & ROW_SECRETIVE)
		return r;
	if (snapshot_put(fs->snapshots, ref->node, ticket, content->text.data, content->text.len,
		    content->mtime_ns) &&
		fs->notifier)
		notifier_inode(fs->notifier, ref->node);
	if (stamped)
		snapshot_set_stamp(fs->snapshots, ref->node, stamp);
	return 0;
}

int content_stat(struct fs *fs, struct ref *ref, int64_t *ret_size, int64_t *ret_mtime_ns)
{
	_cleanup_content_ struct content content = CONTENT_INIT;
	bool keep = !(ref->row->flags & ROW_VOLATILE) || is_stamped(fs, ref);
	size_t len;
	int r;

	if (keep && snapshot_stat(fs->snapshots, ref->node, &len, ret_mtime_ns)) {
		*ret_size = (int64_t)len;
		return 0;
	}
	if (ref->row->measure) {
		snapshot_drop(fs->snapshots, ref->node);
		*ret_mtime_ns = ref_mtime_ns(ref);
		return ref->row->measure(fs, ref, ret_size, ret_mtime_ns);
	}
	if (ref->row->flags & ROW_WAITS) {
		*ret_size = 0;
		*ret_mtime_ns = ref_mtime_ns(ref);
		return 0;
	}
	r = take(fs, ref, &content);
	if (r < 0)
		return r;
	*ret_size = (int64_t)content.text.len;
	*ret_mtime_ns = content.mtime_ns;
	return 0;
}

int content_read(struct fs *fs, struct ref *ref, size_t offset, size_t len, struct buf *out)
{
	_cleanup_content_ struct content content = CONTENT_INIT;
	int r;

	if (snapshot_read(fs->snapshots, ref->node, offset, len, out))
		return out->error;
	r = take(fs, ref, &content);
	if (r < 0)
		return r;
	if (offset < content.text.len)
		buf_add(out, content.text.data + offset,
			len < content.text.len - offset ? len : content.text.len - offset);
	return out->error;
}

/* What the feed tells of: as long as it does not, the snapshot alone answers. */
static bool is_told(const struct row *row, uint64_t node)
{
	const unsigned untold = ROW_DIR | ROW_VOLATILE | ROW_DIRECT | ROW_WAITS | ROW_SECRETIVE;

	return !(row->flags & untold) && !row->owner && !row->present && node_sub(node) == 0;
}

bool content_attr_kept(struct fs *fs, uint64_t node, struct stat *ret)
{
	const struct row *row = row_get(node_row(node));

	if (!row || !is_told(row, node) || !snapshot_attr(fs->snapshots, node, ret))
		return false;
	snapshot_told(fs->snapshots, node);
	return true;
}

int content_attr(struct fs *fs, struct ref *ref, struct stat *ret)
{
	int64_t size = 0, mtime_ns = ref_mtime_ns(ref);
	int r = row_is_dir(ref->row) ? 0 : content_stat(fs, ref, &size, &mtime_ns);

	if (r < 0)
		return r;
	if (!row_is_dir(ref->row))
		snapshot_told(fs->snapshots, ref->node);
	ref_stat(ref, size, mtime_ns, ret);
	if (is_told(ref->row, ref->node))
		snapshot_keep_attr(fs->snapshots, ref->node, ref->epoch, ret);
	return ref->row->owner ? ref->row->owner(fs, ref, ret) : 0;
}
