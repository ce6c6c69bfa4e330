/* SPDX-License-Identifier: Apache-2.0 */
/* The reconcilers with the real store and the real prober against an engine that does what the test
 * says: what a person does, what goes wrong, and what must be left at the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "base/thread.h"
#include "tests/unit/puppet.h"
#include "tests/unit/world.h"

#define SECONDS 30

/* What every container "listens" on: the test answers for all of them. */
static int listener = -1, listener_port;
static atomic_bool listener_quit;
static pthread_t listener_thread;

struct stage {
	struct world world;
	struct puppet *puppet;
};

static void *answer(void *arg)
{
	(void)arg;
	while (!atomic_load(&listener_quit)) {
		int fd = accept(listener, NULL, NULL);

		if (fd >= 0)
			(void)close(fd);
	}
	return NULL;
}

static int listen_for_all(void **state)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);

	(void)state;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		listen(listener, 1000) < 0 ||
		getsockname(listener, (struct sockaddr *)&address, &length) < 0)
		return -1;
	listener_port = ntohs(address.sin_port);
	return thread_start(&listener_thread, "answer", answer, NULL, NULL);
}

static int listen_no_more(void **state)
{
	(void)state;
	atomic_store(&listener_quit, true);
	(void)shutdown(listener, SHUT_RDWR);
	thread_join(listener_thread);
	return close(listener);
}

static void stage_start(struct stage *stage)
{
	world_start(&stage->world, puppet_engine(stage->puppet), puppet_cloud(stage->puppet),
		false);
}

static void stage_begin(struct stage *stage)
{
	world_begin(&stage->world);
	stage->puppet = puppet_new();
	assert_non_null(stage->puppet);
	stage_start(stage);
}

static void stage_restart(struct stage *stage)
{
	world_stop(&stage->world);
	world_open(&stage->world);
	stage_start(stage);
}

static void stage_end(struct stage *stage)
{
	world_end(&stage->world);
	puppet_free(stage->puppet);
}

static const char *spec(char *text, size_t size, const char *image, int replicas, const char *more)
{
	(void)snprintf(text, size,
		"{\"DockerImage\":\"%s\",\"Replicas\":%d,\"ContainerPort\":%d,"
		"\"ExternalLBPort\":\"80\"%s%s}\n",
		image, replicas, listener_port,
		strstr(more, "DrainSeconds") ? "" : ",\"DrainSeconds\":1", more);
	return text;
}

#define SPEC(image, replicas, more) spec((char[512]){0}, 512, image, replicas, more)

static bool nothing_left(struct world *world, void *arg)
{
	struct stage *stage = arg;
	int64_t tenants = -1;

	return puppet_containers(stage->puppet, "", false) == 0 &&
	       puppet_networks(stage->puppet) == 0 && puppet_balancers(stage->puppet) == 0 &&
	       puppet_names(stage->puppet) == 0 &&
	       store_count(world->store, PLATFORM_ID, KIND_TENANT, &tenants) == 0 && tenants == 0;
}

static int one_intent(void *arg, const struct intent *intent)
{
	(void)intent;
	(*(int *)arg)++;
	return 0;
}

static bool directory_goes(struct world *world, void *arg)
{
	(void)world;
	return rmdir(arg) == 0;
}

/* Neither outside nor in our own directories. */
static void expect_nothing_left(struct stage *stage)
{
	struct world *world = &stage->world;
	int intents = 0;

	assert_true(world_wait(world, SECONDS, nothing_left, stage));
	assert_int_equal(store_intents(world->store, 0, one_intent, &intents), 0);
	assert_int_equal(intents, 0);
	assert_true(world_wait(world, SECONDS, directory_goes, world->view_dir));
	assert_true(world_wait(world, SECONDS, directory_goes, world->logs_dir));
}

