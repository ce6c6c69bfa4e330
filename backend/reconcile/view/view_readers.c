/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/view/view_readers.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/idmap.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/text.h"
#include "base/thread.h"
#include "store/audit.h"
#include "store/view.h"

#define READ_AGAIN_NS (600 * NS_PER_SECOND)
#define LOOK_AGAIN_NS (60 * NS_PER_SECOND) /* at one file, whatever it holds */
#define TOLD_MAX      65536 /* then all are forgotten, and told once more */
#define BATCH_MAX     256
#define BUFFER_SIZE   65536

struct reading {
	int64_t service, secret;
	struct audit_reader reader;
};

struct view_readers {
	struct store *store;
	int fanotify, stop; /* -1: there is none */
	pthread_t thread;
	bool started;
	struct lock lock;
	struct idmap services; /* by directory: the service that is shown it */
	/* The thread's own. */
	struct idmap told; /* by file, and by service and value: when, in ms */
	struct reading batch[BATCH_MAX];
	size_t count;
	char buffer[BUFFER_SIZE] __attribute__((aligned(8)));
};

/* ---- which directory ---- */

/* Never 0. */
static int64_t key_of_handle(const struct file_handle *handle)
{
	return (int64_t)(text_hash(handle->f_handle, handle->handle_bytes) | 1);
}

void view_readers_watch(struct view_readers *readers, int64_t service, const char *directory)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} at = {.handle = {.handle_bytes = MAX_HANDLE_SZ}};
	int mount;

	if (!readers || readers->fanotify < 0)
		return;
	if (name_to_handle_at(AT_FDCWD, directory, &at.handle, &mount, 0) < 0)
		return;
	lock_acquire(&readers->lock);
	(void)idmap_put(&readers->services, key_of_handle(&at.handle),
		(void *)(uintptr_t)service); /* NOLINT: a number */
	lock_release(&readers->lock);
	if (fanotify_mark(readers->fanotify, FAN_MARK_ADD | FAN_MARK_ONLYDIR,
		    FAN_OPEN | FAN_EVENT_ON_CHILD | FAN_DELETE_SELF | FAN_ONDIR, AT_FDCWD,
		    directory) < 0)
		log_debug("readers of %s: %s", directory, strerror(errno));
}

static int64_t service_of(struct view_readers *readers, int64_t key, bool forget)
{
	LOCKED(&readers->lock);
	return (int64_t)(uintptr_t)(forget ? idmap_remove(&readers->services, key)
					   : idmap_get(&readers->services, key));
}

/* ---- who ---- */

/* As far as it can still be known: it may have ended. */
static void look_at(struct audit_reader *reader, pid_t pid)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[40], line[128];

	*reader = (struct audit_reader){.pid = pid, .uid = -1, .gid = -1};
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	while (file && reader->gid < 0 && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "Name:\t", 6) == 0)
			(void)text_copy(reader->program, sizeof(reader->program), line + 6);
		else if (strncmp(line, "Uid:\t", 5) == 0)
			reader->uid = strtoll(line + 5, NULL, 10);
		else if (strncmp(line, "Gid:\t", 5) == 0)
			reader->gid = strtoll(line + 5, NULL, 10);
	}
}

/* True when what facts say was not seen for that long. */
static bool is_news(struct view_readers *readers, const int64_t *facts, size_t count,
	int64_t again_ns)
{
	int64_t key = (int64_t)(text_hash(facts, count * sizeof(*facts)) | 1);
	int64_t now_ms = clock_now_ns() / NS_PER_MILLISECOND;
	int64_t last_ms = (int64_t)(uintptr_t)idmap_get(&readers->told, key);

	if (last_ms && now_ms - last_ms < again_ns / NS_PER_MILLISECOND)
		return false;
	if (readers->told.count >= TOLD_MAX)
		idmap_done(&readers->told);
	return idmap_put(&readers->told, key, (void *)(uintptr_t)now_ms) ==
	       0; /* NOLINT: a number */
}

static int tell(struct txn *txn, void *arg, struct error *reterr)
{
	const struct view_readers *readers = arg;
	int r = 0;

	(void)reterr;
	for (size_t i = 0; r == 0 && i < readers->count; i++)
		r = txn_audit_read(txn, readers->batch[i].service, readers->batch[i].secret,
			&readers->batch[i].reader);
	return r;
}

static void tell_all(struct view_readers *readers)
{
	if (readers->count > 0)
		(void)store_update(readers->store, STORE_RELAXED, NULL, tell, readers, NULL);
	readers->count = 0;
}

