/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan_replicas.h"

struct tally {
	int64_t active; /* asked to run */
	int64_t outdated; /* of them, not current */
	bool rolling;
};

/* One that has no future on its host is nobody that a rollout reckons with. */
static bool counts(const struct replica *replica)
{
	return replica->run && !replica->leaving && !replica->lost;
}

static bool serves(const struct replica *replica)
{
	return replica->ready && replica->join;
}

static struct tally tally_of(const struct replica *replicas, size_t count)
{
	struct tally tally = {0};

	for (size_t i = 0; i < count; i++) {
		const struct replica *replica = &replicas[i];

		if (!counts(replica))
			continue;
		tally.active++;
		tally.outdated += !replica->current;
		if (!replica->current || !replica->join)
			tally.rolling = true;
	}
	return tally;
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Surplus goes from the top, those that do not serve before those that do. */
static void retire(struct replica *replicas, size_t count, int64_t surplus)
{
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = count; i-- > 0 && surplus > 0;) {
			struct replica *replica = &replicas[i];

			if (!counts(replica) || replica->action == REPLICA_RETIRE ||
				(pass == 0 && (serves(replica) || replica->action == REPLICA_JOIN)))
				continue;
			replica->action = REPLICA_RETIRE;
			surplus--;
		}
	}
}

int64_t plan_domain(int64_t rank, int64_t replicas, int64_t domains)
{
	/* Extra ones made for a surge stand behind the last domain. */
	return rank >= replicas ? domains : rank * domains / replicas;
}

static bool stays(const struct replica *replica)
{
	return counts(replica) && replica->action != REPLICA_RETIRE;
}

/* The first domain in which something is not as wanted. */
static int64_t domain_in_work(const struct replica *replicas, size_t count,
	const struct replica_wish *wish, int64_t domains)
{
	int64_t rank = 0;

	for (size_t i = 0; i < count; i++) {
		if (!stays(&replicas[i]))
			continue;
		if (!replicas[i].current || !serves(&replicas[i]))
			return plan_domain(rank, wish->replicas, domains);
		rank++;
	}
	return domains;
}

/* How many that serve may be taken away now, so that as many as promised are left. */
static int64_t budget(const struct replica *replicas, size_t count, const struct replica_wish *wish,
	int64_t domains)
{
	int64_t spare = -wish->replicas;

	for (size_t i = 0; i < count; i++)
		spare += stays(&replicas[i]) && serves(&replicas[i]);
	if (wish->surge == 0)
		spare += (wish->replicas + domains - 1) / domains;
	return spare;
}

/* The domain to begin or go on with: the first in which something outdated serves. None (-1) while
 * something in another one does not serve, be it on its way, crashed, or never to come up. */
static int64_t domain_to_replace(const struct replica *replicas, size_t count,
	const struct replica_wish *wish, int64_t domains)
{
	int64_t rank = 0, domain = -1, idle_low = domains + 1, idle_high = -1;

	for (size_t i = 0; i < count; i++) {
		int64_t d;

		if (!stays(&replicas[i]))
			continue;
		d = plan_domain(rank++, wish->replicas, domains);
		if (!serves(&replicas[i])) {
			idle_low = least(idle_low, d);
			idle_high = d;
		} else if (!replicas[i].current && domain < 0) {
			domain = d;
		}
	}
	if (idle_high >= 0 && (idle_low != domain || idle_high != domain))
		return -1;
	return domain;
}

static void replace(struct replica *replicas, size_t count, const struct replica_wish *wish,
	int64_t domains)
{
	int64_t left = budget(replicas, count, wish, domains);
	int64_t domain = domain_to_replace(replicas, count, wish, domains);
	int64_t rank = 0;

	for (size_t i = 0; i < count; i++) {
		struct replica *replica = &replicas[i];
		int64_t d;

		if (!stays(replica))
			continue;
		d = plan_domain(rank++, wish->replicas, domains);
		if (replica->current)
			continue;
		if (!serves(replica)) {
			replica->action = REPLICA_REPLACE; /* nothing is lost with it */
		} else if (d == domain && left > 0) {
			replica->action = REPLICA_REPLACE;
			left--;
		}
	}
}

/* Those whose hosts give them away go as soon as others serve in their place. */
static void give_away(struct replica *replicas, size_t count, int64_t wanted)
{
	int64_t spare = -wanted;

	for (size_t i = 0; i < count; i++) {
		const struct replica *replica = &replicas[i];

		spare += replica->run && serves(replica) && !replica->lost &&
			 replica->action != REPLICA_RETIRE && replica->action != REPLICA_REPLACE;
	}
	for (size_t i = count; i-- > 0;) {
		struct replica *replica = &replicas[i];

		if (!replica->run || !replica->leaving || replica->lost ||
			spare < (serves(replica) ? 1 : 0))
			continue;
		/* One that does not serve may yet, as long as nothing can be made elsewhere. */
		replica->action = REPLICA_RETIRE;
		spare -= serves(replica);
	}
}

void plan_replicas(struct replica *replicas, size_t count, const struct replica_wish *wish,
	struct replica_plan *ret)
{
	struct tally tally = tally_of(replicas, count);
	int64_t domains = least(wish->domains > 0 ? wish->domains : 1, wish->replicas);
	int64_t extra = 0;

	for (size_t i = 0; i < count; i++) {
		struct replica *replica = &replicas[i];

		replica->action = REPLICA_KEEP;
		if (!replica->run && replica->empty)
			replica->action = REPLICA_PURGE;
		else if (replica->lost)
			replica->action = REPLICA_ABANDON;
		else if (replica->run && replica->current && replica->ready && !replica->join)
			replica->action = REPLICA_JOIN;
	}
	if (wish->surge > 0 && wish->replicas > 0 && tally.rolling) {
		extra = wish->surge;
		/* While nothing may begin, extras that are there stay and no new ones come. */
		if (wish->hold || tally.outdated == 0)
			extra = tally.active > wish->replicas
					? least(extra, tally.active - wish->replicas)
					: 0;
	}
	ret->create = wish->replicas + extra - tally.active;
	if (ret->create < 0) {
		retire(replicas, count, -ret->create);
		ret->create = 0;
	}
	if (!wish->hold && tally.outdated > 0 && wish->replicas > 0)
		replace(replicas, count, wish, domains);
	give_away(replicas, count, wish->replicas);
	ret->domains = domains;
	ret->domain = domain_in_work(replicas, count, wish, domains);
	ret->rolling = tally.rolling;
}

int64_t plan_free_ordinal(const struct replica *replicas, size_t count, int64_t *next)
{
	for (size_t i = 0; i < count; i++) {
		if (replicas[i].ordinal > *next)
			break;
		if (replicas[i].ordinal == *next)
			(*next)++;
	}
	return (*next)++;
}