static void a_spec_becomes_running_containers_and_goes_without_a_trace(void **state)
{
	struct stage stage;
	struct world *world = &stage.world;
	struct service_status status;
	int64_t tenant, service;

	(void)state;
	stage_begin(&stage);
	tenant = world_tenant(world, "demo");
	service = world_service(world, tenant, "web");
	world_spec(world, service, "web", SPEC("absent/web:1", 3, ",\"DNS\":\"web.demo.test\""));
	assert_true(world_settled(world, service, SECONDS));
	world_status(world, service, &status);
	assert_int_equal(status.healthy, 3);
	assert_int_equal(status.domain, status.domains);
	assert_string_equal(status.message, "");
	assert_string_equal(status.dns, "web.demo.test");
	assert_true(strncmp(status.lb_address, "127.88.0.", 9) == 0);
	assert_int_equal(puppet_containers(stage.puppet, "demo-web-", true), 3);
	assert_int_equal(puppet_targets(stage.puppet, TARGET_READY), 3);
	assert_int_equal(puppet_names(stage.puppet), 1);
	assert_int_equal(puppet_networks(stage.puppet), 1);
	assert_true(world_told(world, service, "pulling absent/web:1"));
	assert_true(world_told(world, service, "is running: 3 of 3"));
	world_delete(world, service);
	world_delete(world, tenant);
	assert_true(world_gone(world, service, SECONDS));
	assert_true(world_gone(world, tenant, SECONDS));
	expect_nothing_left(&stage);
	stage_end(&stage);
}

static void scaling_leaves_what_runs_alone(void **state)
{
	struct stage stage;
	struct world *world = &stage.world;
	int64_t service;

	(void)state;
	stage_begin(&stage);
	service = world_service(world, world_tenant(world, "demo"), "web");
	world_spec(world, service, "web", SPEC("web:1", 2, ""));
	assert_true(world_settled(world, service, SECONDS));
	(void)puppet_fewest_ready(stage.puppet);
	world_spec(world, service, "web", SPEC("web:1", 6, ""));
	assert_true(world_settled(world, service, SECONDS));
	assert_int_equal(puppet_creates(stage.puppet), 6);
	world_spec(world, service, "web", SPEC("web:1", 1, ""));
	assert_true(world_settled(world, service, SECONDS));
	assert_int_equal(puppet_creates(stage.puppet), 6);
	assert_int_equal(puppet_containers(stage.puppet, "", false), 1);
	assert_int_equal(puppet_containers(stage.puppet, "demo-web-0-", true), 1);
	assert_true(world_told(world, service, "scaling down from 6 to 1"));
	world_spec(world, service, "web", SPEC("web:1", 0, ""));
	assert_true(world_settled(world, service, SECONDS));
	assert_int_equal(puppet_containers(stage.puppet, "", false), 0);
	stage_end(&stage);
}

static void an_upgrade_goes_by_domains(void **state)
{
	struct stage stage;
	struct world *world = &stage.world;
	struct service_status status;
	int64_t service;

	(void)state;
	stage_begin(&stage);
	service = world_service(world, world_tenant(world, "demo"), "web");
	world_spec(world, service, "web",
		SPEC("web:1", 6, ",\"HealthCheck\":{\"IntervalSeconds\":1}"));
	assert_true(world_settled(world, service, SECONDS));
	(void)puppet_fewest_ready(stage.puppet);
	world_spec(world, service, "web",
		SPEC("web:2", 6, ",\"HealthCheck\":{\"IntervalSeconds\":1}"));
	assert_true(world_settled(world, service, SECONDS));
	assert_int_equal(puppet_fewest_ready(stage.puppet), 4);
	assert_int_equal(puppet_creates(stage.puppet), 12);
	assert_int_equal(puppet_containers(stage.puppet, "", false), 6);
	/* With surge it never goes below. */
	world_spec(world, service, "web",
		SPEC("web:3", 6, ",\"MaxSurge\":2,\"HealthCheck\":{\"IntervalSeconds\":1}"));
	assert_true(world_settled(world, service, SECONDS));
	assert_int_equal(puppet_fewest_ready(stage.puppet), 6);
	assert_int_equal(puppet_containers(stage.puppet, "", false), 6);
	world_status(world, service, &status);
	assert_int_equal(status.total, 6);
	stage_end(&stage);
}

static bool workers_are_held(struct world *world, void *arg)
{
	const struct stage *stage = arg;

	(void)world;
	return puppet_held(stage->puppet) == 8;
}

static bool work_has_begun(struct world *world, void *arg)
{
	const int64_t *service = arg;
	struct service_status status;

	world_status(world, *service, &status);
	return status.generation == 2;
}

/* The service's word that nothing comes any more may be there before the instance hears that it has
 * to leave: nobody would wake it a second time. */
