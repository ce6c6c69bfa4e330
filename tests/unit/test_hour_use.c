/* SPDX-License-Identifier: Apache-2.0 */
/* Looks a minute apart at a container that works now and then: an average of the hour. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "reconcile/usage/hour_use.h"

#define MINUTE (60 * NS_PER_SECOND)

/* Busy with so many thousandths of a CPU, and so much memory, for minutes. */
static void run(struct hour_use *use, const char *container, int64_t hour, int minutes,
	int64_t milli, int64_t mib)
{
	int64_t cpu_ns = use->cpu_ns, at_ns = use->at_ns;

	for (int i = 0; i < minutes; i++) {
		at_ns += MINUTE;
		cpu_ns += MINUTE / 1000 * milli;
		hour_use_look(use, container, hour, at_ns, cpu_ns, mib);
	}
}

static void an_hour_is_averaged(void **state)
{
	struct hour_use use = {0};

	(void)state;
	hour_use_look(&use, "a", 7, 5 * MINUTE, 1000, 100);
	assert_int_equal(hour_use_cpu_milli(&use), 0);
	assert_int_equal(hour_use_memory_mib(&use), 100);
	run(&use, "a", 7, 55, 0, 100);
	run(&use, "a", 7, 5, 1200, 700);
	assert_int_equal(hour_use_cpu_milli(&use), 100);
	assert_int_equal(hour_use_memory_mib(&use), (56 * 100 + 5 * 700 + 60) / 61);
	use.told = true;
	/* The next hour is another; its first minute counts with what it began at. */
	run(&use, "a", 8, 1, 300, 10);
	assert_int_equal(hour_use_cpu_milli(&use), 300);
	assert_int_equal(hour_use_memory_mib(&use), 10);
	assert_false(use.told);
	run(&use, "a", 8, 2, 0, 10);
	assert_int_equal(hour_use_cpu_milli(&use), 100);
}

static void another_container_begins_at_its_own_counter(void **state)
{
	struct hour_use use = {0};

	(void)state;
	hour_use_look(&use, "a", 7, MINUTE, 0, 1);
	run(&use, "a", 7, 10, 500, 1);
	/* Its counter is larger, and says nothing of the minute before. */
	hour_use_look(&use, "b", 7, use.at_ns + MINUTE, use.cpu_ns + 1000 * MINUTE, 1);
	assert_int_equal(hour_use_cpu_milli(&use), 500);
	run(&use, "b", 7, 10, 100, 1);
	assert_int_equal(hour_use_cpu_milli(&use), 300);
	/* One that was started anew counts from nothing. */
	hour_use_look(&use, "b", 7, use.at_ns + MINUTE, 5, 1);
	assert_int_equal(hour_use_cpu_milli(&use), 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_hour_is_averaged),
		cmocka_unit_test(another_container_begins_at_its_own_counter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
