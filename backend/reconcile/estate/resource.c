/* SPDX-License-Identifier: Apache-2.0 */
/* The reconciler of a resource: from its spec to something that services can use. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "reconcile/estate/resource_work.h"
#include "reconcile/estate/tenant_estate.h"
#include "reconcile/usage/meter.h"

#define LOOK_EVERY_NS (3600 * NS_PER_SECOND) /* at what no list tells; the sweep sees all else */

static void resource_work_done(struct resource_work *work)
{
	object_done(&work->object);
	object_done(&work->tenant);
	resource_spec_free(work->spec);
	resource_needs_done(&work->needs);
	explicit_bzero(work->password, sizeof(work->password));
	explicit_bzero(&work->outputs, sizeof(work->outputs));
}

static int load(struct resource_work *work, struct reconciler *r, int64_t id)
{
	int result;

	*work = (struct resource_work){.r = r};
	result = store_get(r->options.store, id, &work->object);
	if (result == 0)
		result = store_peek(r->options.store, work->object.tenant, &work->tenant);
	if (result < 0)
		return result;
	(void)resource_status_parse(work->object.status, &work->before);
	work->status.phase = RESOURCE_NEW;
	if (work->object.spec)
		result = resource_spec_parse(work->object.spec, strlen(work->object.spec),
			work->object.name, &work->spec, NULL);
	if (result < 0 || !work->spec)
		return result;
	work->owner = (struct estate_owner){
		.platform = r->platform, .tenant = work->tenant.name, .id = work->tenant.id};
	(void)text_copy(work->status.type, sizeof(work->status.type), work->spec->type);
	if (r->options.estate && r->options.estate->resources)
		r->options.estate->resources->external_name(&work->owner, work->spec,
			work->object.name, id, work->external);
	(void)text_copy(work->status.external, sizeof(work->status.external), work->external);
	work->wanted = (struct resource){
		.id = id,
		.name = work->object.name,
		.external = work->external,
		.spec = work->spec,
		.password = work->password,
		.code_bucket = work->needs.code_bucket,
		.queue_arn = work->needs.queue_arn,
	};
	return 0;
}

static int note_intent(struct txn *txn, void *arg, struct error *reterr)
{
	const struct resource_work *work = arg;

	(void)reterr;
	return txn_intent_add(txn, work->object.id, INTENT_RESOURCE, work->external);
}

static int is_noted(void *arg, const struct intent *intent)
{
	struct resource_work *work = arg;

	if (strcmp(intent->type, INTENT_RESOURCE) == 0 && strcmp(intent->name, work->external) == 0)
		work->wanted.fresh = false;
	return 0;
}

static int note(struct resource_work *work, struct error *reterr)
{
	struct store *store = work->r->options.store;
	int r;

	work->wanted.fresh = true;
	r = store_intents(store, work->object.id, is_noted, work);
	if (r < 0)
		return error_set(reterr, r, "the journal cannot be read");
	return work->wanted.fresh
		       ? store_update(store, STORE_DURABLE, NULL, note_intent, work, reterr)
		       : 0;
}

static int make(struct resource_work *work, struct error *reterr)
{
	struct estate *estate = work->r->options.estate;
	int r;

	if (!estate || !estate->resources)
		return error_set(reterr, -EOPNOTSUPP,
			"this cloud makes no resources: %s is made by a platform that was started "
			"with cloud=aws",
			work->spec->type);
	r = work->before.phase == RESOURCE_READY
		    ? 0
		    : tenant_estate_await(work->r, work->object.tenant, reterr);
	if (r == 0)
		r = resource_find_needs(work, reterr);
	if (r == 0)
		r = note(work, reterr);
	if (r == 0)
		r = resource_password(work, reterr);
	if (r == 0)
		r = resource_find_past(work, reterr);
	if (r == 0)
		r = estate->resources->ensure(estate, &work->owner, &work->wanted, &work->outputs,
			reterr);
	if (r == 0)
		r = resource_store_outputs(work, reterr);
	if (r == 0)
		r = resource_permit(work, reterr);
	return r;
}

