/* SPDX-License-Identifier: Apache-2.0 */
/* What belongs to a tenant as a whole: its network and its volumes. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "reconcile/context.h"
#include "reconcile/estate/tenant_estate.h"
#include "reconcile/host/fleet.h"
#include "reconcile/view/gate.h"

struct owned {
	int64_t owner;
	const char *type, *name;
};

void tenant_network_name(const struct reconciler *r, const char *tenant, int64_t id, char *name,
	size_t size)
{
	(void)snprintf(name, size, "duplo-%s-%s-%" PRId64, r->platform, tenant, id);
}

static int intent_add(struct txn *txn, void *arg, struct error *reterr)
{
	const struct owned *owned = arg;

	(void)reterr;
	return txn_intent_add(txn, owned->owner, owned->type, owned->name);
}

struct network {
	struct host *host;
	int64_t tenant;
	const char *name;
};

static int network_make(void *arg, struct error *reterr)
{
	const struct network *network = arg;
	struct engine *engine = network->host->engine;
	struct reconciler *r = network->host->r;
	struct owned owned = {network->host->id, INTENT_NETWORK, network->name};
	struct label labels[] = {{LABEL_PLATFORM, r->platform}, {LABEL_TENANT, NULL}};
	_cleanup_object_ struct object tenant = OBJECT_INIT;
	int result = store_peek(r->options.store, network->tenant, &tenant);

	if (result < 0)
		return error_set(reterr, result, "the tenant is gone");
	labels[1].value = tenant.name;
	/* It goes with the host, or with the tenant. */
	if (network->host->id == HOST_LOCAL_ID)
		owned.owner = network->tenant;
	result =
		store_update(r->options.store, r->options.simulated ? STORE_RELAXED : STORE_DURABLE,
			NULL, intent_add, &owned, reterr);
	if (result < 0)
		return result;
	return engine->ops->network_ensure(engine, network->name, labels, 2, reterr);
}

int tenant_network_ensure(struct host *host, int64_t tenant, const char *name, struct error *reterr)
{
	struct network network = {host, tenant, name};

	return gate_pass(host->networks, tenant, network_make, &network, reterr);
}

struct next_intent {
	struct intent intent;
	bool found;
};

static int take_intent(void *arg, const struct intent *intent)
{
	struct next_intent *next = arg;

	next->intent = *intent;
	next->found = true;
	return 1;
}

static int intent_done(struct txn *txn, void *arg, struct error *reterr)
{
	const struct intent *intent = arg;

	(void)reterr;
	return tenant_estate_type(intent)
		       ? txn_intent_bury(txn, intent->owner, intent->type, intent->name)
		       : txn_intent_done(txn, intent->owner, intent->type, intent->name);
}

static int remove_owned(struct reconciler *r, const struct object *tenant,
	const struct intent *intent, struct error *reterr)
{
	struct engine *engine = fleet_local(r->fleet)->engine;
	int result = 0;

	if (strcmp(intent->type, INTENT_NETWORK) == 0)
		result = engine->ops->network_remove(engine, intent->name, reterr);
	else if (strcmp(intent->type, INTENT_VOLUME) == 0)
		result = engine->ops->volume_remove(engine, intent->name, reterr);
	else if (tenant_estate_type(intent))
		result = tenant_estate_remove(r, tenant, intent, reterr);
	if (result < 0)
		return result;
	return store_update(r->options.store, STORE_RELAXED, NULL, intent_done, (void *)intent,
		reterr);
}

static int purge(struct txn *txn, void *arg, struct error *reterr)
{
	const int64_t *id = arg;
	int result = txn_purge(txn, *id, reterr);

	return result == -ENOENT ? 0 : result;
}

/* True while something that lives in the tenant is still being torn down. */
static int has_children(void *arg, const struct object *object)
{
	const int64_t *tenant = arg;

	return object->tenant == *tenant && object->id != *tenant ? -EBUSY : 0;
}

static int teardown(struct reconciler *r, const struct object *tenant, struct error *reterr)
{
	int64_t id = tenant->id;
	struct store *store = r->options.store;
	int result = store_list_all(store, KIND_SERVICE, 0, false, has_children, &id);

	if (result == 0)
		result = store_list_all(store, KIND_HOST, 0, false, has_children, &id);
	if (result == 0)
		result = store_list_all(store, KIND_RESOURCE, 0, false, has_children, &id);
	if (result < 0)
		return result;
	for (;;) {
		struct next_intent next = {.found = false};

		result = store_intents(store, id, take_intent, &next);
		if (result < 0 || !next.found)
			break;
		result = remove_owned(r, tenant, &next.intent, reterr);
		if (result < 0)
			return result;
	}
	gate_forget(fleet_local(r->fleet)->networks, id);
	if (result == 0)
		result = store_update(store, STORE_RELAXED, NULL, purge, &id, reterr);
	return result;
}

int64_t tenant_reconcile(struct reconciler *r, int64_t id)
{
	_cleanup_object_ struct object tenant = OBJECT_INIT;
	struct error error = ERROR_INIT;
	int result = store_get(r->options.store, id, &tenant);

	if (result < 0)
		return result != -ENOENT ? QUEUE_RETRY : QUEUE_DONE;
	if (!tenant.deleting)
		return r->options.estate ? tenant_estate_ensure(r, &tenant)
					 : tenant_estate_key(r, &tenant);
	result = teardown(r, &tenant, &error);
	if (result == 0)
		return QUEUE_DONE;
	if (result == -EBUSY && !error.code)
		return QUEUE_DONE; /* the last of what is in it wakes us when it is purged */
	log_debug("tenant %s: %s", tenant.name, error.text);
	return queue_after(result, error.text);
}
