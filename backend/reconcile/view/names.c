/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/view/names.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "reconcile/instance/instance_work.h"
#include "reconcile/view/view_files.h"

#define TEXT_MAX ((size_t)1 << 20)

struct name {
	int64_t instance;
	char line[64 + 2 * OBJECT_NAME_MAX + 4]; /* "address<TAB>service.tenant\n" */
};

static void names_directory(const struct reconciler *r, char *path, size_t size)
{
	(void)snprintf(path, size, "%s.names", r->options.view_dir);
}

static void names_path(const struct reconciler *r, int64_t instance, char *path, size_t size)
{
	(void)snprintf(path, size, "%s.names/%" PRId64, r->options.view_dir, instance);
}

int names_add(struct names *names, int64_t instance, const char *address, const char *service,
	const char *tenant)
{
	struct name *name;

	if (names->count == names->room) {
		size_t room = names->room ? 2 * names->room : 64;
		struct name *list = reallocarray(names->list, room, sizeof(*list));

		if (!list)
			return -ENOMEM;
		names->list = list;
		names->room = room;
	}
	name = &names->list[names->count++];
	name->instance = instance;
	(void)snprintf(name->line, sizeof(name->line), "%s\t%s.%s\n", address, service, tenant);
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct name *left = a, *right = b;

	if (left->instance != right->instance)
		return left->instance < right->instance ? -1 : 1;
	return strcmp(left->line, right->line);
}

/* What an instance knows from now on; told to its container when that is news, or always. */
static int put(struct reconciler *r, int64_t instance, const struct buf *text, bool always)
{
	_cleanup_buf_ struct buf there = BUF_INIT;
	char path[VIEW_PATH_MAX + 32];
	int result = 0;

	if (text->error)
		return -ENOMEM;
	names_path(r, instance, path, sizeof(path));
	if (file_read(path, TEXT_MAX, &there, NULL) < 0 ||
		strcmp(buf_string(&there), buf_string(text)) != 0)
		result = file_write_atomic(path, buf_string(text), text->len, 0600, 0, NULL);
	else if (!always)
		return 0;
	if (result == 0)
		queue_wake(r->slow, key_of(SLOW_KEY_NAMES, instance));
	return result;
}

static int put_all(const struct names *names, struct reconciler *r, bool always)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	int result = 0;

	for (size_t i = 0; result == 0 && i < names->count; i++) {
		const struct name *name = &names->list[i];
		bool last = i + 1 == names->count || name[1].instance != name->instance;

		/* A tenant and one of its services may both be granted. */
		if (last || strcmp(name[1].line, name->line) != 0)
			buf_puts(&text, name->line);
		if (!last)
			continue;
		result = put(r, name->instance, &text, always);
		buf_reset(&text);
	}
	return result;
}

static bool knows(const struct names *names, int64_t instance)
{
	size_t low = 0, high = names->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (names->list[middle].instance == instance)
			return true;
		if (names->list[middle].instance < instance)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* Those who knew somebody and know nobody any more. */
static int put_none(const struct names *names, struct reconciler *r, const char *directory,
	bool always)
{
	const struct buf none = BUF_INIT;
	const struct dirent *entry;
	int64_t instance;
	int result = 0;
	DIR *dir;

	dir = opendir(directory);
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (result == 0 && (entry = readdir(dir)))
		if (text_parse_int(entry->d_name, 1, INT64_MAX, &instance) == 0 &&
			!knows(names, instance))
			result = put(r, instance, &none, always);
	(void)closedir(dir);
	return result;
}

int names_state(struct names *names, struct reconciler *r)
{
	char directory[VIEW_PATH_MAX];
	bool always = !r->names_stated;
	int result = 0;

	if (r->options.simulated)
		return 0;
	names_directory(r, directory, sizeof(directory));
	if (names->count > 0) {
		qsort(names->list, names->count, sizeof(*names->list), compare);
		result = file_mkdirs(directory, 0700, NULL);
	}
	if (result == 0)
		result = put_all(names, r, always);
	if (result == 0)
		result = put_none(names, r, directory, always);
	if (result == 0)
		r->names_stated = true;
	return result;
}

void names_done(struct names *names)
{
	free(names->list);
	*names = (struct names){.list = NULL};
}

void names_wake(struct reconciler *r, int64_t instance)
{
	char path[VIEW_PATH_MAX + 32];

	names_path(r, instance, path, sizeof(path));
	if (access(path, F_OK) == 0)
		queue_wake(r->slow, key_of(SLOW_KEY_NAMES, instance));
}

void names_drop(const struct reconciler *r, int64_t instance)
{
	char path[VIEW_PATH_MAX + 32];

	if (r->options.simulated)
		return;
	names_path(r, instance, path, sizeof(path));
	(void)unlink(path);
}

/* What starts again is told again, and what stopped needs to know nothing. */
static bool is_fine(int result)
{
	return result == 0 || result == -ENOENT || result == -EBUSY || result == -EOPNOTSUPP;
}

int64_t names_tell(struct reconciler *r, int64_t instance)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct error error = ERROR_INIT;
	char path[VIEW_PATH_MAX + 32];
	struct instance_work work;
	int result;

	names_path(r, instance, path, sizeof(path));
	result = file_read(path, TEXT_MAX, &text, &error);
	if (result == -ENOENT)
		return QUEUE_DONE;
	if (result < 0)
		return QUEUE_RETRY;
	result = instance_load(&work, r, instance, &error);
	if (result == 0 && work.host && work.status.container[0] && work.host->engine->ops->names)
		result = work.host->engine->ops->names(work.host->engine, work.status.container,
			buf_string(&text), &error);
	instance_work_done(&work);
	if (!is_fine(result))
		log_debug("names of instance %" PRId64 ": %s", instance, error.text);
	return is_fine(result) ? QUEUE_DONE : QUEUE_RETRY;
}
