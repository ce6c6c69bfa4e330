/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/reconcile.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "reconcile/context.h"
#include "reconcile/estate/estate_sweep.h"
#include "reconcile/host/fleet.h"
#include "reconcile/view/gate.h"
#include "reconcile/instance/health.h"
#include "reconcile/host/host_work.h"
#include "reconcile/instance/images.h"
#include "reconcile/instance/inquiries.h"
#include "reconcile/estate/joint.h"
#include "reconcile/instance/instance_work.h"
#include "reconcile/instance/logs.h"
#include "reconcile/view/mirror.h"
#include "reconcile/service/on_change.h"
#include "reconcile/view/names.h"
#include "reconcile/service/permits.h"
#include "reconcile/estate/tenant_estate.h"
#include "reconcile/instance/units.h"
#include "reconcile/view/view.h"
#include "reconcile/view/view_readers.h"
#include "reconcile/usage/meter.h"
#include "reconcile/estate/tenant_estate.h"

#define PLAN_WORKERS  3
#define CLOUD_WORKERS 12 /* instead, where plans wait for a cloud that is far away */
#define HOST_WORKERS  8 /* beyond that, Docker gets no faster */
#define SLOW_WORKERS  24 /* mostly waiting for programs to end */
#define PROBE_WORKERS 4 /* commands at once: more would keep the engine from its work */

static int64_t plan_work(void *arg, int64_t key)
{
	struct reconciler *r = arg;

	switch (key_kind(key)) {
	case KIND_SERVICE:
		return service_reconcile(r, key_id(key));
	case KIND_TENANT:
		return tenant_reconcile(r, key_id(key));
	case KIND_PLATFORM:
		return platform_reconcile(r);
	case PLAN_KEY_PERMITS:
		return permits_reconcile(r);
	case KIND_HOST:
		return feed_services(r) < 0 ? QUEUE_RETRY : QUEUE_DONE;
	default:
		return feed_sweep(r) < 0 ? QUEUE_RETRY : QUEUE_DONE;
	}
}

static int64_t host_work(void *arg, int64_t key)
{
	struct reconciler *r = arg;

	switch (key_kind(key)) {
	case KIND_INSTANCE:
		return instance_reconcile(r, key_id(key));
	case KIND_HOST:
		return host_reconcile(r, key_id(key));
	default:
		return feed_sweep(r) < 0 ? QUEUE_RETRY : QUEUE_DONE;
	}
}

/* What uses a thing that lost its owner may need minutes to go. */
static int64_t settle_cloud(struct reconciler *r)
{
	struct error error = ERROR_INIT;
	int result = r->options.cloud->ops->settle(r->options.cloud, &error);

	if (result == 0)
		return QUEUE_DONE;
	log_debug("cloud: %s", error.text);
	return queue_after(result, error.text);
}

static int64_t slow_work(void *arg, int64_t key)
{
	struct reconciler *r = arg;

	switch (key_kind(key)) {
	case SLOW_KEY_STOP:
		return instance_stop(r, key_id(key));
	case SLOW_KEY_PULL:
		return images_pull(r, key_id(key));
	case SLOW_KEY_SIGNAL:
		return on_change_signal(r, key_id(key));
	case SLOW_KEY_ROTATE:
		return platform_rotate(r);
	case SLOW_KEY_MEASURE:
		return meter_measure(r);
	case SLOW_KEY_BUDGET:
		return budget_watch(r);
	case SLOW_KEY_SETTLE:
		return settle_cloud(r);
	case SLOW_KEY_TOTALS:
		return totals_watch(r);
	case SLOW_KEY_ACTUALS:
		return actuals_watch(r);
	case SLOW_KEY_RESOURCE:
		return resource_reconcile(r, key_id(key));
	case SLOW_KEY_SWEEP:
		return estate_sweep(r);
	case SLOW_KEY_CONFIGURED:
		return resource_wake_configured(r, key_id(key));
	case SLOW_KEY_NAMES:
		return names_tell(r, key_id(key));
	default:
		return QUEUE_DONE;
	}
}

static int64_t probe_work(void *arg, int64_t key)
{
	return health_ask(arg, key);
}

static int64_t view_work(void *arg, int64_t key)
{
	return view_reconcile(arg, key);
}

void service_stated(struct reconciler *r, int64_t id)
{
	bool settle;

	lock_acquire(&r->lock);
	(void)idmap_remove(&r->starting, id);
	settle = r->listed && !r->settled && r->starting.count == 0;
	if (settle)
		r->settled = true;
	lock_release(&r->lock);
	/* Every balancer that is wanted was stated: what the cloud has beyond is from before. */
	if (settle)
		queue_wake(r->slow, key_of(SLOW_KEY_SETTLE, 1));
}

static void reconciler_init(struct reconciler *r, const struct reconciler_options *options)
{
	r->options = *options;
	r->platform = store_platform(options->store);
	r->since_ns = clock_wall_ns();
	atomic_store(&r->permits_stated, PERMITS_UNKNOWN);
	lock_init(&r->lock, LOCK_RECONCILE);
	lock_init(&r->view_lock, LOCK_RECONCILE);
	cond_init(&r->view_done);
}