static void a_drain_ends_early_however_busy_the_host_is(void **state)
{
	struct stage stage;
	struct world *world = &stage.world;
	int64_t tenant, service, busy;

	(void)state;
	stage_begin(&stage);
	tenant = world_tenant(world, "demo");
	service = world_service(world, tenant, "web");
	world_spec(world, service, "web", SPEC("web:1", 1, ",\"DrainSeconds\":3600"));
	assert_true(world_settled(world, service, SECONDS));
	puppet_hold_starts(stage.puppet, true);
	busy = world_service(world, tenant, "busy");
	world_spec(world, busy, "busy", SPEC("busy:1", 8, ""));
	assert_true(world_wait(world, SECONDS, workers_are_held, &stage));
	world_spec(world, service, "web", SPEC("web:2", 1, ",\"DrainSeconds\":3600"));
	assert_true(world_wait(world, SECONDS, work_has_begun, &service));
	puppet_hold_starts(stage.puppet, false);
	assert_true(world_settled(world, service, SECONDS));
	stage_end(&stage);
}

static void without_auto_rollback_it_stays_and_says_so(void **state)
{
	struct stage stage;
	struct world *world = &stage.world;
	struct service_status status;
	int64_t service, generation;

	(void)state;
	stage_begin(&stage);
	puppet_crash_image(stage.puppet, "crashing");
	service = world_service(world, world_tenant(world, "demo"), "web");
	world_spec(world, service, "web", SPEC("web:1", 3, ",\"AutoRollback\":false"));
	assert_true(world_settled(world, service, SECONDS));
	generation = world_spec(world, service, "web",
		SPEC("web-crashing:1", 3, ",\"AutoRollback\":false"));
	assert_true(world_failed(world, service, generation, SECONDS));
	world_status(world, service, &status);
	assert_int_equal(status.phase, SERVICE_FAILED);
	assert_int_equal(status.healthy, 2);
	assert_non_null(strstr(status.message, "last output: starting | cannot open the database"));
	assert_non_null(strstr(status.message, "AutoRollback is false: it stays as it is"));
	world_spec(world, service, "web", SPEC("web:1", 3, ",\"AutoRollback\":false"));
	assert_true(world_settled(world, service, SECONDS));
	stage_end(&stage);
}

static void a_bad_version_goes_back_by_itself(void **state)
{
	static const char *const bad[] = {"web-broken:2", "web-crashing:2"};
	struct stage stage;
	struct world *world = &stage.world;
	_cleanup_object_ struct object object = OBJECT_INIT;
	int64_t service, generation;

	(void)state;
	stage_begin(&stage);
	puppet_break_image(stage.puppet, "broken");
	puppet_crash_image(stage.puppet, "crashing");
	service = world_service(world, world_tenant(world, "demo"), "web");
	world_spec(world, service, "web", SPEC("web:1", 6, ""));
	assert_true(world_settled(world, service, SECONDS));
	for (size_t i = 0; i < 2; i++) {
		int creates = puppet_creates(stage.puppet);

		(void)puppet_fewest_ready(stage.puppet);
		generation = world_spec(world, service, "web", SPEC(bad[i], 6, ""));
		assert_true(world_settled(world, service, SECONDS));
		assert_true(puppet_fewest_ready(stage.puppet) >= 4);
		/* Only the first domain was ever touched. */
		assert_true(puppet_creates(stage.puppet) - creates <= 4);
		assert_int_equal(store_get(world->store, service, &object), 0);
		assert_int_equal(object.generation, generation + 1);
		assert_non_null(strstr(object.spec, "\"web:1\""));
		object_done(&object);
		object = OBJECT_INIT;
		assert_true(world_told(world, service, "rolled back to the spec of generation"));
	}
	assert_true(world_told(world, service, "no image web-broken:2 is known"));
	assert_true(world_told(world, service,
		"exited with code 3; last output: starting | cannot "
		"open the database"));
	stage_end(&stage);
}

