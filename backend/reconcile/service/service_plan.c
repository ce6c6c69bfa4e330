/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reconcile/host/fleet.h"
#include "reconcile/instance/container.h"
#include "reconcile/service/service_place.h"
#include "reconcile/service/service_work.h"

#define PLACE_EVERY_NS (5 * NS_PER_SECOND) /* while something has no place */

static void replica_of(const struct service_work *work, const struct member *member,
	struct replica *ret)
{
	*ret = (struct replica){
		.ordinal = member->spec.ordinal,
		.run = member->spec.run,
		.join = member->spec.join,
		.current = member->same_template && member->spec.restart == work->service.restart,
		.ready = member_ready(member),
		.empty = member->status.phase == INSTANCE_STOPPED,
		.leaving = member->leaving,
		.lost = member->lost,
	};
}

/* After the first domain: a version that crashes a little later shall not reach the second. */
static bool watching_first_domain(struct service_work *work)
{
	int64_t now_ns = clock_wall_ns(), since_ns = now_ns, left_ns;

	if (work->plan.domain != 1 || work->plan.domains < 2 || work->status.good_generation == 0)
		return false;
	if (work->status.domain == 1 && work->status.generation == work->service.generation)
		since_ns = work->status.step_ns;
	left_ns = since_ns + work->spec->health.interval_s * NS_PER_SECOND - now_ns;
	if (left_ns <= 0 || left_ns > 10 * NS_PER_SECOND)
		return false;
	if (clock_now_ns() + left_ns < work->next_ns)
		work->next_ns = clock_now_ns() + left_ns;
	return true;
}

static int make_plan(struct service_work *work, struct error *reterr)
{
	struct replica_wish wish = {
		.replicas = work->spec->replicas,
		.domains = work->spec->update_domains,
		.surge = work->spec->max_surge,
	};

	wish.hold = work->service.paused || work->failing[0];
	free(work->replicas);
	work->replicas = calloc(work->count + 1, sizeof(*work->replicas));
	if (!work->replicas)
		return error_oom(reterr);
	if (!wish.hold && placing_mark_grown(work, reterr) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < work->count; i++)
		replica_of(work, &work->members[i], &work->replicas[i]);
	plan_replicas(work->replicas, work->count, &wish, &work->plan);
	work->watching = !wish.hold && watching_first_domain(work);
	if (work->watching) {
		wish.hold = true;
		plan_replicas(work->replicas, work->count, &wish, &work->plan);
	}
	return 0;
}

/* Volumes outlive the service: they go with the tenant, or with the host that they are on. */
static int note_volumes(struct txn *txn, const struct service_work *work, int64_t host)
{
	char *const *volume = work->spec->volumes;
	int r = 0;

	for (; r == 0 && volume && *volume; volume++) {
		size_t len = strcspn(*volume, ":");
		char name[200];

		if ((*volume)[0] == '/')
			continue; /* a path of the host is not ours */
		container_volume_name(work->r->platform, work->service.tenant, *volume, len, name,
			sizeof(name));
		r = txn_intent_add(txn, host == HOST_LOCAL_ID ? work->service.tenant : host,
			INTENT_VOLUME, name);
	}
	return r;
}

/* Writes what is asked of one instance, with the journal's word for the container that it takes. */
static int write_member(struct txn *txn, struct service_work *work, int64_t id,
	struct instance_spec *spec, struct error *reterr)
{
	const struct reconciler_options *options = &work->r->options;
	struct buf json = BUF_INIT;
	char name[160], pool[40];
	int r = 0;

	host_pool(spec->host_id, pool, sizeof(pool));
	/* Whoever is on another machine is reached at a port of that machine alone. */
	if (spec->run && spec->host_port == 0 &&
		(work->spec->lb_port > 0 || spec->host_id != HOST_LOCAL_ID))
		r = txn_allocate(txn, pool, options->port_low, options->port_high, 0, id,
			&spec->host_port);
	if (r < 0)
		return error_set(reterr, r, "no host port is free between %d and %d",
			options->port_low, options->port_high);
	instance_spec_print(spec, &json);
	r = json.error ? json.error : txn_set_plan(txn, id, buf_string(&json));
	buf_done(&json);
	if (r == 0 && spec->run) {
		container_name(work->r->platform, work->tenant, work->service.name, id, spec, name,
			sizeof(name));
		r = txn_intent_add(txn, id, INTENT_CONTAINER, name);
		if (r == 0)
			r = note_volumes(txn, work, spec->host_id);
	}
	return r;
}

