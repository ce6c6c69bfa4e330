/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/host/fleet.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "reconcile/context.h"
#include "reconcile/host/fleet_claims.h"
#include "reconcile/instance/images.h"
#include "reconcile/view/gate.h"

struct fleet {
	struct reconciler *r;
	struct lock lock; /* LOCK_LEAF */
	struct idmap hosts; /* attached ones, by object */
	struct host *local;
	struct claims claims;
	atomic_llong epochs;
};

static void host_free(struct host *host)
{
	if (host->attached)
		engine_free(host->engine);
	gate_free(host->networks);
	free((char *)(uintptr_t)host->facts.tags);
	free(host);
}

static struct host *host_new(struct fleet *fleet, const struct host_wish *wish)
{
	struct host *host = calloc(1, sizeof(*host));

	if (!host)
		return NULL;
	if (gate_new(&host->networks, NULL) < 0) {
		free(host);
		return NULL;
	}
	host->r = fleet->r;
	host->id = wish->id;
	host->tenant = wish->tenant;
	host->shares_files = wish->shares_files;
	host->facts = wish->facts;
	host->facts.tags = NULL;
	host->epoch = atomic_fetch_add(&fleet->epochs, 1) + 1;
	host->away_ns = clock_now_ns();
	host->refs = 1;
	(void)text_copy(host->name, sizeof(host->name), wish->name);
	(void)text_copy(host->url, sizeof(host->url), wish->url);
	(void)text_copy(host->address, sizeof(host->address), wish->address);
	return host;
}

