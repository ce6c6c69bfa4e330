/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/instance/logs.h"

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
#include "base/file.h"
#include "base/text.h"
#include "reconcile/host/fleet.h"

#define TAIL_BYTES    300
#define WORDS_WAIT_NS (200 * NS_PER_MILLISECOND)

struct log {
	char container[ENGINE_ID_MAX];
	struct host *host; /* ours */
	struct engine_log *stream;
	struct lock lock; /* LOCK_LEAF: the file, between the stream's thread and tail */
	int fd;
	off_t begin; /* where the output of this container begins */
	bool ended;
	struct cond over;
};

struct logs {
	struct lock lock; /* LOCK_RECONCILE */
	struct idmap map; /* instance to struct log */
};

int logs_new(struct logs **ret, struct error *reterr)
{
	struct logs *logs = calloc(1, sizeof(*logs));

	if (!logs)
		return error_oom(reterr);
	lock_init(&logs->lock, LOCK_RECONCILE);
	*ret = logs;
	return 0;
}

static void log_path(const struct reconciler *r, int64_t instance, char *path, size_t size)
{
	(void)snprintf(path, size, "%s/%" PRId64 ".log", r->options.logs_dir, instance);
}

static void log_free(struct log *log)
{
	struct engine *engine;

	if (!log)
		return;
	engine = log->host->engine;
	engine->ops->log_stop(engine, log->stream);
	host_unref(log->host);
	if (log->fd >= 0)
		(void)close(log->fd);
	cond_done(&log->over);
	lock_done(&log->lock);
	free(log);
}

void logs_free(struct reconciler *r)
{
	size_t position = 0;
	struct log *log;

	if (!r->logs)
		return;
	while ((log = idmap_next(&r->logs->map, &position)))
		log_free(log);
	idmap_done(&r->logs->map);
	lock_done(&r->logs->lock);
	free(r->logs);
	r->logs = NULL;
}

/* Drops the older half, from the start of a line, in place: who has the file open goes on. */
static void log_halve(struct log *log, off_t size)
{
	_cleanup_free_ char *half = malloc(LOG_SIZE_MAX / 2);
	const char *start;
	ssize_t len;

	if (!half)
		return;
	len = pread(log->fd, half, LOG_SIZE_MAX / 2, size - LOG_SIZE_MAX / 2);
	if (len <= 0)
		return;
	start = memchr(half, '\n', (size_t)len);
	start = start ? start + 1 : half;
	len -= start - half;
	if (pwrite(log->fd, start, (size_t)len, 0) != len || ftruncate(log->fd, len) < 0)
		return;
	log->begin = log->begin > size - len ? log->begin - (size - len) : 0;
}

/* On the engine's thread. Local files only; a full disk loses lines, never blocks. */
static void log_data(void *arg, int64_t wall_ns, const char *data, size_t len)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, clock_timespec(wall_ns)};
	struct log *log = arg;
	struct stat st;

	if (len > LOG_SIZE_MAX / 4) {
		data += len - LOG_SIZE_MAX / 4;
		len = LOG_SIZE_MAX / 4;
	}
	LOCKED(&log->lock);
	if (log->fd < 0 || fstat(log->fd, &st) < 0)
		return;
	if (st.st_size + (off_t)len > LOG_SIZE_MAX) {
		log_halve(log, st.st_size);
		if (fstat(log->fd, &st) < 0)
			return;
	}
	if (pwrite(log->fd, data, len, st.st_size) < 0)
		return;
	if (wall_ns > 0)
		(void)futimens(log->fd, times);
}

static void log_end(void *arg)
{
	struct log *log = arg;

	LOCKED(&log->lock);
	log->ended = true;
	cond_broadcast(&log->over);
}

static struct log *log_take(struct logs *logs, int64_t instance)
{
	LOCKED(&logs->lock);
	return idmap_remove(&logs->map, instance);
}

static bool log_put(struct logs *logs, int64_t instance, struct log *log)
{
	LOCKED(&logs->lock);
	return idmap_put(&logs->map, instance, log) == 0;
}

/* The last words of a container come a moment after the news of its death. Gives where its output
 * begins in the file. Only the worker of the instance calls, so nobody frees the log meanwhile. */
