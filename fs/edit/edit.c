/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/edit/edit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/text.h"

#define EDIT_MAGIC  UINT64_C(0x7469647570757365)
#define EDITS_MAX   65536
#define STRIPES     64
#define HEADER_SIZE ((off_t)sizeof(struct edit_header))
#define NAME_SIZE   20

/* A document may be looked at after each write up to here; above only when it looks complete. */
#define EAGER_BYTES (64 * 1024)

struct edits {
	int dir_fd;
	atomic_int count;
	struct lock stripes[STRIPES];
};

static void handle_name(uint64_t handle, char name[NAME_SIZE])
{
	(void)snprintf(name, NAME_SIZE, "%016llx", (unsigned long long)handle);
}

/* Drafts lie in a directory named for their mount; all others are leftovers. */
static int remove_leftovers(const char *dir, const char *mount, struct error *reterr)
{
	DIR *listing = opendir(dir);
	struct dirent *entry;
	int r = 0;

	if (!listing)
		return error_errno(reterr, errno, "cannot list %s", dir);
	while (r == 0 && (entry = readdir(listing))) {
		_cleanup_free_ char *path = NULL;

		if (entry->d_name[0] == '.' || strcmp(entry->d_name, mount) == 0)
			continue;
		path = text_format("%s/%s", dir, entry->d_name);
		r = path ? file_remove_tree(path, reterr) : error_oom(reterr);
	}
	(void)closedir(listing);
	return r;
}

static int count_drafts(int dir_fd)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int count = 0;

	if (!listing) {
		if (fd >= 0)
			(void)close(fd);
		return 0;
	}
	while ((entry = readdir(listing)))
		if (entry->d_name[0] != '.')
			count++;
	(void)closedir(listing);
	return count;
}

int edits_new(struct edits **ret, const char *dir, const char *mount, struct error *reterr)
{
	_cleanup_free_ char *path = text_format("%s/%s", dir, mount);
	_cleanup_free_ struct edits *edits = calloc(1, sizeof(*edits));
	size_t i;
	int r;

	if (!edits || !path)
		return error_oom(reterr);
	r = file_mkdirs(path, 0700, reterr);
	if (r == 0)
		r = remove_leftovers(dir, mount, reterr);
	if (r < 0)
		return r;
	edits->dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (edits->dir_fd < 0)
		return error_errno(reterr, errno, "cannot open %s", path);
	edits->count = count_drafts(edits->dir_fd);
	for (i = 0; i < STRIPES; i++)
		lock_init(&edits->stripes[i], LOCK_EDIT);
	*ret = TAKE(edits);
	return 0;
}

void edits_free(struct edits *edits)
{
	size_t i;

	if (!edits)
		return;
	for (i = 0; i < STRIPES; i++)
		lock_done(&edits->stripes[i]);
	(void)close(edits->dir_fd);
	free(edits);
}