static int reconciler_parts(struct reconciler *r, struct error *reterr)
{
	int result = units_new(&r->units, reterr);

	if (result == 0)
		result = images_new(&r->images, reterr);
	if (result == 0)
		result = logs_new(&r->logs, reterr);
	if (result == 0)
		result = fleet_new(&r->fleet, r, reterr);
	if (result == 0)
		result = gate_new(&r->view_gate, reterr);
	if (result == 0)
		result = joint_new(&r->permissions, reterr);
	if (result == 0 && !r->options.simulated)
		result = health_start(r, reterr);
	if (result == 0 && !r->options.simulated)
		result = view_readers_new(&r->readers, r->options.store, reterr);
	if (result == 0 && !r->options.simulated)
		result = file_mkdirs(r->options.view_dir, 0711, reterr);
	if (result == 0)
		result = file_mkdirs(r->options.logs_dir, 0700, reterr);
	return result;
}

static int reconciler_queues(struct reconciler *r, struct error *reterr)
{
	int workers = r->options.estate ? CLOUD_WORKERS : PLAN_WORKERS;
	int result = queue_new(&r->plans, "plan", workers, plan_work, r, reterr);

	if (result == 0)
		result = queue_new(&r->hosts, "host", HOST_WORKERS, host_work, r, reterr);
	if (result == 0)
		result = queue_new(&r->slow, "slow", SLOW_WORKERS, slow_work, r, reterr);
	if (result == 0)
		result = queue_new(&r->probes, "probe", PROBE_WORKERS, probe_work, r, reterr);
	if (result == 0)
		result = queue_new(&r->peerings, "peer", 1, view_work, r, reterr);
	if (result == 0)
		result = queue_new(&r->views, "view", 1, view_work, r, reterr);
	if (result == 0)
		result = mirrors_new(&r->mirrors, r, reterr);
	if (result == 0)
		result = inquiries_start(r, reterr);
	return result;
}

static void health_changed(void *arg)
{
	wake_platform(arg);
}

/* From here on nothing is missed: the feed first, then everything that is there. */
static int reconciler_begin(struct reconciler *r, struct error *reterr)
{
	const struct cloud_ops *cloud = r->options.cloud->ops;
	int result;

	tenant_estate_begin(r);
	result = feed_claims(r); /* only we change them */
	if (result == 0)
		result = store_watch_frozen(r->options.store, feed_changes, r, reterr);
	if (result == 0) {
		r->watching = true;
		if (cloud->health_watch)
			cloud->health_watch(r->options.cloud, health_changed, r);
		result = host_machine_watch(r, reterr);
		if (result == 0)
			result = feed_sweep(r);
		store_thaw(r->options.store);
	}
	if (result < 0)
		return error_set(reterr, result, "the store cannot be read");
	lock_acquire(&r->lock);
	r->listed = true;
	lock_release(&r->lock);
	service_stated(r, 0); /* settles at once when there is no service */
	logs_sweep(r);
	if (!r->options.simulated)
		queue_wake(r->views, QUEUE_SWEEP);
	queue_wake(r->slow, key_of(SLOW_KEY_MEASURE, 1));
	queue_wake(r->slow, key_of(SLOW_KEY_BUDGET, 1));
	queue_wake(r->slow, key_of(SLOW_KEY_ACTUALS, 1));
	queue_wake(r->slow, key_of(SLOW_KEY_TOTALS, 1));
	if (r->policy_generation > 0)
		wake_estate_sweep(r);
	wake_platform(r);
	inquiries_wake(r);
	wake_rotation(r); /* one that was under way goes on */
	return fleet_watch(r->fleet, reterr);
}

int reconciler_start(struct reconciler **ret, const struct reconciler_options *options,
	struct error *reterr)
{
	struct reconciler *r = calloc(1, sizeof(*r));
	int result;

	if (!r)
		return error_oom(reterr);
	reconciler_init(r, options);
	result = reconciler_parts(r, reterr);
	if (result == 0)
		result = reconciler_queues(r, reterr);
	if (result == 0)
		result = reconciler_begin(r, reterr);
	if (result < 0) {
		reconciler_stop(r);
		/* Once the feed knows it, it stays until the store is closed. */
		if (!r->watching)
			reconciler_free(r);
		return result;
	}
	*ret = r;
	return 0;
}

void reconciler_stop(struct reconciler *r)
{
	if (!r)
		return;
	/* Who waits for the threads of mirrors and views goes before them. */
	if (r->hosts)
		queue_stop(r->hosts);
	if (r->plans)
		queue_stop(r->plans);
	if (r->slow)
		queue_stop(r->slow);
	if (r->probes)
		queue_stop(r->probes);
	mirrors_stop(r->mirrors);
	if (r->peerings)
		queue_stop(r->peerings);
	if (r->views)
		queue_stop(r->views);
	view_readers_free(TAKE(r->readers));
	inquiries_stop(r);
	health_stop(r);
	logs_free(r);
	fleet_stop(r->fleet);
}

void reconciler_free(struct reconciler *r)
{
	if (!r)
		return;
	queue_free(r->hosts);
	queue_free(r->plans);
	queue_free(r->slow);
	queue_free(r->probes);
	mirrors_free(r->mirrors);
	queue_free(r->peerings);
	queue_free(r->views);
	inquiries_free(r);
	gate_free(r->view_gate);
	joint_free(r->permissions);
	images_free(r->images);
	fleet_free(r->fleet);
	units_free(r->units);
	idmap_done(&r->traffic);
	idmap_done(&r->starting);
	idmap_done(&r->peers);
	idmap_done(&r->told);
	meter_done(r);
	idmap_done(&r->view_waits);
	idmap_done(&r->views_lost);
	view_forget_all(r);
	cond_done(&r->view_done);
	lock_done(&r->view_lock);
	lock_done(&r->lock);
	free(r);
}
