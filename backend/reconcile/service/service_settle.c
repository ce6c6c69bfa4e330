/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "billing/quote.h"
#include "reconcile/host/host_work.h"
#include "reconcile/instance/health.h"
#include "reconcile/instance/images.h"
#include "reconcile/instance/instance_work.h"
#include "reconcile/service/service_work.h"
#include "reconcile/usage/meter.h"
#include "store/group.h"
#include "store/wanted.h"

#define STEP_DEADLINE_S 120 /* for one step of a rollout, beside the start period */
#define CRASHES_FIRST   3 /* so many restarts fail a first version ... */
#define CRASHES_UPGRADE 2 /* ... and one that has something to go back to */

struct settling {
	struct service_work *work;
	struct service_status before;
	bool settled, news; /* news: the generation is looked at for the first time */
	const char *json;
	struct buf *back; /* spec text to go back to; NULL: stay */
	struct service_spec *back_spec; /* the same, read */
};

static bool is_current(const struct service_work *work, const struct member *member)
{
	return member->spec.run && member->same_template &&
	       member->spec.restart == work->service.restart;
}

/* What is wanted, restarts too, was reached, or has failed. */
static bool is_observed(const struct service_work *work)
{
	const struct object *service = &work->service;

	return service->observed == service->generation &&
	       service->observed_restart == service->restart;
}

/* Why this instance shows that the generation cannot be reached; false when it may yet be. */
static bool judge_member(struct service_work *work, const struct member *member)
{
	int64_t crashes = work->status.good_generation ? CRASHES_UPGRADE : CRASHES_FIRST;
	const struct instance_status *status = &member->status;
	bool same = status->template_generation == member->spec.template_generation &&
		    status->restart == member->spec.restart;

	if (status->phase == INSTANCE_FAILED) {
		(void)snprintf(work->failing, sizeof(work->failing), "instance %" PRId64 ": %s",
			member->spec.ordinal, status->reason);
		return true;
	}
	if (same && status->restarts >= crashes) {
		(void)snprintf(work->failing, sizeof(work->failing),
			"instance %" PRId64 " does not stay up: %s", member->spec.ordinal,
			status->reason[0] ? status->reason : "it was restarted again and again");
		return true;
	}
	return false;
}

/* When the current step runs out of time, in wall clock ns. */
static int64_t step_deadline(const struct service_work *work)
{
	int64_t since = work->status.step_ns;

	if (work->status.generation != work->service.generation || since == 0)
		since = work->service.spec_ns;
	return since + (STEP_DEADLINE_S + work->spec->health.start_period_s) * NS_PER_SECOND;
}

static void judge_time(struct service_work *work, const struct member *waiting)
{
	int64_t left_ns = step_deadline(work) - clock_wall_ns();
	char words[400];

	if (left_ns > 0) {
		if (clock_now_ns() + left_ns < work->next_ns)
			work->next_ns = clock_now_ns() + left_ns;
		return;
	}
	(void)text_copy(words, sizeof(words), waiting->status.reason);
	if (!words[0]) {
		health_words(work->r, waiting->id, words, sizeof(words));
		instance_add_output(work->r, waiting->id, false, words, sizeof(words));
	}
	(void)snprintf(work->failing, sizeof(work->failing),
		"instance %" PRId64 " did not get healthy in time%s%s", waiting->spec.ordinal,
		words[0] ? ": " : "", words);
}

/* Where it has gone to is told, but not that it stays. */
static void say_it_stays(struct service_work *work)
{
	size_t length = strlen(work->failing);

	if (length > 0 && work->status.good_generation && !work->spec->auto_rollback)
		(void)snprintf(work->failing + length, sizeof(work->failing) - length,
			" (AutoRollback is false: it stays as it is; write rollback to rollout to "
			"go back)");
}

static void judge_members(struct service_work *work)
{
	const struct member *waiting = NULL;

	if (is_observed(work) && !work->service.failed)
		return; /* it was reached; what breaks later is repaired, not undone */
	for (size_t i = 0; i < work->count; i++) {
		const struct member *member = &work->members[i];

		if (!is_current(work, member) || member_ready(member))
			continue;
		if (member->away)
			continue; /* no fault of the spec's */
		if (judge_member(work, member))
			return;
		/* Leaving the old container has a time limit of its own. */
		if (member->status.phase != INSTANCE_DRAINING &&
			member->status.phase != INSTANCE_STOPPING)
			waiting = member;
	}
	if (waiting)
		judge_time(work, waiting);
}