static off_t log_await_end(struct logs *logs, int64_t instance)
{
	int64_t deadline_ns = clock_now_ns() + WORDS_WAIT_NS;
	struct log *log;

	lock_acquire(&logs->lock);
	log = idmap_get(&logs->map, instance);
	lock_release(&logs->lock);
	if (!log)
		return 0;
	LOCKED(&log->lock);
	while (!log->ended && cond_wait_until(&log->over, &log->lock, deadline_ns))
		;
	return log->begin;
}

/* Where the output of the container begins in the file. */
static off_t log_begin(struct logs *logs, int64_t instance)
{
	struct log *log;

	LOCKED(&logs->lock); /* nobody frees it meanwhile */
	log = idmap_get(&logs->map, instance);
	if (!log)
		return 0;
	LOCKED(&log->lock);
	return log->begin;
}

static bool log_goes_on(struct log *log, const char *container)
{
	if (!log || strcmp(log->container, container) != 0)
		return false;
	LOCKED(&log->lock);
	return !log->ended;
}

static struct log *log_open_new(struct host *host, int64_t instance, const char *container,
	int64_t *ret_since_ns)
{
	struct log *log = calloc(1, sizeof(*log));
	char path[512];
	struct stat st;

	if (!log)
		return NULL;
	lock_init(&log->lock, LOCK_LEAF);
	cond_init(&log->over);
	log->host = host_ref(host);
	(void)text_copy(log->container, sizeof(log->container), container);
	log_path(host->r, instance, path, sizeof(path));
	log->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (log->fd < 0 || fstat(log->fd, &st) < 0) {
		log_free(log);
		return NULL;
	}
	/* A file that holds lines carries the last one's time. */
	*ret_since_ns = 0;
	log->begin = st.st_size;
	if (st.st_size > 0)
		*ret_since_ns = st.st_mtim.tv_sec * NS_PER_SECOND + st.st_mtim.tv_nsec + 1;
	return log;
}

void logs_follow(struct host *host, int64_t instance, const char *container)
{
	struct engine *engine = host->engine;
	struct reconciler *r = host->r;
	struct log *log = log_take(r->logs, instance);
	off_t begin = log && strcmp(log->container, container) == 0 ? log->begin : -1;
	int64_t since_ns;

	if (log_goes_on(log, container)) {
		if (!log_put(r->logs, instance, log))
			log_free(log);
		return;
	}
	log_free(log);
	log = log_open_new(host, instance, container, &since_ns);
	if (!log)
		return;
	if (begin >= 0)
		log->begin = begin; /* the same container once more */
	if (engine->ops->log_follow(engine, container, since_ns, log_data, log_end, log,
		    &log->stream, NULL) < 0) {
		log->stream = NULL;
		log_free(log);
	} else if (!log_put(r->logs, instance, log)) {
		log_free(log);
	}
}

void logs_drop(struct reconciler *r, int64_t instance)
{
	char path[512];

	log_free(log_take(r->logs, instance));
	log_path(r, instance, path, sizeof(path));
	(void)unlink(path);
}

void logs_sweep(struct reconciler *r)
{
	DIR *dir = opendir(r->options.logs_dir);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		_cleanup_object_ struct object object = OBJECT_INIT;
		char *end;
		int64_t id = strtoll(entry->d_name, &end, 10);

		if (id <= 0 || strcmp(end, ".log") != 0)
			continue;
		if (store_peek(r->options.store, id, &object) == -ENOENT)
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir)
		(void)closedir(dir);
}

void logs_tail(struct reconciler *r, int64_t instance, int lines, bool dead, struct buf *out)
{
	char path[512], text[TAIL_BYTES + 1];
	_cleanup_close_ int fd = -1;
	struct stat st;
	off_t begin;
	char *start;
	ssize_t len;

	log_path(r, instance, path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	begin = dead ? log_await_end(r->logs, instance) : log_begin(r->logs, instance);
	if (fstat(fd, &st) < 0)
		return;
	if (st.st_size > begin + TAIL_BYTES)
		begin = st.st_size - TAIL_BYTES;
	len = pread(fd, text, TAIL_BYTES, begin);
	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	if (len <= 0)
		return;
	text[len] = '\0';
	start = text + len;
	while (start > text && (start[-1] != '\n' || --lines > 0))
		start--;
	for (; *start; start++) {
		if (*start == '\n')
			buf_puts(out, " | ");
		else if ((unsigned char)*start >= 0x20 && *start != 0x7f)
			buf_putc(out, *start);
	}
}
