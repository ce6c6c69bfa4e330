/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/view.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "reconcile/gate.h"
#include "reconcile/on_change.h"
#include "reconcile/view_files.h"
#include "store/view.h"

/* Somebody waits for a view to be complete. */
struct view_wait {
	bool over;
	int result;
	struct error error;
};

struct viewer {
	struct reconciler *r;
	int64_t peer;
	const char *peer_name;
	const struct buf *lines; /* of the peer, as neighbors shows them */
	int result;
	int64_t *services; /* found by a listing */
	size_t count, room;
};

static void view_path(const struct reconciler *r, int64_t service, char *path, size_t size)
{
	(void)snprintf(path, size, "%s/%" PRId64, r->options.view_dir, service);
}

static bool view_exists(const struct reconciler *r, int64_t service)
{
	char path[VIEW_PATH_MAX];

	view_path(r, service, path, sizeof(path));
	return access(path, F_OK) == 0;
}

static void view_tell(struct reconciler *r, int64_t service, int result, const struct error *error)
{
	struct view_wait *wait;

	LOCKED(&r->view_lock);
	wait = idmap_remove(&r->view_waits, service);
	if (!wait)
		return;
	wait->over = true;
	wait->result = result;
	wait->error = *error;
	cond_broadcast(&r->view_done);
}

static int64_t view_service(struct reconciler *r, int64_t service)
{
	_cleanup_object_ struct object object = OBJECT_INIT;
	struct error error = ERROR_INIT;
	char path[VIEW_PATH_MAX];
	bool news = false;
	int result = 0;

	view_path(r, service, path, sizeof(path));
	if (access(path, F_OK) == 0) {
		result = store_peek(r->options.store, service, &object);
		if (result == 0)
			result = view_files_sync(r->options.store, service, path, &news, &error);
		/* It may have been purged, and its view removed, while we wrote. */
		object_done(&object);
		object = OBJECT_INIT;
		if (store_peek(r->options.store, service, &object) == -ENOENT)
			result = file_remove_tree(path, &error);
	}
	view_tell(r, service, result, &error);
	if (result == 0 && news)
		result = on_change(r, service, &error);
	if (result < 0)
		log_debug("view of service %" PRId64 ": %s", service, error.text);
	return result < 0 ? QUEUE_RETRY : QUEUE_DONE;
}

static int collect_service(void *arg, const struct object *object)
{
	struct viewer *viewer = arg;

	if (!view_exists(viewer->r, object->id))
		return 0;
	if (viewer->count == viewer->room) {
		size_t room = viewer->room ? viewer->room * 2 : 16;
		int64_t *services = realloc(viewer->services, room * sizeof(*services));

		if (!services)
			return -ENOMEM;
		viewer->services = services;
		viewer->room = room;
	}
	viewer->services[viewer->count++] = object->id;
	return 0;
}

static int64_t view_tenant(struct reconciler *r, int64_t tenant)
{
	struct viewer viewer = {.r = r};
	int result = store_list(r->options.store, tenant, KIND_SERVICE, 0, false, collect_service,
		&viewer);

	for (size_t i = 0; i < viewer.count; i++) {
		if (view_service(r, viewer.services[i]) != QUEUE_DONE)
			result = -EAGAIN;
	}
	free(viewer.services);
	return result < 0 ? QUEUE_RETRY : QUEUE_DONE;
}

/* True when the peer's lines are other ones than at the last time. */
static bool peer_changed(struct reconciler *r, int64_t peer, const struct buf *lines)
{
	uint64_t hash = text_hash(lines->data ? lines->data : "", lines->len) | 1;

	LOCKED(&r->lock);
	if ((uintptr_t)idmap_get(&r->peers, peer) == (uintptr_t)hash)
		return false;
	(void)idmap_put(&r->peers, peer, (void *)(uintptr_t)hash); /* NOLINT: a number */
	return true;
}

static void view_forget_peer(struct reconciler *r, int64_t peer)
{
	LOCKED(&r->lock);
	(void)idmap_remove(&r->peers, peer);
}

