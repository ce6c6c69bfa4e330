/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "reconcile/estate/joint.h"

#define CALLERS     8
#define ROUNDS      2000
#define DEADLINE_NS (20 * NS_PER_SECOND)

struct office {
	struct joint *joint;
	atomic_int asked; /* what there is to do */
	atomic_int done; /* of it */
	atomic_int at_work, runs;
	atomic_bool holds, fails; /* the first run waits for the callers; runs fail */
	atomic_int tids[CALLERS];
	atomic_int entered;
	bool one_at_a_time;
};

struct caller {
	struct office *office;
	int number, rounds, result;
	bool served;
	struct error error;
	pthread_t thread;
};

static bool sleeps(int tid)
{
	char path[64], state = '?';
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (fscanf(file, "%*d %*s %c", &state) != 1)
		state = '?';
	(void)fclose(file);
	return state == 'S';
}

/* All others are within joint_do, where they can only sleep. */
static void await_others(struct office *office)
{
	int64_t until_ns = clock_now_ns() + DEADLINE_NS;
	int sleeping = 0;

	while (sleeping < CALLERS - 1 && clock_now_ns() < until_ns) {
		sleeping = 0;
		for (int i = 0; i < CALLERS; i++)
			sleeping += office->tids[i] != 0 && office->tids[i] != gettid() &&
				    sleeps(office->tids[i]);
		(void)usleep(1000);
	}
	assert_int_equal(sleeping, CALLERS - 1);
}

static int work(void *arg, struct error *reterr)
{
	struct office *office = arg;
	int asked = office->asked;

	if (atomic_fetch_add(&office->at_work, 1) > 0)
		office->one_at_a_time = false;
	if (atomic_fetch_add(&office->runs, 1) == 0 && office->holds)
		await_others(office);
	if (office->done < asked)
		office->done = asked;
	office->at_work--;
	return office->fails ? error_set(reterr, -EBUSY, "run %d", (int)office->runs) : 0;
}

static void *call(void *arg)
{
	struct caller *caller = arg;
	struct office *office = caller->office;

	caller->served = true;
	for (int i = 0; i < caller->rounds; i++) {
		int mine = atomic_fetch_add(&office->asked, 1) + 1;

		if (i == 0)
			office->tids[caller->number] = gettid();
		caller->result = joint_do(office->joint, 7, work, office, &caller->error);
		caller->served = caller->served && office->done >= mine;
	}
	return NULL;
}

static void call_all(struct office *office, struct caller callers[CALLERS], int rounds)
{
	office->one_at_a_time = true;
	assert_int_equal(joint_new(&office->joint, NULL), 0);
	for (int i = 0; i < CALLERS; i++) {
		callers[i] = (struct caller){.office = office, .number = i, .rounds = rounds};
		assert_int_equal(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
	}
	for (int i = 0; i < CALLERS; i++) {
		assert_int_equal(pthread_join(callers[i].thread, NULL), 0);
		assert_true(callers[i].served);
	}
	assert_true(office->one_at_a_time);
	joint_free(office->joint);
}

static void test_those_who_wait_are_served_together(void **state)
{
	struct office office = {.holds = true};
	struct caller callers[CALLERS];

	(void)state;
	call_all(&office, callers, 1);
	assert_int_equal(office.runs, 2);
	for (int i = 0; i < CALLERS; i++)
		assert_int_equal(callers[i].result, 0);
}

static void test_each_is_served_after_it_asked(void **state)
{
	struct office office = {.holds = false};
	struct caller callers[CALLERS];

	(void)state;
	call_all(&office, callers, ROUNDS);
	assert_in_range(office.runs, ROUNDS, CALLERS * ROUNDS);
}

static void test_all_hear_of_a_failure(void **state)
{
	struct office office = {.holds = true, .fails = true};
	struct caller callers[CALLERS];
	int first = 0;

	(void)state;
	call_all(&office, callers, 1);
	for (int i = 0; i < CALLERS; i++) {
		assert_int_equal(callers[i].result, -EBUSY);
		first += strcmp(callers[i].error.text, "run 1") == 0;
		assert_string_equal(callers[i].error.text + 4,
			strcmp(callers[i].error.text, "run 1") == 0 ? "1" : "2");
	}
	assert_int_equal(first, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_those_who_wait_are_served_together),
		cmocka_unit_test(test_each_is_served_after_it_asked),
		cmocka_unit_test(test_all_hear_of_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
