/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

int file_read(const char *path, size_t max, struct buf *buf, struct error *reterr)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t total = 0;
	char chunk[8192];
	ssize_t got;

	if (fd < 0)
		return error_errno(reterr, errno, "cannot open %s", path);
	while ((got = read(fd, chunk, sizeof(chunk))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(reterr, errno, "cannot read %s", path);
		total += (size_t)got;
		if (total > max)
			return error_set(reterr, -EFBIG, "%s is larger than %zu bytes", path, max);
		buf_add(buf, chunk, (size_t)got);
	}
	return buf->error ? error_oom(reterr) : 0;
}

int file_read_at(int fd, size_t offset, size_t len, struct buf *buf)
{
	ssize_t got;

	buf_reserve(buf, len);
	if (buf->error)
		return buf->error;
	got = pread(fd, buf->data + buf->len, len, (off_t)offset);
	if (got < 0)
		return -errno;
	buf->len += (size_t)got;
	buf->data[buf->len] = '\0';
	return 0;
}

int file_write_all(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len > 0) {
		ssize_t put = write(fd, at, len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		at += put;
		len -= (size_t)put;
	}
	return 0;
}

static int file_sync_parent(const char *path)
{
	char parent[PATH_MAX];
	char *slash;
	int fd, r;

	(void)snprintf(parent, sizeof(parent), "%s", path);
	slash = strrchr(parent, '/');
	if (!slash)
		return 0;
	*slash = '\0';
	fd = open(slash == parent ? "/" : parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = fsync(fd) < 0 ? -errno : 0;
	(void)close(fd);
	return r;
}

int file_write_atomic(const char *path, const void *data, size_t len, mode_t mode, int durable,
	struct error *reterr)
{
	char temporary[PATH_MAX];
	int fd, r;

	if (snprintf(temporary, sizeof(temporary), "%s.tmp", path) >= (int)sizeof(temporary))
		return error_set(reterr, -ENAMETOOLONG, "path too long: %s", path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return error_errno(reterr, errno, "cannot create %s", temporary);
	r = file_write_all(fd, data, len);
	if (r == 0 && fchmod(fd, mode) < 0)
		r = -errno;
	if (r == 0 && durable && fsync(fd) < 0)
		r = -errno;
	(void)close(fd);
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r == 0 && durable)
		r = file_sync_parent(path);
	if (r == 0)
		return 0;
	(void)unlink(temporary);
	return error_errno(reterr, -r, "cannot write %s", path);
}

int file_mkdirs(const char *path, mode_t mode, struct error *reterr)
{
	char part[PATH_MAX];
	char *at;

	if (snprintf(part, sizeof(part), "%s", path) >= (int)sizeof(part))
		return error_set(reterr, -ENAMETOOLONG, "path too long: %s", path);
	for (at = part + 1; *at; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		if (mkdir(part, mode) < 0 && errno != EEXIST)
			return error_errno(reterr, errno, "cannot make directory %s", part);
		*at = '/';
	}
	if (mkdir(part, mode) < 0 && errno != EEXIST)
		return error_errno(reterr, errno, "cannot make directory %s", part);
	return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

int file_remove_tree(const char *path, struct error *reterr)
{
	if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) < 0 && errno != ENOENT)
		return error_errno(reterr, errno, "cannot remove %s", path);
	return 0;
}
