/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/host/fleet_claims.h"

#include <errno.h>
#include <stdlib.h>

static struct tally *tally_of(struct claims *claims, int64_t host)
{
	struct tally *tally = idmap_get(&claims->hosts, host);

	if (tally)
		return tally;
	tally = calloc(1, sizeof(*tally));
	if (tally && idmap_put(&claims->hosts, host, tally) < 0) {
		free(tally);
		tally = NULL;
	}
	return tally;
}

static void add(struct tally *tally, const struct claim *claim, int64_t sign)
{
	tally->cpu_milli += sign * claim->cpu_milli;
	tally->memory_mib += sign * claim->memory_mib;
	tally->instances += sign;
}

int claims_put(struct claims *claims, int64_t instance, const struct claim *claim)
{
	struct tally *tally;
	struct claim *kept;

	claims_remove(claims, instance);
	if (claim->host == HOST_LOCAL_ID && claim->cpu_milli == 0 && claim->memory_mib == 0)
		return 0;
	tally = tally_of(claims, claim->host);
	kept = malloc(sizeof(*kept));
	if (!tally || !kept || idmap_put(&claims->instances, instance, kept) < 0) {
		free(kept);
		return -ENOMEM;
	}
	*kept = *claim;
	kept->instance = instance;
	add(tally, kept, 1);
	return 0;
}

void claims_remove(struct claims *claims, int64_t instance)
{
	struct claim *claim = idmap_remove(&claims->instances, instance);
	struct tally *tally = claim ? idmap_get(&claims->hosts, claim->host) : NULL;

	if (tally)
		add(tally, claim, -1);
	if (tally && tally->instances == 0)
		free(idmap_remove(&claims->hosts, claim->host));
	free(claim);
}

int claims_list(const struct claims *claims, int64_t host, int64_t **ret, size_t *ret_count)
{
	const struct tally *tally = idmap_get(&claims->hosts, host);
	const struct claim *claim;
	size_t position = 0, count = 0;
	int64_t *list;

	*ret = NULL;
	*ret_count = 0;
	if (!tally)
		return 0;
	list = calloc((size_t)tally->instances, sizeof(*list));
	if (!list)
		return -ENOMEM;
	while ((claim = idmap_next(&claims->instances, &position)))
		if (claim->host == host)
			list[count++] = claim->instance;
	*ret = list;
	*ret_count = count;
	return 0;
}

void claims_tally(const struct claims *claims, int64_t host, struct tally *ret)
{
	const struct tally *tally = idmap_get(&claims->hosts, host);

	*ret = tally ? *tally : (struct tally){0};
}

static void empty(struct idmap *map)
{
	size_t position = 0;
	void *value;

	while ((value = idmap_next(map, &position)))
		free(value);
	idmap_done(map);
}

void claims_done(struct claims *claims)
{
	empty(&claims->instances);
	empty(&claims->hosts);
}