static void a_first_version_that_is_bad_says_why(void **state)
{
	struct stage stage;
	struct world *world = &stage.world;
	struct service_status status;
	int64_t service, generation;

	(void)state;
	stage_begin(&stage);
	puppet_break_image(stage.puppet, "broken");
	puppet_crash_image(stage.puppet, "crashing");
	service = world_service(world, world_tenant(world, "demo"), "web");
	generation = world_spec(world, service, "web", SPEC("web-broken:1", 2, ""));
	assert_true(world_failed(world, service, generation, SECONDS));
	world_status(world, service, &status);
	assert_int_equal(status.phase, SERVICE_FAILED);
	assert_non_null(strstr(status.message, "no image web-broken:1"));
	generation = world_spec(world, service, "web", SPEC("web-crashing:1", 2, ""));
	assert_true(world_failed(world, service, generation, SECONDS));
	world_status(world, service, &status);
	assert_non_null(strstr(status.message, "exited with code 3"));
	world_spec(world, service, "web", SPEC("web:1", 2, ""));
	assert_true(world_settled(world, service, SECONDS));
	stage_end(&stage);
}

struct killed {
	struct stage *stage;
	const char *part;
	int wanted;
};

static bool running_again(struct world *world, void *arg)
{
	const struct killed *killed = arg;

	(void)world;
	return puppet_containers(killed->stage->puppet, killed->part, true) == killed->wanted;
}

static void a_dead_container_is_back_within_a_second(void **state)
{
	struct stage stage;
	struct world *world = &stage.world;
	struct killed killed = {&stage, "demo-web-", 3};
	int64_t service;

	(void)state;
	stage_begin(&stage);
	service = world_service(world, world_tenant(world, "demo"), "web");
	world_spec(world, service, "web", SPEC("web:1", 3, ""));
	assert_true(world_settled(world, service, SECONDS));
	assert_true(puppet_kill(stage.puppet, "demo-web-1-", 9));
	assert_true(world_wait(world, 1, running_again, &killed));
	assert_true(world_settled(world, service, SECONDS));
	assert_int_equal(puppet_creates(stage.puppet), 3); /* the same one again */
	assert_true(world_told(world, service, "instance 1: exited with code 9"));
	stage_end(&stage);
}

static void a_taken_port_is_left_to_its_owner(void **state)
{
	struct stage stage;
	struct world *world = &stage.world;
	int64_t service;

	(void)state;
	stage_begin(&stage);
	puppet_take_port(stage.puppet, 21001);
	service = world_service(world, world_tenant(world, "demo"), "web");
	world_spec(world, service, "web", SPEC("web:1", 5, ""));
	assert_true(world_settled(world, service, SECONDS));
	assert_true(world_told(world, service, "host port 21001 is taken"));
	stage_end(&stage);
}

static void an_engine_that_goes_away_is_survived(void **state)
{
	struct stage stage;
	struct world *world = &stage.world;
	struct killed killed = {&stage, "", 4};
	int64_t service;

	(void)state;
	stage_begin(&stage);
	service = world_service(world, world_tenant(world, "demo"), "web");
	world_spec(world, service, "web", SPEC("web:1", 2, ""));
	assert_true(world_settled(world, service, SECONDS));
	puppet_set_up(stage.puppet, false);
	world_spec(world, service, "web", SPEC("web:1", 4, ""));
	(void)puppet_kill(stage.puppet, "demo-web-0-", 137);
	puppet_set_up(stage.puppet, true);
	assert_true(world_wait(world, SECONDS, running_again, &killed));
	assert_true(world_settled(world, service, SECONDS));
	stage_end(&stage);
}

static void pause_resume_and_restart(void **state)
{
	struct stage stage;
	struct world *world = &stage.world;
	struct service_status status;
	int64_t service;

	(void)state;
	stage_begin(&stage);
	service = world_service(world, world_tenant(world, "demo"), "web");
	world_spec(world, service, "web",
		SPEC("web:1", 2, ",\"HealthCheck\":{\"IntervalSeconds\":1}"));
	assert_true(world_settled(world, service, SECONDS));
	world_rollout(world, service, true, false);
	assert_true(world_settled(world, service, SECONDS));
	assert_int_equal(puppet_creates(stage.puppet), 4);
	world_rollout(world, service, false, true);
	world_spec(world, service, "web",
		SPEC("web:2", 2, ",\"HealthCheck\":{\"IntervalSeconds\":1}"));
	world_spec(world, service, "web",
		SPEC("web:2", 3, ",\"HealthCheck\":{\"IntervalSeconds\":1}"));
	assert_false(world_settled(world, service, 2));
	world_status(world, service, &status);
	assert_int_equal(status.phase, SERVICE_PAUSED);
	world_rollout(world, service, false, false);
	assert_true(world_settled(world, service, SECONDS));
	assert_int_equal(puppet_containers(stage.puppet, "", true), 3);
	stage_end(&stage);
}