/* Whether trying again may help without anybody changing anything. */
static bool passes(int result)
{
	return result != -EINVAL && result != -EEXIST && result != -EACCES && result != -EDQUOT &&
	       result != -EOPNOTSUPP && result != -EIO && result != -EKEYREJECTED &&
	       result != -ENOKEY && result != -EKEYEXPIRED && result != -ESTALE;
}

static int64_t next_look(const struct resource_work *work, int result)
{
	switch (result) {
	case 0:
	case -ESTALE: /* should it come back, the sweep sees it */
		return clock_now_ns() + LOOK_EVERY_NS;
	case -ENODATA: /* there is no policy yet: it wakes us */
	case -EOPNOTSUPP:
		return QUEUE_DONE;
	default:
		return queue_after(result, work->status.message);
	}
}

static int64_t reconcile(struct resource_work *work)
{
	struct error error = ERROR_INIT, trouble = ERROR_INIT;
	bool failed;
	int result;

	if (!work->spec)
		return resource_commit(work, false, false, &error) < 0 ? QUEUE_RETRY : QUEUE_DONE;
	result = make(work, &trouble);
	if (result == -ECANCELED)
		return QUEUE_RETRY;
	failed = result < 0 && !passes(result);
	work->status.phase = result == 0 ? RESOURCE_READY
			     : failed    ? RESOURCE_FAILED
					 : RESOURCE_MAKING;
	if (result < 0)
		(void)text_copy(work->status.message, sizeof(work->status.message), trouble.text);
	if (resource_commit(work, result == 0 || failed, failed, &error) < 0) {
		log_debug("resource %s: %s", work->object.name, error.text);
		return QUEUE_RETRY;
	}
	return next_look(work, result);
}

int64_t resource_reconcile(struct reconciler *r, int64_t id)
{
	struct resource_work work;
	int result = load(&work, r, id);
	int64_t next_ns;

	if (result < 0)
		next_ns = result == -ENOENT ? QUEUE_DONE : QUEUE_RETRY;
	else
		next_ns = work.object.deleting ? resource_leave(&work) : reconcile(&work);
	resource_work_done(&work);
	return next_ns;
}

/* ---- status ---- */

struct commit {
	struct resource_work *work;
	const char *json;
	bool settled, failed;
};

static bool is_news(const struct resource_work *work)
{
	const struct resource_status *status = &work->status, *before = &work->before;

	return status->phase != before->phase ||
	       (status->phase != RESOURCE_READY &&
		       !error_says_same(status->message, before->message));
}

static int commit(struct txn *txn, void *arg, struct error *reterr)
{
	const struct commit *commit = arg;
	const struct resource_work *work = commit->work;
	const struct resource_status *status = &work->status;
	int r = txn_set_status(txn, work->object.id, commit->json);

	(void)reterr;
	/* What is being changed or mended is paid as it was. */
	if (r == 0 && work->spec && status->phase == RESOURCE_READY)
		r = meter_resource(txn, work);
	if (r == 0 && work->outputs.done)
		r = txn_event(txn, work->object.id, "warning", "%s", work->outputs.done);
	if (r == 0 && is_news(work))
		r = txn_event(txn, work->object.id, commit->failed ? "warning" : "info",
			"%s is %s%s%s", status->type[0] ? status->type : "resource",
			resource_phase_name(status->phase), status->message[0] ? ": " : "",
			status->message);
	if (r == 0 && commit->settled)
		r = txn_set_observed(txn, work->object.id, work->object.generation, 0,
			commit->failed ? status->message : NULL);
	return r;
}

int resource_commit(struct resource_work *work, bool settled, bool failed, struct error *reterr)
{
	const struct object *object = &work->object;
	_cleanup_buf_ struct buf json = BUF_INIT;
	struct commit change = {.work = work, .failed = failed};

	work->status.since_ns = work->before.since_ns;
	if (work->status.phase != work->before.phase || work->status.since_ns == 0)
		work->status.since_ns = clock_wall_ns();
	resource_status_print(&work->status, &json);
	if (json.error)
		return error_oom(reterr);
	change.json = buf_string(&json);
	change.settled =
		settled && (object->observed != object->generation || object->failed != failed);
	if (!change.settled && !work->outputs.done && object->status &&
		strcmp(object->status, change.json) == 0)
		return 0;
	return store_update(work->r->options.store, STORE_RELAXED, NULL, commit, &change, reterr);
}
