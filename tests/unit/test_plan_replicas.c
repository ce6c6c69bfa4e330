/* SPDX-License-Identifier: Apache-2.0 */
/* The planner against a host that is simulated here: containers take their time, fail, crash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/plan_replicas.h"

#define MOST       64
#define STEPS_MOST 2000

struct world {
	struct replica replicas[MOST];
	bool old_container[MOST]; /* a container of what was asked before is still there */
	size_t count;
	int broken; /* how many of the wanted template never get ready */
	unsigned seed;
};

static bool chance(struct world *world, unsigned percent)
{
	world->seed = world->seed * 1103515245u + 12345u;
	return (world->seed >> 16) % 100 < percent;
}

static void add(struct world *world, int64_t ordinal, bool current, bool ready)
{
	size_t at = world->count;

	assert_true(world->count < MOST);
	while (at > 0 && world->replicas[at - 1].ordinal > ordinal) {
		world->replicas[at] = world->replicas[at - 1];
		world->old_container[at] = world->old_container[at - 1];
		at--;
	}
	world->replicas[at] = (struct replica){.ordinal = ordinal,
		.run = true,
		.join = true,
		.current = current,
		.ready = ready,
		.empty = !ready};
	world->old_container[at] = false;
	world->count++;
}

/* What the service's reconciler does with the answer. */
static bool apply(struct world *world, const struct replica_plan *plan)
{
	int64_t next = 0, ordinals[MOST];
	bool acted = plan->create > 0;
	size_t kept = 0;

	for (int64_t i = 0; i < plan->create; i++)
		ordinals[i] = plan_free_ordinal(world->replicas, world->count, &next);
	for (size_t i = 0; i < world->count; i++) {
		struct replica *replica = &world->replicas[i];

		acted = acted || replica->action != REPLICA_KEEP;
		switch (replica->action) {
		case REPLICA_REPLACE:
			world->old_container[i] = !replica->empty;
			replica->current = true;
			replica->join = replica->ready = false;
			break;
		case REPLICA_JOIN:
			assert_true(replica->ready);
			replica->join = true;
			break;
		case REPLICA_RETIRE:
			replica->run = replica->join = replica->ready = false;
			break;
		case REPLICA_PURGE:
			assert_true(replica->empty);
			continue;
		case REPLICA_ABANDON:
			assert_true(replica->lost);
			continue;
		case REPLICA_KEEP:
			break;
		}
		world->replicas[kept] = *replica;
		world->old_container[kept++] = world->old_container[i];
	}
	world->count = kept;
	for (int64_t i = 0; i < plan->create; i++)
		add(world, ordinals[i], true, false);
	return acted;
}

/* What hosts do meanwhile. True when something can still happen by itself. */
static bool advance(struct world *world, bool at_once)
{
	bool moving = false;

	for (size_t i = 0; i < world->count; i++) {
		struct replica *replica = &world->replicas[i];

		if (world->old_container[i]) {
			world->old_container[i] = !(at_once || chance(world, 50));
			replica->empty = !world->old_container[i];
			moving = true;
		} else if (!replica->run && !replica->empty) {
			replica->empty = at_once || chance(world, 50);
			moving = true;
		} else if (replica->run && !replica->ready) {
			if (replica->current && replica->ordinal < world->broken)
				continue;
			replica->empty = false;
			replica->ready = at_once || chance(world, 50);
			moving = true;
		}
	}
	return moving;
}

static int64_t serving(const struct world *world)
{
	int64_t count = 0;

	for (size_t i = 0; i < world->count; i++)
		count += world->replicas[i].ready && world->replicas[i].join;
	return count;
}

static bool finished(const struct world *world, int64_t replicas)
{
	int64_t good = 0;

	for (size_t i = 0; i < world->count; i++)
		good += world->replicas[i].run && world->replicas[i].current &&
			world->replicas[i].ready && world->replicas[i].join &&
			!world->replicas[i].leaving && !world->replicas[i].lost;
	return good == replicas && world->count == (size_t)replicas;
}

static int64_t largest_domain(int64_t replicas, int64_t domains)
{
	int64_t d = domains < replicas ? domains : replicas;

	return d ? (replicas + d - 1) / d : 0;
}

static void fill(struct world *world, int64_t replicas, bool current, unsigned seed)
{
	*world = (struct world){.seed = seed};
	for (int64_t i = 0; i < replicas; i++)
		add(world, i, current, true);
}

