/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/fleet.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "reconcile/context.h"
#include "reconcile/gate.h"

struct fleet {
	struct lock lock; /* LOCK_LEAF */
	struct idmap hosts; /* attached ones, by object */
	struct host *local;
};

static void host_free(struct host *host)
{
	if (host->attached)
		engine_free(host->engine);
	gate_free(host->networks);
	free(host);
}

static struct host *host_new(struct reconciler *r, int64_t id, const char *name,
	const char *address)
{
	struct host *host = calloc(1, sizeof(*host));

	if (!host)
		return NULL;
	if (gate_new(&host->networks, NULL) < 0) {
		free(host);
		return NULL;
	}
	host->r = r;
	host->id = id;
	host->epoch = 1;
	host->refs = 1;
	(void)text_copy(host->name, sizeof(host->name), name);
	(void)text_copy(host->address, sizeof(host->address), address);
	return host;
}

int fleet_new(struct fleet **ret, struct reconciler *r, struct error *reterr)
{
	struct fleet *fleet = calloc(1, sizeof(*fleet));

	if (!fleet)
		return error_oom(reterr);
	lock_init(&fleet->lock, LOCK_LEAF);
	fleet->local = host_new(r, HOST_LOCAL_ID, HOST_LOCAL, r->options.host_address);
	if (!fleet->local) {
		fleet_free(fleet);
		return error_oom(reterr);
	}
	fleet->local->engine = r->options.engine;
	*ret = fleet;
	return 0;
}

int fleet_watch(struct fleet *fleet, struct error *reterr)
{
	struct engine *engine = fleet->local->engine;

	return engine->ops->watch(engine, host_event, fleet->local, reterr);
}

void fleet_stop(struct fleet *fleet)
{
	size_t position = 0;
	struct host *host;

	while (fleet && (host = idmap_next(&fleet->hosts, &position)))
		engine_free(TAKE(host->engine));
}

void fleet_free(struct fleet *fleet)
{
	size_t position = 0;
	struct host *host;

	if (!fleet)
		return;
	while ((host = idmap_next(&fleet->hosts, &position)))
		host_unref(host);
	idmap_done(&fleet->hosts);
	if (fleet->local)
		host_free(fleet->local);
	lock_done(&fleet->lock);
	free(fleet);
}

struct host *fleet_local(struct fleet *fleet)
{
	return fleet->local;
}

struct host *fleet_take(struct fleet *fleet, int64_t id)
{
	struct host *host;

	LOCKED(&fleet->lock);
	host = id == HOST_LOCAL_ID ? fleet->local : idmap_get(&fleet->hosts, id);
	if (host)
		host->refs++;
	return host;
}

struct host *host_ref(struct host *host)
{
	LOCKED(&host->r->fleet->lock);
	host->refs++;
	return host;
}

void host_unref(struct host *host)
{
	int left;

	if (!host)
		return;
	lock_acquire(&host->r->fleet->lock);
	left = --host->refs;
	lock_release(&host->r->fleet->lock);
	/* Ends the engine's threads: nothing may be locked. */
	if (left == 0)
		host_free(host);
}

void host_pool(int64_t host, char *pool, size_t size)
{
	if (host == HOST_LOCAL_ID)
		(void)snprintf(pool, size, "port/%s", HOST_LOCAL);
	else
		(void)snprintf(pool, size, "port/%" PRId64, host);
}
