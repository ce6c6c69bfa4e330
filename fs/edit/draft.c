/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/edit/draft.h"

#include <errno.h>

#include "fs/edit/commit.h"
#include "fs/tree/content.h"

int draft_load(struct fs *fs, struct ref *ref, struct edit *edit, size_t offset)
{
	_cleanup_content_ struct content content = CONTENT_INIT;
	int r = 0;

	if (edit->header.flags & EDIT_LOADED)
		return 0;
	/* A line from the beginning (`1<>`) is the new value, however long the old one was. */
	if (ref->row->flags & ROW_LINE && offset == 0) {
		edit->header.flags |= EDIT_EMPTY;
	} else {
		r = content_render(fs, ref, &content);
		if (r == 0 && content.text.len > 0)
			r = edit_write(edit, 0, content.text.data, content.text.len);
	}
	if (r == 0)
		edit->header.flags |= EDIT_LOADED;
	return r;
}

int draft_truncate(struct fs *fs, struct ref *ref, uint64_t handle, uint64_t size)
{
	_cleanup_edit_ struct edit edit = EDIT_INIT;
	size_t before;
	int r;

	if (ref->row->limit < size)
		return -EFBIG;
	r = edit_open(fs->edits, handle, &edit);
	if (r == 0 && size > 0)
		r = draft_load(fs, ref, &edit, size);
	if (r < 0)
		return r;
	before = edit.size;
	r = edit_truncate(&edit, (size_t)size);
	if (r < 0)
		return r;
	if (size == 0)
		edit.header.flags |= EDIT_EMPTY | EDIT_LOADED;
	else if (size != before)
		edit.header.flags |= EDIT_DIRTY;
	if (size < edit.header.start)
		edit.header.start = 0;
	return edit_save(&edit);
}

int draft_truncate_file(struct fs *fs, struct ref *ref, uint64_t size, const struct caller *caller)
{
	_cleanup_content_ struct content content = CONTENT_INIT;
	struct error error = ERROR_INIT;
	int r;

	if (!row_is_writable(ref->row) || size == 0)
		return 0;
	if (ref->row->limit < size)
		return -EFBIG;
	r = content_render(fs, ref, &content);
	if (r < 0 || content.text.len == size)
		return r;
	while (content.text.len < size && !content.text.error)
		buf_putc(&content.text, '\0');
	if (content.text.error)
		return content.text.error;
	buf_truncate(&content.text, (size_t)size);
	r = commit_apply(fs, ref, content.text.data, content.text.len, caller, &error);
	if (r < 0)
		commit_refuse(fs, ref, NULL, caller, r, &error);
	return r;
}
