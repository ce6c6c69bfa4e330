/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "hello.h"

#define PATH_SIZE   1024
#define SLOW_MAX_MS 60000

void page_printf(struct page *page, const char *format, ...)
{
	size_t room = sizeof(page->data) - page->len;
	va_list ap;
	int len;

	va_start(ap, format);
	len = vsnprintf(page->data + page->len, room, format, ap);
	va_end(ap);
	if (len > 0)
		page->len += (size_t)len < room ? (size_t)len : room - 1;
}

/* Appends what path holds, each line after a prefix. */
static void page_file(struct page *page, const char *path, const char *prefix)
{
	char text[4096];
	char *line, *rest = text;
	ssize_t len;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		page_printf(page, "%s(cannot be read)\n", prefix);
		return;
	}
	len = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	text[len > 0 ? len : 0] = '\0';
	while ((line = strsep(&rest, "\n")) != NULL)
		if (*line)
			page_printf(page, "%s%s\n", prefix, line);
}

static void page_config(struct page *page, const char *path, const char *name)
{
	page_printf(page, "  %s = ", name);
	page_file(page, path, "");
	if (page->data[page->len - 1] != '\n')
		page_printf(page, "\n");
}

/* The value of a secret is nobody's business: its name and length must do. */
static void page_secret(struct page *page, const char *path, const char *name)
{
	char chunk[4096];
	size_t total = 0;
	ssize_t len = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	while (fd >= 0 && (len = read(fd, chunk, sizeof(chunk))) > 0)
		total += (size_t)len;
	if (fd < 0 || len < 0)
		page_printf(page, "  %s (cannot be read)\n", name);
	else
		page_printf(page, "  %s (%zu bytes)\n", name, total);
	explicit_bzero(chunk, sizeof(chunk));
	if (fd >= 0)
		(void)close(fd);
}

static void page_neighbor(struct page *page, const char *path, const char *name)
{
	page_printf(page, "  %s:\n", name);
	page_file(page, path, "    ");
}

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Shows every entry of a directory of the view, in order of name. */
static void page_directory(struct page *page, const char *name,
	void (*show)(struct page *page, const char *path, const char *name))
{
	char directory[PATH_SIZE], path[PATH_SIZE];
	struct dirent **entries;
	int count;

	(void)snprintf(directory, sizeof(directory), "%s/%s", options.view_dir, name);
	count = scandir(directory, &entries, visible, alphasort);
	page_printf(page, "%s: %s\n", name, count < 0 ? "none to see" : count == 0 ? "none" : "");
	for (int i = 0; i < count; i++) {
		if (snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name) <
			(int)sizeof(path))
			show(page, path, entries[i]->d_name);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

static int answer_overview(struct page *page)
{
	char self[PATH_SIZE];

	(void)snprintf(self, sizeof(self), "%s/self.json", options.view_dir);
	page_printf(page, "hello, version %s\nreplica: %s on %s\n", options.version,
		options.replica, options.hostname);
	page_directory(page, "config", page_config);
	page_directory(page, "secrets", page_secret);
	page_directory(page, "neighbors", page_neighbor);
	page_printf(page, "self:\n");
	page_file(page, self, "  ");
	return 200;
}

static int answer_slow(struct page *page, const char *query)
{
	long ms = strncmp(query, "ms=", 3) == 0 ? strtol(query + 3, NULL, 10) : 1000;
	struct timespec rest;

	if (ms < 0 || ms > SLOW_MAX_MS)
		ms = SLOW_MAX_MS;
	rest = (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	while (nanosleep(&rest, &rest) != 0)
		;
	page_printf(page, "after %ld ms: version %s\n", ms, options.version);
	return 200;
}

int page_answer(struct page *page, const char *path)
{
	const char *query = strchr(path, '?');
	size_t len = query ? (size_t)(query - path) : strlen(path);

#define IS(text) (len == sizeof(text) - 1 && memcmp(path, text, len) == 0)
	page->len = 0;
	if (IS("/"))
		return answer_overview(page);
	if (IS("/healthz")) {
		page_printf(page, options.fault == FAULT_SICK ? "sick\n" : "ok\n");
		return options.fault == FAULT_SICK ? 503 : 200;
	}
	if (IS("/version")) {
		page_printf(page, "%s\n", options.version);
		return 200;
	}
	if (IS("/replica")) {
		page_printf(page, "%s\n", options.replica);
		return 200;
	}
	if (IS("/slow"))
		return answer_slow(page, query ? query + 1 : "");
#undef IS
	page_printf(page, "nothing here; try /, /healthz, /version, /replica or /slow?ms=500\n");
	return 404;
}
