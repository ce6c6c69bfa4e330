/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The planner of replicas against an adversary: hosts that act in any order, versions of which any
 * one instance never gets ready, crashes and new wishes at any moment. No step of the planner's may
 * take a serving instance away when fewer than promised would be left.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "plan/plan_replicas.h"

#define MOST       96
#define LOOKS_MOST 4000
#define NOBODY     (-1)

struct peer {
	int64_t ordinal;
	int64_t asked; /* the version that is asked for */
	int64_t container; /* the version that is there; 0: none */
	bool run, join, healthy;
};

struct world {
	struct peer peers[MOST]; /* by ordinal */
	size_t count;
	int64_t version; /* wanted */
	int64_t sick_version; /* of it, sick_nth container never gets ready */
	int64_t sick_nth, made; /* made: containers of sick_version so far */
	int64_t sick_ordinal; /* the instance that was hit; NOBODY */
	struct replica_wish wish;
	unsigned seed;
};

static unsigned pick(struct world *world, unsigned below)
{
	world->seed = world->seed * 1103515245u + 12345u;
	return (world->seed >> 16) % below;
}

static bool is_serving(const struct peer *peer)
{
	return peer->run && peer->join && peer->healthy && peer->container == peer->asked;
}

static int64_t serving(const struct world *world)
{
	int64_t count = 0;

	for (size_t i = 0; i < world->count; i++)
		count += is_serving(&world->peers[i]);
	return count;
}

static int64_t promised(const struct replica_wish *wish)
{
	int64_t domains = wish->domains < wish->replicas ? wish->domains : wish->replicas;

	if (wish->surge > 0 || domains == 0)
		return wish->replicas;
	return wish->replicas - (wish->replicas + domains - 1) / domains;
}

static void add_peer(struct world *world, const struct peer *peer)
{
	size_t at = world->count++;

	assert_true(world->count <= MOST);
	for (; at > 0 && world->peers[at - 1].ordinal > peer->ordinal; at--)
		world->peers[at] = world->peers[at - 1];
	world->peers[at] = *peer;
}

static void start_world(struct world *world, int64_t replicas, unsigned seed)
{
	*world = (struct world){.seed = seed, .version = 1, .sick_ordinal = NOBODY};
	for (int64_t i = 0; i < replicas; i++)
		add_peer(world, &(struct peer){i, 1, 1, true, true, true});
}

static void show(const struct world *world, const struct replica *replicas, const char *what)
{
	printf("# %s: version %lld, %lld replicas, %lld domains, surge %lld%s\n", what,
		(long long)world->version, (long long)world->wish.replicas,
		(long long)world->wish.domains, (long long)world->wish.surge,
		world->wish.hold ? ", hold" : "");
	for (size_t i = 0; i < world->count; i++) {
		const struct peer *peer = &world->peers[i];

		printf("#  %lld: asked %lld, has %lld%s%s%s, action %d\n", (long long)peer->ordinal,
			(long long)peer->asked, (long long)peer->container,
			peer->run ? "" : ", not to run", peer->join ? ", joined" : "",
			peer->healthy ? ", healthy" : "", replicas ? (int)replicas[i].action : -1);
	}
}

/* Whether the planner wanted anything. */
static bool look(struct world *world, struct replica_plan *ret)
{
	struct world before = *world;
	struct replica replicas[MOST] = {0};
	int64_t next = 0, ordinals[MOST], served = serving(world), left, floor;
	bool acted;
	size_t kept = 0;

	for (size_t i = 0; i < world->count; i++) {
		const struct peer *peer = &world->peers[i];

		replicas[i] = (struct replica){.ordinal = peer->ordinal,
			.run = peer->run,
			.join = peer->join,
			.current = peer->asked == world->version,
			.ready = peer->run && peer->healthy && peer->container == peer->asked,
			.empty = peer->container == 0};
	}
	plan_replicas(replicas, world->count, &world->wish, ret);
	assert_true(ret->create >= 0 && ret->create < MOST);
	acted = ret->create > 0;
	for (int64_t i = 0; i < ret->create; i++)
		ordinals[i] = plan_free_ordinal(replicas, world->count, &next);
	for (size_t i = 0; i < before.count; i++) {
		struct peer peer = before.peers[i];

		acted = acted || replicas[i].action != REPLICA_KEEP;
		if (replicas[i].action == REPLICA_PURGE) {
			assert_false(peer.run);
			assert_int_equal(peer.container, 0);
			continue;
		}
		if (replicas[i].action == REPLICA_JOIN)
			peer.join = true;
		if (replicas[i].action == REPLICA_REPLACE) {
			assert_true(peer.run);
			assert_true(peer.asked != world->version);
			peer.asked = world->version;
			peer.join = false;
		}
		if (replicas[i].action == REPLICA_RETIRE)
			peer.run = peer.join = false;
		world->peers[kept++] = peer;
	}
	world->count = kept;
	for (int64_t i = 0; i < ret->create; i++)
		add_peer(world, &(struct peer){ordinals[i], world->version, 0, true, true, false});
	left = serving(world);
	floor = promised(&world->wish);
	if (left < served && left < floor) {
		show(&before, replicas, "before");
		fail_msg("%lld served, %lld are left, %lld are promised", (long long)served,
			(long long)left, (long long)floor);
	}
	return acted;
}

