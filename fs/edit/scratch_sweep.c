/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "fs/tree/rows.h"
#include "fs/edit/scratch_private.h"

#define MAKER_XATTR "trusted.duplofs.pid"

#define TREE_AGE_S    (24 * 3600) /* a repository's files hang together */
#define DERIVED_AGE_S 60 /* what a copy brought along */

bool scratch_is_temporary(const char *name)
{
	static const char *const patterns[] = {".*", "*~", "#*#", "4913", "*.sw?", "*.tmp",
		"*.tmp.*", "*.temp", "*.bak", "*.orig", "*.rej", "*.new", "*.old", "*.part",
		"*.lock", "*.rpmsave", "*.dpkg-*",
		"sed[A-Za-z0-9][A-Za-z0-9][A-Za-z0-9][A-Za-z0-9][A-Za-z0-9][A-Za-z0-9]",
		"XX[A-Za-z0-9_][A-Za-z0-9_][A-Za-z0-9_][A-Za-z0-9_][A-Za-z0-9_][A-Za-z0-9_]",
		"tmp[a-z0-9_][a-z0-9_][a-z0-9_][a-z0-9_][a-z0-9_][a-z0-9_][a-z0-9_][a-z0-9_]",
		"sponge.*", "cpTMP*", NULL};
	size_t i;

	for (i = 0; patterns[i]; i++)
		if (fnmatch(patterns[i], name, 0) == 0)
			return true;
	return false;
}

/* ---- directories of the tmpfs ---- */

