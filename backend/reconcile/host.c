/* SPDX-License-Identifier: Apache-2.0 */
/* The host as a whole: the engine comes and goes, containers die, strays are told. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "reconcile/context.h"
#include "reconcile/fleet.h"
#include "reconcile/gate.h"
#include "reconcile/permits.h"
#include "reconcile/units.h"

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
		atomic_fetch_add(&host->epoch, 1);
		gate_forget_all(host->networks);
		permits_forget(r);
		set_engine(host, true, &ERROR_INIT);
		queue_wake(r->hosts, key_of(KIND_HOST, host->id));
		wake_platform(r);
		break;
	case ENGINE_DOWN:
		set_engine(host, false, &event->error);
		queue_wake(r->plans, key_of(KIND_HOST, host->id)); /* their status says so */
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
	char version[64];

	if (engine->ops->ping(engine, version, sizeof(version), NULL) < 0)
		return;
	LOCKED(&host->r->lock);
	(void)text_copy(host->version, sizeof(host->version), version);
}

int64_t host_reconcile(struct reconciler *r, int64_t id)
{
	_cleanup_host_ struct host *host = fleet_take(r->fleet, id);
	struct error error = ERROR_INIT;

	if (!host || !host->up)
		return QUEUE_DONE;
	/* What is wanted first: telling strays can wait. */
	if (feed_sweep(r) < 0)
		return QUEUE_RETRY;
	ask_version(host);
	wake_platform(r);
	if (host->engine->ops->list(host->engine, look_at, r, &error) < 0) {
		log_debug("containers cannot be listed: %s", error.text);
		return QUEUE_RETRY;
	}
	return QUEUE_DONE;
}
