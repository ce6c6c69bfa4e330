/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/view/view_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "reconcile/view/view_list.h"
#include "store/view.h"

int view_files_write(const char *path, const struct buf *content, int64_t mtime_ns,
	struct error *reterr)
{
	const struct timespec times[2] = {clock_timespec(mtime_ns), clock_timespec(mtime_ns)};
	_cleanup_close_ int fd = -1;
	int r;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0400);
	if (fd < 0)
		return error_errno(reterr, errno, "a file of a view cannot be made");
	r = file_write_all(fd, content->data, content->len);
	if (r == 0 && (fchmod(fd, 0444) < 0 || futimens(fd, times) < 0))
		r = -errno;
	if (r == 0)
		return 0;
	(void)unlink(path);
	return error_errno(reterr, -r, "a file of a view cannot be written");
}

static bool same_content(const char *path, const struct buf *content)
{
	_cleanup_buf_ struct buf there = BUF_INIT;

	if (file_read(path, content->len, &there, NULL) < 0 || there.len != content->len)
		return false;
	return content->len == 0 || memcmp(there.data, content->data, content->len) == 0;
}

/* Renamed over its place in one step. The draft lies beside the view, out of containers' sight. */
int view_files_put(const char *path, const char *name, const struct buf *content,
	struct error *reterr)
{
	char file[VIEW_PATH_MAX + OBJECT_NAME_MAX + 16], draft[VIEW_PATH_MAX + 16];
	int r;

	if (content->error)
		return error_oom(reterr);
	(void)snprintf(file, sizeof(file), "%s/%s", path, name);
	if (same_content(file, content))
		return 0;
	(void)snprintf(draft, sizeof(draft), "%s.file", path);
	(void)unlink(draft);
	r = view_files_write(draft, content, clock_wall_ns(), reterr);
	if (r == 0 && rename(draft, file) < 0) {
		r = error_errno(reterr, errno, "a file of a view cannot be put in its place");
		(void)unlink(draft);
	}
	return r;
}

/* Files of a directory that list does not have. */
static int remove_others(const char *directory, const struct view_list *list, struct error *reterr)
{
	DIR *dir = opendir(directory);
	const struct dirent *entry;
	int r = 0;

	if (!dir)
		return error_errno(reterr, errno, "a view cannot be read");
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (view_list_find(list, VIEW_NEIGHBORS, entry->d_name))
			continue;
		if (unlinkat(dirfd(dir), entry->d_name, 0) < 0 && errno != ENOENT)
			r = error_errno(reterr, errno, "a file of a view cannot be removed");
	}
	(void)closedir(dir);
	return r;
}

int view_files_begin(struct view_files *files, const char *path, struct error *reterr)
{
	char directory[VIEW_PATH_MAX + 16];

	*files = (struct view_files){.path = path, .list = VIEW_LIST_INIT};
	(void)snprintf(directory, sizeof(directory), "%s/neighbors", path);
	return file_mkdirs(directory, 0755, reterr);
}

int view_files_add(void *arg, const struct view_entry *entry, const struct buf *lines)
{
	struct view_files *files = arg;
	char file[VIEW_PATH_MAX];
	int r = view_list_add(&files->list, entry);

	(void)snprintf(file, sizeof(file), "neighbors/%s", entry->name);
	return r < 0 ? r : view_files_put(files->path, file, lines, &files->error);
}

int view_files_end(struct view_files *files, struct error *reterr)
{
	char directory[VIEW_PATH_MAX + 16];

	view_list_sort(&files->list);
	(void)snprintf(directory, sizeof(directory), "%s/neighbors", files->path);
	return remove_others(directory, &files->list, reterr);
}

void view_files_done(struct view_files *files)
{
	view_list_done(&files->list);
}

int view_files_neighbor(struct store *store, int64_t service, const char *path, const char *name,
	const struct buf *content, struct error *reterr)
{
	char file[VIEW_PATH_MAX];
	struct view_entry entry;
	int r = view_find(store, service, VIEW_NEIGHBORS, name, &entry);

	(void)snprintf(file, sizeof(file), "neighbors/%s", name);
	if (r == 0)
		return view_files_put(path, file, content, reterr);
	if (r != -ENOENT)
		return r;
	(void)snprintf(file, sizeof(file), "%s/neighbors/%s", path, name);
	return unlink(file) < 0 && errno != ENOENT ? -errno : 0;
}