static DIR *open_listing(int at_fd, const char *path)
{
	int fd = openat(at_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = fd < 0 ? NULL : fdopendir(fd);

	if (!listing && fd >= 0)
		(void)close(fd);
	return listing;
}

struct named {
	char *name;
	struct stat st;
};

static int compare_named(const void *a, const void *b)
{
	const struct named *left = a, *right = b;

	return (left->st.st_ino > right->st.st_ino) - (left->st.st_ino < right->st.st_ino);
}

struct names {
	struct named *all;
	size_t count, capacity;
};

static int names_add(struct names *names, const char *name, const struct stat *st)
{
	struct named *grown = names->all;
	char *copy;

	if (names->count == names->capacity) {
		names->capacity = names->capacity ? 2 * names->capacity : 16;
		grown = reallocarray(names->all, names->capacity, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		names->all = grown;
	}
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	names->all[names->count++] = (struct named){copy, *st};
	return 0;
}

static void names_done(struct names *names)
{
	size_t i;

	for (i = 0; i < names->count; i++)
		free(names->all[i].name);
	free(names->all);
}
#define _cleanup_names_ __attribute__((cleanup(names_done)))

/* The names of one directory behind a node, in the order of nodes. */
static int read_names(struct scratch *scratch, uint64_t directory, uint64_t after,
	struct names *names)
{
	char path[SCRATCH_NAME_SIZE];
	struct dirent *entry;
	DIR *listing;
	int r = 0;

	scratch_data_name(directory, path);
	listing = open_listing(scratch->names_fd, path);
	while (listing && r == 0 && (entry = readdir(listing))) {
		struct stat st;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
			fstatat(dirfd(listing), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		scratch_dress(&st);
		if (st.st_ino > after)
			r = names_add(names, entry->d_name, &st);
	}
	if (listing)
		(void)closedir(listing);
	if (names->count > 1)
		qsort(names->all, names->count, sizeof(*names->all), compare_named);
	return r;
}

int scratch_list(struct scratch *scratch, uint64_t directory, uint64_t after, scratch_fn fn,
	void *arg)
{
	_cleanup_names_ struct names names = {0};
	int r = read_names(scratch, directory, after, &names);
	size_t i;

	for (i = 0; i < names.count && r == 0; i++)
		r = fn(arg, names.all[i].name, &names.all[i].st);
	return r;
}

/* ---- what was left behind ---- */

void scratch_set_maker(struct scratch *scratch, const char *data, const char *pid)
{
	char path[64];

	/* Kernels without such attributes on a tmpfs only lose a reason to keep the file longer. */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", scratch->data_fd, data);
	(void)lsetxattr(path, MAKER_XATTR, pid, strlen(pid), 0);
}

static bool maker_lives(struct scratch *scratch, const char *data)
{
	char path[64], pid[16] = "";
	int64_t number;
	ssize_t len;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", scratch->data_fd, data);
	len = lgetxattr(path, MAKER_XATTR, pid, sizeof(pid) - 1);
	if (len <= 0 || text_parse_int(pid, 1, INT32_MAX, &number) < 0)
		return false;
	return kill((pid_t)number, 0) == 0 || errno != ESRCH;
}

/* Calls fn for each data file. */
static void each_data(struct scratch *scratch,
	void (*fn)(struct scratch *scratch, const char *name, const struct stat *st, void *arg),
	void *arg)
{
	DIR *listing = open_listing(scratch->data_fd, ".");
	struct dirent *entry;
	struct stat st;

	while (listing && (entry = readdir(listing)))
		if (isxdigit((unsigned char)entry->d_name[0]) &&
			fstatat(scratch->data_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			fn(scratch, entry->d_name, &st, arg);
	if (listing)
		(void)closedir(listing);
}

static void inherit_one(struct scratch *scratch, const char *name, const struct stat *st, void *arg)
{
	(void)name;
	(void)arg;
	scratch_table_inherit(&scratch->table, st->st_ino);
	(void)scratch_table_charge(&scratch->table, st->st_uid, 1, st->st_size);
}

void scratch_inherit(struct scratch *scratch)
{
	LOCKED(&scratch->lock);
	each_data(scratch, inherit_one, NULL);
}

/* ---- ageing ---- */

struct sweep {
	int64_t now_s, age_s;
	size_t left;
};

static bool is_old(struct scratch *scratch, const char *data, uint64_t inode, const struct stat *st,
	int64_t age_s, int64_t now_s)
{
	int64_t used_s = st->st_ctim.tv_sec;

	if (st->st_mtim.tv_sec > used_s && st->st_mtim.tv_sec <= now_s)
		used_s = st->st_mtim.tv_sec;
	if (st->st_atim.tv_sec > used_s && st->st_atim.tv_sec <= now_s)
		used_s = st->st_atim.tv_sec;
	if (now_s - used_s < age_s || scratch_table_is_open(&scratch->table, inode))
		return false;
	return !scratch_table_is_inherited(&scratch->table, inode) || !maker_lives(scratch, data);
}

static int64_t directory_age_s(struct scratch *scratch, uint64_t directory, int64_t age_s)
{
	const struct row *row = row_get(node_row(directory));

	if (scratch_is_kept(scratch, directory))
		return TREE_AGE_S;
	if (!row || row->flags & ROW_DERIVED)
		return DERIVED_AGE_S < age_s ? DERIVED_AGE_S : age_s;
	return age_s;
}

static void sweep_directory(struct scratch *scratch, const char *path, struct sweep *sweep)
{
	_cleanup_names_ struct names names = {0};
	uint64_t directory = strtoull(path, NULL, 16);
	int64_t age_s = directory_age_s(scratch, directory, sweep->age_s);
	size_t i;

	(void)read_names(scratch, directory, 0, &names);
	for (i = 0; i < names.count; i++) {
		uint64_t inode = node_scratch(names.all[i].st.st_ino);
		char data[SCRATCH_NAME_SIZE];
		bool kept = scratch_is_kept(scratch, names.all[i].st.st_ino);

		scratch_data_name(inode, data);
		if (!is_old(scratch, data, inode, &names.all[i].st, kept ? TREE_AGE_S : age_s,
			    sweep->now_s))
			continue;
		if (S_ISDIR(names.all[i].st.st_mode))
			(void)scratch_rmdir(scratch, directory, names.all[i].name);
		else
			(void)scratch_unlink(scratch, directory, names.all[i].name);
	}
}

/* Data without a name that nobody can have open any more. */
static void sweep_data(struct scratch *scratch, const char *name, const struct stat *st, void *arg)
{
	struct sweep *sweep = arg;

	if (st->st_nlink == 1 && is_old(scratch, name, st->st_ino, st, sweep->age_s, sweep->now_s))
		scratch_drop(scratch, st->st_ino);
	else
		sweep->left++;
}

size_t scratch_sweep(struct scratch *scratch, int64_t age_s)
{
	struct sweep sweep = {.now_s = clock_wall_ns() / NS_PER_SECOND, .age_s = age_s};
	DIR *listing = open_listing(scratch->names_fd, ".");
	struct dirent *entry;

	while (listing && (entry = readdir(listing))) {
		if (!isxdigit((unsigned char)entry->d_name[0]))
			continue;
		sweep_directory(scratch, entry->d_name, &sweep);
		/* Fails while there are names in it. */
		lock_acquire(&scratch->lock);
		(void)unlinkat(scratch->names_fd, entry->d_name, AT_REMOVEDIR);
		lock_release(&scratch->lock);
	}
	if (listing)
		(void)closedir(listing);
	LOCKED(&scratch->lock);
	each_data(scratch, sweep_data, &sweep);
	return sweep.left;
}