void service_judge(struct service_work *work)
{
	work->failing[0] = '\0';
	judge_members(work);
	say_it_stays(work);
}

static void count_members(struct service_work *work, struct settling *settling)
{
	struct service_status *status = &work->status;
	int64_t joined = 0;

	status->replicas = work->spec->replicas;
	status->total = (int64_t)work->count + (work->changed ? work->plan.create : 0);
	status->updated = status->healthy = 0;
	for (size_t i = 0; i < work->count; i++) {
		const struct member *member = &work->members[i];

		if (!member_ready(member))
			continue;
		status->healthy++;
		status->updated += is_current(work, member);
		joined += is_current(work, member) && member->spec.join;
	}
	settling->settled = joined == status->replicas && status->total == status->replicas &&
			    work->traffic_in_place && !work->changed;
}

/* Where the cloud makes machines, one that does not scale is worth a word. */
static bool is_local(const struct service_work *work)
{
	if (!host_machine_makes(work->r))
		return false;
	for (size_t i = 0; i < work->count; i++)
		if (work->members[i].spec.run && work->members[i].spec.host_id == HOST_LOCAL_ID)
			return true;
	return false;
}

/* All that are wanted are there: what has no place is what an upgrade would have beside them. */
static bool is_surge(const struct service_work *work)
{
	int64_t running = 0;

	for (size_t i = 0; i < work->count; i++)
		running += work->members[i].spec.run;
	return work->spec->max_surge > 0 && running >= work->status.replicas;
}

static void write_unplaced(struct service_work *work)
{
	struct service_status *status = &work->status;

	if (is_surge(work))
		(void)snprintf(status->message, sizeof(status->message),
			"the %" PRId64 " that MaxSurge has beside the %" PRId64
			" replicas do not fit: %.300s; MaxSurge 0 goes without them",
			work->unplaced, status->replicas, work->no_place.text);
	else
		(void)snprintf(status->message, sizeof(status->message),
			"%" PRId64 " of %" PRId64 " replicas do not fit: %.300s", work->unplaced,
			status->replicas, work->no_place.text);
}

/* What most stands in the way, as one sentence. */
static void write_message(struct service_work *work, const struct settling *settling)
{
	struct service_status *status = &work->status;
	/* What no instance waits for tells less than what is wrong. */
	bool away = work->away && (work->count > 0 || (!work->trouble.code && !work->warning[0]));
	char progress[200];

	(void)text_copy(status->message, sizeof(status->message),
		work->warning[0] ? work->warning
		: is_local(work) ? "runs on the platform's own machine: the tenant has no hosts"
				 : "");
	if (settling->settled && !away)
		return;
	images_progress(work->r, work->spec->image, progress, sizeof(progress));
	if (work->failing[0]) {
		(void)text_copy(status->message, sizeof(status->message), work->failing);
	} else if (work->unplaced > 0 && !(work->away && work->count == 0)) {
		write_unplaced(work);
	} else if (away) {
		(void)text_copy(status->message, sizeof(status->message), work->away_words);
	} else if (work->trouble.code) {
		(void)text_copy(status->message, sizeof(status->message), work->trouble.text);
	} else if (progress[0]) {
		(void)text_copy(status->message, sizeof(status->message), progress);
	} else if (work->service.paused && work->plan.rolling) {
		(void)snprintf(status->message, sizeof(status->message),
			"paused before update domain %" PRId64 " of %" PRId64, status->domain + 1,
			status->domains);
	} else if (work->watching) {
		(void)snprintf(status->message, sizeof(status->message),
			"the first of %" PRId64 " update domains is healthy; the next ones wait "
			"%" PRId64 " s to see it last",
			status->domains, work->spec->health.interval_s);
	} else {
		(void)snprintf(status->message, sizeof(status->message),
			"%" PRId64 " of %" PRId64 " instances are healthy%s", status->updated,
			status->replicas, work->plan.rolling ? " and up to date" : "");
	}
	if (settling->settled || work->failing[0] || progress[0])
		return;
	for (size_t i = 0; i < work->count; i++) {
		const struct member *member = &work->members[i];
		size_t length = strlen(status->message);

		if (!member->spec.run || member_ready(member) || !member->status.reason[0])
			continue;
		(void)snprintf(status->message + length, sizeof(status->message) - length,
			"; instance %" PRId64 ": %.200s", member->spec.ordinal,
			member->status.reason);
		break;
	}
}

