/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/view/mirror_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/tar.h"
#include "model/kind.h"

#define PATH_BYTES 512 /* of a path below a view */

/* ---- what is there ---- */

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct mirror_entry *)a)->path,
		((const struct mirror_entry *)b)->path);
}

static const struct mirror_entry *find(const struct mirror_tree *tree, const char *path)
{
	const struct mirror_entry key = {.path = (char *)(uintptr_t)path};

	return tree && tree->count > 0
		       ? bsearch(&key, tree->entries, tree->count, sizeof(key), compare)
		       : NULL;
}

static struct mirror_entry *entry_add(struct mirror_tree *tree, const char *path)
{
	struct mirror_entry *entry;

	if (tree->count == tree->room) {
		size_t room = tree->room ? tree->room * 2 : 32;
		void *more = reallocarray(tree->entries, room, sizeof(*tree->entries));

		if (!more)
			return NULL;
		tree->entries = more;
		tree->room = room;
	}
	entry = &tree->entries[tree->count];
	*entry = (struct mirror_entry){.path = strdup(path)};
	if (!entry->path)
		return NULL;
	tree->count++;
	return entry;
}

static int scan_entry(struct mirror_tree *tree, int dir_fd, const char *name, const char *path,
	mode_t *ret_type)
{
	struct mirror_entry *entry;
	char target[PATH_BYTES];
	struct stat st;
	ssize_t len;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? -EAGAIN : -errno;
	entry = entry_add(tree, path);
	if (!entry)
		return -ENOMEM;
	*ret_type = entry->type = st.st_mode & S_IFMT;
	entry->inode = st.st_ino;
	entry->size = st.st_size;
	entry->mtime_ns = st.st_mtim.tv_sec * NS_PER_SECOND + st.st_mtim.tv_nsec;
	if (!S_ISLNK(st.st_mode))
		return 0;
	len = readlinkat(dir_fd, name, target, sizeof(target) - 1);
	if (len < 0)
		return errno == ENOENT ? -EAGAIN : -errno;
	target[len] = '\0';
	entry->target = strdup(target);
	return entry->target ? 0 : -ENOMEM;
}

