/* SPDX-License-Identifier: Apache-2.0 */
/* The reconciler of a host that a tenant has: from its spec to an engine that is watched. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "reconcile/host/host_work.h"
#include "reconcile/view/mirror.h"
#include "reconcile/usage/meter.h"

#define MACHINE_EVERY_NS (2 * NS_PER_SECOND) /* while it is being made */
#define DRAIN_EVERY_NS   NS_PER_SECOND

static void host_work_done(struct host_work *work)
{
	object_done(&work->object);
	host_spec_free(work->spec);
	host_unref(work->host);
}

static int load(struct host_work *work, struct reconciler *r, int64_t id)
{
	_cleanup_object_ struct object tenant = OBJECT_INIT;
	int result;

	*work = (struct host_work){.r = r};
	result = store_get(r->options.store, id, &work->object);
	if (result < 0)
		return result;
	if (store_peek(r->options.store, work->object.tenant, &tenant) == 0)
		(void)text_copy(work->tenant, sizeof(work->tenant), tenant.name);
	if (host_status_parse(work->object.status, &work->before) < 0)
		work->before = (struct host_status){.phase = HOST_NEW};
	if (work->object.spec)
		(void)host_spec_parse(work->object.spec, strlen(work->object.spec),
			work->object.name, &work->spec, &work->trouble);
	return 0;
}

static void tell_facts(struct host_work *work, const struct machine_state *state)
{
	_cleanup_buf_ struct buf tags = BUF_INIT;
	const struct host_spec *spec = work->spec;
	struct host_facts before, facts;

	host_facts(work->host, &before);
	facts = (struct host_facts){
		.cpu_milli = state->cpu_milli ? state->cpu_milli : work->host->cpu_milli,
		.memory_mib = state->memory_mib ? state->memory_mib : work->host->memory_mib,
		.known = work->host->looked != 0,
		.expected = !state->there && !work->trouble.code && before.expected,
		.spot = spec->spot || state->spot,
		.schedulable = spec->schedulable && !work->moving,
		.leaving = spec->drain || work->object.deleting || work->moving,
		.removed = work->object.deleting,
	};
	for (size_t i = 0; spec->tags && spec->tags[i]; i++)
		buf_printf(&tags, "%s\n", spec->tags[i]);
	facts.tags = buf_string(&tags);
	fleet_tell(work->r->fleet, work->object.id, &facts);
	work->status.cpu_milli = facts.cpu_milli;
	work->status.memory_mib = facts.memory_mib;
}

/* Is another machine coming to the place of the one that is attached? */
static bool is_moving(const struct host_work *work, const struct machine_state *state)
{
	const struct host *host = work->host;

	return work->made && host && host->engine &&
	       (!state->there || strcmp(host->url, state->engine) != 0);
}

/* One that serves does so until it is empty or gone. */
static int attach_engine(struct host_work *work, const struct machine_state *state)
{
	struct tally tally;
	struct host_wish wish = {
		.id = work->object.id,
		.tenant = work->object.tenant,
		.name = work->object.name,
		.url = state->engine,
		.address = state->address,
		.shares_files = state->shares_files,
		.replaces = work->made && !state->leftover,
		.facts = {.schedulable = true},
	};

	fleet_tally(work->r->fleet, work->object.id, &tally);
	if (work->moving && state->leftover && tally.instances > 0)
		return 0;
	return fleet_attach(work->r->fleet, &wish, &work->trouble);
}

/* The engine as the cloud says, watched. What the cloud cannot say just now changes nothing. */
static int attach(struct host_work *work)
{
	struct reconciler *r = work->r;
	struct machine_state state;
	int result;
	bool said;

	if (!work->spec)
		return 0;
	host_unref(work->host);
	work->host = fleet_take(r->fleet, work->object.id);
	result = host_machine_ask(work, &state);
	said = result == 0 || result == -EOPNOTSUPP;
	(void)text_copy(work->waiting, sizeof(work->waiting), state.there ? "" : state.words);
	(void)text_copy(work->status.warning, sizeof(work->status.warning),
		said ? state.warning : work->before.warning);
	(void)snprintf(work->status.machine, sizeof(work->status.machine), "%.60s",
		work->made ? state.words : "");
	(void)memcpy(work->charges, state.charges, sizeof(work->charges));
	work->charge_count = state.charge_count;
	work->status.disk_gib = result < 0 ? work->before.disk_gib : state.disk_gib;
	work->own = state.there && state.charge_count == 0;
	work->moving = result == 0 && is_moving(work, &state);
	if (state.there)
		result = attach_engine(work, &state);
	else if (result == -EOPNOTSUPP)
		(void)fleet_attach(r->fleet,
			&(struct host_wish){.id = work->object.id,
				.tenant = work->object.tenant,
				.name = work->object.name,
				.url = "",
				.address = "",
				.facts = {.schedulable = true}},
			NULL);
	host_unref(work->host);
	work->host = fleet_take(r->fleet, work->object.id);
	work->moving = result == 0 && is_moving(work, &state);
	if (work->host && said)
		tell_facts(work, &state);
	return result;
}

