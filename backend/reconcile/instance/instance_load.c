/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "reconcile/instance/container.h"
#include "reconcile/instance/instance_work.h"
#include "reconcile/usage/meter.h"

void instance_work_done(struct instance_work *work)
{
	object_done(&work->object);
	object_done(&work->service);
	service_spec_free(work->template);
	host_unref(work->host);
}

static int take_intent(void *arg, const struct intent *intent)
{
	struct instance_work *work = arg;

	if (strcmp(intent->type, INTENT_CONTAINER) != 0)
		return 0;
	(void)text_copy(work->journal[work->journal_count], sizeof(work->journal[0]), intent->name);
	work->journal_count++;
	return work->journal_count == JOURNAL_NAMES_MAX; /* the rest comes when these are done */
}

int instance_load(struct instance_work *work, struct reconciler *r, int64_t id,
	struct error *reterr)
{
	struct store *store = r->options.store;
	_cleanup_object_ struct object tenant = OBJECT_INIT;
	int result;

	*work = (struct instance_work){.r = r};
	result = store_get(store, id, &work->object);
	if (result == 0)
		result = store_get(store, work->object.parent, &work->service);
	if (result < 0)
		return result;
	if (store_peek(store, work->object.tenant, &tenant) == 0)
		(void)text_copy(work->tenant, sizeof(work->tenant), tenant.name);
	result = store_intents(store, id, take_intent, work);
	if (result < 0)
		return error_set(reterr, result, "the journal cannot be read");
	if (instance_spec_parse(work->object.spec, &work->spec) < 0)
		return error_set(reterr, -EBADMSG, "what is asked of instance %s is unreadable",
			work->object.name);
	if (instance_status_parse(work->object.status, &work->status) < 0)
		work->status = (struct instance_status){.phase = INSTANCE_PENDING};
	container_name(r->platform, work->tenant, work->service.name, id, &work->spec, work->name,
		sizeof(work->name));
	units_load(r->units, id, &work->unit);
	work->host = fleet_take(r->fleet, work->spec.host_id);
	work->unit.host = work->spec.host_id;
	work->unit.epoch = work->host ? work->host->epoch : 0;
	work->wanted = work->spec.run && !work->object.deleting && !work->service.deleting;
	return 0;
}

static int parse_template(const struct instance_work *work, const char *text,
	struct service_spec **ret, struct error *reterr)
{
	return service_spec_parse(text, strlen(text), work->service.name, ret, reterr);
}

int instance_template(struct instance_work *work, struct error *reterr)
{
	struct store *store = work->r->options.store;
	int64_t wanted = work->spec.template_generation;
	_cleanup_service_spec_ struct service_spec *now = NULL;
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct history_entry entry;
	int r;

	if (work->template)
		return 0;
	if (!work->service.spec)
		return error_set(reterr, -ENODATA, "the service has no spec");
	r = parse_template(work, work->service.spec, &now, reterr);
	if (r < 0)
		return r;
	/* An older template lives in the history; what is gone from there is as it is now. */
	if (wanted != work->service.template_generation &&
		store_history(store, work->service.id, wanted, &entry, &text) == 0)
		r = parse_template(work, buf_string(&text), &work->template, reterr);
	if (r < 0)
		return r;
	/* Of the same containers, what may change without new ones is as it is now, too. */
	if (work->template && service_spec_same_template(work->template, now)) {
		service_spec_free(work->template);
		work->template = NULL;
	}
	if (!work->template)
		work->template = TAKE(now);
	return 0;
}

void instance_phase_set(struct instance_work *work, enum instance_phase phase, const char *reason)
{
	if (work->status.phase != phase || work->status.since_ns == 0)
		work->status.since_ns = clock_wall_ns();
	work->status.phase = phase;
	work->status.retry_ns = 0;
	(void)text_copy(work->status.reason, sizeof(work->status.reason), reason);
}

struct commit {
	struct instance_work *work;
	const struct instance_news *news;
	const char *json;
};

static int change_port(struct txn *txn, struct instance_work *work, int64_t taken,
	struct error *reterr)
{
	const struct reconciler_options *options = &work->r->options;
	_cleanup_object_ struct object now = OBJECT_INIT;
	struct instance_spec spec;
	struct buf json = BUF_INIT;
	char pool[40];
	int64_t port;
	int r = txn_get(txn, work->object.id, &now);

	host_pool(work->spec.host_id, pool, sizeof(pool));

	if (r == 0)
		r = instance_spec_parse(now.spec, &spec);
	if (r == 0)
		r = txn_allocate(txn, pool, options->port_low, options->port_high, taken,
			work->object.id, &port);
	if (r < 0)
		return error_set(reterr, r, "no other host port is free");
	spec.host_port = port;
	instance_spec_print(&spec, &json);
	r = json.error ? json.error : txn_set_plan(txn, work->object.id, buf_string(&json));
	buf_done(&json);
	if (r == 0)
		work->spec.host_port = port;
	return r;
}

static int commit_news(struct txn *txn, struct instance_work *work,
	const struct instance_news *news, struct error *reterr)
{
	int64_t id = work->object.id;
	int r = 0;

	if (news->intent_add)
		r = txn_intent_add(txn, id, INTENT_CONTAINER, work->name);
	for (size_t i = 0; r == 0 && news->intents_done && i < work->journal_count; i++) {
		if (!work->wanted || strcmp(work->journal[i], work->name) != 0)
			r = txn_intent_done(txn, id, INTENT_CONTAINER, work->journal[i]);
	}
	if (r == 0 && news->port_taken)
		r = change_port(txn, work, news->port_taken, reterr);
	if (r == 0 && news->severity)
		r = txn_event(txn, work->service.id, news->severity, "instance %s: %s",
			work->object.name, news->event);
	if (r == 0 && news->purge)
		r = txn_purge(txn, id, reterr);
	return r;
}

static int commit(struct txn *txn, void *arg, struct error *reterr)
{
	struct commit *commit = arg;
	int r = txn_set_status(txn, commit->work->object.id, commit->json);

	if (r == 0)
		r = meter_instance(txn, commit->work);
	if (r == 0 && commit->news)
		r = commit_news(txn, commit->work, commit->news, reterr);
	return r;
}

int instance_commit(struct instance_work *work, const struct instance_news *news,
	struct error *reterr)
{
	_cleanup_buf_ struct buf json = BUF_INIT;
	struct commit commit_arg = {.work = work, .news = news};
	bool same;
	int r;

	instance_status_print(&work->status, &json);
	if (json.error)
		return error_oom(reterr);
	commit_arg.json = buf_string(&json);
	same = work->object.status && strcmp(work->object.status, commit_arg.json) == 0;
	if (same && !news)
		return 0;
	r = store_update(work->r->options.store, STORE_RELAXED, NULL, commit, &commit_arg, reterr);
	if (r == 0 && !same) {
		free(work->object.status);
		work->object.status = buf_take(&json, NULL);
	}
	return r;
}