/* One thing that the host can do for one instance; false when there is nothing. */
static bool host_step(struct world *world, struct peer *peer)
{
	if (peer->container != 0 && (!peer->run || peer->container != peer->asked)) {
		peer->container = 0;
		peer->healthy = false;
		return true;
	}
	if (peer->run && peer->container == 0) {
		peer->container = peer->asked;
		if (peer->asked == world->sick_version && world->made++ == world->sick_nth)
			world->sick_ordinal = peer->ordinal;
		return true;
	}
	if (peer->run && !peer->healthy &&
		!(peer->ordinal == world->sick_ordinal && peer->container == world->sick_version)) {
		peer->healthy = true;
		return true;
	}
	return false;
}

/* The hosts do something somewhere, in an order of their own. */
static bool hosts_step(struct world *world)
{
	size_t start = world->count ? pick(world, (unsigned)world->count) : 0;

	for (size_t i = 0; i < world->count; i++)
		if (host_step(world, &world->peers[(start + i) % world->count]))
			return true;
	return false;
}

static bool at_rest(const struct world *world)
{
	if (world->count != (size_t)world->wish.replicas || serving(world) != world->wish.replicas)
		return false;
	for (size_t i = 0; i < world->count; i++)
		if (world->peers[i].asked != world->version)
			return false;
	return true;
}

static void run_until_nothing_moves(struct world *world, int64_t most)
{
	struct replica_plan plan;
	int looks = 0;
	bool moved;

	do {
		moved = look(world, &plan);
		assert_true(++looks < LOOKS_MOST);
		if ((int64_t)world->count > most) {
			show(world, NULL, "too many");
			fail_msg("%zu instances, at most %lld", world->count, (long long)most);
		}
		if (pick(world, 3) > 0 || !moved)
			moved |= hosts_step(world);
	} while (moved);
}

static void assert_at_rest(const struct world *world)
{
	if (at_rest(world))
		return;
	show(world, NULL, "stuck");
	fail_msg("it does not come to its end");
}

/* Instance after instance of the new version never gets ready; the way back ends well, too. */
static void every_failing_step_keeps_the_promise(void **state)
{
	(void)state;
	for (int64_t replicas = 1; replicas <= 20; replicas++)
		for (int64_t domains = 1; domains <= 20; domains++)
			for (int64_t surge = 0; surge <= 3; surge++)
				for (int64_t nth = 0; nth < replicas + surge; nth++) {
					struct world world;
					int64_t least;

					start_world(&world, replicas,
						(unsigned)(replicas * 7919 + domains * 104729 +
							   surge * 31 + nth));
					world.wish = (struct replica_wish){
						replicas, domains, surge, false};
					world.version = world.sick_version = 2;
					world.sick_nth = nth;
					run_until_nothing_moves(&world, replicas + surge);
					least = promised(&world.wish);
					assert_true(serving(&world) >= least);
					/* A step that was never made (no extra needed) fails
					 * nobody. */
					if (world.sick_ordinal == NOBODY)
						assert_at_rest(&world);
					else
						assert_false(at_rest(&world));
					world.version = 3;
					run_until_nothing_moves(&world, replicas + surge);
					assert_at_rest(&world);
				}
}

/* With one domain after the other, no two domains are ever in work at once. */
static void one_domain_is_in_work_at_a_time(void **state)
{
	(void)state;
	for (int64_t replicas = 1; replicas <= 20; replicas++)
		for (int64_t domains = 1; domains <= 20; domains++) {
			struct replica_wish wish = {replicas, domains, 0, false};
			int64_t count = domains < replicas ? domains : replicas, last = 0;
			struct replica_plan plan;
			struct world world;

			start_world(&world, replicas, (unsigned)(replicas + 100 * domains));
			world.wish = wish;
			world.version = 2;
			do {
				int64_t low = count, high = -1;

				(void)look(&world, &plan);
				assert_int_equal(plan.domains, count);
				assert_true(plan.domain >= last);
				last = plan.domain;
				for (size_t i = 0; i < world.count; i++) {
					int64_t domain = (int64_t)i * count / replicas;

					if (is_serving(&world.peers[i]))
						continue;
					low = domain < low ? domain : low;
					high = domain > high ? domain : high;
				}
				assert_true(high <= low || high < 0);
			} while (hosts_step(&world) || !at_rest(&world));
			(void)look(&world, &plan);
			assert_int_equal(plan.domain, count);
		}
}

