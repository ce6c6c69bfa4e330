/* SPDX-License-Identifier: Apache-2.0 */
/* Who answers where, in the views of all that may see it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/grants.h"
#include "reconcile/view/mirror.h"
#include "reconcile/view/view_files.h"
#include "reconcile/view/view_work.h"
#include "store/view.h"

/* Gathers the news of many peers: all views of a tenant are looked at. */
#define ROSTER_DELAY_NS (10 * NS_PER_MILLISECOND)
#define ROSTER_REST     4

/* ---- neighbors.json and hosts ---- */

struct roster {
	struct buf json, hosts;
};

static void roster_done(struct roster *roster)
{
	buf_done(&roster->json);
	buf_done(&roster->hosts);
}
#define _cleanup_roster_ __attribute__((cleanup(roster_done)))

static int roster_load(struct roster *roster, struct store *store, int64_t service,
	view_lines_fn fn, void *arg)
{
	int r = store_freeze(store, NULL);

	if (r < 0)
		return r;
	r = view_roster(store, service, &roster->json, &roster->hosts, fn, arg);
	store_thaw(store);
	return r;
}

static int roster_put(const struct roster *roster, const char *path, struct error *reterr)
{
	int r = view_files_put(path, "neighbors.json", &roster->json, reterr);

	return r < 0 ? r : view_files_put(path, "hosts", &roster->hosts, reterr);
}

int view_peers_sync(struct reconciler *r, int64_t service, struct error *reterr)
{
	_cleanup_roster_ struct roster roster = {BUF_INIT, BUF_INIT};
	_cleanup_view_files_ struct view_files files = {.path = NULL};
	char path[VIEW_PATH_MAX];
	int result;

	view_path(r, service, path, sizeof(path));
	result = view_files_begin(&files, path, reterr);
	if (result == 0)
		result = roster_load(&roster, r->options.store, service, view_files_add, &files);
	if (result < 0 && files.error.code)
		*reterr = files.error;
	if (result < 0 && !reterr->code)
		(void)error_set(reterr, result, "the neighbors of a view cannot be read");
	if (result < 0)
		return result;
	result = view_files_end(&files, reterr);
	return result < 0 ? result : roster_put(&roster, path, reterr);
}

/* Most services see all of their tenant's: what they are shown is made once for all of them. */
static int roster_sync(struct reconciler *r, int64_t service, struct roster *common)
{
	_cleanup_roster_ struct roster own = {BUF_INIT, BUF_INIT};
	struct roster *roster = &own;
	char path[VIEW_PATH_MAX];
	bool same = false;
	int result = view_sees_tenant(r->options.store, service, &same);

	if (same)
		roster = common;
	if (result == 0 && roster->json.len == 0)
		result = roster_load(roster, r->options.store, service, NULL, NULL);
	view_path(r, service, path, sizeof(path));
	if (result == 0)
		result = roster_put(roster, path, NULL);
	if (result == 0)
		mirror_wake(r, service);
	return result == -ENOENT ? 0 : result; /* gone meanwhile */
}

int64_t view_rosters(struct reconciler *r, int64_t tenant)
{
	_cleanup_view_services_ struct view_services services = {.r = NULL};
	_cleanup_roster_ struct roster common = {BUF_INIT, BUF_INIT};
	int64_t begin_ns = clock_now_ns(), end_ns;
	int result;

	if (begin_ns < r->roster_next_ns)
		return r->roster_next_ns;
	result = view_services_list(&services, r, tenant);
	for (size_t i = 0; result == 0 && i < services.count; i++)
		result = roster_sync(r, services.ids[i], &common);
	end_ns = clock_now_ns();
	/* While many come and go, most of the time is for them. */
	r->roster_next_ns = end_ns + ROSTER_REST * (end_ns - begin_ns);
	if (r->roster_next_ns > end_ns + NS_PER_SECOND)
		r->roster_next_ns = end_ns + NS_PER_SECOND;
	return result < 0 ? QUEUE_RETRY : QUEUE_DONE;
}

/* ---- one peer, wherever it is shown ---- */

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

void view_forget_peer(struct reconciler *r, int64_t peer)
{
	LOCKED(&r->lock);
	(void)idmap_remove(&r->peers, peer);
}

struct showing {
	struct reconciler *r;
	const char *name; /* of the peer, as the views of this tenant have it */
	const struct buf *lines;
};

static int show_in_tenant(const struct showing *showing, int64_t tenant)
{
	_cleanup_view_services_ struct view_services services = {.r = NULL};
	struct reconciler *r = showing->r;
	int result = view_services_list(&services, r, tenant);

	for (size_t i = 0; result == 0 && i < services.count; i++) {
		char path[VIEW_PATH_MAX];

		view_path(r, services.ids[i], path, sizeof(path));
		result = view_files_neighbor(r->options.store, services.ids[i], path, showing->name,
			showing->lines, NULL);
		if (result == 0)
			mirror_wake(r, services.ids[i]);
		if (result == -ENOENT) /* gone meanwhile */
			result = 0;
	}
	if (result == 0)
		queue_wake_at(r->peerings, key_of(VIEW_KEY_ROSTER, tenant),
			clock_now_ns() + ROSTER_DELAY_NS);
	return result;
}

/* The tenants to which its owner has granted a look. */
static int show_granted(struct showing *showing, const struct object *peer)
{
	_cleanup_object_ struct object owner = OBJECT_INIT;
	_cleanup_buf_ struct buf grants = BUF_INIT;
	struct store *store = showing->r->options.store;
	int result = store_grants(store, peer->id, &grants, NULL);
	const char *at = buf_string(&grants);
	struct grant grant;
	char name[2 * OBJECT_NAME_MAX + 2];

	if (result == 0)
		result = store_peek(store, peer->tenant, &owner);
	if (result < 0)
		return result == -ENOENT ? 0 : result;
	(void)snprintf(name, sizeof(name), "%s.%s", peer->name, owner.name);
	showing->name = name;
	while (result == 0 && grants_next(&at, &grant)) {
		struct object tenant = OBJECT_INIT;

		result = store_peek_name(store, PLATFORM_ID, KIND_TENANT, grant.tenant, &tenant);
		if (result == 0)
			result = show_in_tenant(showing, tenant.id);
		else if (result == -ENOENT)
			result = 0;
	}
	return result;
}

int64_t view_peer(struct reconciler *r, int64_t peer)
{
	_cleanup_object_ struct object object = OBJECT_INIT;
	_cleanup_buf_ struct buf lines = BUF_INIT;
	struct showing showing = {.r = r, .lines = &lines};
	int result = store_peek(r->options.store, peer, &object);

	if (result < 0) {
		view_forget_peer(r, peer);
		return QUEUE_DONE;
	}
	/* What is being deleted is found nowhere any more: its files go. */
	if (!object.deleting)
		result = view_neighbors(r->options.store, peer, &lines);
	if (result < 0)
		return QUEUE_RETRY;
	if (!peer_changed(r, peer, &lines) && !object.deleting)
		return QUEUE_DONE;
	showing.name = object.name;
	result = show_in_tenant(&showing, object.tenant);
	if (result == 0)
		result = show_granted(&showing, &object);
	if (result == 0 && !object.deleting)
		return QUEUE_DONE;
	view_forget_peer(r, peer);
	return result < 0 ? QUEUE_RETRY : QUEUE_DONE;
}
