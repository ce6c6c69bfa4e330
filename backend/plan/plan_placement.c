/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan_placement.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static bool fits(int64_t capacity, int64_t reserved, int64_t wanted)
{
	return capacity == 0 || wanted == 0 || wanted <= capacity - reserved;
}

bool plan_placement_fits(const struct placement_host *host, const struct placement_wish *wish)
{
	return fits(host->cpu_milli, host->cpu_milli_reserved, wish->cpu_milli) &&
	       fits(host->memory_mib, host->memory_mib_reserved, wish->memory_mib);
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
		return b->preferred - a->preferred;
	if (a->same_service != b->same_service)
		return a->same_service - b->same_service;
	if (a->same_domain != b->same_domain)
		return a->same_domain - b->same_domain;
	return fullness(a) - fullness(b);
}

/* Of one resource: where most of it is free, among hosts that take something. */
struct roomiest {
	const char *name;
	int64_t left;
};

static void consider(struct roomiest *roomiest, const char *name, int64_t capacity,
	int64_t reserved)
{
	int64_t left = capacity > reserved ? capacity - reserved : 0;

	if (capacity > 0 && (!roomiest->name || left > roomiest->left))
		*roomiest = (struct roomiest){name, left};
}

/* "1.5": thousandths without the zeros at the end. */
static const char *decimal(int64_t milli, char text[32])
{
	int length = snprintf(text, 32, "%" PRId64 ".%03" PRId64, milli / 1000, milli % 1000);

	while (length > 0 && text[length - 1] == '0')
		text[--length] = '\0';
	if (length > 0 && text[length - 1] == '.')
		text[length - 1] = '\0';
	return text;
}

static int say_full(const struct placement_wish *wish, const struct roomiest *cpu,
	const struct roomiest *memory, struct error *reterr)
{
	bool by_cpu = wish->cpu_milli > 0 && cpu->name;
	bool by_memory = wish->memory_mib > 0 && memory->name;
	char wanted[32], left[32], cpu_words[160] = "", memory_words[160] = "";

	if (by_cpu)
		(void)snprintf(cpu_words, sizeof(cpu_words),
			"CPU %s, the largest free is %s on %.64s", decimal(wish->cpu_milli, wanted),
			decimal(cpu->left, left), cpu->name);
	if (by_memory)
		(void)snprintf(memory_words, sizeof(memory_words),
			"MemoryMiB %" PRId64 ", the largest free is %" PRId64 " on %.64s",
			wish->memory_mib, memory->left, memory->name);
	return error_set(reterr, -ENOSPC, "each needs %s%s%s", cpu_words,
		by_cpu && by_memory ? ", and " : "", memory_words);
}

static int no_place(const struct placement_host *hosts, size_t count,
	const struct placement_wish *wish, struct error *reterr)
{
	struct roomiest cpu = {0}, memory = {0};
	size_t up = 0, open = 0;

	for (size_t i = 0; i < count; i++) {
		const struct placement_host *host = &hosts[i];

		up += host->up;
		if (!host->up || host->closed)
			continue;
		open++;
		consider(&cpu, host->name, host->cpu_milli, host->cpu_milli_reserved);
		consider(&memory, host->name, host->memory_mib, host->memory_mib_reserved);
	}
	if (up == 0)
		return error_set(reterr, -ENOSPC, "no host is up");
	if (open == 0)
		return error_set(reterr, -ENOSPC, "no host that is up takes new instances");
	return say_full(wish, &cpu, &memory, reterr);
}

int plan_placement(const struct placement_host *hosts, size_t count,
	const struct placement_wish *wish, size_t *ret, struct error *reterr)
{
	size_t best = count;

	for (size_t i = 0; i < count; i++) {
		if (!hosts[i].up || hosts[i].closed || !plan_placement_fits(&hosts[i], wish))
			continue;
		if (best == count || compare(&hosts[i], &hosts[best]) < 0)
			best = i;
	}
	if (best == count)
		return no_place(hosts, count, wish, reterr);
	*ret = best;
	return 0;
}

void plan_placement_take(struct placement_host *host, const struct placement_wish *wish)
{
	host->cpu_milli_reserved += wish->cpu_milli;
	host->memory_mib_reserved += wish->memory_mib;
	host->same_service++;
	host->same_domain++;
}
