/* SPDX-License-Identifier: Apache-2.0 */
/* Who has to look again when something changed in the store. Only wakes; never asks the store. */
#include <string.h>

#include "base/cleanup.h"
#include "model/instance.h"
#include "reconcile/context.h"
#include "reconcile/instance/inquiries.h"
#include "reconcile/host/fleet.h"
#include "reconcile/host/host_work.h"
#include "reconcile/service/permits.h"
#include "reconcile/estate/tenant_estate.h"

/* For the host that it runs on, and for the service that counts it. */
static void feed_instance(struct reconciler *r, const struct change *change)
{
	if (change->flags & CHANGE_ASKED)
		inquiries_wake(r);
	if (!(change->flags & ~(unsigned)(CHANGE_ASKED | CHANGE_ANSWERED)))
		return;
	if (change->flags & CHANGE_CREATED)
		atomic_fetch_add(&r->instances, 1);
	if (change->flags & CHANGE_DELETED)
		atomic_fetch_sub(&r->instances, 1);
	if (change->flags & (CHANGE_CREATED | CHANGE_DELETED))
		wake_platform(r);
	if (change->flags & (CHANGE_CREATED | CHANGE_DELETED | CHANGE_PURGED | CHANGE_SPEC))
		wake_instance(r, change->id);
	if (change->flags & CHANGE_PURGED) {
		fleet_release(r->fleet, change->id);
		wake_service(r, change->parent);
	}
	if (change->flags & ~(unsigned)CHANGE_EVENTS)
		permits_note(r, false);
	if (change->flags & CHANGE_STATUS)
		queue_wake_at(r->plans, key_of(KIND_SERVICE, change->parent),
			clock_now_ns() + SETTLE_DELAY_NS);
	if (!r->options.simulated && change->flags & ~(unsigned)CHANGE_EVENTS)
		queue_wake(r->peerings, key_of(VIEW_KEY_PEER, change->parent));
}

static void feed_service(struct reconciler *r, const struct change *change)
{
	const unsigned mine = CHANGE_CREATED | CHANGE_DELETED | CHANGE_SPEC | CHANGE_FLAGS;

	if (change->flags & (mine | CHANGE_GRANTS | CHANGE_PURGED))
		permits_note(r, change->flags & CHANGE_GRANTS);
	/* Who has lost it is not known any more: everybody looks. */
	if (change->flags & CHANGE_GRANTS && !r->options.simulated)
		queue_wake(r->views, QUEUE_SWEEP);
	if (change->flags & CHANGE_CREATED)
		atomic_fetch_add(&r->services, 1);
	if (change->flags & CHANGE_DELETED)
		atomic_fetch_sub(&r->services, 1);
	if (change->flags & (CHANGE_CREATED | CHANGE_DELETED))
		wake_platform(r);
	if (change->flags & mine)
		wake_service(r, change->id);
	if (change->flags & CHANGE_PURGED)
		queue_wake(r->plans, key_of(KIND_TENANT, change->tenant));
	if (r->options.simulated || !(change->flags & (mine | CHANGE_PURGED)))
		return;
	/* A peer that comes or goes changes everybody's neighbors; a spec changes its own view. */
	if (change->flags & CHANGE_DELETED)
		queue_wake(r->peerings, key_of(VIEW_KEY_TENANT_PEERS, change->tenant));
	if (change->flags & (CHANGE_CREATED | CHANGE_DELETED))
		queue_wake(r->peerings, key_of(VIEW_KEY_PEER, change->id));
	else if (change->flags & CHANGE_SPEC)
		wake_view(r, change->id);
}

static void feed_tenant(struct reconciler *r, const struct change *change)
{
	if (change->flags & CHANGE_CREATED)
		atomic_fetch_add(&r->tenants, 1);
	if (change->flags & CHANGE_DELETED)
		atomic_fetch_sub(&r->tenants, 1);
	if (change->flags & (CHANGE_CREATED | CHANGE_DELETED))
		wake_platform(r);
	if (change->flags & (CHANGE_CREATED | CHANGE_DELETED))
		queue_wake(r->plans, key_of(KIND_TENANT, change->id));
	if (change->flags & CHANGE_FLAGS)
		queue_wake(r->slow, key_of(SLOW_KEY_BUDGET, 1));
}