int edit_create(struct edits *edits, const struct edit_header *header, uint64_t *ret_handle)
{
	_cleanup_close_ int fd = -1;
	struct edit_header stored = *header;
	char name[NAME_SIZE];
	uint64_t handle;
	int r;

	if (atomic_load(&edits->count) >= EDITS_MAX)
		return -EDQUOT;
	r = text_random(&handle, sizeof(handle));
	if (r < 0)
		return r;
	handle |= UINT64_C(1) << 63; /* never 0, never a number with a meaning of its own */
	handle_name(handle, name);
	fd = openat(edits->dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	atomic_fetch_add(&edits->count, 1);
	stored.magic = EDIT_MAGIC;
	r = file_write_all(fd, &stored, sizeof(stored));
	if (r < 0) {
		edit_drop(edits, handle);
		return r;
	}
	*ret_handle = handle;
	return 0;
}

int edit_open(struct edits *edits, uint64_t handle, struct edit *ret)
{
	struct lock *stripe = &edits->stripes[handle % STRIPES];
	struct edit edit = {.edits = edits, .handle = handle, .fd = -1};
	char name[NAME_SIZE];
	struct stat st;

	handle_name(handle, name);
	lock_acquire(stripe);
	edit.fd = openat(edits->dir_fd, name, O_RDWR | O_CLOEXEC);
	if (edit.fd < 0 || fstat(edit.fd, &st) < 0 ||
		pread(edit.fd, &edit.header, sizeof(edit.header), 0) != HEADER_SIZE ||
		edit.header.magic != EDIT_MAGIC) {
		if (edit.fd >= 0)
			(void)close(edit.fd);
		lock_release(stripe);
		return -ESTALE;
	}
	edit.size = (size_t)(st.st_size - HEADER_SIZE);
	*ret = edit;
	return 0;
}

void edit_close(struct edit *edit)
{
	if (edit->fd < 0)
		return;
	(void)close(edit->fd);
	edit->fd = -1;
	lock_release(&edit->edits->stripes[edit->handle % STRIPES]);
}

void edit_drop(struct edits *edits, uint64_t handle)
{
	char name[NAME_SIZE];

	handle_name(handle, name);
	if (unlinkat(edits->dir_fd, name, 0) == 0)
		atomic_fetch_sub(&edits->count, 1);
}

int edit_save(struct edit *edit)
{
	ssize_t put = pwrite(edit->fd, &edit->header, sizeof(edit->header), 0);

	return put == HEADER_SIZE ? 0 : put < 0 ? -errno : -EIO;
}

int edit_write(struct edit *edit, size_t offset, const void *data, size_t len)
{
	ssize_t put = pwrite(edit->fd, data, len, HEADER_SIZE + (off_t)offset);

	if (put < 0)
		return -errno;
	if ((size_t)put != len)
		return -ENOSPC;
	if (offset + len > edit->size)
		edit->size = offset + len;
	return 0;
}

int edit_truncate(struct edit *edit, size_t size)
{
	if (ftruncate(edit->fd, HEADER_SIZE + (off_t)size) < 0)
		return -errno;
	edit->size = size;
	return 0;
}

int edit_read(struct edit *edit, size_t offset, size_t len, struct buf *out)
{
	if (offset >= edit->size)
		return 0;
	if (len > edit->size - offset)
		len = edit->size - offset;
	return file_read_at(edit->fd, HEADER_SIZE + offset, len, out);
}

enum edit_step edit_before_write(const struct edit_header *header, size_t offset)
{
	if (!(header->flags & EDIT_POISONED))
		return EDIT_NOTHING;
	return header->flags & EDIT_TOLD && offset <= header->start ? EDIT_RESTART : EDIT_REPEAT;
}

void edit_refused(struct edit_header *header, int result)
{
	header->flags &= ~(uint32_t)(EDIT_DIRTY | EDIT_TOLD);
	header->flags |= EDIT_REFUSED | EDIT_POISONED;
	header->error = result;
}

enum edit_step edit_after_write(bool line, bool document, size_t offset, size_t len, size_t size,
	char last)
{
	/* Writers go forward: what ends at the end has nothing old behind it any more. */
	if (offset + len != size)
		return EDIT_NOTHING;
	if (line)
		return last == '\n' ? EDIT_CHECK : EDIT_CHECK_BEGUN;
	if (document)
		return size <= EAGER_BYTES || last == '}' ? EDIT_CHECK : EDIT_NOTHING;
	return EDIT_NOTHING;
}

enum edit_step edit_at_close(struct edit_header *header, bool opener)
{
	if (header->flags & EDIT_REFUSED) {
		header->flags |= EDIT_TOLD;
		return EDIT_REPEAT;
	}
	if (!(header->flags & EDIT_DIRTY))
		return EDIT_NOTHING;
	return opener ? EDIT_COMMIT : EDIT_NOTHING;
}

bool edit_is_cut(const struct edit *edit)
{
	const uint32_t written = EDIT_DIRTY | EDIT_REFUSED | EDIT_ACCEPTED;

	return edit->size == 0 && edit->header.flags & EDIT_EMPTY &&
	       !(edit->header.flags & written);
}

void edit_decided(struct edit_header *header, int result, size_t size)
{
	header->flags &= ~(uint32_t)(EDIT_DIRTY | EDIT_REFUSED | EDIT_POISONED | EDIT_TOLD);
	header->error = result;
	if (result < 0) {
		header->flags |= EDIT_REFUSED;
		return;
	}
	header->flags |= EDIT_ACCEPTED;
	header->start = (uint32_t)size;
}
