/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan_change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A world in which all goes well: what is made is healthy in the next round. */
struct world {
	struct replica *replicas;
	size_t count, room;
	const struct replica_wish *wish;
	struct replica_plan plan;
	int64_t round;
	struct plan_change *change;
};

void plan_change_done(struct plan_change *change)
{
	free(change->steps);
	free(change->kept);
	*change = (struct plan_change){0};
}

static int grow(void **array, size_t *room, size_t count, size_t size)
{
	size_t wanted = *room ? 2 * *room : 16;
	void *grown;

	if (count < *room)
		return 0;
	grown = reallocarray(*array, wanted, size);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	*room = wanted;
	return 0;
}

static int add_step(struct world *world, enum step_action action, int64_t ordinal, int64_t domain)
{
	struct plan_change *change = world->change;
	void *steps = change->steps;
	int r = grow(&steps, &change->room, change->count, sizeof(*change->steps));

	change->steps = steps;
	if (r < 0)
		return r;
	change->steps[change->count++] = (struct plan_step){action, ordinal, domain, world->round};
	return 0;
}

static int add_replica(struct world *world, size_t at, const struct replica *replica)
{
	void *replicas = world->replicas;
	int r = grow(&replicas, &world->room, world->count, sizeof(*world->replicas));

	world->replicas = replicas;
	if (r < 0)
		return r;
	memmove(world->replicas + at + 1, world->replicas + at,
		(world->count - at) * sizeof(*world->replicas));
	world->replicas[at] = *replica;
	world->count++;
	return 0;
}

/* Rank among those that stay, which is what divides them into domains. */
static int64_t domain_at(const struct world *world, size_t index)
{
	int64_t rank = 0;

	for (size_t i = 0; i < index; i++)
		rank += world->replicas[i].run && world->replicas[i].action != REPLICA_RETIRE;
	return plan_domain(rank, world->wish->replicas, world->plan.domains);
}

static int take_action(struct world *world, size_t index)
{
	struct replica *replica = &world->replicas[index];
	bool served = replica->ready && replica->join;
	int64_t domain;

	switch (replica->action) {
	case REPLICA_REPLACE:
		domain = served ? domain_at(world, index) : -1;
		replica->current = true;
		replica->join = replica->ready = false;
		return add_step(world, STEP_REPLACE, replica->ordinal, domain);
	case REPLICA_JOIN:
		replica->join = true;
		return 0;
	case REPLICA_RETIRE:
		return add_step(world, STEP_REMOVE, replica->ordinal, -1);
	default:
		return 0;
	}
}

static int create(struct world *world)
{
	int64_t next = 0;
	int r = 0;

	for (int64_t i = 0; r == 0 && i < world->plan.create; i++) {
		struct replica replica = {.run = true, .join = true, .current = true};
		size_t at = 0;

		replica.ordinal = plan_free_ordinal(world->replicas, world->count, &next);
		while (at < world->count && world->replicas[at].ordinal < replica.ordinal)
			at++;
		r = add_replica(world, at, &replica);
		if (r == 0)
			r = add_step(world, STEP_CREATE, replica.ordinal, -1);
	}
	return r;
}

/* Those that leave do so when all domains are known: ranks are of what stays. */
static int take_actions(struct world *world, bool *acted)
{
	size_t kept = 0;
	int r = 0;

	*acted = world->plan.create > 0;
	for (size_t i = 0; r == 0 && i < world->count; i++) {
		*acted |= world->replicas[i].action != REPLICA_KEEP;
		r = take_action(world, i);
	}
	for (size_t i = 0; i < world->count; i++) {
		struct replica replica = world->replicas[i];

		if (replica.action == REPLICA_PURGE)
			continue;
		if (replica.action == REPLICA_RETIRE)
			replica.run = replica.join = false;
		replica.action = REPLICA_KEEP;
		world->replicas[kept++] = replica;
	}
	world->count = kept;
	return r < 0 ? r : create(world);
}

/* Time passes. */
static bool settle(struct world *world)
{
	bool changed = false;

	for (size_t i = 0; i < world->count; i++) {
		struct replica *replica = &world->replicas[i];
		bool *now = replica->run ? &replica->ready : &replica->empty;

		changed |= !*now;
		*now = true;
	}
	world->round++;
	return changed;
}

static int64_t count_serving(const struct world *world)
{
	int64_t serving = 0;

	for (size_t i = 0; i < world->count; i++) {
		const struct replica *replica = &world->replicas[i];

		serving += replica->run && replica->ready && replica->join;
	}
	return serving;
}

static int play(struct world *world)
{
	struct plan_change *change = world->change;
	int64_t serving;
	bool acted;
	int r;

	change->serving_least = count_serving(world);
	do {
		do {
			plan_replicas(world->replicas, world->count, world->wish, &world->plan);
			r = take_actions(world, &acted);
		} while (r == 0 && acted);
		serving = count_serving(world);
		if (serving < change->serving_least)
			change->serving_least = serving;
	} while (r == 0 && settle(world));
	change->domains = world->plan.domains;
	return r;
}

static bool is_touched(const struct plan_change *change, int64_t ordinal)
{
	for (size_t i = 0; i < change->count; i++)
		if (change->steps[i].ordinal == ordinal)
			return true;
	return false;
}

static int list_kept(const struct replica *replicas, size_t count, struct plan_change *change)
{
	change->kept = calloc(count + 1, sizeof(*change->kept));
	if (!change->kept)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (replicas[i].run && !is_touched(change, replicas[i].ordinal))
			change->kept[change->kept_count++] = replicas[i].ordinal;
	return 0;
}

int plan_change(const struct replica *replicas, size_t count, const struct replica_wish *wish,
	struct plan_change *ret)
{
	struct plan_change change = {0};
	struct world world = {.wish = wish, .change = &change};
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		r = add_replica(&world, i, &replicas[i]);
	if (r == 0)
		r = play(&world);
	if (r == 0)
		r = list_kept(replicas, count, &change);
	free(world.replicas);
	if (r < 0)
		plan_change_done(&change);
	else
		*ret = change;
	return r;
}
