/* SPDX-License-Identifier: Apache-2.0 */
/* Groups: who is in one, what they use together, and how one ends. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/group.h"
#include "store_fixture.h"

struct world {
	struct store_fixture fixture;
	int64_t group, other, red, blue, web, api;
	/* Of the next update. */
	int64_t object, to;
	struct reserve reserve;
};

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct store_fixture *fixture = &world->fixture;

	store_fixture_init(fixture);
	world->group = fixture_create(fixture, PLATFORM_ID, KIND_GROUP, "team");
	world->other = fixture_create(fixture, PLATFORM_ID, KIND_GROUP, "other");
	world->red = fixture_create(fixture, PLATFORM_ID, KIND_TENANT, "red");
	world->blue = fixture_create(fixture, PLATFORM_ID, KIND_TENANT, "blue");
	world->web = fixture_create(fixture, world->red, KIND_SERVICE, "web");
	world->api = fixture_create(fixture, world->blue, KIND_SERVICE, "api");
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	store_fixture_done(&((struct world *)*state)->fixture);
	free(*state);
	return 0;
}

static int set_group(struct txn *txn, void *arg, struct error *reterr)
{
	const struct world *world = arg;

	(void)reterr;
	return txn_set_group(txn, world->object, world->to);
}

static int set_reserve(struct txn *txn, void *arg, struct error *reterr)
{
	const struct world *world = arg;

	(void)reterr;
	return txn_set_reserve(txn, world->object, &world->reserve);
}

static void put_into(struct world *world, int64_t tenant, int64_t group)
{
	world->object = tenant;
	world->to = group;
	assert_int_equal(store_update(world->fixture.store, STORE_DURABLE, NULL, set_group, world,
				 NULL),
		0);
}

static void reserve(struct world *world, int64_t service, int64_t replicas, int64_t cpu_milli,
	int64_t memory_mib)
{
	world->object = service;
	world->reserve = (struct reserve){replicas, cpu_milli, memory_mib};
	assert_int_equal(store_update(world->fixture.store, STORE_DURABLE, NULL, set_reserve, world,
				 NULL),
		0);
}

static void expect_use(struct world *world, int64_t replicas, int64_t cpu_milli, int64_t memory_mib,
	int64_t services)
{
	struct reserve used;
	int64_t count;

	assert_int_equal(store_group_use(world->fixture.store, world->group, &used), 0);
	assert_int_equal(used.replicas, replicas);
	assert_int_equal(used.cpu_milli, cpu_milli);
	assert_int_equal(used.memory_mib, memory_mib);
	assert_int_equal(store_group_count(world->fixture.store, world->group, KIND_SERVICE,
				 &count),
		0);
	assert_int_equal(count, services);
}

static int count_tenant(void *arg, const struct object *tenant)
{
	assert_int_equal(tenant->kind, KIND_TENANT);
	(*(int *)arg)++;
	return 0;
}

static int count_tenants(struct world *world)
{
	int count = 0;

	assert_int_equal(store_group_tenants(world->fixture.store, world->group, count_tenant,
				 &count),
		0);
	return count;
}

static void test_use_is_summed_over_tenants(void **state)
{
	struct world *world = *state;
	struct group_state group;

	reserve(world, world->web, 3, 1500, 300);
	expect_use(world, 0, 0, 0, 0);
	put_into(world, world->red, world->group);
	expect_use(world, 3, 1500, 300, 1);
	put_into(world, world->blue, world->group);
	reserve(world, world->api, 2, 0, 1);
	expect_use(world, 5, 1500, 301, 2);
	reserve(world, world->web, 1, 500, 100);
	expect_use(world, 3, 500, 101, 2);
	assert_int_equal(count_tenants(world), 2);

	fixture_set_spec(&world->fixture, world->group, "{\"MaxReplicas\":5}\n", "");
	store_fixture_reopen(&world->fixture);
	assert_int_equal(store_group(world->fixture.store, world->blue, &group), 0);
	assert_int_equal(group.group, world->group);
	assert_string_equal(group.name, "team");
	assert_string_equal(group.policy, "{\"MaxReplicas\":5}\n");
	assert_int_equal(group.used.replicas, 3);
	group_state_done(&group);
	assert_int_equal(store_group(world->fixture.store, 0, &group), 0);
	assert_int_equal(group.group, 0);
	assert_null(group.policy);

	/* What is being torn down asks for nothing any more. */
	fixture_delete(&world->fixture, world->web);
	expect_use(world, 2, 0, 1, 1);
	fixture_delete(&world->fixture, world->red);
	assert_int_equal(count_tenants(world), 1);
	put_into(world, world->blue, world->other);
	expect_use(world, 0, 0, 0, 0);
	put_into(world, world->blue, 0);
	assert_int_equal(count_tenants(world), 0);
}

static int try_delete(struct txn *txn, void *arg, struct error *reterr)
{
	return txn_delete(txn, ((struct world *)arg)->group, reterr);
}

static void test_a_group_with_tenants_stays(void **state)
{
	struct world *world = *state;
	struct error error = ERROR_INIT;
	struct object object = OBJECT_INIT;

	put_into(world, world->red, world->group);
	assert_int_equal(store_update(world->fixture.store, STORE_DURABLE, NULL, try_delete, world,
				 &error),
		-EBUSY);
	assert_non_null(strstr(error.text, "\"red\""));
	put_into(world, world->red, 0);
	assert_int_equal(store_update(world->fixture.store, STORE_DURABLE, NULL, try_delete, world,
				 &error),
		0);
	assert_int_equal(store_get(world->fixture.store, world->group, &object), -ENOENT);
	world->group = fixture_create(&world->fixture, PLATFORM_ID, KIND_GROUP, "team");
	assert_int_equal(count_tenants(world), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_use_is_summed_over_tenants, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_group_with_tenants_stays, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