static enum service_phase phase_of(const struct service_work *work, const struct settling *settling)
{
	if (settling->settled)
		return SERVICE_RUNNING;
	if (work->failing[0])
		return SERVICE_FAILED;
	if (work->service.paused && work->plan.rolling)
		return SERVICE_PAUSED;
	if (work->service.observed == work->service.generation)
		return work->service.failed ? SERVICE_FAILED : SERVICE_DEGRADED;
	if (settling->before.phase == SERVICE_ROLLING_BACK)
		return SERVICE_ROLLING_BACK;
	return SERVICE_DEPLOYING;
}

static void write_status(struct service_work *work, struct settling *settling)
{
	struct service_status *status = &work->status;

	count_members(work, settling);
	settling->news = status->generation != work->service.generation;
	/* A rollback of one rollout ends with the next word of the user's. */
	if (settling->news && settling->before.phase == SERVICE_FAILED)
		settling->before.phase = SERVICE_DEPLOYING;
	status->generation = work->service.generation;
	status->template_generation = work->service.template_generation;
	status->domains = work->plan.domains;
	status->domain = settling->settled ? work->plan.domains : work->plan.domain;
	status->paused = work->service.paused;
	if (settling->news || status->restart != work->service.restart ||
		status->updated > settling->before.updated ||
		status->domain > settling->before.domain)
		status->step_ns = clock_wall_ns();
	status->restart = work->service.restart;
	(void)text_copy(status->image, sizeof(status->image), work->spec->image);
	status->phase = phase_of(work, settling);
	write_message(work, settling);
	if (settling->settled) {
		status->good_generation = work->service.generation;
		status->good_template = work->service.template_generation;
	}
}

/* The last good spec, when there is one that differs in its template and the spec wishes it. */
static void find_way_back(struct service_work *work, struct settling *settling, struct buf *text)
{
	struct service_spec **spec = &settling->back_spec;
	struct history_entry entry;
	int64_t good = work->status.good_generation;

	if (!work->failing[0] || !work->spec->auto_rollback || good == 0 ||
		good == work->service.generation)
		return;
	if (store_history(work->r->options.store, work->service.id, good, &entry, text) < 0)
		return;
	if (service_spec_parse(buf_string(text), text->len, work->service.name, spec, NULL) == 0 &&
		!service_spec_same_template(*spec, work->spec))
		settling->back = text;
}

static int add_events(struct txn *txn, const struct settling *settling)
{
	const struct service_work *work = settling->work;
	const struct service_status *before = &settling->before;
	int64_t id = work->service.id;
	int r = 0;

	if (settling->news && before->generation > 0 && before->replicas != work->status.replicas)
		r = txn_event(txn, id, "info",
			"generation %" PRId64 ": %s from %" PRId64 " to %" PRId64 " replicas",
			work->service.generation,
			before->replicas < work->status.replicas ? "scaling up" : "scaling down",
			before->replicas, work->status.replicas);
	else if (settling->news)
		r = txn_event(txn, id, "info",
			"generation %" PRId64 " accepted: %s, %" PRId64 " replica%s",
			work->service.generation, work->spec->image, work->status.replicas,
			work->status.replicas == 1 ? "" : "s");
	if (r == 0 && settling->settled && before->phase != SERVICE_RUNNING)
		r = txn_event(txn, id, "info",
			"generation %" PRId64 " is running: %" PRId64 " of %" PRId64
			" replicas healthy",
			work->service.generation, work->status.healthy, work->status.replicas);
	if (r == 0 && work->failing[0] && before->phase != SERVICE_FAILED)
		r = txn_event(txn, id, "error", "generation %" PRId64 " failed: %s",
			work->service.generation, work->failing);
	return r;
}

