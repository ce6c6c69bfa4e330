/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/health.h"

#include "net/prober.h"
#include "reconcile/units.h"

/* On the prober's thread. */
static void health_news(void *arg, int64_t key, enum probe_health health, const char *why)
{
	struct reconciler *r = arg;

	units_set_health(r->units, key, health == PROBE_HEALTHY ? HEALTH_GOOD : HEALTH_BAD,
		health == PROBE_HEALTHY ? "" : why);
	wake_instance(r, key);
}

int health_start(struct reconciler *r, struct error *reterr)
{
	return prober_new(&r->prober, health_news, r, reterr);
}

void health_stop(struct reconciler *r)
{
	prober_free(r->prober);
	r->prober = NULL;
}

int health_watch(struct reconciler *r, int64_t instance, const char *address,
	const struct service_spec *spec, bool was_good, struct error *reterr)
{
	const struct health_spec *health = &spec->health;
	const struct probe probe = {
		.address = address,
		.port = (int)(health->port ? health->port : spec->container_port),
		.path = health->path,
		.interval_ms = health->interval_s * 1000,
		.timeout_ms = health->timeout_s * 1000,
		.healthy_threshold = (int)health->healthy_threshold,
		/* The first failure ends traffic; the threshold is for its replacement. */
		.unhealthy_threshold = 1,
		.start_period_ms = was_good ? 0 : health->start_period_s * 1000,
	};

	return prober_set(r->prober, instance, &probe, reterr);
}

void health_drop(struct reconciler *r, int64_t instance)
{
	if (r->prober)
		prober_drop(r->prober, instance);
}