static void feed_host(struct reconciler *r, const struct change *change)
{
	if (change->flags & (CHANGE_CREATED | CHANGE_DELETED | CHANGE_PURGED | CHANGE_SPEC))
		queue_wake(r->hosts, key_of(KIND_HOST, change->id));
	if (change->flags & CHANGE_PURGED)
		queue_wake(r->plans, key_of(KIND_TENANT, change->tenant));
}

static void feed_resource(struct reconciler *r, const struct change *change)
{
	/* Unprotected it may be made anew. */
	if (change->flags & (CHANGE_CREATED | CHANGE_DELETED | CHANGE_SPEC | CHANGE_FLAGS))
		wake_resource(r, change->id);
	if (change->flags & CHANGE_PURGED)
		queue_wake(r->plans, key_of(KIND_TENANT, change->tenant));
}

/* What a resource brought: every service of the tenant sees it. */
static void feed_output(struct reconciler *r, const struct change *change)
{
	if (change->flags & CHANGE_DELETED)
		queue_wake(r->views, key_of(VIEW_KEY_PURGE, change->id));
	if (change->flags & CHANGE_PURGED)
		wake_resource(r, change->parent);
	if (!r->options.simulated && change->flags & CHANGE_SPEC)
		queue_wake(r->views, key_of(VIEW_KEY_TENANT_VALUES, change->tenant));
}

/* A secret, or a config value of a tenant or of one service. */
static void feed_value(struct reconciler *r, const struct change *change)
{
	if (change->flags & CHANGE_DELETED)
		queue_wake(r->views, key_of(VIEW_KEY_PURGE, change->id));
	if (change->flags & CHANGE_PURGED)
		queue_wake(r->plans, change->parent == change->tenant
					     ? key_of(KIND_TENANT, change->tenant)
					     : key_of(KIND_SERVICE, change->parent));
	if (r->options.estate && change->kind == KIND_CONFIG && change->parent == change->tenant)
		queue_wake(r->slow, key_of(SLOW_KEY_CONFIGURED, change->tenant));
	if (r->options.simulated || !(change->flags & (CHANGE_CREATED | CHANGE_SPEC)))
		return;
	queue_wake(r->views, change->parent == change->tenant
				     ? key_of(VIEW_KEY_TENANT_VALUES, change->tenant)
				     : key_of(VIEW_KEY_SERVICE_VALUES, change->parent));
}

void feed_changes(void *arg, const struct change *changes, size_t count)
{
	struct reconciler *r = arg;

	for (size_t i = 0; i < count; i++) {
		const struct change *change = &changes[i];

		switch (change->kind) {
		case KIND_PLATFORM:
			if (change->flags & CHANGE_FLAGS)
				wake_rotation(r);
			/* What changes after it is made by it, or later. */
			if (change->flags & CHANGE_SPEC) {
				(void)atomic_fetch_add(&r->policies_written, 1);
				wake_platform(r);
			}
			break;
		case KIND_TENANT:
			feed_tenant(r, change);
			break;
		case KIND_POLICY:
			queue_wake(r->slow, key_of(SLOW_KEY_TOTALS, 1));
			break;
		case KIND_SERVICE:
			feed_service(r, change);
			break;
		case KIND_INSTANCE:
			feed_instance(r, change);
			break;
		case KIND_HOST:
			feed_host(r, change);
			break;
		case KIND_RESOURCE:
			feed_resource(r, change);
			break;
		case KIND_OUTPUT:
			feed_output(r, change);
			break;
		case KIND_SECRET:
		case KIND_CONFIG:
			feed_value(r, change);
			break;
		default:
			break;
		}
	}
}

static int sweep_tenant(void *arg, const struct object *object)
{
	struct reconciler *r = arg;

	/* What became of the things of those that are ready is the estate's sweep's to find.
	 * Without an estate they have a key pair, all but those that are older than that. */
	if (object->deleting ||
		(r->options.estate ? !tenant_estate_is_ready(object) : !r->options.simulated))
		queue_wake(r->plans, key_of(KIND_TENANT, object->id));
	if (!object->deleting && !r->listed)
		atomic_fetch_add(&r->tenants, 1);
	return 0;
}

/* Simulated ones that are at rest stay there: nothing of them is real. */
static bool needs_look(const struct reconciler *r, const struct object *service)
{
	return !r->options.simulated || service->deleting || service->failed ||
	       service->observed != service->generation;
}