static int scan_directory(struct mirror_tree *tree, int parent_fd, const char *name,
	const char *prefix)
{
	int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	char path[PATH_BYTES];
	mode_t type = 0;
	int r = 0;

	if (!dir)
		return errno == ENOENT ? -EAGAIN : -errno;
	while (r == 0 && (entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		(void)snprintf(path, sizeof(path), "%s%s%s", prefix, prefix[0] ? "/" : "",
			entry->d_name);
		r = scan_entry(tree, fd, entry->d_name, path, &type);
		if (r == 0 && type == S_IFDIR)
			r = scan_directory(tree, fd, entry->d_name, path);
	}
	(void)closedir(dir);
	return r;
}

/* A link at the top leads to a set; one that came while we looked is there at the next look. */
static bool is_whole(const struct mirror_tree *tree)
{
	for (size_t i = 0; i < tree->count; i++) {
		const struct mirror_entry *entry = &tree->entries[i];

		if (entry->target && !strchr(entry->target, '/') && !find(tree, entry->target))
			return false;
	}
	return true;
}

int mirror_tree_scan(struct mirror_tree *tree, const char *view, struct error *reterr)
{
	int r = scan_directory(tree, AT_FDCWD, view, "");

	if (r == 0 && tree->count > 0)
		qsort(tree->entries, tree->count, sizeof(*tree->entries), compare);
	if (r == 0 && !is_whole(tree))
		r = -EAGAIN;
	if (r == -EAGAIN)
		return error_set(reterr, r, "the view changes just now");
	return r < 0 ? error_errno(reterr, -r, "a view cannot be read") : 0;
}

void mirror_tree_done(struct mirror_tree *tree)
{
	for (size_t i = 0; i < tree->count; i++) {
		free(tree->entries[i].path);
		free(tree->entries[i].target);
	}
	free(tree->entries);
	*tree = (struct mirror_tree){NULL, 0, 0};
}

/* ---- what has to be brought ---- */

struct bringing {
	const struct mirror_tree *old, *wanted;
	const char *view;
	int64_t service;
	mirror_send_fn send;
	void *arg;
	struct buf orders, tar;
	int64_t number; /* of files in the batch */
};

static void order(struct bringing *b, char kind, const char *first, const char *second)
{
	const char name[2] = {kind, '\0'};

	buf_add(&b->orders, name, 2);
	if (first)
		buf_add(&b->orders, first, strlen(first) + 1);
	if (second)
		buf_add(&b->orders, second, strlen(second) + 1);
}

/* Where the agent looks: .in/<service>/ with the orders in "do". */
static void batch_name(const struct bringing *b, const char *rest, char name[TAR_NAME_MAX + 1])
{
	(void)snprintf(name, TAR_NAME_MAX + 1, ".in/%" PRId64 "%s", b->service, rest);
}

static int batch_send(struct bringing *b, struct error *reterr)
{
	char name[TAR_NAME_MAX + 1];
	int r = 0;

	if (b->orders.len > 0) {
		batch_name(b, "/do", name);
		tar_file(&b->tar, name, 0400, 0, b->orders.data, b->orders.len);
		tar_end(&b->tar);
		if (b->orders.error || b->tar.error)
			r = error_oom(reterr);
		else
			r = b->send(b->arg, &b->tar, reterr);
	}
	buf_wipe(&b->tar);
	buf_reset(&b->tar);
	buf_reset(&b->orders);
	b->number = 0;
	return r;
}

static void batch_begin(struct bringing *b)
{
	char name[TAR_NAME_MAX + 1];

	if (b->tar.len > 0)
		return;
	/* Memory that grows would leave copies behind. */
	buf_reserve(&b->tar, MIRROR_BATCH_BYTES / 4);
	tar_directory(&b->tar, ".in", 0700);
	batch_name(b, "", name);
	tar_directory(&b->tar, name, 0700);
}

static int bring_file(struct bringing *b, const struct mirror_entry *entry, struct error *reterr)
{
	char path[PATH_BYTES + 256], number[24], name[TAR_NAME_MAX + 1], rest[32];
	struct buf content = BUF_INIT;
	int r;

	(void)snprintf(path, sizeof(path), "%s/%s", b->view, entry->path);
	r = file_read(path, (size_t)entry->size, &content, NULL);
	if (r == -ENOENT || r == -EFBIG)
		r = -EAGAIN;
	if (r == 0) {
		(void)snprintf(number, sizeof(number), "%" PRId64, b->number++);
		(void)snprintf(rest, sizeof(rest), "/%s", number);
		batch_name(b, rest, name);
		batch_begin(b);
		tar_file(&b->tar, name, 0444, entry->mtime_ns / NS_PER_SECOND, buf_string(&content),
			content.len);
		order(b, 'f', number, entry->path);
	}
	buf_wipe(&content);
	buf_done(&content);
	if (r < 0)
		return error_set(reterr, r, "a file of a view cannot be read");
	return b->tar.len < MIRROR_BATCH_BYTES ? 0 : batch_send(b, reterr);
}

static bool same_file(const struct mirror_entry *a, const struct mirror_entry *b)
{
	return a->type == b->type && a->inode == b->inode && a->size == b->size &&
	       a->mtime_ns == b->mtime_ns;
}

static int compare_inodes(const void *a, const void *b)
{
	const struct mirror_entry *x = *(const struct mirror_entry *const *)a;
	const struct mirror_entry *y = *(const struct mirror_entry *const *)b;

	return x->inode < y->inode ? -1 : x->inode > y->inode;
}

/* The files of the copy by inode; NULL when there are none, or no memory: all is sent then. */
static const struct mirror_entry **by_inode(const struct mirror_tree *old, size_t *ret_count)
{
	const struct mirror_entry **list;

	*ret_count = 0;
	list = old && old->count ? calloc(old->count, sizeof(const struct mirror_entry *)) : NULL;
	for (size_t i = 0; list && i < old->count; i++)
		if (old->entries[i].type == S_IFREG)
			list[(*ret_count)++] = &old->entries[i];
	if (list)
		qsort(list, *ret_count, sizeof(*list), compare_inodes);
	return list;
}

static bool differs(const struct bringing *b, const struct mirror_entry *entry)
{
	const struct mirror_entry *there = find(b->old, entry->path);

	if (!there || there->type != entry->type)
		return true;
	if (entry->type == S_IFLNK)
		return strcmp(there->target, entry->target) != 0;
	return entry->type == S_IFREG && !same_file(there, entry);
}

static void bring_directories(struct bringing *b)
{
	for (size_t i = 0; i < b->wanted->count; i++) {
		const struct mirror_entry *entry = &b->wanted->entries[i];
		const struct mirror_entry *there = find(b->old, entry->path);

		if (there && there->type != entry->type)
			order(b, 'r', entry->path, NULL);
		if (entry->type == S_IFDIR && differs(b, entry))
			order(b, 'd', entry->path, NULL);
	}
}

/* First what the copy has already under another name, while it has that: values that did not
 * change between two sets. Then what it has not. */
static int bring_files(struct bringing *b, struct error *reterr)
{
	size_t count;
	const struct mirror_entry **known = by_inode(b->old, &count);
	int r = 0;

	for (int pass = 0; pass < 2 && r == 0; pass++) {
		for (size_t i = 0; i < b->wanted->count && r == 0; i++) {
			const struct mirror_entry *entry = &b->wanted->entries[i], **there = NULL;

			if (entry->type != S_IFREG || !differs(b, entry))
				continue;
			if (count > 0 && !find(b->old, entry->path))
				there = bsearch(&entry, known, count, sizeof(*known),
					compare_inodes);
			if (there && !same_file(*there, entry))
				there = NULL;
			if (there && pass == 0)
				order(b, 'h', (*there)->path, entry->path);
			else if (!there && pass == 1)
				r = bring_file(b, entry, reterr);
		}
	}
	free(known);
	return r;
}

static void bring_links(struct bringing *b)
{
	for (size_t i = 0; i < b->wanted->count; i++) {
		const struct mirror_entry *entry = &b->wanted->entries[i];

		if (entry->type == S_IFLNK && differs(b, entry))
			order(b, 'l', entry->target, entry->path);
	}
}

/* What goes with the directory above it needs no order of its own. */
static void remove_others(struct bringing *b)
{
	const char *gone = NULL;

	for (size_t i = 0; b->old && i < b->old->count; i++) {
		const char *path = b->old->entries[i].path;

		if (find(b->wanted, path) || (gone && strncmp(path, gone, strlen(gone)) == 0 &&
						     path[strlen(gone)] == '/'))
			continue;
		gone = path;
		order(b, 'r', path, NULL);
	}
	if (b->old)
		return;
	for (size_t i = 0; i < b->wanted->count; i++)
		order(b, 'k', b->wanted->entries[i].path, NULL);
	order(b, 'x', NULL, NULL);
}

int mirror_tree_bring(const struct mirror_tree *old, const struct mirror_tree *wanted,
	const char *view, int64_t service, mirror_send_fn send, void *arg, struct error *reterr)
{
	struct bringing b = {.old = old,
		.wanted = wanted,
		.view = view,
		.service = service,
		.send = send,
		.arg = arg,
		.orders = BUF_INIT,
		.tar = BUF_INIT};
	int r;

	bring_directories(&b);
	r = bring_files(&b, reterr);
	if (r == 0) {
		bring_links(&b);
		remove_others(&b);
		if (b.orders.len > 0)
			batch_begin(&b);
		r = batch_send(&b, reterr);
	}
	buf_wipe(&b.tar);
	buf_done(&b.tar);
	buf_done(&b.orders);
	return r;
}