/* What was broken is replaced at once, with no domain after the other. */
static void from_a_broken_version_all_leave_at_once(void **state)
{
	(void)state;
	for (int64_t replicas = 1; replicas <= 20; replicas++) {
		struct replica_plan plan;
		struct world world;

		start_world(&world, replicas, (unsigned)replicas);
		for (size_t i = 0; i < world.count; i++)
			world.peers[i].healthy = false;
		world.wish = (struct replica_wish){replicas, 3, 0, false};
		world.version = 2;
		assert_true(look(&world, &plan));
		for (size_t i = 0; i < world.count; i++)
			assert_int_equal(world.peers[i].asked, 2);
	}
}

/* A crash somewhere; the host brings the same container back. */
static void crash(struct world *world)
{
	struct peer *peer;

	if (world->count == 0)
		return;
	peer = &world->peers[pick(world, (unsigned)world->count)];
	peer->healthy = false;
}

static void change_wish(struct world *world)
{
	switch (pick(world, 6)) {
	case 0:
		world->wish.replicas = pick(world, 21);
		break;
	case 1:
		world->wish.domains = 1 + pick(world, 20);
		break;
	case 2:
		world->wish.surge = pick(world, 4);
		break;
	case 3:
		world->version++;
		break;
	case 4:
		world->wish.hold = !world->wish.hold;
		break;
	default: /* as a spec may: all in one */
		world->version++;
		world->wish.replicas = pick(world, 21);
		world->wish.domains = 1 + pick(world, 20);
		world->wish.surge = pick(world, 4);
		break;
	}
}

static void no_crash_and_no_change_of_mind_breaks_the_promise(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		struct world world;
		struct replica_plan plan;

		start_world(&world, 1 + round % 20, round);
		world.wish = (struct replica_wish){
			(int64_t)world.count, 1 + round / 20 % 20, round % 4, false};
		world.version = 2;
		for (int step = 0; step < 300; step++) {
			(void)look(&world, &plan);
			for (unsigned i = pick(&world, 4); i > 0; i--)
				(void)hosts_step(&world);
			if (pick(&world, 12) == 0)
				crash(&world);
			if (pick(&world, 25) == 0)
				change_wish(&world);
		}
		world.wish.hold = false;
		run_until_nothing_moves(&world, MOST);
		assert_at_rest(&world);
	}
}

/* Held, what is in work is finished and nothing else begins. */
static void a_hold_finishes_what_is_in_work(void **state)
{
	(void)state;
	for (int64_t replicas = 1; replicas <= 20; replicas++)
		for (int64_t domains = 1; domains <= 20; domains++)
			for (int64_t surge = 0; surge <= 3; surge++) {
				struct replica_plan plan;
				struct world world;
				int64_t asked = 0;

				start_world(&world, replicas, (unsigned)(replicas * domains));
				world.wish = (struct replica_wish){replicas, domains, surge, false};
				world.version = 2;
				(void)look(&world, &plan);
				for (unsigned i = pick(&world, 9); i > 0; i--)
					(void)hosts_step(&world);
				(void)look(&world, &plan);
				for (size_t i = 0; i < world.count; i++)
					asked += world.peers[i].ordinal < replicas &&
						 world.peers[i].asked == 2;
				world.wish.hold = true;
				run_until_nothing_moves(&world, replicas + surge);
				for (size_t i = 0; i < world.count; i++) {
					asked -= world.peers[i].ordinal < replicas &&
						 world.peers[i].asked == 2;
					assert_true(is_serving(&world.peers[i]));
				}
				assert_int_equal(asked, 0);
				world.wish.hold = false;
				run_until_nothing_moves(&world, replicas + surge);
				assert_at_rest(&world);
				for (size_t i = 0; i < world.count; i++)
					assert_int_equal(world.peers[i].ordinal, i);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_failing_step_keeps_the_promise),
		cmocka_unit_test(one_domain_is_in_work_at_a_time),
		cmocka_unit_test(from_a_broken_version_all_leave_at_once),
		cmocka_unit_test(no_crash_and_no_change_of_mind_breaks_the_promise),
		cmocka_unit_test(a_hold_finishes_what_is_in_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
