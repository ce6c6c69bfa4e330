/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "reconcile/service/service_work.h"
#include "reconcile/view/view.h"

struct first {
	struct intent intent;
	bool found;
};

static int take_first(void *arg, const struct intent *intent)
{
	struct first *first = arg;

	first->intent = *intent;
	first->found = true;
	return 1;
}

int service_remove_external(struct service_work *work, const char *type, const char *name,
	struct error *reterr)
{
	struct cloud *cloud = work->r->options.cloud;
	int r = 0;

	if (strcmp(type, INTENT_DNS) == 0)
		r = cloud->ops->dns_remove(cloud, work->service.id, name, reterr);
	else if (strcmp(type, INTENT_BALANCER) == 0)
		r = cloud->ops->balancer_remove(cloud, work->service.id, reterr);
	if (r != -EEXIST)
		return r;
	log_warning("service %s: %s", work->service.name, reterr->text);
	error_clear(reterr);
	return 0;
}

struct closing {
	const struct reconciler *r;
	const struct intent *intent;
};

static int intent_over(struct txn *txn, void *arg, struct error *reterr)
{
	const struct closing *closing = arg;
	const struct intent *intent = closing->intent;

	(void)reterr;
	return intent_close(txn, closing->r, intent->owner, intent->type, intent->name);
}

static int remove_one(struct service_work *work, const struct intent *intent, struct error *reterr)
{
	struct closing closing = {work->r, intent};
	int r = service_remove_external(work, intent->type, intent->name, reterr);

	return r < 0 ? r
		     : store_update(work->r->options.store, STORE_RELAXED, NULL, intent_over,
			       &closing, reterr);
}

static int purge(struct txn *txn, void *arg, struct error *reterr)
{
	const struct service_work *work = arg;
	int r;

	(void)txn_release(txn, POOL_BALANCERS, work->service.id);
	r = txn_purge(txn, work->service.id, reterr);
	return r == -ENOENT ? 0 : r;
}

int service_teardown(struct service_work *work, struct error *reterr)
{
	struct store *store = work->r->options.store;
	int r;

	for (;;) {
		struct first first = {.found = false};

		r = store_intents(store, work->service.id, take_first, &first);
		if (r < 0)
			return error_set(reterr, r, "the journal cannot be read");
		if (!first.found)
			break;
		r = remove_one(work, &first.intent, reterr);
		if (r < 0)
			return r;
	}
	service_forget_traffic(work->r, work->service.id);
	service_stated(work->r, work->service.id);
	r = store_update(store, STORE_RELAXED, NULL, purge, work, reterr);
	if (r == -EBUSY)
		return 0; /* instances remain: the last of them wakes us */
	if (r == 0)
		view_remove(work->r, work->service.id);
	return r;
}
