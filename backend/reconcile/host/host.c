/* SPDX-License-Identifier: Apache-2.0 */
/* The host as a whole: the engine comes and goes, containers die, strays are told. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "reconcile/context.h"
#include "reconcile/host/fleet.h"
#include "reconcile/host/host_work.h"
#include "reconcile/view/mirror.h"
#include "reconcile/service/permits.h"
#include "reconcile/instance/units.h"
#include "reconcile/usage/meter.h"

static void set_engine(struct host *host, bool up, const struct error *error)
{
	LOCKED(&host->r->lock);
	host->up = up;
	host->error = *error;
}

void host_event(void *arg, const struct engine_event *event)
{
	struct host *host = arg;
	struct reconciler *r = host->r;

	switch (event->type) {
	case ENGINE_UP:
		host_came(host);
		permits_forget(r);
		set_engine(host, true, &ERROR_INIT);
		mirror_came(host);
		queue_wake(r->hosts, key_of(KIND_HOST, host->id));
		wake_platform(r);
		break;
	case ENGINE_DOWN:
		if (host->up) {
			host->away_ns = clock_now_ns();
			host->was_up = true;
		}
		set_engine(host, false, &event->error);
		host->down = true;
		/* Services say so in their status; a host of an object has one of its own. */
		queue_wake(host->id == HOST_LOCAL_ID ? r->plans : r->hosts,
			key_of(KIND_HOST, host->id));
		wake_platform(r);
		break;
	case ENGINE_CONTAINER_DIED:
	case ENGINE_CONTAINER_REMOVED:
		units_set_died(r->units, event->instance, event->container);
		wake_instance(r, event->instance);
		break;
	case ENGINE_CONTAINER_STARTED:
		break;
	}
}

struct stray {
	struct reconciler *r;
	const struct container_state *state;
	bool known;
};

static int match_intent(void *arg, const struct intent *intent)
{
	struct stray *stray = arg;

	stray->known = strcmp(intent->type, INTENT_CONTAINER) == 0 &&
		       strcmp(intent->name, stray->state->name) == 0;
	return stray->known;
}

static int tell(struct txn *txn, void *arg, struct error *reterr)
{
	const struct stray *stray = arg;

	(void)reterr;
	return txn_event(txn, PLATFORM_ID, "warning",
		"the container %s carries our label, but no journal knows it: it is left alone",
		stray->state->name);
}

static bool told_before(struct reconciler *r, const struct container_state *state)
{
	int64_t hash = (int64_t)text_hash(state->id, strlen(state->id));

	LOCKED(&r->lock);
	if (idmap_get(&r->told, hash))
		return true;
	(void)idmap_put(&r->told, hash, r); /* only a mark */
	return false;
}

/* Only what both the label and the journal claim is ours to remove: its instance does that. */
static int look_at(void *arg, const struct container_state *state)
{
	struct reconciler *r = arg;
	struct stray stray = {.r = r, .state = state};

	if (state->instance > 0)
		(void)store_intents(r->options.store, state->instance, match_intent, &stray);
	if (stray.known)
		wake_instance(r, state->instance);
	else if (!told_before(r, state))
		(void)store_update(r->options.store, STORE_RELAXED, NULL, tell, &stray, NULL);
	return 0;
}

static void ask_version(struct host *host)
{
	struct engine *engine = host->engine;
	struct engine_capacity capacity = {0};
	char version[64];

	if (engine->ops->ping(engine, version, sizeof(version), NULL) < 0)
		return;
	if (engine->ops->capacity && engine->ops->capacity(engine, &capacity, NULL) == 0) {
		host->cpu_milli = capacity.cpu_milli;
		host->memory_mib = capacity.memory_mib;
	}
	LOCKED(&host->r->lock);
	(void)text_copy(host->version, sizeof(host->version), version);
}

int host_greet(struct host *host, struct error *reterr)
{
	int64_t epoch = host->epoch;
	int r;

	ask_version(host);
	r = host->engine->ops->list(host->engine, look_at, host->r, reterr);
	if (r == 0)
		host->looked = epoch;
	return r;
}

static int meter_local(struct txn *txn, void *arg, struct error *reterr)
{
	(void)reterr;
	return meter_machine(txn, PLATFORM_ID, PLATFORM_ID, arg);
}

/* The machine of the platform. */
static int64_t local_reconcile(struct reconciler *r)
{
	struct host *host = fleet_local(r->fleet);
	struct host_facts facts = {.schedulable = true};
	struct error error = ERROR_INIT;

	if (!host->up)
		return QUEUE_DONE;
	/* What is wanted first: telling strays can wait. */
	if (feed_sweep(r) < 0)
		return QUEUE_RETRY;
	if (host_greet(host, &error) < 0) {
		log_debug("containers cannot be listed: %s", error.text);
		return QUEUE_RETRY;
	}
	facts.known = true;
	facts.cpu_milli = host->cpu_milli;
	facts.memory_mib = host->memory_mib;
	fleet_tell(r->fleet, HOST_LOCAL_ID, &facts);
	(void)store_update(r->options.store, STORE_RELAXED, NULL, meter_local, host, NULL);
	wake_platform(r);
	return QUEUE_DONE;
}

int64_t host_reconcile(struct reconciler *r, int64_t id)
{
	return id == HOST_LOCAL_ID ? local_reconcile(r) : host_object_reconcile(r, id);
}
