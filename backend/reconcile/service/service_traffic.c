/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "reconcile/estate/tenant_estate.h"
#include "reconcile/host/fleet.h"
#include "reconcile/instance/units.h"
#include "reconcile/service/service_work.h"

#define WARNING_EVERY_NS (60 * NS_PER_SECOND) /* whether its cause has gone */

static bool may_serve(const struct member *member)
{
	return member_ready(member) && member->spec.join;
}

void instance_target(const struct reconciler *r, int64_t id, const struct instance_spec *spec,
	const struct instance_status *status, struct target *ret)
{
	*ret = (struct target){.port = (int)spec->host_port, .state = TARGET_DRAIN};
	(void)snprintf(ret->name, sizeof(ret->name), "%" PRId64 "-%" PRId64, spec->ordinal, id);
	/* Of another machine the status has the address at which it publishes. */
	(void)text_copy(ret->address, sizeof(ret->address),
		spec->host_id == HOST_LOCAL_ID ? r->options.host_address : status->address);
}

static size_t targets_make(const struct service_work *work, struct target *targets)
{
	size_t count = 0;

	for (size_t i = 0; i < work->count; i++) {
		const struct member *member = &work->members[i];
		struct target *target = &targets[count];

		if (!member_has_container(member) || member->spec.host_port == 0)
			continue;
		/* One that has never been in needs no draining. */
		if (!may_serve(member) && (member->status.phase == INSTANCE_PENDING ||
						  member->status.phase == INSTANCE_PULLING ||
						  member->status.phase == INSTANCE_CREATING ||
						  member->status.phase == INSTANCE_STARTING ||
						  member->status.phase == INSTANCE_FAILED))
			continue;
		instance_target(work->r, member->id, &member->spec, &member->status, target);
		if (may_serve(member))
			target->state = TARGET_READY;
		count++;
	}
	return count;
}

/* Of all that the balancer and the name depend on: equal hashes need no call. */
static uint64_t traffic_hash(const struct service_work *work, const struct target *targets,
	size_t count)
{
	struct buf text = BUF_INIT;
	uint64_t hash;

	buf_printf(&text, "%lld %" PRId64 " %" PRId64 " %" PRId64 " %s %s\n",
		(long long)atomic_load(&work->r->traffic_epoch), work->status.lb_slot,
		work->spec->lb_port, work->spec->drain_s, work->spec->dns,
		work->spec->health.path ? work->spec->health.path : "");
	for (size_t i = 0; i < count; i++)
		buf_printf(&text, "%s %s %d %d\n", targets[i].name, targets[i].address,
			targets[i].port, targets[i].state);
	hash = text_hash(text.data ? text.data : "", text.len) | 1;
	buf_done(&text);
	return hash;
}

void service_forget_traffic(struct reconciler *r, int64_t id)
{
	LOCKED(&r->lock);
	(void)idmap_remove(&r->traffic, id);
}

static bool traffic_known(struct reconciler *r, int64_t id, uint64_t hash)
{
	LOCKED(&r->lock);
	return (uintptr_t)idmap_get(&r->traffic, id) == (uintptr_t)hash;
}

static void traffic_remember(struct reconciler *r, int64_t id, uint64_t hash)
{
	LOCKED(&r->lock);
	/* Not remembered: it is stated once more. */
	(void)idmap_put(&r->traffic, id,
		(void *)(uintptr_t)hash); /* NOLINT: a number, not a place */
}

static int reserve(struct txn *txn, void *arg, struct error *reterr)
{
	struct service_work *work = arg;
	char name[24];
	int r = txn_allocate(txn, POOL_BALANCERS, 1, BALANCER_SLOT_MAX, 0, work->service.id,
		&work->status.lb_slot);

	if (r < 0)
		return error_set(reterr, r, "no address for another load balancer is free");
	(void)snprintf(name, sizeof(name), "%" PRId64, work->service.id);
	r = txn_intent_add(txn, work->service.id, INTENT_BALANCER, name);
	if (r == 0 && work->spec->dns[0])
		r = txn_intent_add(txn, work->service.id, INTENT_DNS, work->spec->dns);
	return r;
}

struct stale {
	struct service_work *work;
	const char *type;
	char name[160]; /* the last one found */
	bool found;
};

static int find_stale(void *arg, const struct intent *intent)
{
	struct stale *stale = arg;
	bool wanted = stale->work->spec && stale->work->spec->lb_port > 0;

	if (strcmp(intent->type, stale->type) != 0)
		return 0;
	if (strcmp(stale->type, INTENT_DNS) == 0)
		wanted = wanted && strcmp(intent->name, stale->work->spec->dns) == 0;
	if (wanted)
		return 0;
	(void)text_copy(stale->name, sizeof(stale->name), intent->name);
	stale->found = true;
	return 1;
}

static int forget_stale(struct txn *txn, void *arg, struct error *reterr)
{
	const struct stale *stale = arg;
	int64_t id = stale->work->service.id;
	int r = intent_close(txn, stale->work->r, id, stale->type, stale->name);

	(void)reterr;
	if (r == 0 && strcmp(stale->type, INTENT_BALANCER) == 0)
		r = txn_release(txn, POOL_BALANCERS, id);
	return r;
}