/* An upgrade for every combination: it ends, and never takes away more than was promised. */
static void upgrades_end_and_keep_their_promise(void **state)
{
	(void)state;
	for (int64_t replicas = 1; replicas <= 20; replicas++) {
		for (int64_t domains = 1; domains <= 20; domains++) {
			for (int64_t surge = 0; surge <= 3; surge++) {
				struct replica_wish wish = {replicas, domains, surge, false};
				int64_t least =
					surge ? replicas
					      : replicas - largest_domain(replicas, domains);
				struct replica_plan plan;
				struct world world;
				int steps = 0;

				fill(&world, replicas, false,
					(unsigned)(replicas * 977 + domains * 31 + surge));
				do {
					assert_true(++steps < STEPS_MOST);
					plan_replicas(world.replicas, world.count, &wish, &plan);
					apply(&world, &plan);
					assert_true(serving(&world) >= least);
					assert_true(world.count <= (size_t)(replicas + surge));
					(void)advance(&world, steps % 3 == 0);
				} while (!finished(&world, replicas));
				plan_replicas(world.replicas, world.count, &wish, &plan);
				assert_false(apply(&world, &plan));
				assert_int_equal(plan.domain, plan.domains);
				assert_false(plan.rolling);
			}
		}
	}
}

/* What never gets ready stops the upgrade at its domain: the rest goes on serving. */
static void a_broken_version_stops_at_its_first_domain(void **state)
{
	(void)state;
	for (int64_t replicas = 1; replicas <= 20; replicas++) {
		for (int64_t domains = 1; domains <= 20; domains++) {
			for (int64_t surge = 0; surge <= 3; surge++) {
				struct replica_wish wish = {replicas, domains, surge, false};
				struct replica_plan plan;
				struct world world;
				int64_t least =
					surge ? replicas
					      : replicas - largest_domain(replicas, domains);

				fill(&world, replicas, false, 5);
				world.broken = 1000;
				for (int steps = 0; steps < 200; steps++) {
					plan_replicas(world.replicas, world.count, &wish, &plan);
					apply(&world, &plan);
					assert_true(serving(&world) >= least);
					(void)advance(&world, true);
				}
				/* And back: the old ones are the wanted ones again. */
				for (size_t i = 0; i < world.count; i++)
					world.replicas[i].current = !world.replicas[i].current;
				world.broken = 0;
				for (int steps = 0; !finished(&world, replicas); steps++) {
					assert_true(steps < 200);
					plan_replicas(world.replicas, world.count, &wish, &plan);
					apply(&world, &plan);
					assert_true(serving(&world) >= least);
					(void)advance(&world, true);
				}
			}
		}
	}
}

static void a_hold_begins_nothing(void **state)
{
	struct replica_wish wish = {6, 3, 1, true};
	struct replica_plan plan;
	struct world world;

	(void)state;
	fill(&world, 6, false, 1);
	plan_replicas(world.replicas, world.count, &wish, &plan);
	assert_false(apply(&world, &plan));
	assert_int_equal(plan.domain, 0);
	assert_int_equal(plan.domains, 3);
	assert_true(plan.rolling);
}

static void scaling_restarts_nothing(void **state)
{
	struct replica_wish wish = {8, 3, 2, false};
	struct replica_plan plan;
	struct world world;

	(void)state;
	fill(&world, 3, true, 1);
	plan_replicas(world.replicas, world.count, &wish, &plan);
	assert_int_equal(plan.create, 5);
	assert_true(apply(&world, &plan));
	assert_int_equal(serving(&world), 3);
	for (int64_t i = 0; i < 8; i++)
		assert_int_equal(world.replicas[i].ordinal, i);
	(void)advance(&world, true);
	assert_true(finished(&world, 8));
	wish.replicas = 0;
	plan_replicas(world.replicas, world.count, &wish, &plan);
	assert_true(apply(&world, &plan));
	(void)advance(&world, true);
	plan_replicas(world.replicas, world.count, &wish, &plan);
	assert_true(apply(&world, &plan));
	assert_true(finished(&world, 0));
}

static void scaling_down_takes_the_unready_first_then_the_newest(void **state)
{
	struct replica_wish wish = {3, 3, 0, false};
	struct replica_plan plan;
	struct world world;

	(void)state;
	fill(&world, 6, true, 1);
	world.replicas[1].ready = false;
	plan_replicas(world.replicas, world.count, &wish, &plan);
	assert_int_equal(plan.create, 0);
	assert_int_equal(world.replicas[0].action, REPLICA_KEEP);
	assert_int_equal(world.replicas[1].action, REPLICA_RETIRE);
	assert_int_equal(world.replicas[2].action, REPLICA_KEEP);
	assert_int_equal(world.replicas[3].action, REPLICA_KEEP);
	assert_int_equal(world.replicas[4].action, REPLICA_RETIRE);
	assert_int_equal(world.replicas[5].action, REPLICA_RETIRE);
}

