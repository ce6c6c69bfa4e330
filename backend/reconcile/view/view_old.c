/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/view/view_old.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "reconcile/view/view_files.h"
#include "reconcile/view/view_set.h"

#define SETS_MAX  256 /* old ones of a view */
#define SETS_MIN  2
#define FILES_MAX 20000 /* names in the old sets of a view */

struct old {
	char name[64];
	int64_t since_ns; /* wall clock: shown until then */
};

void view_old_mark(const char *view, const char *name)
{
	char path[VIEW_PATH_MAX + 80];

	(void)snprintf(path, sizeof(path), "%s/%s", view, name);
	(void)utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW);
}

/* "..<16 digits>-<16 digits>" */
static bool is_set(const char *name)
{
	return strncmp(name, "..", 2) == 0 && strlen(name) == 35 && name[18] == '-' &&
	       strspn(name + 2, "0123456789abcdef-") == 33;
}

static int compare(const void *a, const void *b)
{
	const struct old *left = a, *right = b;

	return (left->since_ns > right->since_ns) - (left->since_ns < right->since_ns);
}

/* Oldest first. What there is no memory for is found the next time. */
static size_t list_old(const char *view, const char *shown, struct old **ret)
{
	DIR *dir = opendir(view);
	const struct dirent *entry;
	size_t count = 0, room = 0;
	struct stat st;

	*ret = NULL;
	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		if (!is_set(entry->d_name) || strcmp(entry->d_name, shown) == 0 ||
			fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (count == room) {
			struct old *grown = reallocarray(*ret, room + 16, sizeof(*grown));

			if (!grown)
				break;
			*ret = grown;
			room += 16;
		}
		(void)snprintf((*ret)[count].name, sizeof((*ret)[count].name), "%.63s",
			entry->d_name);
		(*ret)[count++].since_ns = st.st_mtim.tv_sec * NS_PER_SECOND + st.st_mtim.tv_nsec;
	}
	(void)closedir(dir);
	if (count > 1)
		qsort(*ret, count, sizeof(**ret), compare);
	return count;
}

/* Out of its name first, in one step: a set of the same values may be shown again, and must not
 * find one that somebody has begun to remove. */
static void remove_set(const char *view, const char *path)
{
	char gone[VIEW_PATH_MAX + 16];

	(void)snprintf(gone, sizeof(gone), "%s.gone", view);
	(void)file_remove_tree(gone, NULL);
	if (rename(path, gone) == 0)
		(void)file_remove_tree(gone, NULL);
}

int64_t view_old_sweep(const char *view, const char *shown, size_t files)
{
	_cleanup_free_ struct old *sets = NULL;
	size_t count = list_old(view, shown, &sets), max = FILES_MAX / (files + 4);
	int64_t now_ns = clock_wall_ns();
	char path[VIEW_PATH_MAX + 80];

	if (max > SETS_MAX || max < SETS_MIN)
		max = max > SETS_MAX ? SETS_MAX : SETS_MIN;
	for (size_t i = 0; i < count; i++) {
		int64_t left_ns = sets[i].since_ns + VIEW_SET_KEEP_NS - now_ns;

		/* A time in the future: the clock was set. */
		if (left_ns > 0 && left_ns <= VIEW_SET_KEEP_NS && count - i <= max)
			return clock_now_ns() + left_ns;
		(void)snprintf(path, sizeof(path), "%s/%s", view, sets[i].name);
		remove_set(view, path);
	}
	return CLOCK_FOREVER;
}