/* Takes down what the journal knows of one type and the spec no longer wants. */
static int remove_stale(struct service_work *work, const char *type, struct error *reterr)
{
	struct store *store = work->r->options.store;

	for (;;) {
		struct stale stale = {.work = work, .type = type};
		int r = store_intents(store, work->service.id, find_stale, &stale);

		if (r < 0)
			return error_set(reterr, r, "the journal cannot be read");
		if (!stale.found)
			return 0;
		r = service_remove_external(work, type, stale.name, reterr);
		if (r == 0)
			r = store_update(store, STORE_RELAXED, NULL, forget_stale, &stale, reterr);
		if (r < 0)
			return r;
		service_forget_traffic(work->r, work->service.id);
	}
}

static int state_balancer(struct service_work *work, const struct target *targets, size_t count,
	struct error *reterr)
{
	struct cloud *cloud = work->r->options.cloud;
	struct balancer_state state = {0};
	struct balancer wanted = {
		.service = work->service.id,
		.tenant_id = work->service.tenant,
		.tenant = work->tenant,
		.name = work->service.name,
		.slot = work->status.lb_slot,
		.port = (int)work->spec->lb_port,
		.dns = work->spec->dns,
		.health_path = work->spec->health.path,
		.drain_s = work->spec->drain_s,
		.targets = targets,
		.target_count = count,
	};
	int r = work->status.lb_address[0]
			? 0
			: tenant_estate_await(work->r, work->service.tenant, reterr);

	if (r == 0)
		r = cloud->ops->balancer_ensure(cloud, &wanted, &state, reterr);

	if (r < 0)
		return r;
	(void)text_copy(work->status.lb_address, sizeof(work->status.lb_address), state.address);
	work->status.lb_port = work->spec->lb_port;
	work->status.tls = state.tls;
	(void)text_copy(work->warning, sizeof(work->warning), state.warning);
	if (work->spec->dns[0])
		r = cloud->ops->dns_ensure(cloud, work->service.id, work->spec->dns, &state,
			reterr);
	if (r == 0)
		(void)text_copy(work->status.dns, sizeof(work->status.dns), work->spec->dns);
	return r;
}

/* Nothing new comes to those that may not serve: their draining can begin. */
static void tell_instances(struct service_work *work)
{
	for (size_t i = 0; i < work->count; i++) {
		const struct member *member = &work->members[i];
		bool in_traffic = may_serve(member);

		if (work->r->options.simulated && in_traffic)
			continue; /* keeps no unit for what is at rest */
		if (units_set_traffic(work->r->units, member->id, in_traffic) && !in_traffic)
			wake_instance(work->r, member->id);
	}
}

/* The journal's row is there already unless port or name are new. */
static int journal_external(struct service_work *work, struct error *reterr)
{
	if (work->status.lb_slot != 0 && strcmp(work->status.dns, work->spec->dns) == 0)
		return 0;
	return store_update(work->r->options.store, STORE_RELAXED, NULL, reserve, work, reterr);
}

static int state_external(struct service_work *work, struct error *reterr)
{
	_cleanup_free_ struct target *targets = calloc(work->count + 1, sizeof(*targets));
	uint64_t hash;
	size_t count;
	int r;

	if (!targets)
		return error_oom(reterr);
	count = targets_make(work, targets);
	hash = traffic_hash(work, targets, count);
	if (traffic_known(work->r, work->service.id, hash))
		return 0;
	r = state_balancer(work, targets, count, reterr);
	if (r < 0)
		return r;
	if (!work->warning[0])
		traffic_remember(work->r, work->service.id, hash);
	else if (work->next_ns > clock_now_ns() + WARNING_EVERY_NS)
		work->next_ns = clock_now_ns() + WARNING_EVERY_NS;
	return 0;
}

int service_traffic(struct service_work *work, struct error *reterr)
{
	int r = 0;

	if (work->spec->lb_port > 0) {
		r = journal_external(work, reterr);
		if (r < 0)
			return r; /* not stated: what stands is not taken for lost */
		r = state_external(work, reterr);
		if (r == 0 && work->status.dns[0] && strcmp(work->status.dns, work->spec->dns) != 0)
			work->status.dns[0] = '\0';
	}
	service_stated(work->r, work->service.id);
	if (r < 0)
		return r;
	/* Old names and listeners go after the new ones stand. */
	if (work->service.observed != work->service.generation || work->service.failed) {
		r = remove_stale(work, INTENT_DNS, reterr);
		if (r == 0)
			r = remove_stale(work, INTENT_BALANCER, reterr);
	}
	if (r < 0)
		return r;
	if (work->spec->lb_port == 0) {
		work->status.lb_slot = work->status.lb_port = 0;
		work->status.lb_address[0] = work->status.dns[0] = '\0';
		work->status.tls = false;
	}
	tell_instances(work);
	work->traffic_in_place = true;
	return 0;
}