static void a_restart_of_ours_changes_nothing(void **state)
{
	struct stage stage;
	struct world *world = &stage.world;
	struct killed killed = {&stage, "", 4};
	int64_t service;

	(void)state;
	stage_begin(&stage);
	service = world_service(world, world_tenant(world, "demo"), "web");
	world_spec(world, service, "web", SPEC("web:1", 4, ""));
	assert_true(world_settled(world, service, SECONDS));
	stage_restart(&stage);
	assert_true(world_settled(world, service, SECONDS));
	world_stop(world);
	/* One dies while nobody looks. */
	assert_true(puppet_kill(stage.puppet, "demo-web-2-", 1));
	world_open(world);
	stage_start(&stage);
	assert_true(world_wait(world, SECONDS, running_again, &killed));
	assert_true(world_settled(world, service, SECONDS));
	assert_int_equal(puppet_creates(stage.puppet), 4);
	stage_end(&stage);
}

/* Anything, at any time, with calls that fail and restarts in between; then it must come to rest,
 * and after the end nothing may be left. */
static void chaos_comes_to_rest_and_leaves_nothing(void **state)
{
	static const char *const images[] = {
		"web:1", "web:2", "absent/web:3", "web-broken:1", "web-crashing:1"};
	struct stage stage;
	struct world *world = &stage.world;
	int64_t tenant, services[4];
	unsigned seed = 20261123;

	(void)state;
	stage_begin(&stage);
	puppet_break_image(stage.puppet, "broken");
	puppet_crash_image(stage.puppet, "crashing");
	tenant = world_tenant(world, "demo");
	for (int i = 0; i < 4; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "s%d", i);
		services[i] = world_service(world, tenant, name);
	}
	for (int round = 0; round < 40; round++) {
		int64_t service;
		char name[16];

		seed = seed * 1103515245u + 12345u;
		service = services[(seed >> 8) % 4];
		(void)snprintf(name, sizeof(name), "s%d", (seed >> 8) % 4);
		puppet_fail_calls(stage.puppet, (int)((seed >> 12) % 4) * 100);
		if ((seed >> 16) % 3 == 0)
			(void)puppet_kill(stage.puppet, name, 7);
		else
			world_spec(world, service, name,
				SPEC(images[(seed >> 18) % 5], (int)((seed >> 22) % 5),
					",\"HealthCheck\":{\"IntervalSeconds\":1}"));
		(void)world_wait(world, 1, nothing_left, &stage); /* lets a second pass */
		if (round % 5 == 4) {
			puppet_fail_calls(stage.puppet, 900); /* as if killed in mid-work */
			stage_restart(&stage);
		}
	}
	puppet_fail_calls(stage.puppet, 0);
	for (int i = 0; i < 4; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "s%d", i);
		world_spec(world, services[i], name, SPEC("web:9", i, ""));
	}
	for (int i = 0; i < 4; i++)
		assert_true(world_settled(world, services[i], 90));
	assert_int_equal(puppet_containers(stage.puppet, "", true), 6);
	assert_int_equal(puppet_containers(stage.puppet, "", false), 6);
	for (int i = 0; i < 4; i++)
		world_delete(world, services[i]);
	world_delete(world, tenant);
	assert_true(world_gone(world, tenant, 90));
	expect_nothing_left(&stage);
	stage_end(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_spec_becomes_running_containers_and_goes_without_a_trace),
		cmocka_unit_test(scaling_leaves_what_runs_alone),
		cmocka_unit_test(an_upgrade_goes_by_domains),
		cmocka_unit_test(a_drain_ends_early_however_busy_the_host_is),
		cmocka_unit_test(without_auto_rollback_it_stays_and_says_so),
		cmocka_unit_test(a_bad_version_goes_back_by_itself),
		cmocka_unit_test(a_first_version_that_is_bad_says_why),
		cmocka_unit_test(a_dead_container_is_back_within_a_second),
		cmocka_unit_test(a_taken_port_is_left_to_its_owner),
		cmocka_unit_test(an_engine_that_goes_away_is_survived),
		cmocka_unit_test(pause_resume_and_restart),
		cmocka_unit_test(a_restart_of_ours_changes_nothing),
		cmocka_unit_test(chaos_comes_to_rest_and_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, listen_for_all, listen_no_more);
}