static int sweep_service(void *arg, const struct object *object)
{
	struct reconciler *r = arg;

	if (!r->listed && !object->deleting)
		atomic_fetch_add(&r->services, 1);
	if (!needs_look(r, object))
		return 0;
	if (!r->listed) {
		LOCKED(&r->lock);
		(void)idmap_put(&r->starting, object->id, r); /* only a mark */
	}
	wake_service(r, object->id);
	return 0;
}

int feed_services(struct reconciler *r)
{
	return store_list_all(r->options.store, KIND_SERVICE, 0, false, sweep_service, r);
}

static int sweep_instance(void *arg, const struct object *object)
{
	struct reconciler *r = arg;

	if (!r->listed && !object->deleting)
		atomic_fetch_add(&r->instances, 1);
	if (!r->options.simulated || object->deleting || r->listed)
		wake_instance(r, object->id);
	return 0;
}

static int sweep_host(void *arg, const struct object *object)
{
	struct reconciler *r = arg;

	queue_wake(r->hosts, key_of(KIND_HOST, object->id));
	return 0;
}

static int wake_listed(void *arg, const struct object *service)
{
	wake_service(arg, service->id);
	return 0;
}

int feed_host_all(struct reconciler *r, int64_t host, int64_t tenant)
{
	_cleanup_free_ int64_t *instances = NULL;
	size_t count = 0;
	int result = fleet_instances(r->fleet, host, &instances, &count);

	for (size_t i = 0; result == 0 && i < count; i++)
		wake_instance(r, instances[i]);
	if (result == 0)
		result = store_list(r->options.store, tenant, KIND_SERVICE, 0, false, wake_listed,
			r);
	return result;
}

static int load_claim(void *arg, const struct object *object)
{
	struct reconciler *r = arg;
	struct instance_spec spec;
	struct claim claim;

	/* Most have nothing of a host that would count: no need to parse them. */
	if (!object->spec || (strstr(object->spec, "\"HostId\":0,") &&
				     strstr(object->spec, "\"CPUMilli\":0,\"MemoryMiB\":0,")))
		return 0;
	if (instance_spec_parse(object->spec, &spec) < 0)
		return 0;
	claim = (struct claim){
		.host = spec.host_id, .cpu_milli = spec.cpu_milli, .memory_mib = spec.memory_mib};
	return fleet_claim(r->fleet, object->id, &claim);
}

/* Those that had an engine have it again in a moment; until then nobody is placed elsewhere. */
static int expect_host(void *arg, const struct object *object)
{
	const struct host_wish wish = {
		.id = object->id,
		.tenant = object->tenant,
		.name = object->name,
		.url = "",
		.address = "",
		.facts = {.expected = true, .removed = object->deleting},
	};
	struct reconciler *r = arg;
	struct host_status status;

	if (host_status_parse(object->status, &status) < 0 || status.phase == HOST_NEW ||
		status.phase == HOST_FAILED)
		return 0;
	return fleet_attach(r->fleet, &wish, NULL);
}

int feed_claims(struct reconciler *r)
{
	int result = store_list_all(r->options.store, KIND_HOST, 0, true, expect_host, r);

	if (result == 0)
		result = store_list_all(r->options.store, KIND_INSTANCE, 0, true, load_claim, r);
	return result;
}

static int sweep_resource(void *arg, const struct object *object)
{
	wake_resource(arg, object->id);
	return 0;
}

static int sweep_value(void *arg, const struct object *object)
{
	struct reconciler *r = arg;

	if (object->deleting)
		queue_wake(r->views, key_of(VIEW_KEY_PURGE, object->id));
	return 0;
}

int feed_sweep(struct reconciler *r)
{
	struct store *store = r->options.store;
	int result =
		store_list_all(store, KIND_TENANT, 0, r->options.estate != NULL, sweep_tenant, r);

	if (result == 0)
		result = store_list_all(store, KIND_SERVICE, 0, false, sweep_service, r);
	if (result == 0)
		result = store_list_all(store, KIND_HOST, 0, false, sweep_host, r);
	if (result == 0)
		result = store_list_all(store, KIND_INSTANCE, 0, false, sweep_instance, r);
	if (result == 0)
		result = store_list_all(store, KIND_RESOURCE, 0, false, sweep_resource, r);
	if (result == 0)
		result = store_list_all(store, KIND_SECRET, 0, false, sweep_value, r);
	if (result == 0)
		result = store_list_all(store, KIND_CONFIG, 0, false, sweep_value, r);
	if (result == 0)
		result = store_list_all(store, KIND_OUTPUT, 0, false, sweep_value, r);
	return result;
}