/* Wishes that change at any time, containers that crash at any time: it still comes to rest. */
static void redirected_again_and_again_it_comes_to_rest(void **state)
{
	struct world world = {.seed = 42};

	(void)state;
	for (int round = 0; round < 3000; round++) {
		struct replica_wish wish = {0};
		struct replica_plan plan;
		int steps = 0;

		world.seed += (unsigned)round;
		wish.replicas = (world.seed >> 8) % 21;
		wish.domains = 1 + (world.seed >> 12) % 20;
		wish.surge = (world.seed >> 20) % 4;
		for (size_t i = 0; i < world.count; i++) {
			if (chance(&world, 30))
				world.replicas[i].current = false;
			if (chance(&world, 10))
				world.replicas[i].ready = false;
			world.replicas[i].leaving = chance(&world, 10);
			world.replicas[i].lost = chance(&world, 5);
		}
		/* Some rounds are cut off in the middle by the next wish. */
		while (!finished(&world, wish.replicas) && (steps < 5 || round % 3 == 0)) {
			assert_true(++steps < STEPS_MOST);
			plan_replicas(world.replicas, world.count, &wish, &plan);
			apply(&world, &plan);
			(void)advance(&world, false);
		}
	}
}

/* Hosts give instances away while all is well, or in the middle of an upgrade: as many go on
 * serving as before, and in the end nobody is left there. */
static void what_leaves_its_host_is_replaced_first(void **state)
{
	(void)state;
	for (int64_t replicas = 1; replicas <= 12; replicas++) {
		for (int64_t leaving = 1; leaving <= replicas; leaving++) {
			for (int upgrade = 0; upgrade < 2; upgrade++) {
				struct replica_wish wish = {replicas, 3, 0, false};
				int64_t least = replicas;
				struct replica_plan plan;
				struct world world;
				int steps = 0;

				if (upgrade)
					least -= largest_domain(replicas, 3);
				fill(&world, replicas, !upgrade, (unsigned)(replicas + leaving));
				for (int64_t i = 0; i < leaving; i++)
					world.replicas[i * replicas / leaving].leaving = true;
				while (!finished(&world, replicas)) {
					assert_true(++steps < STEPS_MOST);
					plan_replicas(world.replicas, world.count, &wish, &plan);
					apply(&world, &plan);
					assert_true(serving(&world) >= least);
					(void)advance(&world, false);
				}
				for (size_t i = 0; i < world.count; i++)
					assert_false(world.replicas[i].leaving);
			}
		}
	}
}

/* While nothing can be made elsewhere, everything stays where it is. */
static void nothing_leaves_before_others_serve(void **state)
{
	struct replica_wish wish = {3, 3, 0, false};
	struct replica_plan plan;
	struct world world;

	(void)state;
	fill(&world, 3, true, 1);
	for (size_t i = 0; i < 3; i++)
		world.replicas[i].leaving = true;
	plan_replicas(world.replicas, world.count, &wish, &plan);
	assert_int_equal(plan.create, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(world.replicas[i].action, REPLICA_KEEP);
	/* A smaller wish takes them away without anything new. */
	wish.replicas = 0;
	plan_replicas(world.replicas, world.count, &wish, &plan);
	assert_int_equal(plan.create, 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(world.replicas[i].action, REPLICA_RETIRE);
}

static void what_is_lost_is_given_up_and_made_anew(void **state)
{
	struct replica_wish wish = {3, 3, 0, false};
	struct replica_plan plan;
	struct world world;

	(void)state;
	fill(&world, 3, true, 1);
	world.replicas[1].lost = true;
	world.replicas[1].ready = false;
	plan_replicas(world.replicas, world.count, &wish, &plan);
	assert_int_equal(plan.create, 1);
	assert_int_equal(world.replicas[0].action, REPLICA_KEEP);
	assert_int_equal(world.replicas[1].action, REPLICA_ABANDON);
	assert_int_equal(world.replicas[2].action, REPLICA_KEEP);
	assert_true(apply(&world, &plan));
	(void)advance(&world, true);
	assert_true(finished(&world, 3));
}

static void free_ordinals_fill_the_gaps(void **state)
{
	const struct replica replicas[] = {{.ordinal = 1}, {.ordinal = 2}, {.ordinal = 5}};
	const int64_t expected[] = {0, 3, 4, 6, 7};
	int64_t next = 0;

	(void)state;
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(plan_free_ordinal(replicas, 3, &next), expected[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(upgrades_end_and_keep_their_promise),
		cmocka_unit_test(a_broken_version_stops_at_its_first_domain),
		cmocka_unit_test(a_hold_begins_nothing),
		cmocka_unit_test(scaling_restarts_nothing),
		cmocka_unit_test(scaling_down_takes_the_unready_first_then_the_newest),
		cmocka_unit_test(redirected_again_and_again_it_comes_to_rest),
		cmocka_unit_test(what_leaves_its_host_is_replaced_first),
		cmocka_unit_test(nothing_leaves_before_others_serve),
		cmocka_unit_test(what_is_lost_is_given_up_and_made_anew),
		cmocka_unit_test(free_ordinals_fill_the_gaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