static void note(struct view_readers *readers, int64_t service, const char *name, pid_t pid)
{
	struct object secret = OBJECT_INIT;
	int64_t facts[] = {service, 0, 0};
	struct view_entry entry;
	struct reading *reading;

	if (view_find(readers->store, service, VIEW_SECRETS, name, &entry) < 0 ||
		store_peek(readers->store, entry.object, &secret) < 0)
		return;
	/* By the value: who reads a new one is told of. */
	facts[1] = secret.id;
	facts[2] = secret.generation;
	if (!is_news(readers, facts, ARRAY_SIZE(facts), READ_AGAIN_NS))
		return;
	reading = &readers->batch[readers->count++];
	*reading = (struct reading){.service = service, .secret = entry.object};
	look_at(&reading->reader, pid);
	if (readers->count == BATCH_MAX)
		tell_all(readers);
}

/* ---- the thread ---- */

static void take_event(struct view_readers *readers, const struct fanotify_event_metadata *event,
	const char *rest, size_t len)
{
	const struct fanotify_event_info_fid *info = (const void *)rest;
	const struct file_handle *handle = (const void *)info->handle;
	int64_t key, service, file[2];
	const char *name;

	if (len < sizeof(*info) + sizeof(*handle) ||
		info->hdr.info_type != FAN_EVENT_INFO_TYPE_DFID_NAME)
		return;
	key = key_of_handle(handle);
	if (event->mask & FAN_DELETE_SELF) {
		(void)service_of(readers, key, true);
		return;
	}
	if (event->mask & FAN_ONDIR || event->pid == getpid())
		return;
	service = service_of(readers, key, false);
	name = (const char *)handle->f_handle + handle->handle_bytes;
	file[0] = key;
	file[1] = (int64_t)text_hash(name, strlen(name));
	/* Who opens a file all the time costs no more than this. */
	if (service && is_news(readers, file, ARRAY_SIZE(file), LOOK_AGAIN_NS))
		note(readers, service, name, event->pid);
}

/* They stand closer together than their type would have it. */
static void take_events(struct view_readers *readers, const char *data, size_t len)
{
	struct fanotify_event_metadata event;

	for (; len >= sizeof(event); data += event.event_len, len -= event.event_len) {
		(void)memcpy(&event, data, sizeof(event));
		if (event.event_len < sizeof(event) || event.event_len > len ||
			event.vers != FANOTIFY_METADATA_VERSION)
			return;
		take_event(readers, &event, data + sizeof(event), event.event_len - sizeof(event));
	}
}

static void *run(void *arg)
{
	struct view_readers *readers = arg;
	struct pollfd fds[] = {{.fd = readers->fanotify, .events = POLLIN},
		{.fd = readers->stop, .events = POLLIN}};

	for (;;) {
		ssize_t len;

		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return NULL;
		if (fds[1].revents)
			return NULL;
		len = read(readers->fanotify, readers->buffer, sizeof(readers->buffer));
		if (len < 0 && errno != EAGAIN && errno != EINTR)
			return NULL;
		if (len > 0)
			take_events(readers, readers->buffer, (size_t)len);
		tell_all(readers);
	}
}

int view_readers_new(struct view_readers **ret, struct store *store, struct error *reterr)
{
	struct view_readers *readers = calloc(1, sizeof(*readers));
	int r;

	if (!readers)
		return error_oom(reterr);
	readers->store = store;
	lock_init(&readers->lock, LOCK_LEAF);
	readers->stop = eventfd(0, EFD_CLOEXEC);
	readers->fanotify =
		fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME | FAN_CLOEXEC | FAN_NONBLOCK,
			O_RDONLY);
	if (readers->fanotify < 0 || readers->stop < 0) {
		log_debug("who reads secrets is not known: %s", strerror(errno));
		*ret = readers;
		return 0;
	}
	r = thread_start(&readers->thread, "readers", run, readers, reterr);
	readers->started = r == 0;
	if (r < 0) {
		view_readers_free(readers);
		return r;
	}
	*ret = readers;
	return 0;
}

void view_readers_free(struct view_readers *readers)
{
	const uint64_t one = 1;

	if (!readers)
		return;
	if (readers->started && write(readers->stop, &one, sizeof(one)) == sizeof(one))
		thread_join(readers->thread);
	if (readers->fanotify >= 0)
		(void)close(readers->fanotify);
	if (readers->stop >= 0)
		(void)close(readers->stop);
	idmap_done(&readers->services);
	idmap_done(&readers->told);
	lock_done(&readers->lock);
	free(readers);
}
