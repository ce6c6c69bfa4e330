/* SPDX-License-Identifier: Apache-2.0 */
#define FUSE_USE_VERSION 314
#include "fs/edit/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/text.h"
#include "fs/edit/scratch_private.h"

/* A directory is kept as a named pipe: an inode that has mode, owner and times, can be linked like
 * a file, and that nobody opens. */
#define DIRECTORY_AS S_IFIFO

void scratch_data_name(uint64_t inode, char *name)
{
	(void)snprintf(name, SCRATCH_NAME_SIZE, "%llx", (unsigned long long)inode);
}

int scratch_new(struct scratch **ret, const char *dir, struct error *reterr)
{
	_cleanup_free_ struct scratch *scratch = calloc(1, sizeof(*scratch));
	_cleanup_free_ char *data = text_format("%s/data", dir);
	_cleanup_free_ char *names = text_format("%s/names", dir);
	int r;

	if (!scratch || !data || !names)
		return error_oom(reterr);
	r = file_mkdirs(data, 0700, reterr);
	if (r == 0)
		r = file_mkdirs(names, 0700, reterr);
	if (r < 0)
		return r;
	scratch->data_fd = open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	scratch->names_fd = open(names, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (scratch->data_fd < 0 || scratch->names_fd < 0) {
		r = error_errno(reterr, errno, "cannot open %s", dir);
		if (scratch->data_fd >= 0)
			(void)close(scratch->data_fd);
		return r;
	}
	lock_init(&scratch->lock, LOCK_SCRATCH);
	scratch_inherit(scratch);
	*ret = TAKE(scratch);
	return 0;
}

void scratch_free(struct scratch *scratch)
{
	if (!scratch)
		return;
	scratch_table_done(&scratch->table);
	lock_done(&scratch->lock);
	(void)close(scratch->data_fd);
	(void)close(scratch->names_fd);
	free(scratch);
}

/* "<directory>" or "<directory>/<name>" below names/. */
static int name_path(uint64_t directory, const char *name, char path[SCRATCH_PATH_SIZE])
{
	int len = snprintf(path, SCRATCH_PATH_SIZE, "%llx%s%s", (unsigned long long)directory,
		name ? "/" : "", name ? name : "");

	return len < SCRATCH_PATH_SIZE ? 0 : -ENAMETOOLONG;
}

/* As the kernel is to see it: our node, a directory for a pipe, without our own link. */
void scratch_dress(struct stat *st)
{
	st->st_ino = node_make_scratch(st->st_ino);
	st->st_nlink--;
	if ((st->st_mode & S_IFMT) != DIRECTORY_AS) {
		st->st_mode &= ~(mode_t)SCRATCH_KEPT_FILE;
		return;
	}
	st->st_mode = S_IFDIR | (st->st_mode & 01777);
	st->st_nlink = 2;
	st->st_size = 0;
}

int scratch_find(struct scratch *scratch, uint64_t directory, const char *name, struct stat *ret)
{
	char path[SCRATCH_PATH_SIZE];
	int r = name_path(directory, name, path);

	if (r < 0)
		return r;
	if (fstatat(scratch->names_fd, path, ret, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	scratch_dress(ret);
	return 0;
}

int scratch_stat(struct scratch *scratch, uint64_t node, struct stat *ret)
{
	char name[SCRATCH_NAME_SIZE];

	scratch_data_name(node_scratch(node), name);
	if (fstatat(scratch->data_fd, name, ret, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? -ESTALE : -errno;
	scratch_dress(ret);
	return 0;
}

/* Makes the inode under a temporary name, with its owner, and then under its number. */
static int create_data(struct scratch *scratch, mode_t mode, const struct caller *caller,
	char name[SCRATCH_NAME_SIZE])
{
	static const char temporary[] = ".new";
	bool dir = S_ISDIR(mode);
	char pid[16];
	struct stat st;
	int r = 0;

	(void)unlinkat(scratch->data_fd, temporary, 0);
	if (mknodat(scratch->data_fd, temporary, (dir ? DIRECTORY_AS : S_IFREG) | 0600, 0) < 0)
		return -errno;
	if (fchownat(scratch->data_fd, temporary, caller->uid, caller->gid, 0) < 0 ||
		fchmodat(scratch->data_fd, temporary, mode & 07777, 0) < 0 ||
		fstatat(scratch->data_fd, temporary, &st, AT_SYMLINK_NOFOLLOW) < 0)
		r = -errno;
	if (r == 0) {
		scratch_data_name(st.st_ino, name);
		if (renameat(scratch->data_fd, temporary, scratch->data_fd, name) < 0)
			r = -errno;
	}
	if (r < 0) {
		(void)unlinkat(scratch->data_fd, temporary, 0);
		return r;
	}
	(void)snprintf(pid, sizeof(pid), "%d", (int)caller->pid);
	scratch_set_maker(scratch, name, pid);
	return 0;
}

static int link_name(struct scratch *scratch, const char *data, uint64_t directory,
	const char *name)
{
	char parent[SCRATCH_PATH_SIZE], path[SCRATCH_PATH_SIZE];
	int r = name_path(directory, name, path);

	if (r < 0)
		return r;
	(void)name_path(directory, NULL, parent);
	if (mkdirat(scratch->names_fd, parent, 0700) < 0 && errno != EEXIST)
		return -errno;
	return linkat(scratch->data_fd, data, scratch->names_fd, path, 0) < 0 ? -errno : 0;
}

/* What is in a directory has changed. */
static void touch(struct scratch *scratch, uint64_t directory)
{
	const struct timespec now[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_NOW}};
	char name[SCRATCH_NAME_SIZE];

	if (node_row(directory) != ROW_SCRATCH)
		return;
	scratch_data_name(node_scratch(directory), name);
	(void)utimensat(scratch->data_fd, name, now, AT_SYMLINK_NOFOLLOW);
}

int scratch_create(struct scratch *scratch, uint64_t directory, const char *name, mode_t mode,
	const struct caller *caller, struct stat *ret)
{
	char data[SCRATCH_NAME_SIZE];
	int r;

	LOCKED(&scratch->lock);
	if (scratch_find(scratch, directory, name, ret) == 0)
		return -EEXIST;
	r = scratch_table_charge(&scratch->table, caller->uid, 1, 0);
	if (r < 0)
		return r;
	if (S_ISDIR(mode) && scratch_is_kept(scratch, directory))
		mode |= SCRATCH_KEPT_DIR;
	r = create_data(scratch, mode, caller, data);
	if (r == 0) {
		r = link_name(scratch, data, directory, name);
		if (r < 0)
			(void)unlinkat(scratch->data_fd, data, 0);
	}
	if (r < 0) {
		(void)scratch_table_charge(&scratch->table, caller->uid, -1, 0);
		return r;
	}
	touch(scratch, directory);
	return scratch_find(scratch, directory, name, ret);
}

static bool is_marked(const struct stat *st)
{
	bool dir = (st->st_mode & S_IFMT) == DIRECTORY_AS;

	return st->st_mode & (dir ? SCRATCH_KEPT_DIR : SCRATCH_KEPT_FILE);
}

bool scratch_is_kept(struct scratch *scratch, uint64_t directory)
{
	char name[SCRATCH_NAME_SIZE];
	struct stat st;

	if (node_row(directory) != ROW_SCRATCH)
		return false;
	scratch_data_name(node_scratch(directory), name);
	return fstatat(scratch->data_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && is_marked(&st);
}

void scratch_drop(struct scratch *scratch, uint64_t inode)
{
	char name[SCRATCH_NAME_SIZE];
	struct stat st;

	scratch_data_name(inode, name);
	if (fstatat(scratch->data_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_nlink > 1)
		return;
	(void)unlinkat(scratch->data_fd, name, 0);
	scratch_table_forget(&scratch->table, inode);
	(void)scratch_table_charge(&scratch->table, st.st_uid, -1, -st.st_size);
}

/* A name is gone: the data goes with it unless somebody has it, or may have it, open. */
static void name_gone(struct scratch *scratch, uint64_t inode)
{
	if (!scratch_table_is_open(&scratch->table, inode) &&
		!scratch_table_is_inherited(&scratch->table, inode))
		scratch_drop(scratch, inode);
}

static bool is_empty(struct scratch *scratch, uint64_t directory)
{
	char path[SCRATCH_PATH_SIZE];

	(void)name_path(directory, NULL, path);
	return unlinkat(scratch->names_fd, path, AT_REMOVEDIR) == 0 || errno == ENOENT;
}

static int remove_name(struct scratch *scratch, uint64_t directory, const char *name, bool dir)
{
	char path[SCRATCH_PATH_SIZE];
	struct stat st;
	int r = name_path(directory, name, path);

	if (r == 0)
		r = scratch_find(scratch, directory, name, &st);
	if (r < 0)
		return r;
	if (S_ISDIR(st.st_mode) != dir)
		return dir ? -ENOTDIR : -EISDIR;
	if (dir && !is_empty(scratch, st.st_ino))
		return -ENOTEMPTY;
	if (unlinkat(scratch->names_fd, path, 0) < 0)
		return -errno;
	touch(scratch, directory);
	name_gone(scratch, node_scratch(st.st_ino));
	return 0;
}

int scratch_unlink(struct scratch *scratch, uint64_t directory, const char *name)
{
	LOCKED(&scratch->lock);
	return remove_name(scratch, directory, name, false);
}

int scratch_rmdir(struct scratch *scratch, uint64_t directory, const char *name)
{
	LOCKED(&scratch->lock);
	return remove_name(scratch, directory, name, true);
}

/* What the new name stands for now makes room, when it may. */
static int clear_target(struct scratch *scratch, const struct stat *source, uint64_t directory,
	const char *name, struct stat *target)
{
	bool dir = S_ISDIR(source->st_mode);

	if (scratch_find(scratch, directory, name, target) < 0) {
		target->st_ino = 0;
		return 0;
	}
	if (S_ISDIR(target->st_mode) != dir)
		return dir ? -ENOTDIR : -EISDIR;
	return dir && !is_empty(scratch, target->st_ino) ? -ENOTEMPTY : 0;
}

int scratch_rename(struct scratch *scratch, uint64_t directory, const char *name,
	uint64_t new_directory, const char *new_name, unsigned flags)
{
	char path[SCRATCH_PATH_SIZE], new_path[SCRATCH_PATH_SIZE], parent[SCRATCH_PATH_SIZE];
	struct stat st, target;
	int r;

	LOCKED(&scratch->lock);
	r = scratch_find(scratch, directory, name, &st);
	if (r == 0)
		r = name_path(directory, name, path);
	if (r == 0)
		r = name_path(new_directory, new_name, new_path);
	if (r == 0)
		r = clear_target(scratch, &st, new_directory, new_name, &target);
	if (r < 0)
		return r;
	if (target.st_ino == st.st_ino)
		return 0;
	(void)name_path(new_directory, NULL, parent);
	if (mkdirat(scratch->names_fd, parent, 0700) < 0 && errno != EEXIST)
		return -errno;
	if (renameat2(scratch->names_fd, path, scratch->names_fd, new_path, flags) < 0)
		return -errno;
	touch(scratch, directory);
	touch(scratch, new_directory);
	if (target.st_ino)
		name_gone(scratch, node_scratch(target.st_ino));
	return 0;
}

void scratch_opened(struct scratch *scratch, uint64_t node)
{
	LOCKED(&scratch->lock);
	(void)scratch_table_open(&scratch->table, node_scratch(node));
}

void scratch_released(struct scratch *scratch, uint64_t node)
{
	LOCKED(&scratch->lock);
	if (scratch_table_close(&scratch->table, node_scratch(node)))
		scratch_drop(scratch, node_scratch(node));
}

static int open_data(struct scratch *scratch, uint64_t node, int flags)
{
	char name[SCRATCH_NAME_SIZE];
	int fd;

	scratch_data_name(node_scratch(node), name);
	fd = openat(scratch->data_fd, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? -ESTALE : -errno;
	return fd;
}

int scratch_read(struct scratch *scratch, uint64_t node, size_t offset, size_t len, struct buf *out)
{
	_cleanup_close_ int fd = open_data(scratch, node, O_RDONLY);

	return fd < 0 ? fd : file_read_at(fd, offset, len, out);
}

/* Charges a file's owner for its growing (or shrinking) to size. */
static int charge(struct scratch *scratch, const struct stat *st, int64_t size)
{
	if (size > SCRATCH_FILE_MAX)
		return -EFBIG;
	return scratch_table_charge(&scratch->table, st->st_uid, 0, size - st->st_size);
}

/* A program that somebody writes into is no longer the one that was given its owner's rights. */
static void drop_privileges(int fd, const struct stat *st)
{
	mode_t gone = S_ISUID | (st->st_mode & S_IXGRP ? S_ISGID : 0);

	if (st->st_mode & gone)
		(void)fchmod(fd, st->st_mode & 07777 & ~gone);
}

int scratch_write(struct scratch *scratch, uint64_t node, size_t offset, const void *data,
	size_t len)
{
	_cleanup_close_ int fd = open_data(scratch, node, O_WRONLY);
	struct stat st;
	ssize_t put;
	int r = 0;

	if (fd < 0)
		return fd;
	if (offset > SCRATCH_FILE_MAX)
		return -EFBIG;
	LOCKED(&scratch->lock);
	if (fstat(fd, &st) < 0)
		return -errno;
	if ((int64_t)(offset + len) > st.st_size)
		r = charge(scratch, &st, (int64_t)(offset + len));
	if (r < 0)
		return r;
	drop_privileges(fd, &st);
	put = pwrite(fd, data, len, (off_t)offset);
	if (put == (ssize_t)len)
		return 0;
	r = put < 0 ? -errno : -ENOSPC;
	if (fstat(fd, &st) == 0)
		(void)charge(scratch, &st, st.st_size);
	return r;
}

static int truncate_to(struct scratch *scratch, uint64_t node, int64_t size)
{
	_cleanup_close_ int fd = open_data(scratch, node, O_WRONLY);
	struct stat st;
	int r;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	r = charge(scratch, &st, size);
	if (r < 0)
		return r;
	return ftruncate(fd, size) < 0 ? -errno : 0;
}

static int set_owner(struct scratch *scratch, const char *name, const struct stat *attr, int to_set)
{
	uid_t uid = to_set & FUSE_SET_ATTR_UID ? attr->st_uid : (uid_t)-1;
	gid_t gid = to_set & FUSE_SET_ATTR_GID ? attr->st_gid : (gid_t)-1;
	struct stat st;

	if (!(to_set & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)))
		return 0;
	if (fstatat(scratch->data_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (fchownat(scratch->data_fd, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (uid != (uid_t)-1 && uid != st.st_uid) {
		(void)scratch_table_charge(&scratch->table, st.st_uid, -1, -st.st_size);
		(void)scratch_table_charge(&scratch->table, uid, 1, st.st_size);
	}
	return 0;
}

static struct timespec set_time(const struct timespec *when, int to_set, int given, int now)
{
	if (to_set & now)
		return (struct timespec){.tv_nsec = UTIME_NOW};
	return to_set & given ? *when : (struct timespec){.tv_nsec = UTIME_OMIT};
}

static int set_mode(struct scratch *scratch, const char *name, mode_t mode)
{
	struct stat st;

	if (fstatat(scratch->data_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if ((st.st_mode & S_IFMT) == DIRECTORY_AS)
		mode = (mode & 01777) | (st.st_mode & SCRATCH_KEPT_DIR);
	else
		mode = (mode & 06777) | (st.st_mode & SCRATCH_KEPT_FILE);
	return fchmodat(scratch->data_fd, name, mode, 0) < 0 ? -errno : 0;
}

int scratch_setattr(struct scratch *scratch, uint64_t node, const struct stat *attr, int to_set)
{
	struct timespec times[2] = {
		set_time(&attr->st_atim, to_set, FUSE_SET_ATTR_ATIME, FUSE_SET_ATTR_ATIME_NOW),
		set_time(&attr->st_mtim, to_set, FUSE_SET_ATTR_MTIME, FUSE_SET_ATTR_MTIME_NOW),
	};
	char name[SCRATCH_NAME_SIZE];
	int r = 0;

	scratch_data_name(node_scratch(node), name);
	LOCKED(&scratch->lock);
	if (to_set & FUSE_SET_ATTR_SIZE)
		r = truncate_to(scratch, node, attr->st_size);
	if (r == 0)
		r = set_owner(scratch, name, attr, to_set);
	if (r == 0 && to_set & FUSE_SET_ATTR_MODE)
		r = set_mode(scratch, name, attr->st_mode);
	if (r == 0 && utimensat(scratch->data_fd, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		r = -errno;
	return r == -ENOENT ? -ESTALE : r;
}
