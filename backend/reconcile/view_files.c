/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/view_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "store/view.h"

static const char *const part_names[] = {
	[VIEW_SECRETS] = "secrets",
	[VIEW_CONFIG] = "config",
	[VIEW_NEIGHBORS] = "neighbors",
};

struct part {
	struct view_entry *entries; /* by name */
	size_t count, room;
	bool news; /* something was written or removed */
};

/* Renamed over its place in one step. The draft lies beside the view, out of containers' sight. */
static int put_file(const char *view, const char *path, const struct buf *content, int64_t mtime_ns,
	struct error *reterr)
{
	const struct timespec times[2] = {clock_timespec(mtime_ns), clock_timespec(mtime_ns)};
	_cleanup_close_ int fd = -1;
	char draft[VIEW_PATH_MAX];
	int r;

	(void)snprintf(draft, sizeof(draft), "%s.draft", view);
	(void)unlink(draft);
	fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0400);
	if (fd < 0)
		return error_errno(reterr, errno, "a file of a view cannot be made");
	r = file_write_all(fd, content->data, content->len);
	if (r == 0 && (fchmod(fd, 0444) < 0 || futimens(fd, times) < 0 || rename(draft, path) < 0))
		r = -errno;
	if (r < 0) {
		(void)unlink(draft);
		return error_errno(reterr, -r, "a file of a view cannot be written");
	}
	return 0;
}

static bool same_content(const char *path, const struct buf *content)
{
	_cleanup_buf_ struct buf there = BUF_INIT;

	if (file_read(path, content->len, &there, NULL) < 0 || there.len != content->len)
		return false;
	return content->len == 0 || memcmp(there.data, content->data, content->len) == 0;
}

static int put_if_other(const char *view, const char *path, const struct buf *content,
	struct error *reterr)
{
	if (content->error)
		return error_oom(reterr);
	if (same_content(path, content))
		return 0;
	return put_file(view, path, content, clock_wall_ns(), reterr);
}

static bool untouched(const char *path, const struct view_entry *entry)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_size == entry->size &&
	       st.st_mtim.tv_sec * NS_PER_SECOND + st.st_mtim.tv_nsec == entry->mtime_ns;
}

static int sync_entry(struct store *store, int64_t service, const char *view,
	const struct view_entry *entry, bool *news, struct error *reterr)
{
	struct buf content = BUF_INIT;
	char path[VIEW_PATH_MAX + OBJECT_NAME_MAX + 16];
	int r;

	(void)snprintf(path, sizeof(path), "%s/%s/%s", view, part_names[entry->part], entry->name);
	if (entry->size >= 0 && untouched(path, entry))
		return 0;
	*news = true;
	r = view_read(store, service, entry, &content, reterr);
	if (r == 0 && content.error)
		r = error_oom(reterr);
	if (r == 0 && entry->size < 0)
		r = put_if_other(view, path, &content, reterr);
	else if (r == 0)
		r = put_file(view, path, &content, entry->mtime_ns, reterr);
	buf_wipe(&content);
	buf_done(&content);
	return r == -ENOENT ? 0 : r; /* removed meanwhile: its change comes after this one */
}

static int take_entry(void *arg, const struct view_entry *entry)
{
	struct part *part = arg;

	if (strchr(entry->name, '/'))
		return 0;
	if (part->count == part->room) {
		size_t room = part->room ? part->room * 2 : 16;
		struct view_entry *entries = realloc(part->entries, room * sizeof(*entries));

		if (!entries)
			return -ENOMEM;
		part->entries = entries;
		part->room = room;
	}
	part->entries[part->count++] = *entry;
	return 0;
}

static int compare_name(const void *name, const void *entry)
{
	return strcmp(name, ((const struct view_entry *)entry)->name);
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp(((const struct view_entry *)a)->name, ((const struct view_entry *)b)->name);
}

static int remove_others(const char *directory, struct part *part, struct error *reterr)
{
	DIR *dir = opendir(directory);
	const struct dirent *entry;
	int r = 0;

	if (!dir)
		return error_errno(reterr, errno, "a view cannot be read");
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (part->count > 0 && bsearch(entry->d_name, part->entries, part->count,
					       sizeof(*part->entries), compare_name))
			continue;
		part->news = true;
		if (unlinkat(dirfd(dir), entry->d_name, 0) < 0 && errno != ENOENT)
			r = error_errno(reterr, errno, "a file of a view cannot be removed");
	}
	(void)closedir(dir);
	return r;
}

static int sync_part(struct store *store, int64_t service, const char *view, enum view_part which,
	bool *news, struct error *reterr)
{
	char directory[VIEW_PATH_MAX + 16];
	struct part part = {.entries = NULL};
	int r;

	(void)snprintf(directory, sizeof(directory), "%s/%s", view, part_names[which]);
	r = file_mkdirs(directory, 0755, reterr);
	if (r == 0) {
		r = view_list(store, service, which, take_entry, &part);
		if (r < 0)
			(void)error_set(reterr, r, "the %s of a view cannot be listed",
				part_names[which]);
	}
	if (part.count > 1)
		qsort(part.entries, part.count, sizeof(*part.entries), compare_entries);
	for (size_t i = 0; r == 0 && i < part.count; i++)
		r = sync_entry(store, service, view, &part.entries[i], &part.news, reterr);
	if (r == 0)
		r = remove_others(directory, &part, reterr);
	*news = *news || part.news;
	free(part.entries);
	return r;
}

int view_files_sync(struct store *store, int64_t service, const char *path, bool *ret_news,
	struct error *reterr)
{
	_cleanup_buf_ struct buf self = BUF_INIT;
	char file[VIEW_PATH_MAX + 16];
	bool news = false, peers = false, known;
	int r;

	(void)snprintf(file, sizeof(file), "%s/self.json", path);
	known = access(file, F_OK) == 0; /* it is written last */
	r = sync_part(store, service, path, VIEW_SECRETS, &news, reterr);
	if (r == 0)
		r = sync_part(store, service, path, VIEW_CONFIG, &news, reterr);
	if (r == 0)
		r = sync_part(store, service, path, VIEW_NEIGHBORS, &peers, reterr);
	if (r < 0)
		return r;
	r = view_self(store, service, &self);
	if (r < 0)
		return error_set(reterr, r, "self.json of a view cannot be made");
	r = put_if_other(path, file, &self, reterr);
	if (r == 0)
		*ret_news = news && known;
	return r;
}

int view_files_neighbor(struct store *store, int64_t service, const char *path, const char *name,
	const struct buf *content, struct error *reterr)
{
	char file[VIEW_PATH_MAX + OBJECT_NAME_MAX + 16];
	struct view_entry entry;
	int r = view_find(store, service, VIEW_NEIGHBORS, name, &entry);

	(void)snprintf(file, sizeof(file), "%s/neighbors/%s", path, name);
	if (r == -ENOENT)
		return unlink(file) < 0 && errno != ENOENT ? -errno : 0;
	return r < 0 ? r : put_if_other(path, file, content, reterr);
}
