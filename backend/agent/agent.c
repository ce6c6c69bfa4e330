/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent - the program that duplofs runs in one container on each host whose files it cannot
 *         reach: it brings what the platform has put beside it into place, as containers shall see
 *         it.
 * Without arguments it waits, so that there is a container to run the other forms in:
 *   agent apply SERVICE   does what VIEW/.in/SERVICE/do says, in VIEW/SERVICE, then removes it
 *   agent keep SERVICE... removes the views of all other services
 *   agent drop SERVICE    removes its view
 *   agent clear           removes all
 * Orders are fields that end in NUL, an order after the other; paths are relative to the view:
 *   d PATH        a directory            f NUMBER PATH   .in/SERVICE/NUMBER, over what is there
 *   h OLD PATH    the same file again    l TARGET PATH   a symbolic link, over what is there
 *   r PATH        removes it             k PATH  x       removes all that no k has named
 * Promises: each order may be given again; a file or link is the old one or the new one at any
 *           moment. The exit status is 0, or 1 after a sentence on stderr.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VIEW  "/view"
#define DRAFT ".in"

static int in_fd = -1; /* of what was brought */
static int view_fd = -1; /* where it belongs */
static void *kept; /* tree of paths that k has named */

static void fail(const char *what, const char *path)
{
	(void)fprintf(stderr, "%s %s: %s\n", what, path, strerror(errno));
	exit(1);
}

/* rm -r at a directory; links are not followed. */
static void remove_at(int dir_fd, const char *name)
{
	struct dirent *entry;
	DIR *dir;
	int fd;

	if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
		return;
	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		fail("remove", name);
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			remove_at(fd, entry->d_name);
	}
	(void)closedir(dir);
	if (unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		fail("remove", name);
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* All below directory that was not named; prefix is its path. */
static void remove_unnamed(int dir_fd, const char *prefix)
{
	struct dirent *entry;
	int fd = openat(dir_fd, prefix[0] ? prefix : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct stat st;
	char path[1024];

	if (!dir)
		fail("read", prefix);
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		(void)snprintf(path, sizeof(path), "%s%s%s", prefix, prefix[0] ? "/" : "",
			entry->d_name);
		if (!tfind(path, &kept, compare))
			remove_at(dir_fd, path);
		else if (fstatat(dir_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			 S_ISDIR(st.st_mode))
			remove_unnamed(dir_fd, path);
	}
	(void)closedir(dir);
}

static void put_directory(const char *path)
{
	if (mkdirat(view_fd, path, 0755) < 0 && errno != EEXIST)
		fail("mkdir", path);
}

static void put_file(const char *number, const char *path)
{
	/* Brought before, by orders that were cut off in the middle. */
	if (renameat(in_fd, number, view_fd, path) < 0 &&
		(errno != ENOENT || faccessat(view_fd, path, F_OK, 0) < 0))
		fail("put", path);
}

static void put_same(const char *old, const char *path)
{
	remove_at(in_fd, "link");
	if (linkat(view_fd, old, in_fd, "link", 0) < 0 ||
		renameat(in_fd, "link", view_fd, path) < 0)
		fail("link", path);
	/* A rename of one name of a file to another of its names leaves both. */
	remove_at(in_fd, "link");
}

static void put_link(const char *target, const char *path)
{
	remove_at(in_fd, "link");
	if (symlinkat(target, in_fd, "link") < 0 || renameat(in_fd, "link", view_fd, path) < 0)
		fail("link", path);
}

static const char *next(char **at, const char *end)
{
	const char *field = *at;
	size_t len = field < end ? strnlen(field, (size_t)(end - field)) : 0;

	if (field >= end || field + len >= end) {
		(void)fprintf(stderr, "the orders are cut short\n");
		exit(1);
	}
	*at += len + 1;
	return field;
}

static void obey(char *at, const char *end)
{
	while (at < end) {
		const char *order = next(&at, end), *first = order[0] == 'x' ? "" : next(&at, end);

		switch (order[0]) {
		case 'd':
			put_directory(first);
			break;
		case 'f':
			put_file(first, next(&at, end));
			break;
		case 'h':
			put_same(first, next(&at, end));
			break;
		case 'l':
			put_link(first, next(&at, end));
			break;
		case 'r':
			remove_at(view_fd, first);
			break;
		case 'k':
			if (!tsearch(first, &kept, compare))
				fail("keep", first);
			break;
		case 'x':
			remove_unnamed(view_fd, "");
			break;
		default:
			(void)fprintf(stderr, "there is no order %s\n", order);
			exit(1);
		}
	}
}

static char *read_orders(size_t *len)
{
	int fd = openat(in_fd, "do", O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *text;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		fail("open", "do");
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		fail("read", "do");
	for (*len = 0; (n = read(fd, text + *len, (size_t)st.st_size - *len)) > 0;)
		*len += (size_t)n;
	(void)close(fd);
	return text;
}

static void apply(const char *service)
{
	char in[64];
	size_t len;
	char *orders;

	(void)snprintf(in, sizeof(in), VIEW "/" DRAFT "/%.32s", service);
	if (chdir(VIEW) < 0 || (mkdir(service, 0755) < 0 && errno != EEXIST))
		fail("make", service);
	view_fd = open(service, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	in_fd = open(in, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (view_fd < 0 || in_fd < 0)
		fail("open", in);
	orders = read_orders(&len);
	obey(orders, orders + len);
	remove_at(AT_FDCWD, in);
}

static void keep(char **services, int count)
{
	struct dirent *entry;
	DIR *dir = opendir(VIEW);

	if (!dir)
		fail("open", VIEW);
	while ((entry = readdir(dir))) {
		bool wanted = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;

		for (int i = 0; i < count && !wanted; i++)
			wanted = strcmp(entry->d_name, services[i]) == 0;
		if (!wanted)
			remove_at(dirfd(dir), entry->d_name);
	}
	(void)closedir(dir);
}

static void end(int number)
{
	(void)number;
	_exit(0);
}

int main(int argc, char **argv)
{
	umask(0);
	if (argc == 3 && strcmp(argv[1], "apply") == 0) {
		apply(argv[2]);
	} else if (argc >= 2 && strcmp(argv[1], "keep") == 0) {
		keep(argv + 2, argc - 2);
	} else if (argc == 3 && strcmp(argv[1], "drop") == 0) {
		if (chdir(VIEW) < 0)
			fail("enter", VIEW);
		remove_at(AT_FDCWD, argv[2]);
	} else if (argc == 2 && strcmp(argv[1], "clear") == 0) {
		keep(argv, 0);
	} else if (argc == 1) {
		(void)signal(SIGTERM, end);
		/* What lies there is for containers, not for the users of the host. */
		(void)chmod(VIEW, 0700);
		for (;;)
			(void)pause();
	} else {
		(void)fprintf(stderr,
			"usage: agent [apply SERVICE | keep SERVICE... | drop SERVICE | clear]\n");
		return 1;
	}
	return 0;
}
