/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/view/view.h"

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
#include "reconcile/service/on_change.h"
#include "reconcile/view/gate.h"
#include "reconcile/view/mirror.h"
#include "reconcile/view/view_files.h"
#include "reconcile/view/view_set.h"
#include "reconcile/view/view_work.h"

/* Somebody waits for a view to be complete. */
struct view_wait {
	unsigned parts; /* that are still to come */
	int result;
	struct error error;
};

/* Whether somebody waits still. */
static bool waits(const struct view_wait *wait)
{
	return wait->parts != 0 && wait->result == 0;
}

/* How fast a view may switch: those who wait for the next switch see what many writes made. */
struct pace {
	int64_t next_ns;
	bool failing; /* and it was told */
};

#define PACE_MIN_NS (2 * NS_PER_MILLISECOND)
#define PACE_MAX_NS NS_PER_SECOND

enum part {
	PART_VALUES = 1,
	PART_PEERS = 2,
	PART_NOW = 4, /* whatever the pace */
};

void view_path(const struct reconciler *r, int64_t service, char *path, size_t size)
{
	(void)snprintf(path, size, "%s/%" PRId64, r->options.view_dir, service);
}

static bool view_exists(const struct reconciler *r, int64_t service)
{
	char path[VIEW_PATH_MAX];

	view_path(r, service, path, sizeof(path));
	return access(path, F_OK) == 0;
}

static void view_tell(struct reconciler *r, int64_t service, unsigned parts, int result,
	const struct error *error)
{
	struct view_wait *wait;

	LOCKED(&r->view_lock);
	wait = idmap_get(&r->view_waits, service);
	if (!wait)
		return;
	wait->parts &= ~parts;
	wait->result = result;
	wait->error = *error;
	if (waits(wait))
		return;
	(void)idmap_remove(&r->view_waits, service);
	cond_broadcast(&r->view_done);
}

/* ---- pace ---- */

static struct pace *pace_of(struct reconciler *r, int64_t service)
{
	struct pace *pace;

	LOCKED(&r->view_lock);
	pace = idmap_get(&r->view_paces, service);
	if (pace)
		return pace;
	pace = calloc(1, sizeof(*pace));
	if (pace && idmap_put(&r->view_paces, service, pace) < 0) {
		free(pace);
		pace = NULL;
	}
	return pace;
}

static void pace_forget(struct reconciler *r, int64_t service)
{
	struct pace *pace;

	lock_acquire(&r->view_lock);
	pace = idmap_remove(&r->view_paces, service);
	lock_release(&r->view_lock);
	free(pace);
}

/* Half as long as the last switch took, others may have their turn. */
static void pace_set(struct pace *pace, int64_t since_ns)
{
	int64_t now_ns = clock_now_ns(), rest_ns = (now_ns - since_ns) / 2;

	if (rest_ns > PACE_MAX_NS || rest_ns < PACE_MIN_NS)
		rest_ns = rest_ns > PACE_MAX_NS ? PACE_MAX_NS : PACE_MIN_NS;
	if (pace)
		pace->next_ns = now_ns + rest_ns;
}

/* ---- one view ---- */

struct trouble {
	int64_t service;
	const struct error *error;
};

static int tell_trouble(struct txn *txn, void *arg, struct error *reterr)
{
	const struct trouble *trouble = arg;

	(void)reterr;
	return txn_event(txn, trouble->service, "warning",
		"what its containers see at /duplo stays as it was: %s", trouble->error->text);
}

static int view_values(struct reconciler *r, int64_t service, const char *path, struct pace *pace,
	struct error *reterr)
{
	int64_t since_ns = clock_now_ns();
	struct view_set_news news;
	int result = view_set_sync(r->options.store, r->readers, service, path, &news, reterr);

	if (news.switched)
		pace_set(pace, since_ns);
	if (news.due_ns != CLOCK_FOREVER)
		queue_wake_at(r->views, key_of(VIEW_KEY_SERVICE_VALUES, service), news.due_ns);
	if (result == 0 && news.values)
		result = on_change(r, service, reterr);
	return result;
}

/* Says so once, until it goes well again. */
static void view_note(struct reconciler *r, int64_t service, struct pace *pace, int result,
	const struct error *error)
{
	struct trouble trouble = {service, error};

	if (result < 0 && error->code && pace && !pace->failing)
		(void)store_update(r->options.store, STORE_RELAXED, NULL, tell_trouble, &trouble,
			NULL);
	if (pace)
		pace->failing = result < 0;
}

/* The pace is that of the values' thread alone. */
static int view_write_values(struct reconciler *r, int64_t service, const char *path,
	unsigned parts, struct error *reterr)
{
	struct pace *pace = pace_of(r, service);
	int result = 0;

	if (pace && pace->next_ns > clock_now_ns() && !(parts & PART_NOW))
		queue_wake_at(r->views, key_of(VIEW_KEY_SERVICE_VALUES, service), pace->next_ns);
	else
		result = view_values(r, service, path, pace, reterr);
	view_note(r, service, pace, result, reterr);
	return result;
}

static int view_write(struct reconciler *r, int64_t service, const char *path, unsigned parts,
	struct error *reterr)
{
	struct object object = OBJECT_INIT;
	int result = store_peek(r->options.store, service, &object);

