/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/thread.h"
#include "engine/simulated.h"

#define PATIENCE_NS (30 * NS_PER_SECOND)

static struct engine *engine;
static struct error error;
static struct lock lock = LOCK_INIT(LOCK_LEAF);
static struct cond changed;
static struct engine_event last;
static int counts[ENGINE_CONTAINER_REMOVED + 1];

static void on_event(void *arg, const struct engine_event *event)
{
	(void)arg;
	LOCKED(&lock);
	last = *event;
	counts[event->type]++;
	cond_broadcast(&changed);
}

static void await_count(enum engine_event_type type, int count)
{
	int64_t deadline_ns = clock_now_ns() + PATIENCE_NS;

	LOCKED(&lock);
	while (counts[type] < count)
		assert_true(cond_wait_until(&changed, &lock, deadline_ns));
}

static int set_up(void **state)
{
	(void)state;
	memset(counts, 0, sizeof(counts));
	return engine_simulated_new(&engine, "p", 0, &error) |
	       engine->ops->watch(engine, on_event, NULL, &error);
}

static int tear_down(void **state)
{
	(void)state;
	engine_free(engine);
	engine = NULL;
	return 0;
}

static int make(const char *name, const char *image, int port, int64_t instance,
	char id[ENGINE_ID_MAX])
{
	char number[32];
	const struct label labels[] = {{LABEL_TENANT, "acme"}, {LABEL_SERVICE, "web"},
		{LABEL_INSTANCE, number}, {LABEL_GENERATION, "3"}};
	const struct container_spec spec = {.name = name,
		.image = image,
		.labels = labels,
		.label_count = 4,
		.host_port = port,
		.container_port = 80};

	(void)snprintf(number, sizeof(number), "%lld", (long long)instance);
	return engine->ops->create(engine, &spec, id, &error);
}

static void a_life_is_told(void **state)
{
	struct container_state seen;
	char id[ENGINE_ID_MAX], again[ENGINE_ID_MAX];
	bool healthy = true;

	(void)state;
	await_count(ENGINE_UP, 1);
	assert_int_equal(engine->ops->watch(engine, on_event, NULL, &error), -EALREADY);
	assert_int_equal(make("c1", "nginx", 8080, 5, id), 0);
	assert_int_equal(make("c1", "nginx", 8080, 5, again), 0);
	assert_string_equal(id, again);
	assert_int_equal(make("c1", "nginx", 8080, 6, again), -EEXIST);
	assert_int_equal(engine->ops->healthy(engine, id, &healthy, &error), 0);
	assert_false(healthy);
	assert_int_equal(engine->ops->start(engine, id, &error), 0);
	assert_int_equal(engine->ops->start(engine, id, &error), 0);
	await_count(ENGINE_CONTAINER_STARTED, 1);
	assert_string_equal(last.container, id);
	assert_int_equal(last.instance, 5);
	assert_int_equal(engine->ops->inspect(engine, "c1", &seen, &error), 0);
	assert_int_equal(seen.phase, CONTAINER_RUNNING);
	assert_string_equal(seen.id, id);
	assert_string_equal(seen.name, "c1");
	assert_string_equal(seen.tenant, "acme");
	assert_string_equal(seen.service, "web");
	assert_int_equal(seen.instance, 5);
	assert_int_equal(seen.generation, 3);
	assert_memory_equal(seen.address, "10.", 3);
	assert_int_equal(engine->ops->healthy(engine, id, &healthy, &error), 0);
	assert_true(healthy);
	assert_int_equal(engine->ops->kill(engine, id, "HUP", &error), 0);
	assert_int_equal(engine->ops->stop(engine, id, 1, &error), 0);
	await_count(ENGINE_CONTAINER_DIED, 1);
	assert_int_equal(last.exit_code, 143);
	assert_int_equal(engine->ops->stop(engine, id, 1, &error), 0);
	assert_int_equal(engine->ops->remove(engine, id, &error), 0);
	assert_int_equal(engine->ops->remove(engine, id, &error), 0);
	await_count(ENGINE_CONTAINER_REMOVED, 1);
	assert_int_equal(counts[ENGINE_CONTAINER_STARTED], 1);
	assert_int_equal(counts[ENGINE_CONTAINER_DIED], 1);
	assert_int_equal(engine->ops->inspect(engine, id, &seen, &error), 0);
	assert_int_equal(seen.phase, CONTAINER_ABSENT);
	assert_int_equal(engine->ops->start(engine, id, &error), -ENOENT);
	assert_int_equal(engine->ops->start(engine, "simzzz", &error), -ENOENT);
}