/* So long it may be away, in words. */
static void say_away(struct host_work *work, char *text, size_t size)
{
	const struct host *host = work->host;
	bool lost = host_is_lost(host);

	LOCKED(&work->r->lock);
	(void)snprintf(text, size, "its engine does not answer%s%.200s%s",
		host->error.text[0] ? ": " : "", host->error.text,
		lost ? "; its instances are replaced where others have room" : "");
}

/* Until it was asked after a start it is as it was. */
static void describe_away(struct host_work *work)
{
	const struct host_status *before = &work->before;
	struct host_status *status = &work->status;
	bool served = before->phase != HOST_NEW && before->phase != HOST_WAITING &&
		      before->phase != HOST_FAILED;

	if (served && !work->host->down && !host_is_lost(work->host)) {
		const struct host_status now = *status;

		*status = *before;
		status->instances = now.instances;
		status->disk_gib = now.disk_gib;
		(void)text_copy(status->warning, sizeof(status->warning), now.warning);
		return;
	}
	status->phase = served || work->host->was_up ? HOST_AWAY : HOST_WAITING;
	say_away(work, status->message, sizeof(status->message));
}

static void describe(struct host_work *work)
{
	struct host_status *status = &work->status;
	const struct host *host = work->host;

	fleet_tally(work->r->fleet, work->object.id, &work->tally);
	status->instances = work->tally.instances;
	status->cpu_milli_reserved = work->tally.cpu_milli;
	status->memory_mib_reserved = work->tally.memory_mib;
	if (host) {
		LOCKED(&work->r->lock);
		(void)text_copy(status->engine, sizeof(status->engine), host->version);
		(void)text_copy(status->address, sizeof(status->address), host->address);
	}
	if (work->trouble.code) {
		bool again = work->before.phase == HOST_FAILED &&
			     error_says_same(work->trouble.text, work->before.message);

		status->phase = HOST_FAILED;
		status->tries = again ? work->before.tries + 1 : 1;
		status->tried_ns = clock_wall_ns();
		(void)text_copy(status->message, sizeof(status->message), work->trouble.text);
	} else if (!host || !host->engine) {
		status->phase = work->spec ? HOST_WAITING : HOST_NEW;
		(void)text_copy(status->message, sizeof(status->message), work->waiting);
	} else if (!host->up) {
		describe_away(work);
	} else if (work->moving) {
		status->phase = HOST_DRAINING;
		(void)snprintf(status->message, sizeof(status->message),
			"another machine takes its place%s%s", work->waiting[0] ? ": " : "",
			work->waiting);
	} else if (work->spec->drain || work->object.deleting) {
		status->phase = status->instances > 0 ? HOST_DRAINING : HOST_DRAINED;
		if (status->instances > 0)
			(void)snprintf(status->message, sizeof(status->message),
				"%" PRId64 " instance%s leave%s", status->instances,
				status->instances == 1 ? "" : "s",
				status->instances == 1 ? "s" : "");
	} else {
		status->phase = HOST_READY;
		if (!work->spec->schedulable)
			(void)text_copy(status->message, sizeof(status->message),
				"takes no new instances");
	}
}

struct commit {
	struct host_work *work;
	const char *json;
	bool settled;
};

static int add_event(struct txn *txn, const struct host_work *work)
{
	const struct host_status *status = &work->status;
	bool bad = status->phase == HOST_FAILED || status->phase == HOST_AWAY;
	int r = 0;

	if (status->warning[0] && !error_says_same(status->warning, work->before.warning))
		r = txn_event(txn, work->object.id, "warning", "%s", status->warning);
	if (r < 0 || (status->phase == work->before.phase &&
			     (!bad || error_says_same(status->message, work->before.message))))
		return r;
	return txn_event(txn, work->object.id, bad ? "warning" : "info", "host is %s%s%s",
		host_phase_name(status->phase), status->message[0] ? ": " : "", status->message);
}

