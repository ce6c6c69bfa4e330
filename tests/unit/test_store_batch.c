/* SPDX-License-Identifier: Apache-2.0 */
/* Parts that share a transaction: what one of them is refused touches no other. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/store_private.h"
#include "store_fixture.h"

#define PARTS_MAX 16

enum what {
	WRITES,
	IS_REFUSED, /* before it has changed anything */
	WRITES_AND_IS_REFUSED,
};

struct part {
	struct stage *stage;
	pthread_t thread;
	int number;
	enum what what;
	enum store_durability durability;
	struct error error;
	int result;
};

struct stage {
	struct store_fixture fixture;
	int64_t tenant, service;
	struct part parts[PARTS_MAX];
	size_t count;
	bool gathered;
	/* As the watcher has seen them: */
	int commits;
	int synced[PARTS_MAX]; /* of each commit */
};

static void watch(void *arg, const struct change *changes, size_t count)
{
	struct stage *stage = arg;

	(void)changes;
	(void)count;
	assert_true(stage->commits < PARTS_MAX);
	stage->synced[stage->commits++] = stage->fixture.store->commit.synced;
}

static int setup(void **state)
{
	struct stage *stage = calloc(1, sizeof(*stage));

	store_fixture_init(&stage->fixture);
	stage->tenant = fixture_create(&stage->fixture, PLATFORM_ID, KIND_TENANT, "demo");
	stage->service = fixture_create(&stage->fixture, stage->tenant, KIND_SERVICE, "web");
	assert_int_equal(store_watch(stage->fixture.store, watch, stage), 0);
	*state = stage;
	return 0;
}

static int teardown(void **state)
{
	struct stage *stage = *state;

	store_fixture_done(&stage->fixture);
	free(stage);
	return 0;
}

static bool queue_is(struct stage *stage, size_t length)
{
	struct commit *commit = &stage->fixture.store->commit;

	LOCKED(&commit->queue_lock);
	return commit->leading && commit->waiting == length;
}

/* Somebody leads, and so many wait. */
static void wait_for_queue(struct stage *stage, size_t length)
{
	while (!queue_is(stage, length))
		(void)sched_yield();
}

/* Adds its number to the service's status, and makes a service of that name. */
static int write_part(struct txn *txn, void *arg, struct error *reterr)
{
	struct part *part = arg;
	_cleanup_object_ struct object object = OBJECT_INIT;
	char text[128], name[16];
	int64_t id;
	int r = txn_get(txn, part->stage->service, &object);

	/* The first one holds the transaction until all others are there. */
	if (!part->stage->gathered)
		wait_for_queue(part->stage, part->stage->count - 1);
	part->stage->gathered = true;
	if (r == 0 && part->what == IS_REFUSED)
		return error_set(reterr, -EDOM, "part %d is refused", part->number);
	(void)snprintf(text, sizeof(text), "%s%d ", object.status ? object.status : "",
		part->number);
	(void)snprintf(name, sizeof(name), "s%d", part->number);
	if (r == 0)
		r = txn_set_status(txn, part->stage->service, text);
	if (r == 0)
		r = txn_create(txn, part->stage->tenant, KIND_SERVICE, name, &id, reterr);
	if (r == 0 && part->what == WRITES_AND_IS_REFUSED)
		return error_set(reterr, -ERANGE, "part %d is refused", part->number);
	return r;
}

static void *run_part(void *arg)
{
	struct part *part = arg;

	part->result = store_update(part->stage->fixture.store, part->durability, NULL, write_part,
		part, &part->error);
	return NULL;
}

/* All in the order in which they stand, while the first of them is being run. */
static void run_parts(struct stage *stage, size_t count)
{
	stage->count = count;
	for (size_t i = 0; i < count; i++) {
		struct part *part = &stage->parts[i];

		part->stage = stage;
		part->number = (int)i;
		assert_int_equal(pthread_create(&part->thread, NULL, run_part, part), 0);
		if (i + 1 < count)
			wait_for_queue(stage, i);
	}
	for (size_t i = 0; i < count; i++)
		assert_int_equal(pthread_join(stage->parts[i].thread, NULL), 0);
}

static void check_parts(struct stage *stage, const char *status)
{
	_cleanup_object_ struct object object = OBJECT_INIT;
	static const int results[] = {0, -EDOM, -ERANGE};
	struct error error = ERROR_INIT;
	char text[64];

	for (size_t i = 0; i < stage->count; i++) {
		const struct part *part = &stage->parts[i];
		struct object made = OBJECT_INIT;

		assert_int_equal(part->result, results[part->what]);
		(void)snprintf(text, sizeof(text), "s%zu", i);
		assert_int_equal(store_peek_name(stage->fixture.store, stage->tenant, KIND_SERVICE,
					 text, &made),
			part->what == WRITES ? 0 : -ENOENT);
		(void)snprintf(text, sizeof(text), "part %zu is refused", i);
		assert_string_equal(part->error.text, part->what == WRITES ? error.text : text);
	}
	assert_int_equal(store_get(stage->fixture.store, stage->service, &object), 0);
	assert_string_equal(object.status, status);
}

static void test_all_share_one_commit(void **state)
{
	struct stage *stage = *state;

	run_parts(stage, 5);
	check_parts(stage, "0 1 2 3 4 ");
	assert_int_equal(stage->commits, 1);
}

static void test_refused_before_a_change(void **state)
{
	struct stage *stage = *state;

	stage->parts[0].what = IS_REFUSED;
	stage->parts[2].what = IS_REFUSED;
	stage->parts[4].what = IS_REFUSED;
	run_parts(stage, 5);
	check_parts(stage, "1 3 ");
	assert_int_equal(stage->commits, 1);
}

/* What came before it is run again, what comes after it sees nothing of it. */
static void test_refused_after_a_change(void **state)
{
	struct stage *stage = *state;

	stage->parts[2].what = IS_REFUSED;
	stage->parts[3].what = WRITES_AND_IS_REFUSED;
	stage->parts[5].what = WRITES_AND_IS_REFUSED;
	stage->parts[6].what = IS_REFUSED;
	run_parts(stage, 8);
	check_parts(stage, "0 1 4 7 ");
	assert_int_equal(stage->commits, 1);
}

static void test_all_are_refused(void **state)
{
	struct stage *stage = *state;
	_cleanup_object_ struct object object = OBJECT_INIT;

	for (int i = 0; i < 4; i++)
		stage->parts[i].what = WRITES_AND_IS_REFUSED;
	run_parts(stage, 4);
	for (int i = 0; i < 4; i++)
		assert_int_equal(stage->parts[i].result, -ERANGE);
	assert_int_equal(store_get(stage->fixture.store, stage->service, &object), 0);
	assert_null(object.status);
	assert_int_equal(stage->commits, 0);
	fixture_set_spec(&stage->fixture, stage->service, "{}\n", "");
}

/* Who wants it synced is in no commit that is not; those behind it do not overtake it. */
static void test_durable_waits_for_a_commit_that_is(void **state)
{
	struct stage *stage = *state;

	for (int i = 0; i < 4; i++)
		stage->parts[i].durability = i == 1 ? STORE_DURABLE : STORE_RELAXED;
	run_parts(stage, 4);
	check_parts(stage, "0 1 2 3 ");
	assert_int_equal(stage->commits, 2);
	assert_int_equal(stage->synced[0], 1);
	assert_int_equal(stage->synced[1], 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_share_one_commit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused_before_a_change, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused_after_a_change, setup, teardown),
		cmocka_unit_test_setup_teardown(test_all_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_durable_waits_for_a_commit_that_is, setup,
			teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
