/* SPDX-License-Identifier: Apache-2.0 */
/* A spec that waits: written, written again, stale, taken away, kept over a restart. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store_fixture.h"

#define SPEC  "{\"DockerImage\":\"web:1\"}\n"
#define OTHER "{\"DockerImage\":\"web:2\"}\n"

struct world {
	struct store_fixture fixture;
	int64_t web;
	const char *text;
};

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	int64_t demo;

	store_fixture_init(&world->fixture);
	demo = fixture_create(&world->fixture, PLATFORM_ID, KIND_TENANT, "demo");
	world->web = fixture_create(&world->fixture, demo, KIND_SERVICE, "web");
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	store_fixture_done(&((struct world *)*state)->fixture);
	free(*state);
	return 0;
}

static int stage(struct txn *txn, void *arg, struct error *reterr)
{
	const struct world *world = arg;

	(void)reterr;
	return txn_stage(txn, world->web, world->text, strlen(world->text));
}

static int write_text(struct world *world, const char *text, uid_t uid)
{
	struct caller caller = {.uid = uid, .gid = 7};

	world->text = text;
	return store_update(world->fixture.store, STORE_DURABLE, &caller, stage, world, NULL);
}

static struct staged read_back(struct world *world, const char *expected)
{
	struct buf text = BUF_INIT;
	struct staged staged;

	assert_int_equal(store_staged(world->fixture.store, world->web, &staged, &text), 0);
	assert_string_equal(buf_string(&text), expected);
	assert_int_equal(staged.size, strlen(expected));
	buf_done(&text);
	return staged;
}

static void test_it_waits_and_goes(void **state)
{
	struct world *world = *state;
	struct staged staged, again;
	struct object object;

	assert_int_equal(store_staged(world->fixture.store, world->web, &staged, NULL), -ENOENT);
	assert_int_equal(write_text(world, "", 5), 0);
	assert_int_equal(store_staged(world->fixture.store, world->web, &staged, NULL), -ENOENT);
	fixture_set_spec(&world->fixture, world->web, SPEC, "");
	assert_int_equal(write_text(world, OTHER, 5), 0);
	staged = read_back(world, OTHER);
	assert_int_equal(staged.uid, 5);
	assert_int_equal(staged.gid, 7);
	assert_int_equal(staged.base, 1);
	assert_int_equal(staged.epoch, 0);

	/* The same again is no change, whoever says so. */
	assert_int_equal(write_text(world, OTHER, 6), 0);
	again = read_back(world, OTHER);
	assert_int_equal(again.uid, 5);
	assert_int_equal(again.wall_ns, staged.wall_ns);

	/* The one in force is as it was. */
	assert_int_equal(store_get(world->fixture.store, world->web, &object), 0);
	assert_string_equal(object.spec, SPEC);
	assert_int_equal(object.generation, 1);
	object_done(&object);

	assert_int_equal(write_text(world, "", 6), 0);
	again = read_back(world, "");
	assert_int_equal(again.epoch, 1);
	assert_true(again.wall_ns > staged.wall_ns);
	assert_int_equal(write_text(world, "", 6), 0);
	assert_int_equal(read_back(world, "").epoch, 1);
	assert_int_equal(write_text(world, SPEC, 6), 0);
	assert_int_equal(read_back(world, SPEC).epoch, 1);
}

/* Written anew over a newer spec, it stands beside that one. */
static void test_the_same_text_later_is_not_stale(void **state)
{
	struct world *world = *state;

	assert_int_equal(write_text(world, OTHER, 5), 0);
	assert_int_equal(read_back(world, OTHER).base, 0);
	fixture_set_spec(&world->fixture, world->web, SPEC, "");
	assert_int_equal(read_back(world, OTHER).base, 0);
	assert_int_equal(write_text(world, OTHER, 5), 0);
	assert_int_equal(read_back(world, OTHER).base, 1);
}

static void test_it_outlives_the_process_and_not_the_service(void **state)
{
	struct world *world = *state;
	struct staged staged;

	assert_int_equal(write_text(world, OTHER, 5), 0);
	store_fixture_reopen(&world->fixture);
	assert_int_equal(read_back(world, OTHER).uid, 5);
	fixture_delete(&world->fixture, world->web);
	assert_int_equal(write_text(world, SPEC, 5), -ENOENT);
	fixture_purge(&world->fixture, world->web);
	assert_int_equal(store_staged(world->fixture.store, world->web, &staged, NULL), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_it_waits_and_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_same_text_later_is_not_stale, setup,
			teardown),
		cmocka_unit_test_setup_teardown(test_it_outlives_the_process_and_not_the_service,
			setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
