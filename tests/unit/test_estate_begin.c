/* SPDX-License-Identifier: Apache-2.0 */
/* What a platform that was started again knows of its policy before it looks at anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "cloud/estate.h"
#include "tests/unit/puppet.h"
#include "tests/unit/world.h"

#define SECONDS 30
#define TENANTS 40

/* An account of which it counts what is asked. */
struct fake {
	struct estate estate;
	atomic_bool known; /* the policy is */
	atomic_int ensured, early; /* calls; those before */
};

static struct fake *fake_of(struct estate *estate)
{
	return (struct fake *)(void *)((char *)estate - offsetof(struct fake, estate));
}

static size_t things(const struct estate_owner *owner, struct estate_thing ret[ESTATE_THINGS_MAX])
{
	ret[0] = (struct estate_thing){.type = "key-pair"};
	(void)snprintf(ret[0].name, sizeof(ret[0].name), "k-%s", owner->tenant);
	return 1;
}

static int ensure(struct estate *estate, const struct estate_owner *owner,
	const struct estate_thing *thing, struct error *reterr)
{
	struct fake *fake = fake_of(estate);

	(void)owner;
	(void)thing;
	(void)atomic_fetch_add(&fake->ensured, 1);
	if (atomic_load(&fake->known))
		return 0;
	(void)atomic_fetch_add(&fake->early, 1);
	return error_set(reterr, -ENODATA, "there is no policy yet");
}

static int costs(struct estate *estate, const char *from, const char *to, estate_cost_fn fn,
	void *arg, struct error *reterr)
{
	(void)estate;
	(void)from;
	(void)to;
	(void)fn;
	(void)arg;
	(void)reterr;
	return 0;
}

static int survey(struct estate *estate, const struct estate_hearer *hearer, struct error *reterr)
{
	(void)estate;
	(void)hearer;
	(void)reterr;
	return 0;
}

static bool can_survey(const char *type)
{
	(void)type;
	return false;
}

static int set_policy(struct estate *estate, const char *text, struct error *reterr)
{
	(void)reterr;
	atomic_store(&fake_of(estate)->known, text != NULL);
	return 0;
}

static const struct estate_ops ops = {.things = things,
	.ensure = ensure,
	.costs = costs,
	.survey = survey,
	.can_survey = can_survey,
	.set_policy = set_policy};

static int set_text(struct txn *txn, void *arg, struct error *reterr)
{
	return txn_set_spec(txn, PLATFORM_ID, arg, strlen(arg), true, "", reterr);
}

static void start(struct world *world, struct puppet *puppet, struct fake *fake)
{
	*fake = (struct fake){.estate = {.ops = &ops}};
	world->estate = &fake->estate;
	world_start(world, puppet_engine(puppet), puppet_cloud(puppet), false);
}

static bool all_are_ensured(struct world *world, void *arg)
{
	struct fake *fake = arg;

	(void)world;
	return atomic_load(&fake->ensured) >= TENANTS;
}

static void a_policy_from_before_is_known_from_the_start(void **state)
{
	struct puppet *puppet = puppet_new();
	struct world world;
	struct fake fake;
	char name[16];

	(void)state;
	world_begin(&world);
	assert_int_equal(store_update(world.store, STORE_DURABLE, NULL, set_text, (char[]){"{}"},
				 NULL),
		0);
	for (int i = 0; i < TENANTS; i++) {
		(void)snprintf(name, sizeof(name), "t%d", i);
		(void)world_tenant(&world, name);
	}
	start(&world, puppet, &fake);
	assert_true(world_wait(&world, SECONDS, all_are_ensured, &fake));
	assert_int_equal(atomic_load(&fake.early), 0);
	world_end(&world);
	puppet_free(puppet);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_policy_from_before_is_known_from_the_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
