/* SPDX-License-Identifier: Apache-2.0 */
/* The service's reconciler: from its spec to what is asked of its instances, and to its status. */
#include <errno.h>

#include "base/log.h"
#include "reconcile/service/service_work.h"

/* How health is asked may change without a new container. */
static void tell_generation(const struct service_work *work)
{
	if (work->r->options.simulated || work->status.generation == work->service.generation)
		return;
	for (size_t i = 0; i < work->count; i++)
		wake_instance(work->r, work->members[i].id);
}

static int service_steps(struct service_work *work, struct error *reterr)
{
	int r;

	tell_generation(work);
	service_judge(work);
	r = service_plan(work, reterr);
	if (r == 0)
		r = service_traffic(work, reterr);
	if (r == 0)
		return service_settle(work, reterr);
	/* A port or a balancer that cannot be had is a part of the status, and tried again. */
	if (reterr->code)
		work->trouble = *reterr;
	(void)service_settle(work, NULL);
	return r;
}

static bool service_at_rest(const struct service_work *work)
{
	return !work->service.deleting && !work->service.spec;
}

int64_t service_reconcile(struct reconciler *r, int64_t id)
{
	struct error error = ERROR_INIT;
	struct service_work work;
	int64_t next_ns = QUEUE_DONE;
	int result = service_load(&work, r, id, &error);

	if (result == 0 && work.service.deleting)
		result = service_teardown(&work, &error);
	else if (result == 0 && !service_at_rest(&work))
		result = service_steps(&work, &error);
	else
		service_stated(r, id);
	if (result == 0)
		next_ns = work.next_ns;
	else if (result == -ENOENT)
		service_forget_traffic(r, id);
	else
		next_ns = queue_after(result, error.text);
	if (result < 0 && result != -ENOENT)
		log_debug("service %lld: %s", (long long)id, error.text);
	service_work_done(&work);
	return next_ns;
}
