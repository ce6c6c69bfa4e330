/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "plan/plan_placement.h"

#define HOSTS_MOST 12

/* name, up, closed, preferred, capacity, reserved, same service, same domain */
#define H(n, ...)                                                                                  \
	{                                                                                          \
		.name = (n), .up = true, __VA_ARGS__                                               \
	}

struct row {
	const char *what;
	struct placement_host hosts[4];
	size_t count;
	struct placement_wish wish;
	const char *place; /* NULL: none */
	const char *words; /* of the refusal */
};

static const struct row rows[] = {
	{"the only one", {H("h1")}, 1, {0, 0}, "h1", NULL},
	{"the first of equals", {H("h1"), H("h2")}, 2, {0, 0}, "h1", NULL},
	{"the one with fewer of the service",
		{H("h1", .same_service = 2), H("h2", .same_service = 1)}, 2, {0, 0}, "h2", NULL},
	{"then the one with fewer of the domain",
		{H("h1", .same_service = 1, .same_domain = 1), H("h2", .same_service = 1)}, 2,
		{0, 0}, "h2", NULL},
	{"then the emptier one",
		{H("h1", .cpu_milli = 2000, .cpu_milli_reserved = 1000),
			H("h2", .cpu_milli = 4000, .cpu_milli_reserved = 1000)},
		2, {0, 0}, "h2", NULL},
	{"one that is preferred before one that is empty",
		{H("h1"), H("h2", .preferred = 1, .same_service = 5)}, 2, {0, 0}, "h2", NULL},
	{"a preferred one that is full is passed over",
		{H("h1"), H("h2", .preferred = 1, .memory_mib = 64, .memory_mib_reserved = 64)}, 2,
		{0, 64}, "h1", NULL},
	{"to the last core", {H("h1", .cpu_milli = 2000, .cpu_milli_reserved = 500)}, 1, {1500, 0},
		"h1", NULL},
	{"nothing reserved fits everywhere",
		{H("h1", .cpu_milli = 1000, .cpu_milli_reserved = 5000)}, 1, {0, 0}, "h1", NULL},
	{"not known is not bounded", {H("h1")}, 1, {64000, 1 << 20}, "h1", NULL},
	{"not one that is away", {{.name = "h1"}, H("h2", .same_service = 9)}, 2, {0, 0}, "h2",
		NULL},
	{"not one that is closed", {H("h1", .closed = true), H("h2", .same_service = 9)}, 2, {0, 0},
		"h2", NULL},
	{"none is up", {{.name = "h1"}}, 1, {0, 0}, NULL, "no host is up"},
	{"none at all", {{.name = ""}}, 0, {0, 0}, NULL, "no host is up"},
	{"all are closed", {H("h1", .closed = true)}, 1, {0, 0}, NULL,
		"no host that is up takes new instances"},
	{"no cores",
		{H("h1", .cpu_milli = 2000, .cpu_milli_reserved = 1000),
			H("h2", .cpu_milli = 2000, .cpu_milli_reserved = 500)},
		2, {2000, 0}, NULL, "each needs CPU 2, the largest free is 1.5 on h2"},
	{"no memory", {H("h1", .memory_mib = 100, .memory_mib_reserved = 90)}, 1, {0, 11}, NULL,
		"each needs MemoryMiB 11, the largest free is 10 on h1"},
	{"neither", {H("h1", .cpu_milli = 250, .memory_mib = 10)}, 1, {500, 20}, NULL,
		"each needs CPU 0.5, the largest free is 0.25 on h1, and MemoryMiB 20, the largest "
		"free is 10 on h1"},
	{"more was promised than there is",
		{H("h1", .cpu_milli = 1000, .cpu_milli_reserved = 3000)}, 1, {1, 0}, NULL,
		"each needs CPU 0.001, the largest free is 0 on h1"},
};

static void each_case(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		struct error error = ERROR_INIT;
		size_t index = 99;
		int r = plan_placement(row->hosts, row->count, &row->wish, &index, &error);

		if (row->place && (r < 0 || strcmp(row->hosts[index].name, row->place) != 0))
			fail_msg("%s: %d %s", row->what, r, error.text);
		if (!row->place && (r != -ENOSPC || strcmp(error.text, row->words) != 0))
			fail_msg("%s: %d \"%s\"", row->what, r, error.text);
	}
}

static unsigned draw(unsigned *seed, unsigned below)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 16) % below;
}

/* Whatever hosts and wish: no host gets more than it has, and who is refused fits nowhere. */
static void never_over_a_capacity(void **state)
{
	unsigned seed = 7;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct placement_host hosts[HOSTS_MOST] = {{.id = 0}};
		size_t count = 1 + draw(&seed, HOSTS_MOST);
		struct placement_wish wish = {draw(&seed, 2000), draw(&seed, 512)};
		size_t index;

		for (size_t i = 0; i < count; i++) {
			hosts[i].up = draw(&seed, 8) > 0;
			hosts[i].closed = draw(&seed, 8) == 0;
			hosts[i].cpu_milli = 1 + draw(&seed, 8000);
			hosts[i].memory_mib = 1 + draw(&seed, 4096);
			hosts[i].preferred = (int)draw(&seed, 3);
		}
		for (int n = 0; n < 64; n++) {
			if (plan_placement(hosts, count, &wish, &index, NULL) < 0) {
				for (size_t i = 0; i < count; i++)
					assert_false(hosts[i].up && !hosts[i].closed &&
						     plan_placement_fits(&hosts[i], &wish));
				break;
			}
			assert_true(hosts[index].up && !hosts[index].closed);
			plan_placement_take(&hosts[index], &wish);
			assert_true(hosts[index].cpu_milli_reserved <= hosts[index].cpu_milli);
			assert_true(hosts[index].memory_mib_reserved <= hosts[index].memory_mib);
		}
	}
}

/* With room everywhere no host has two more than another. */
static void spreads_evenly(void **state)
{
	(void)state;
	for (int64_t replicas = 1; replicas <= 40; replicas++) {
		for (size_t count = 1; count <= HOSTS_MOST; count++) {
			struct placement_host hosts[HOSTS_MOST] = {{.id = 0}};
			struct placement_wish wish = {0, 0};
			int64_t fewest = replicas, most = 0;

			for (size_t i = 0; i < count; i++)
				hosts[i].up = true;
			for (int64_t n = 0; n < replicas; n++) {
				size_t index;

				assert_int_equal(plan_placement(hosts, count, &wish, &index, NULL),
					0);
				plan_placement_take(&hosts[index], &wish);
			}
			for (size_t i = 0; i < count; i++) {
				if (hosts[i].same_service < fewest)
					fewest = hosts[i].same_service;
				if (hosts[i].same_service > most)
					most = hosts[i].same_service;
			}
			assert_true(most - fewest <= 1);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_case),
		cmocka_unit_test(never_over_a_capacity),
		cmocka_unit_test(spreads_evenly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
