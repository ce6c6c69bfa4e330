/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/plan_replicas.h"

struct tally {
	int64_t active; /* asked to run */
	int64_t outdated; /* of them, not current */
	int64_t serving; /* ready and joined, whatever the template */
	int64_t joining; /* current and not yet (again) serving */
	bool rolling;
};

static bool serves(const struct replica *replica)
{
	return replica->ready && replica->join;
}

static struct tally tally_of(const struct replica *replicas, size_t count)
{
	struct tally tally = {0};

	for (size_t i = 0; i < count; i++) {
		const struct replica *replica = &replicas[i];

		if (!replica->run)
			continue;
		tally.active++;
		tally.outdated += !replica->current;
		tally.serving += serves(replica);
		tally.joining += replica->current && !serves(replica);
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

			if (!replica->run || replica->action == REPLICA_RETIRE ||
				(pass == 0 && replica->ready))
				continue;
			replica->action = REPLICA_RETIRE;
			surplus--;
		}
	}
}

static int64_t domain_of(int64_t rank, int64_t replicas, int64_t domains)
{
	/* Extra ones made for a surge stand behind the last domain. */
	return rank >= replicas ? domains : rank * domains / replicas;
}

/* The first domain in which something is not as wanted. */
static int64_t domain_in_work(const struct replica *replicas, size_t count,
	const struct replica_wish *wish, int64_t domains)
{
	int64_t rank = 0;

	for (size_t i = 0; i < count; i++) {
		const struct replica *replica = &replicas[i];

		if (!replica->run || replica->action == REPLICA_RETIRE)
			continue;
		if (!replica->current || !serves(replica))
			return domain_of(rank, wish->replicas, domains);
		rank++;
	}
	return domains;
}

/* How many that serve may be taken away now. */
static int64_t budget(const struct tally *tally, const struct replica_wish *wish)
{
	int64_t spare = tally->serving - wish->replicas;

	if (wish->surge > 0)
		return spare > 0 ? spare : 0;
	return tally->active; /* the domain is the limit */
}

static void replace(struct replica *replicas, size_t count, const struct replica_wish *wish,
	const struct tally *tally, int64_t domains)
{
	int64_t left = budget(tally, wish), rank = 0, domain = -1;
	bool elsewhere = false;

	/* What is being replaced in one domain keeps all others waiting. */
	for (size_t i = 0; i < count; i++) {
		const struct replica *replica = &replicas[i];
		int64_t d;

		if (!replica->run || replica->action == REPLICA_RETIRE)
			continue;
		d = domain_of(rank++, wish->replicas, domains);
		if (!replica->current && serves(replica) && domain < 0)
			domain = d;
	}
	rank = 0;
	for (size_t i = 0; i < count; i++) {
		const struct replica *replica = &replicas[i];
		int64_t d;

		if (!replica->run || replica->action == REPLICA_RETIRE)
			continue;
		d = domain_of(rank++, wish->replicas, domains);
		if (replica->current && !serves(replica) && d != domain)
			elsewhere = true;
	}
	rank = 0;
	for (size_t i = 0; i < count; i++) {
		struct replica *replica = &replicas[i];
		int64_t d;

		if (!replica->run || replica->action == REPLICA_RETIRE)
			continue;
		d = domain_of(rank++, wish->replicas, domains);
		if (replica->current)
			continue;
		if (!serves(replica)) {
			replica->action = REPLICA_REPLACE; /* nothing is lost with it */
		} else if (d == domain && !elsewhere && left > 0) {
			replica->action = REPLICA_REPLACE;
			left--;
		}
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
		replace(replicas, count, wish, &tally, domains);
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
