/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/plan_placement.h"

#include <errno.h>
#include <inttypes.h>

static bool fits(int64_t capacity, int64_t reserved, int64_t wanted)
{
	return capacity == 0 || wanted == 0 || wanted <= capacity - reserved;
}

/* Reserved share of a host in thousandths, the fuller of its two resources. */
static int64_t fullness(const struct placement_host *host)
{
	int64_t cpu = host->cpu_milli ? host->cpu_milli_reserved * 1000 / host->cpu_milli : 0;
	int64_t memory = host->memory_mib ? host->memory_mib_reserved * 1000 / host->memory_mib : 0;

	return cpu > memory ? cpu : memory;
}

/* Negative: a is better than b. Spreading comes before packing: it is what survives a lost host. */
static int64_t compare(const struct placement_host *a, const struct placement_host *b)
{
	if (a->preferred != b->preferred)
		return a->preferred ? -1 : 1;
	if (a->same_domain != b->same_domain)
		return a->same_domain - b->same_domain;
	if (a->same_service != b->same_service)
		return a->same_service - b->same_service;
	return fullness(a) - fullness(b);
}

static int no_place(const struct placement_host *hosts, size_t count,
	const struct placement_wish *wish, struct error *reterr)
{
	size_t up = 0, allowed = 0;
	int64_t cpu = 0, memory = 0;

	for (size_t i = 0; i < count; i++) {
		if (!hosts[i].up)
			continue;
		up++;
		if (wish->only_preferred && !hosts[i].preferred)
			continue;
		allowed++;
		if (hosts[i].cpu_milli - hosts[i].cpu_milli_reserved > cpu)
			cpu = hosts[i].cpu_milli - hosts[i].cpu_milli_reserved;
		if (hosts[i].memory_mib - hosts[i].memory_mib_reserved > memory)
			memory = hosts[i].memory_mib - hosts[i].memory_mib_reserved;
	}
	if (up == 0)
		return error_set(reterr, -ENOSPC, "no host is up");
	if (allowed == 0)
		return error_set(reterr, -ENOSPC, "no host that is up matches Hosts");
	return error_set(reterr, -ENOSPC,
		"no host has room for CPU %" PRId64 ".%03" PRId64 " and MemoryMiB %" PRId64
		" (at most %" PRId64 ".%03" PRId64 " and %" PRId64 " are free on one host)",
		wish->cpu_milli / 1000, wish->cpu_milli % 1000, wish->memory_mib, cpu / 1000,
		cpu % 1000, memory);
}

int plan_placement(const struct placement_host *hosts, size_t count,
	const struct placement_wish *wish, size_t *ret, struct error *reterr)
{
	size_t best = count;

	for (size_t i = 0; i < count; i++) {
		const struct placement_host *host = &hosts[i];

		if (!host->up || (wish->only_preferred && !host->preferred))
			continue;
		if (!fits(host->cpu_milli, host->cpu_milli_reserved, wish->cpu_milli) ||
			!fits(host->memory_mib, host->memory_mib_reserved, wish->memory_mib))
			continue;
		if (best == count || compare(host, &hosts[best]) < 0)
			best = i;
	}
	if (best == count)
		return no_place(hosts, count, wish, reterr);
	*ret = best;
	return 0;
}