static void images_misbehave_by_name(void **state)
{
	struct container_state seen;
	char id[ENGINE_ID_MAX], crashes[ENGINE_ID_MAX];
	bool healthy = true;

	(void)state;
	assert_int_equal(sim_behaviour_of("simulated/exits"), SIM_EXITS);
	assert_int_equal(sim_behaviour_of("simulated/exits:2@x"), SIM_EXITS);
	assert_int_equal(sim_behaviour_of("simulated/exitss"), SIM_GOOD);
	assert_int_equal(sim_behaviour_of("simulated/"), SIM_GOOD);
	assert_int_equal(sim_behaviour_of("exits"), SIM_GOOD);
	assert_int_equal(engine->ops->image_find(engine, "nginx", id, &error), 0);
	assert_int_equal(engine->ops->image_find(engine, "simulated/missing:1", id, &error),
		-ENOENT);
	assert_int_equal(engine->ops->image_pull(engine, "simulated/missing:1", NULL, NULL, &error),
		-ENOENT);
	assert_int_equal(make("m", "simulated/missing:1", 0, 1, id), -ENOENT);
	assert_int_equal(make("e", "simulated/exits", 81, 1, id), 0);
	assert_int_equal(engine->ops->start(engine, id, &error), 0);
	await_count(ENGINE_CONTAINER_DIED, 1);
	assert_int_equal(last.exit_code, 1);
	assert_int_equal(engine->ops->inspect(engine, id, &seen, &error), 0);
	assert_int_equal(seen.phase, CONTAINER_EXITED);
	assert_int_equal(make("u", "simulated/unhealthy", 81, 1, id), 0);
	assert_int_equal(engine->ops->start(engine, id, &error), 0);
	assert_int_equal(engine->ops->healthy(engine, id, &healthy, &error), 0);
	assert_false(healthy);
	assert_int_equal(make("c", "simulated/crashes", 0, 1, crashes), 0);
	assert_int_equal(engine->ops->start(engine, crashes, &error), 0);
	assert_int_equal(engine->ops->inspect(engine, crashes, &seen, &error), 0);
	await_count(ENGINE_CONTAINER_DIED, 2);
	assert_int_equal(last.exit_code, 139);
	assert_string_equal(last.container, crashes);
}

static void a_port_is_for_one_that_runs(void **state)
{
	char one[ENGINE_ID_MAX], two[ENGINE_ID_MAX];

	(void)state;
	assert_int_equal(make("one", "a", 80, 1, one), 0);
	assert_int_equal(make("two", "a", 80, 2, two), 0);
	assert_int_equal(engine->ops->start(engine, one, &error), 0);
	assert_int_equal(engine->ops->start(engine, two, &error), -EADDRINUSE);
	assert_int_equal(engine->ops->stop(engine, one, 0, &error), 0);
	assert_int_equal(engine->ops->start(engine, two, &error), 0);
	assert_int_equal(engine->ops->start(engine, one, &error), -EADDRINUSE);
	assert_int_equal(engine->ops->remove(engine, two, &error), 0);
	assert_int_equal(engine->ops->start(engine, one, &error), 0);
}

static int count_names(void *arg, const char *name)
{
	int *count = arg;

	(void)name;
	return ++*count == 2 ? -EDOM : 0;
}

