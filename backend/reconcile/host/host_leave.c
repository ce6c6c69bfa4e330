/* SPDX-License-Identifier: Apache-2.0 */
/* A host that was removed: first its instances go, then what the tenant had there, then it. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "reconcile/host/host_work.h"
#include "reconcile/view/mirror.h"

#define LEAVE_EVERY_NS (500 * NS_PER_MILLISECOND)

struct first {
	struct intent intent;
	bool found;
};

static int take_first(void *arg, const struct intent *intent)
{
	struct first *first = arg;

	if (strcmp(intent->type, INTENT_MACHINE) == 0 ||
		strcmp(intent->type, INTENT_MACHINE_ID) == 0)
		return 0; /* go last */
	first->intent = *intent;
	first->found = true;
	return 1;
}

static int intent_over(struct txn *txn, void *arg, struct error *reterr)
{
	const struct intent *intent = arg;

	(void)reterr;
	return txn_intent_done(txn, intent->owner, intent->type, intent->name);
}

/* Networks and volumes; of an engine that is given up only the memory of them. */
static int remove_owned(struct host_work *work, const struct intent *intent, struct error *reterr)
{
	struct engine *engine = work->host && work->host->up ? work->host->engine : NULL;
	int r = 0;

	if (engine && strcmp(intent->type, INTENT_NETWORK) == 0)
		r = engine->ops->network_remove(engine, intent->name, reterr);
	else if (engine && strcmp(intent->type, INTENT_VOLUME) == 0)
		r = engine->ops->volume_remove(engine, intent->name, reterr);
	else if (engine && strcmp(intent->type, INTENT_AGENT) == 0)
		return mirror_leave(work->host); /* it has its journal entry removed */
	if (r < 0)
		return r;
	return store_update(work->r->options.store, STORE_RELAXED, NULL, intent_over,
		(void *)(uintptr_t)intent, reterr);
}

static int clear(struct host_work *work, struct error *reterr)
{
	int r;

	for (;;) {
		struct first first = {.found = false};

		r = store_intents(work->r->options.store, work->object.id, take_first, &first);
		if (r < 0 || !first.found)
			break;
		r = remove_owned(work, &first.intent, reterr);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : host_machine_remove(work, reterr);
}

static int purge(struct txn *txn, void *arg, struct error *reterr)
{
	const struct host_work *work = arg;
	int r;

	r = txn_event(txn, work->object.tenant, "info", "host %s is removed", work->object.name);
	if (r == 0)
		r = txn_purge(txn, work->object.id, reterr);
	return r == -ENOENT ? 0 : r;
}

int64_t host_leave(struct host_work *work)
{
	const struct host *host = work->host;
	struct reconciler *r = work->r;
	struct error error = ERROR_INIT;
	bool given_up = !host || !host->engine || host_is_lost(host);
	int result;

	if (work->tally.instances > 0) {
		/* What a host that is away had is forgotten once the grace is over. */
		if (host_commit(work, false, &error) < 0 ||
			((given_up || host_is_news(work)) &&
				feed_host_all(r, work->object.id, work->object.tenant) < 0))
			return QUEUE_RETRY;
		return clock_now_ns() + (given_up ? 4 : 1) * LEAVE_EVERY_NS;
	}
	if (!given_up && !host->up)
		return host_lost_ns(host);
	result = clear(work, &error);
	if (result == 0)
		result = store_update(r->options.store, STORE_RELAXED, NULL, purge, work, &error);
	if (result == -EAGAIN)
		return clock_now_ns() + LEAVE_EVERY_NS;
	if (result < 0) {
		log_debug("host %s: %s", work->object.name, error.text);
		(void)text_copy(work->status.warning, sizeof(work->status.warning), error.text);
		(void)host_commit(work, false, NULL);
		return QUEUE_RETRY;
	}
	fleet_detach(r->fleet, work->object.id);
	mirror_forget(r, work->object.id);
	return QUEUE_DONE;
}
