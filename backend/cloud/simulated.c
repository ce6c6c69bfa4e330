/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cloud/cloud.h"

#define LATENCY_MAX_MS 3600000

struct simulated {
	struct cloud cloud;
	int64_t latency_ms;
};

/* The latency is what is simulated: nothing but the caller waits for it. */
static void simulated_pass_time(const struct cloud *cloud)
{
	const struct simulated *simulated = (const struct simulated *)cloud;
	int64_t end_ns = clock_now_ns() + simulated->latency_ms * NS_PER_MILLISECOND, left_ns;

	while ((left_ns = end_ns - clock_now_ns()) > 0)
		(void)poll(NULL, 0, (int)((left_ns + NS_PER_MILLISECOND - 1) / NS_PER_MILLISECOND));
}

static int simulated_balancer_ensure(struct cloud *cloud, const struct balancer *wanted,
	struct balancer_state *ret, struct error *reterr)
{
	struct balancer_state state = {.tls = wanted->dns && *wanted->dns};
	int64_t number;

	if (wanted->slot < 0 || wanted->slot > 0x3fffff - 3)
		return error_set(reterr, -ENOSPC, "no address for load balancer slot %" PRId64,
			wanted->slot);
	number = wanted->slot + 2;
	simulated_pass_time(cloud);
	/* 100.64.0.0/10 is never routed (RFC 6598). */
	(void)snprintf(state.address, sizeof(state.address), "100.%d.%d.%d",
		64 + (int)(number >> 16), (int)(number >> 8 & 255), (int)(number & 255));
	*ret = state;
	return 0;
}

static int simulated_balancer_remove(struct cloud *cloud, int64_t service, struct error *reterr)
{
	(void)service;
	(void)reterr;
	simulated_pass_time(cloud);
	return 0;
}

static int simulated_target_connections(struct cloud *cloud, int64_t service,
	const struct target *target, int64_t *ret, struct error *reterr)
{
	(void)service;
	(void)target;
	(void)reterr;
	simulated_pass_time(cloud);
	*ret = 0;
	return 0;
}

static int simulated_machine_ensure(struct cloud *cloud, const struct machine *wanted,
	struct machine_state *ret, struct error *reterr)
{
	struct machine_state state = {
		.there = true, .cpu_milli = wanted->cpu_milli, .memory_mib = wanted->memory_mib};

	(void)reterr;
	simulated_pass_time(cloud);
	(void)snprintf(state.engine, sizeof(state.engine), "simulated://%" PRId64, wanted->host);
	(void)snprintf(state.address, sizeof(state.address), "100.%d.%d.%d",
		128 + (int)(wanted->host >> 16 & 63), (int)(wanted->host >> 8 & 255),
		(int)(wanted->host & 255));
	*ret = state;
	return 0;
}

static int simulated_machine_remove(struct cloud *cloud, const struct machine *last,
	struct error *reterr)
{
	(void)last;
	(void)reterr;
	simulated_pass_time(cloud);
	return 0;
}

static int simulated_dns_ensure(struct cloud *cloud, int64_t service, const char *name,
	const struct balancer_state *balancer, struct error *reterr)
{
	(void)service;
	(void)name;
	(void)balancer;
	(void)reterr;
	simulated_pass_time(cloud);
	return 0;
}

static int simulated_dns_remove(struct cloud *cloud, int64_t service, const char *name,
	struct error *reterr)
{
	(void)service;
	(void)name;
	(void)reterr;
	simulated_pass_time(cloud);
	return 0;
}

static int simulated_settle(struct cloud *cloud, struct error *reterr)
{
	(void)reterr;
	simulated_pass_time(cloud);
	return 0;
}

static void simulated_health(struct cloud *cloud, struct cloud_health *ret)
{
	int64_t latency_ms = ((struct simulated *)cloud)->latency_ms;

	*ret = (struct cloud_health){.balancer_up = true, .dns_up = true};
	(void)snprintf(ret->balancer, sizeof(ret->balancer),
		"simulated: no traffic flows, each change takes %" PRId64 " ms", latency_ms);
	(void)snprintf(ret->dns, sizeof(ret->dns), "simulated: no name is answered");
}

static void simulated_free(struct cloud *cloud, bool keep)
{
	(void)keep;
	free(cloud);
}

static const struct cloud_ops simulated_ops = {
	.balancer_ensure = simulated_balancer_ensure,
	.balancer_remove = simulated_balancer_remove,
	.target_connections = simulated_target_connections,
	.machine_ensure = simulated_machine_ensure,
	.machine_remove = simulated_machine_remove,
	.dns_ensure = simulated_dns_ensure,
	.dns_remove = simulated_dns_remove,
	.settle = simulated_settle,
	.health = simulated_health,
	.free = simulated_free,
};

int cloud_simulated_new(struct cloud **ret, int64_t latency_ms, struct error *reterr)
{
	struct simulated *simulated;

	if (latency_ms < 0 || latency_ms > LATENCY_MAX_MS)
		return error_set(reterr, -EINVAL,
			"a latency of %" PRId64 " ms is not within 0 to %d", latency_ms,
			LATENCY_MAX_MS);
	simulated = calloc(1, sizeof(*simulated));
	if (!simulated)
		return error_oom(reterr);
	simulated->cloud.ops = &simulated_ops;
	simulated->latency_ms = latency_ms;
	*ret = &simulated->cloud;
	return 0;
}