	if (result == 0 && parts & PART_VALUES)
		result = view_write_values(r, service, path, parts, reterr);
	if (result == 0 && parts & PART_PEERS)
		result = view_peers_sync(r, service, reterr);
	/* It may have been purged, and its view removed, while we wrote. */
	if (store_peek(r->options.store, service, &object) != -ENOENT)
		return result;
	if (parts & PART_VALUES)
		pace_forget(r, service);
	return file_remove_tree(path, reterr);
}

static int64_t view_service(struct reconciler *r, int64_t service, unsigned parts)
{
	struct error error = ERROR_INIT;
	char path[VIEW_PATH_MAX];
	int result = 0;

	view_path(r, service, path, sizeof(path));
	if (access(path, F_OK) == 0)
		result = view_write(r, service, path, parts, &error);
	else if (parts & PART_VALUES)
		pace_forget(r, service);
	view_tell(r, service, parts, result, &error);
	if (result == 0)
		mirror_wake(r, service);
	if (result < 0)
		log_debug("view of service %" PRId64 ": %s", service, error.text);
	return result < 0 ? QUEUE_RETRY : QUEUE_DONE;
}

/* ---- many ---- */

static int collect_service(void *arg, const struct object *object)
{
	struct view_services *services = arg;

	if (!view_exists(services->r, object->id))
		return 0;
	if (services->count == services->room) {
		size_t room = services->room ? services->room * 2 : 16;
		int64_t *ids = reallocarray(services->ids, room, sizeof(*ids));

		if (!ids)
			return -ENOMEM;
		services->ids = ids;
		services->room = room;
	}
	services->ids[services->count++] = object->id;
	return 0;
}

int view_services_list(struct view_services *services, struct reconciler *r, int64_t tenant)
{
	services->r = r;
	return store_list(r->options.store, tenant, KIND_SERVICE, 0, false, collect_service,
		services);
}

void view_services_done(struct view_services *services)
{
	free(services->ids);
	services->ids = NULL;
	services->count = services->room = 0;
}

static int64_t view_tenant(struct reconciler *r, int64_t tenant, unsigned parts)
{
	_cleanup_view_services_ struct view_services services = {.r = NULL};
	int result = view_services_list(&services, r, tenant);

	for (size_t i = 0; i < services.count; i++)
		if (view_service(r, services.ids[i], parts) != QUEUE_DONE)
			result = -EAGAIN;
	return result < 0 ? QUEUE_RETRY : QUEUE_DONE;
}

static int purge(struct txn *txn, void *arg, struct error *reterr)
{
	const int64_t *id = arg;
	int r = txn_purge(txn, *id, reterr);

	return r == -ENOENT || r == -EBUSY ? 0 : r;
}

static int64_t view_lose(struct reconciler *r, const struct object *value)
{
	const unsigned parts = PART_VALUES | PART_NOW;

	return value->parent == value->tenant || value->kind == KIND_OUTPUT
		       ? view_tenant(r, value->tenant, parts)
		       : view_service(r, value->parent, parts);
}

/* A secret, config value or output was removed: the views have lost it first, then its row goes. */
static int64_t view_purge(struct reconciler *r, int64_t id)
{
	_cleanup_object_ struct object object = OBJECT_INIT;
	int result = store_peek(r->options.store, id, &object);

	if (result == 0 && object.deleting) {
		if (!r->options.simulated && view_lose(r, &object) != QUEUE_DONE)
			result = -EAGAIN;
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
			wake_view(r, service);
	}
	(void)closedir(dir);
	return QUEUE_DONE;
}

int64_t view_reconcile(struct reconciler *r, int64_t key)
{
	int64_t id = key_id(key);

	switch (key_kind(key)) {
	case VIEW_KEY_SERVICE_PEERS:
		return view_service(r, id, PART_PEERS);
	case VIEW_KEY_SERVICE_VALUES:
		return view_service(r, id, PART_VALUES);
	case VIEW_KEY_TENANT_VALUES:
		return view_tenant(r, id, PART_VALUES);
	case VIEW_KEY_TENANT_PEERS:
		return view_tenant(r, id, PART_PEERS);
	case VIEW_KEY_PEER:
		return view_peer(r, id);
	case VIEW_KEY_ROSTER:
		return view_rosters(r, id);
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
	struct view_wait wait = {.parts = PART_VALUES | PART_PEERS};
	char path[VIEW_PATH_MAX];
	int result;

	view_path(r, ensuring->service, path, sizeof(path));
	result = file_mkdirs(path, 0755, reterr);
	if (result < 0)
		return result;
	LOCKED(&r->view_lock);
	if (idmap_put(&r->view_waits, ensuring->service, &wait) < 0)
		return error_oom(reterr);
	/* One thread writes all values, and one all neighbors: an older one never overtakes a newer
	 * one. */
	wake_view(r, ensuring->service);
	while (waits(&wait))
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
	/* The views' threads may be writing there: they look once more and find the row gone. */
	wake_view(r, service);
	mirror_wake(r, service);
}

void view_forget_all(struct reconciler *r)
{
	size_t position = 0;
	struct pace *pace;

	while ((pace = idmap_next(&r->view_paces, &position)))
		free(pace);
	idmap_done(&r->view_paces);
}