int fleet_new(struct fleet **ret, struct reconciler *r, struct error *reterr)
{
	const struct host_wish local = {.name = HOST_LOCAL,
		.url = "",
		.address = r->options.host_address,
		.facts = {.schedulable = true},
		.shares_files = true};
	struct fleet *fleet = calloc(1, sizeof(*fleet));

	if (!fleet)
		return error_oom(reterr);
	fleet->r = r;
	lock_init(&fleet->lock, LOCK_LEAF);
	fleet->local = host_new(fleet, &local);
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

static struct host *take_next(struct fleet *fleet, size_t *position)
{
	struct host *host;

	LOCKED(&fleet->lock);
	host = idmap_next(&fleet->hosts, position);
	if (host)
		host->refs++;
	return host;
}

void fleet_interrupt(struct fleet *fleet)
{
	size_t position = 0;
	struct host *host;

	if (!fleet)
		return;
	fleet->local->engine->ops->interrupt(fleet->local->engine);
	while ((host = take_next(fleet, &position))) {
		if (host->engine)
			host->engine->ops->interrupt(host->engine);
		host_unref(host);
	}
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
	claims_done(&fleet->claims);
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

static bool is_same(const struct host *host, const struct host_wish *wish)
{
	return strcmp(host->url, wish->url) == 0 && strcmp(host->address, wish->address) == 0;
}

static int start_engine(struct host *host, struct error *reterr)
{
	const struct reconciler_options *options = &host->r->options;
	int r;

	if (!host->url[0])
		return 0;
	if (!options->engine_new)
		return error_set(reterr, -EOPNOTSUPP, "there are no hosts but this machine");
	r = options->engine_new(options->engine_arg, &host->engine, host->url, reterr);
	host->attached = r == 0;
	return r;
}

/* One engine under two names would be taken for two machines. */
static int check_url(struct fleet *fleet, const struct host_wish *wish, struct error *reterr)
{
	const char *local = fleet->r->options.engine_url;
	const struct host *host;
	size_t position = 0;

	if (!wish->url[0])
		return 0;
	if (local && strcmp(wish->url, local) == 0)
		return error_set(reterr, -EEXIST, "engine %s is the platform's own", wish->url);
	LOCKED(&fleet->lock);
	while ((host = idmap_next(&fleet->hosts, &position))) {
		if (host->id != wish->id && host->tenant == wish->tenant &&
			strcmp(host->url, wish->url) == 0)
			return error_set(reterr, -EEXIST, "engine %s is host %s already", wish->url,
				host->name);
	}
	return 0;
}

/* Puts it into the place of the old one, which the caller gives back. */
static int replace(struct fleet *fleet, struct host *host, struct host **ret_old)
{
	int r;

	LOCKED(&fleet->lock);
	*ret_old = idmap_get(&fleet->hosts, host->id);
	r = idmap_put(&fleet->hosts, host->id, host);
	if (r == 0)
		host->refs++; /* the fleet's beside the caller's */
	else
		*ret_old = NULL;
	return r;
}

int fleet_attach(struct fleet *fleet, const struct host_wish *wish, struct error *reterr)
{
	_cleanup_host_ struct host *host = fleet_take(fleet, wish->id);
	struct host *old = NULL;
	struct tally tally;
	int r;

	if (host && is_same(host, wish))
		return 0;
	fleet_tally(fleet, wish->id, &tally);
	if (host && host->engine && tally.instances > 0 && !wish->replaces)
		return error_set(reterr, -EBUSY,
			"engine and address change when its instances have left: set Drain first");
	r = check_url(fleet, wish, reterr);
	if (r < 0)
		return r;
	host_unref(host);
	host = host_new(fleet, wish);
	if (!host)
		return error_oom(reterr);
	r = start_engine(host, reterr);
	if (r == 0 && replace(fleet, host, &old) < 0)
		r = error_oom(reterr);
	if (old)
		images_forget(old);
	host_unref(old);
	if (r == 0 && host->engine)
		r = host->engine->ops->watch(host->engine, host_event, host, reterr);
	if (r < 0)
		fleet_detach(fleet, wish->id);
	return r;
}

void fleet_detach(struct fleet *fleet, int64_t id)
{
	struct host *host;

	lock_acquire(&fleet->lock);
	host = idmap_remove(&fleet->hosts, id);
	lock_release(&fleet->lock);
	if (host)
		images_forget(host);
	host_unref(host);
}

void fleet_tell(struct fleet *fleet, int64_t id, const struct host_facts *facts)
{
	char *tags = facts->tags ? strdup(facts->tags) : NULL;
	_cleanup_free_ char *old = NULL;
	struct host *host;

	LOCKED(&fleet->lock);
	host = id == HOST_LOCAL_ID ? fleet->local : idmap_get(&fleet->hosts, id);
	if (!host) {
		free(tags);
		return;
	}
	old = (char *)(uintptr_t)host->facts.tags;
	host->facts = *facts;
	host->facts.tags = tags;
}

void host_facts(struct host *host, struct host_facts *ret)
{
	LOCKED(&host->r->fleet->lock);
	*ret = host->facts;
	ret->tags = NULL;
}

void host_came(struct host *host)
{
	host->epoch = atomic_fetch_add(&host->r->fleet->epochs, 1) + 1;
	gate_forget_all(host->networks);
	host->down = false;
}

int64_t host_lost_ns(const struct host *host)
{
	if (host->up)
		return CLOCK_FOREVER;
	return host->away_ns + host->r->options.host_grace_s * NS_PER_SECOND;
}

bool host_is_lost(const struct host *host)
{
	return host->id != HOST_LOCAL_ID && clock_now_ns() >= host_lost_ns(host);
}

/* The machine of the platform serves those who have no hosts of their own, unless it is closed. */
void fleet_each(struct fleet *fleet, int64_t tenant, fleet_fn fn, void *arg)
{
	struct tally tally;
	struct host *host;
	size_t position = 0;
	bool own = false;

	LOCKED(&fleet->lock);
	while ((host = idmap_next(&fleet->hosts, &position))) {
		if (host->tenant != tenant || host->facts.removed ||
			!(host->engine || host->facts.expected))
			continue;
		own = true;
		claims_tally(&fleet->claims, host->id, &tally);
		fn(arg, host, &tally);
	}
	if (own || atomic_load(&fleet->local->r->local_closed))
		return;
	claims_tally(&fleet->claims, HOST_LOCAL_ID, &tally);
	fn(arg, fleet->local, &tally);
}

int fleet_claim(struct fleet *fleet, int64_t instance, const struct claim *claim)
{
	LOCKED(&fleet->lock);
	return claims_put(&fleet->claims, instance, claim);
}

void fleet_release(struct fleet *fleet, int64_t instance)
{
	LOCKED(&fleet->lock);
	claims_remove(&fleet->claims, instance);
}

int fleet_instances(struct fleet *fleet, int64_t host, int64_t **ret, size_t *ret_count)
{
	LOCKED(&fleet->lock);
	return claims_list(&fleet->claims, host, ret, ret_count);
}

void fleet_tally(struct fleet *fleet, int64_t host, struct tally *ret)
{
	LOCKED(&fleet->lock);
	claims_tally(&fleet->claims, host, ret);
}

void host_pool(int64_t host, char *pool, size_t size)
{
	if (host == HOST_LOCAL_ID)
		(void)snprintf(pool, size, "port/%s", HOST_LOCAL);
	else
		(void)snprintf(pool, size, "port/%" PRId64, host);
}