/* What the cloud cannot say just now goes on as it was. */
static int meter(struct txn *txn, const struct host_work *work)
{
	if (work->charge_count > 0)
		return meter_host(txn, &work->object, work->host, work->charges,
			work->charge_count);
	return work->own && work->host
		       ? meter_machine(txn, work->object.id, work->object.tenant, work->host)
		       : 0;
}

static int meter_alone(struct txn *txn, void *arg, struct error *reterr)
{
	(void)reterr;
	return meter(txn, arg);
}

static int commit(struct txn *txn, void *arg, struct error *reterr)
{
	const struct commit *commit = arg;
	const struct host_work *work = commit->work;
	int64_t id = work->object.id;
	int r = txn_set_status(txn, id, commit->json);

	(void)reterr;
	if (r == 0)
		r = meter(txn, work);
	if (r == 0)
		r = add_event(txn, work);
	if (r == 0 && commit->settled)
		r = txn_set_observed(txn, id, work->object.generation, 0,
			work->trouble.code ? work->trouble.text : NULL);
	return r;
}

int host_commit(struct host_work *work, bool settled, struct error *reterr)
{
	_cleanup_buf_ struct buf json = BUF_INIT;
	const struct object *object = &work->object;
	struct commit change = {.work = work};

	work->status.since_ns = work->before.since_ns;
	if (work->status.phase != work->before.phase || work->status.since_ns == 0)
		work->status.since_ns = clock_wall_ns();
	host_status_print(&work->status, &json);
	if (json.error)
		return error_oom(reterr);
	change.json = buf_string(&json);
	change.settled = settled && (object->observed != object->generation ||
					    object->failed != (work->trouble.code != 0));
	/* Another machine may look the same. */
	if (!change.settled && object->status && strcmp(object->status, change.json) == 0)
		return work->charge_count == 0 ? 0
					       : store_update(work->r->options.store, STORE_RELAXED,
							 NULL, meter_alone, work, reterr);
	return store_update(work->r->options.store, STORE_RELAXED, NULL, commit, &change, reterr);
}

bool host_is_news(const struct host_work *work)
{
	return work->object.observed != work->object.generation ||
	       work->status.phase != work->before.phase ||
	       !error_says_same(work->status.message, work->before.message);
}

static int64_t next_look(const struct host_work *work, int result)
{
	const struct host *host = work->host;

	if (work->again)
		return queue_wait_for(work->waiting);
	if (result < 0 && result != -EOPNOTSUPP && result != -EINVAL && result != -ENODATA)
		return QUEUE_RETRY;
	if (work->moving || (work->waiting[0] && (!host || !host->engine)))
		return clock_now_ns() + MACHINE_EVERY_NS;
	if (work->status.phase == HOST_DRAINING)
		return clock_now_ns() + DRAIN_EVERY_NS;
	if (host && host->engine && !host->up && !host_is_lost(host))
		return host_lost_ns(host);
	return QUEUE_DONE;
}

static int64_t settle(struct host_work *work, int result)
{
	struct error error = ERROR_INIT;
	bool settled =
		work->trouble.code ||
		(work->host && work->host->up &&
			(work->status.phase == HOST_READY || work->status.phase == HOST_DRAINED));

	if (host_commit(work, settled, &error) < 0 ||
		(host_is_news(work) &&
			feed_host_all(work->r, work->object.id, work->object.tenant) < 0)) {
		log_debug("host %s: %s", work->object.name, error.text);
		return QUEUE_RETRY;
	}
	return next_look(work, result);
}

static int64_t reconcile(struct host_work *work)
{
	int result = attach(work);
	struct host *host = work->host;

	if (host && host->up && host->looked != host->epoch) {
		struct error error = ERROR_INIT;

		if (host_greet(host, &error) < 0) {
			log_debug("host %s: %s", host->name, error.text);
			return QUEUE_RETRY;
		}
		/* Capacity is known now. */
		result = attach(work);
		if (feed_host_all(work->r, work->object.id, work->object.tenant) < 0)
			return QUEUE_RETRY;
	}
	describe(work);
	return work->object.deleting ? host_leave(work) : settle(work, result);
}

int64_t host_object_reconcile(struct reconciler *r, int64_t id)
{
	struct host_work work;
	int64_t next_ns;
	int result = load(&work, r, id);

	if (result == -ENOENT) {
		fleet_detach(r->fleet, id);
		mirror_forget(r, id);
		next_ns = QUEUE_DONE;
	} else if (result < 0) {
		next_ns = QUEUE_RETRY;
	} else {
		next_ns = reconcile(&work);
	}
	host_work_done(&work);
	return next_ns;
}