static int go_back(struct txn *txn, struct settling *settling, struct error *reterr)
{
	const struct service_work *work = settling->work;
	const struct service_spec *spec = settling->back_spec;
	struct reserve reserve = group_policy_reserve(spec);
	struct usage_subject parts[USAGE_PARTS_MAX];
	int64_t id = work->service.id;
	int r = txn_set_spec(txn, id, settling->back->data, settling->back->len, true, spec->dns,
		reterr);

	/* Who pauses a rollout does not want to stay with what has failed. */
	if (r == 0)
		r = txn_set_paused(txn, id, false);
	/* No quota and no budget keep from going back to what ran. */
	if (r == 0)
		r = txn_set_reserve(txn, id, &reserve);
	if (r == 0)
		r = txn_set_wanted(txn, id, parts,
			quote_service_parts(work->r->options.cloud_name, spec, parts));
	if (r < 0)
		return r;
	return txn_event(txn, id, "warning",
		"rolled back to the spec of generation %" PRId64 " as generation %" PRId64,
		work->status.good_generation, work->service.generation + 1);
}

/* Where the reader of a failed `wait` looks for the reason; once it runs, that is over. */
static int tell_failure(struct txn *txn, const struct settling *settling, const char *last_error)
{
	const struct service_work *work = settling->work;
	char sentence[sizeof(work->failing) + 64];

	(void)snprintf(sentence, sizeof(sentence),
		"generation %" PRId64 " failed: ", work->service.generation);
	if (work->failing[0]) {
		(void)snprintf(sentence, sizeof(sentence), "generation %" PRId64 " failed: %s",
			work->service.generation, work->failing);
		return txn_set_last_error(txn, work->service.id, sentence);
	}
	if (settling->settled && last_error && strncmp(last_error, sentence, strlen(sentence)) == 0)
		return txn_set_last_error(txn, work->service.id, NULL);
	return 0;
}

static int settle(struct txn *txn, void *arg, struct error *reterr)
{
	struct settling *settling = arg;
	struct service_work *work = settling->work;
	_cleanup_object_ struct object now = OBJECT_INIT;
	int64_t id = work->service.id;
	int r = txn_get(txn, id, &now);

	if (r < 0 || now.deleting)
		return r < 0 ? r : -ENOENT;
	r = txn_set_status(txn, id, settling->json);
	if (r == 0)
		r = meter_balancer(txn, work);
	if (r == 0)
		r = add_events(txn, settling);
	if (r == 0 && settling->settled)
		r = txn_set_observed(txn, id, work->service.generation, work->service.restart,
			NULL);
	else if (r == 0 && work->failing[0])
		r = txn_set_observed(txn, id, work->service.generation, work->service.restart,
			work->failing);
	/* A newer word of the user's counts more than our way back. */
	if (r == 0 && settling->back && now.generation == work->service.generation)
		r = go_back(txn, settling, reterr);
	return r ? r : tell_failure(txn, settling, now.last_error);
}

static bool nothing_new(const struct settling *settling, const char *json)
{
	const struct object *service = &settling->work->service;
	bool observed = is_observed(settling->work);

	if (settling->back || !service->status || strcmp(service->status, json) != 0)
		return false;
	if (settling->settled)
		return observed && !service->failed;
	return !settling->work->failing[0] || (observed && service->failed);
}

int service_settle(struct service_work *work, struct error *reterr)
{
	_cleanup_buf_ struct buf json = BUF_INIT, back = BUF_INIT;
	struct settling settling = {.work = work};
	int r = 0;

	if (service_status_parse(work->service.status, &settling.before) < 0)
		settling.before = (struct service_status){.phase = SERVICE_NEW};
	write_status(work, &settling);
	find_way_back(work, &settling, &back);
	if (settling.back)
		work->status.phase = SERVICE_ROLLING_BACK;
	service_status_print(&work->status, &json);
	settling.json = buf_string(&json);
	if (json.error)
		r = error_oom(reterr);
	else if (!nothing_new(&settling, settling.json))
		r = store_update(work->r->options.store, STORE_RELAXED, NULL, settle, &settling,
			reterr);
	service_spec_free(settling.back_spec);
	return r;
}