static int create_member(struct txn *txn, struct service_work *work, struct placing *placing,
	struct instance_spec *spec, struct error *reterr)
{
	char name[24];
	int64_t id;
	int r;

	(void)snprintf(name, sizeof(name), "%" PRId64, spec->ordinal);
	r = txn_create(txn, work->service.id, KIND_INSTANCE, name, &id, reterr);
	if (r == 0)
		r = placing_note(placing, id, spec);
	wake_host(work->r, spec->host_id);
	return r < 0 ? r : write_member(txn, work, id, spec, reterr);
}

/* Its name is free for another one at once; what is left of it goes when its host is back. */
static int abandon_member(struct txn *txn, struct service_work *work, size_t i,
	struct error *reterr)
{
	struct member *member = &work->members[i];
	int r = txn_event(txn, work->service.id, "warning",
		"instance %" PRId64 ": its host %s is lost, it is given up", member->spec.ordinal,
		member->spec.host);

	if (r == 0)
		r = txn_delete(txn, member->id, reterr);
	member->abandoned = true;
	return r == -ENOENT ? 0 : r;
}

/* The next one that is lost and can be replaced, from *at on; count: none. */
static size_t next_lost(const struct service_work *work, size_t *at)
{
	while (*at < work->count &&
		(work->replicas[*at].action != REPLICA_ABANDON || !work->replicas[*at].run))
		(*at)++;
	return (*at)++;
}

/* As many as there is room for; of those that are lost only what can be replaced is given up. */
static int create_members(struct txn *txn, struct service_work *work, struct placing *placing,
	struct error *reterr)
{
	size_t lost = 0;
	int64_t next = 0;
	int r = 0;

	for (int64_t i = 0; r == 0 && i < work->plan.create; i++) {
		struct instance_spec spec = {
			.template_generation = work->service.template_generation,
			.run = true,
			.join = true,
			.restart = work->service.restart,
		};
		size_t replaced = next_lost(work, &lost);

		spec.ordinal = replaced < work->count
				       ? work->members[replaced].spec.ordinal
				       : plan_free_ordinal(work->replicas, work->count, &next);
		r = placing_find(placing, spec.ordinal, &spec, &work->no_place);
		if (r == -ENOSPC) {
			work->unplaced = work->plan.create - i;
			r = 0;
			break;
		}
		if (r == 0 && replaced < work->count)
			r = abandon_member(txn, work, replaced, reterr);
		if (r == 0)
			r = create_member(txn, work, placing, &spec, reterr);
	}
	for (size_t i = 0; r == 0 && i < work->count; i++) {
		const struct member *member = &work->members[i];

		if (work->replicas[i].action != REPLICA_ABANDON || member->abandoned)
			continue;
		if (member->gone || !member->spec.run || work->unplaced == 0)
			r = abandon_member(txn, work, i, reterr);
	}
	return r;
}

static int purge_member(struct txn *txn, int64_t id, struct error *reterr)
{
	int r = txn_delete(txn, id, reterr);

	if (r < 0 && r != -ENOENT)
		return r;
	return txn_purge(txn, id, reterr);
}

/* The host may have changed its port meanwhile: what stands in the store counts, not the copy. */
static int change_member(struct txn *txn, struct service_work *work, size_t i, struct error *reterr)
{
	struct member *member = &work->members[i];
	_cleanup_object_ struct object object = OBJECT_INIT;
	char pool[40];
	int r = txn_get(txn, member->id, &object);

	if (r < 0)
		return r;
	r = instance_spec_parse(object.spec, &member->spec);
	if (r < 0)
		return r;
	switch (work->replicas[i].action) {
	case REPLICA_REPLACE:
		member->spec.template_generation = work->service.template_generation;
		member->spec.restart = work->service.restart;
		member->spec.cpu_milli = work->spec->cpu_milli;
		member->spec.memory_mib = work->spec->memory_mib;
		member->spec.join = false;
		if (work->spec->lb_port == 0 && member->spec.host_port != 0 &&
			member->spec.host_id == HOST_LOCAL_ID) {
			host_pool(member->spec.host_id, pool, sizeof(pool));
			r = txn_release(txn, pool, member->id);
			member->spec.host_port = 0;
		}
		member->same_template = true;
		break;
	case REPLICA_JOIN:
		member->spec.join = true;
		break;
	case REPLICA_RETIRE:
		member->spec.join = false;
		member->spec.run = false;
		break;
	default:
		return 0;
	}
	if (r == 0 && work->replicas[i].action == REPLICA_REPLACE)
		r = fleet_claim(work->r->fleet, member->id,
			&(struct claim){.host = member->spec.host_id,
				.cpu_milli = member->spec.cpu_milli,
				.memory_mib = member->spec.memory_mib});
	return r < 0 ? r : write_member(txn, work, member->id, &member->spec, reterr);
}