static int64_t view_peer(struct reconciler *r, int64_t peer)
{
	_cleanup_object_ struct object object = OBJECT_INIT;
	_cleanup_buf_ struct buf lines = BUF_INIT;
	struct viewer viewer = {.r = r, .peer = peer};
	struct store *store = r->options.store;
	int result = store_peek(store, peer, &object);

	if (result < 0 || object.deleting) {
		view_forget_peer(r, peer);
		return result < 0 ? QUEUE_DONE : view_tenant(r, object.tenant);
	}
	result = view_neighbors(store, peer, &lines);
	if (result < 0)
		return QUEUE_RETRY;
	if (!peer_changed(r, peer, &lines))
		return QUEUE_DONE;
	result = store_list(store, object.tenant, KIND_SERVICE, 0, false, collect_service, &viewer);
	for (size_t i = 0; result == 0 && i < viewer.count; i++) {
		char path[VIEW_PATH_MAX];

		view_path(r, viewer.services[i], path, sizeof(path));
		result = view_files_neighbor(store, viewer.services[i], path, object.name, &lines,
			NULL);
	}
	free(viewer.services);
	if (result == 0)
		return QUEUE_DONE;
	view_forget_peer(r, peer);
	return QUEUE_RETRY;
}

static int purge(struct txn *txn, void *arg, struct error *reterr)
{
	const int64_t *id = arg;
	int r = txn_purge(txn, *id, reterr);

	return r == -ENOENT || r == -EBUSY ? 0 : r;
}

/* A secret or config value was removed: the views have lost it first, then its row goes. */
static int64_t view_purge(struct reconciler *r, int64_t id)
{
	_cleanup_object_ struct object object = OBJECT_INIT;
	int result = store_peek(r->options.store, id, &object);

	if (result == 0 && object.deleting) {
		if (!r->options.simulated && object.parent != object.tenant)
			result = view_service(r, object.parent) == QUEUE_DONE ? 0 : -EAGAIN;
		else if (!r->options.simulated)
			result = view_tenant(r, object.tenant) == QUEUE_DONE ? 0 : -EAGAIN;
		if (result == 0)
			result = store_update(r->options.store, STORE_RELAXED, NULL, purge, &id,
				NULL);
	}
	return result < 0 && result != -ENOENT ? QUEUE_RETRY : QUEUE_DONE;
}

/* After a start: what changed while nobody looked, and what nobody wants any more. */
static int64_t view_sweep(struct reconciler *r)
{
	DIR *dir = opendir(r->options.view_dir);
	const struct dirent *entry;
	int64_t service;

	if (!dir)
		return QUEUE_DONE;
	while ((entry = readdir(dir))) {
		if (text_parse_int(entry->d_name, 1, INT32_MAX, &service) == 0)
			queue_wake(r->views, key_of(VIEW_KEY_SERVICE, service));
	}
	(void)closedir(dir);
	return QUEUE_DONE;
}

int64_t view_reconcile(struct reconciler *r, int64_t key)
{
	int64_t id = key_id(key);

	switch (key_kind(key)) {
	case VIEW_KEY_SERVICE:
		return view_service(r, id);
	case VIEW_KEY_TENANT:
		return view_tenant(r, id);
	case VIEW_KEY_PEER:
		return view_peer(r, id);
	case VIEW_KEY_PURGE:
		return view_purge(r, id);
	default:
		return view_sweep(r);
	}
}

struct ensuring {
	struct reconciler *r;
	int64_t service;
};

static int view_build(void *arg, struct error *reterr)
{
	struct ensuring *ensuring = arg;
	struct reconciler *r = ensuring->r;
	struct view_wait wait = {.over = false};
	char path[VIEW_PATH_MAX];
	int result;

	view_path(r, ensuring->service, path, sizeof(path));
	result = file_mkdirs(path, 0755, reterr);
	if (result < 0)
		return result;
	LOCKED(&r->view_lock);
	if (idmap_put(&r->view_waits, ensuring->service, &wait) < 0)
		return error_oom(reterr);
	/* One thread writes all views: an older value never overtakes a newer one. */
	queue_wake(r->views, key_of(VIEW_KEY_SERVICE, ensuring->service));
	while (!wait.over)
		cond_wait(&r->view_done, &r->view_lock);
	if (wait.result < 0 && reterr)
		*reterr = wait.error;
	return wait.result;
}

int view_ensure(struct reconciler *r, int64_t service, struct error *reterr)
{
	struct ensuring ensuring = {.r = r, .service = service};

	if (r->options.simulated)
		return 0;
	return gate_pass(r->view_gate, service, view_build, &ensuring, reterr);
}

void view_remove(struct reconciler *r, int64_t service)
{
	char path[VIEW_PATH_MAX];

	gate_forget(r->view_gate, service);
	view_forget_peer(r, service);
	if (r->options.simulated)
		return;
	view_path(r, service, path, sizeof(path));
	(void)file_remove_tree(path, NULL);
	/* The views' thread may be writing there: it looks once more and finds the row gone. */
	queue_wake(r->views, key_of(VIEW_KEY_SERVICE, service));
}
