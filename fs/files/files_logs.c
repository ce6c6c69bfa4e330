/* SPDX-License-Identifier: Apache-2.0 */
/* What containers say: a file a replica, beside it, in its service and in its tenant. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "fs/files/common.h"

static int open_log(struct fs *fs, const struct ref *ref)
{
	_cleanup_free_ char *path =
		text_format("%s/%lld.log", fs->logs_dir, (long long)ref->object.id);
	int fd;

	if (!path)
		return -ENOMEM;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int measure_log(struct fs *fs, const struct ref *ref, int64_t *ret_size,
	int64_t *ret_mtime_ns)
{
	_cleanup_close_ int fd = open_log(fs, ref);
	struct stat st;

	*ret_size = 0;
	/* No output yet. */
	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	*ret_size = st.st_size;
	*ret_mtime_ns = st.st_mtim.tv_sec * NS_PER_SECOND + st.st_mtim.tv_nsec;
	return 0;
}

static int read_log(struct fs *fs, const struct ref *ref, size_t offset, size_t len,
	struct buf *out)
{
	_cleanup_close_ int fd = open_log(fs, ref);

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	return file_read_at(fd, offset, len, out);
}

/* ---- those of all services of a tenant: <service>.<ordinal> ---- */

/* A place in the directory: by service, then as the store lists its instances. */
#define PLACE_BITS 28

static int find_log(struct fs *fs, const struct ref *ref, const char *name, struct entry *ret)
{
	_cleanup_object_ struct object service = OBJECT_INIT;
	_cleanup_object_ struct object instance = OBJECT_INIT;
	const char *dot = strrchr(name, '.');
	char of[OBJECT_NAME_MAX + 1];
	int r;

	if (!dot || (size_t)(dot - name) >= sizeof(of))
		return -ENOENT;
	(void)snprintf(of, sizeof(of), "%.*s", (int)(dot - name), name);
	r = store_peek_name(fs->store, ref->object.id, KIND_SERVICE, of, &service);
	if (r == 0)
		r = store_peek_name(fs->store, service.id, KIND_INSTANCE, dot + 1, &instance);
	if (r == 0)
		*ret = (struct entry){.name = name, .object = instance.id};
	return r;
}

struct log_walk {
	struct fs *fs;
	entry_fn fn;
	void *arg;
	const struct object *service;
};

static int list_instance(void *arg, const struct object *instance)
{
	const struct log_walk *walk = arg;
	_cleanup_free_ char *name = text_format("%s.%s", walk->service->name, instance->name);
	struct entry entry = {
		.name = name,
		.object = instance->id,
		.place = walk->service->id << PLACE_BITS | instance->id,
	};

	return name ? walk->fn(walk->arg, &entry) : -ENOMEM;
}

static int list_service(void *arg, const struct object *service)
{
	struct log_walk *walk = arg;

	walk->service = service;
	return store_list(walk->fs->store, service->id, KIND_INSTANCE, 0, false, list_instance,
		walk);
}

static int list_logs(struct fs *fs, const struct ref *ref, int64_t after, entry_fn fn, void *arg)
{
	_cleanup_object_ struct object service = OBJECT_INIT;
	struct log_walk walk = {fs, fn, arg, &service};
	int64_t last = after >> PLACE_BITS;
	int r = last ? store_peek(fs->store, last, &service) : -ENOENT;

	/* The rest of the service that was left in the middle, if it is still there. */
	if (r == 0 && !service.deleting)
		r = store_list(fs->store, last, KIND_INSTANCE,
			after & ((INT64_C(1) << PLACE_BITS) - 1), false, list_instance, &walk);
	if (r < 0 && r != -ENOENT)
		return r;
	return r > 0 ? r
		     : store_list(fs->store, ref->object.id, KIND_SERVICE, last, false,
			       list_service, &walk);
}

#define BASE "{tenant}/services/{service}"
#define LOG                                                                                        \
	.kind = KIND_INSTANCE, .mode = 0440, .flags = ROW_DIRECT, .measure = measure_log,          \
	.read = read_log, .help = "The container's output; `tail -f` follows it."

const struct row rows_logs[] = {
	{.number = 83, .path = BASE "/instances/{instance}/log", LOG},
	{.number = ROW_LOGS,
		.path = BASE "/logs",
		.kind = KIND_SERVICE,
		.mode = 0750,
		.flags = ROW_DIR | ROW_DERIVED,
		.child_kind = KIND_INSTANCE,
		.help = "One file a replica."},
	{.number = ROW_LOG, .path = BASE "/logs/{instance}", LOG},
	{.number = 242,
		.path = "{tenant}/logs",
		.kind = KIND_TENANT,
		.mode = 0750,
		.flags = ROW_DIR | ROW_DERIVED | ROW_VOLATILE,
		.find = find_log,
		.list = list_logs,
		.help = "One file a replica of each service."},
	{.number = 243, .path = "{tenant}/logs/{service}.{instance}", LOG},
	{0},
};