static int apply_actions(struct txn *txn, struct service_work *work, struct error *reterr)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < work->count; i++) {
		enum replica_action action = work->replicas[i].action;

		work->members[i].abandoned = false;
		if (action == REPLICA_PURGE)
			wake_host(work->r, work->members[i].spec.host_id);
		if (action == REPLICA_PURGE)
			r = purge_member(txn, work->members[i].id, reterr);
		else if (action != REPLICA_KEEP && action != REPLICA_ABANDON)
			r = change_member(txn, work, i, reterr);
	}
	return r;
}

struct applying {
	struct service_work *work;
	struct placing placing;
};

static int apply_plan(struct txn *txn, void *arg, struct error *reterr)
{
	struct applying *applying = arg;
	struct service_work *work = applying->work;
	_cleanup_object_ struct object service = OBJECT_INIT;
	int r = txn_get(txn, work->service.id, &service);

	if (r < 0 || service.deleting)
		return r < 0 ? r : -ENOENT;
	work->unplaced = 0;
	error_clear(&work->no_place);
	r = apply_actions(txn, work, reterr);
	if (r < 0)
		return r;
	/* What a run before this one has placed is not there any more. */
	placing_undo(&applying->placing);
	r = placing_begin(&applying->placing, work, reterr);
	return r < 0 ? r : create_members(txn, work, &applying->placing, reterr);
}

/* What the journal says before containers are made must not be forgotten; the rest is planned
 * again if need be. */
static enum store_durability durability_of(const struct service_work *work)
{
	if (work->r->options.simulated)
		return STORE_RELAXED;
	for (size_t i = 0; i < work->count; i++) {
		if (work->replicas[i].action == REPLICA_REPLACE)
			return STORE_DURABLE;
	}
	return work->plan.create > 0 ? STORE_DURABLE : STORE_RELAXED;
}

static int write_plan(struct service_work *work, struct error *reterr)
{
	struct applying applying = {.work = work};
	int r = store_update(work->r->options.store, durability_of(work), NULL, apply_plan,
		&applying, reterr);

	/* Nothing of it is kept: its ids are the next one's. */
	if (r < 0)
		placing_undo(&applying.placing);
	placing_done(&applying.placing);
	return r;
}

static bool anything_to_do(const struct service_work *work)
{
	for (size_t i = 0; i < work->count; i++) {
		if (work->replicas[i].action != REPLICA_KEEP)
			return true;
	}
	return work->plan.create > 0;
}

/* What was purged is gone from the list, too; what was made is seen at the next look. */
static void forget_purged(struct service_work *work)
{
	size_t kept = 0;

	for (size_t i = 0; i < work->count; i++) {
		if (work->replicas[i].action == REPLICA_PURGE || work->members[i].abandoned)
			continue;
		work->members[kept] = work->members[i];
		work->replicas[kept++] = work->replicas[i];
	}
	work->count = kept;
}

int service_plan(struct service_work *work, struct error *reterr)
{
	int r = make_plan(work, reterr);

	/* What was written may allow the next step; what was made is seen at the next look. */
	while (r == 0 && !work->changed && work->unplaced == 0 && anything_to_do(work)) {
		r = write_plan(work, reterr);
		if (r < 0)
			return r;
		work->plan.create -= work->unplaced;
		work->changed = work->plan.create > 0;
		forget_purged(work);
		if (!work->changed && work->unplaced == 0)
			r = make_plan(work, reterr);
	}
	if (work->unplaced > 0 && clock_now_ns() + PLACE_EVERY_NS < work->next_ns)
		work->next_ns = clock_now_ns() + PLACE_EVERY_NS;
	return r;
}