static void networks_are_remembered(void **state)
{
	int count = 0;

	(void)state;
	assert_int_equal(engine->ops->network_ensure(engine, "a", NULL, 0, &error), 0);
	assert_int_equal(engine->ops->network_ensure(engine, "a", NULL, 0, &error), 0);
	assert_int_equal(engine->ops->network_list(engine, count_names, &count, &error), 0);
	assert_int_equal(count, 1);
	assert_int_equal(engine->ops->network_ensure(engine, "b", NULL, 0, &error), 0);
	assert_int_equal(engine->ops->network_ensure(engine, "c", NULL, 0, &error), 0);
	count = 0;
	assert_int_equal(engine->ops->network_list(engine, count_names, &count, &error), -EDOM);
	assert_int_equal(count, 2);
	assert_int_equal(engine->ops->network_remove(engine, "b", &error), 0);
	assert_int_equal(engine->ops->network_remove(engine, "b", &error), 0);
}

static int count_container(void *arg, const struct container_state *seen)
{
	int64_t *sum = arg;

	*sum += seen->instance;
	return 0;
}

static void thirty_thousand_fit(void **state)
{
	enum { COUNT = 30000 };
	struct mallinfo2 before = mallinfo2(), after;
	char name[64], id[ENGINE_ID_MAX];
	int64_t sum = 0;

	(void)state;
	for (int i = 1; i <= COUNT; i++) {
		(void)snprintf(name, sizeof(name), "tenant-%d-service-%d", i % 100, i);
		assert_int_equal(make(name, "nginx:latest", 0, i, id), 0);
		assert_int_equal(engine->ops->start(engine, id, &error), 0);
	}
	await_count(ENGINE_CONTAINER_STARTED, COUNT);
	after = mallinfo2();
	/* Sanitizers count nothing here; a plain build does. */
	assert_true(after.uordblks - before.uordblks < (size_t)COUNT * 300);
	assert_int_equal(engine->ops->list(engine, count_container, &sum, &error), 0);
	assert_int_equal(sum, (int64_t)COUNT * (COUNT + 1) / 2);
	for (int i = 1; i <= COUNT; i++) {
		(void)snprintf(name, sizeof(name), "tenant-%d-service-%d", i % 100, i);
		assert_int_equal(engine->ops->remove(engine, name, &error), 0);
	}
	sum = 0;
	assert_int_equal(engine->ops->list(engine, count_container, &sum, &error), 0);
	assert_int_equal(sum, 0);
}

static void *start_forever(void *arg)
{
	struct engine *slow = arg;
	static struct error why;

	(void)slow->ops->start(slow, "nothing", &why);
	return &why;
}

static void latency_passes_and_can_be_interrupted(void **state)
{
	struct engine *slow = NULL;
	int64_t begun_ns = clock_now_ns();
	char version[64];
	pthread_t thread;
	void *why;

	(void)state;
	assert_int_equal(engine_simulated_new(&slow, "p", 50, &error), 0);
	assert_int_equal(slow->ops->ping(slow, version, sizeof(version), &error), 0);
	assert_true(clock_now_ns() - begun_ns >= 50 * NS_PER_MILLISECOND);
	assert_non_null(strstr(version, "simulated"));
	engine_free(slow);
	assert_int_equal(engine_simulated_new(&slow, "p", 3600 * 1000, &error), 0);
	assert_int_equal(thread_start(&thread, "slow", start_forever, slow, &error), 0);
	slow->ops->interrupt(slow);
	assert_int_equal(pthread_join(thread, &why), 0);
	assert_int_equal(((struct error *)why)->code, -ECANCELED);
	engine_free(slow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_life_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(images_misbehave_by_name, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_port_is_for_one_that_runs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(networks_are_remembered, set_up, tear_down),
		cmocka_unit_test_setup_teardown(thirty_thousand_fit, set_up, tear_down),
		cmocka_unit_test(latency_passes_and_can_be_interrupted),
	};

	cond_init(&changed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
