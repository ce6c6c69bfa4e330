/* SPDX-License-Identifier: Apache-2.0 */
/* Several hosts with an engine each, which the test holds in its hands: where instances go, what
 * becomes of them when a host is away, lost, back, drained or removed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/thread.h"
#include "model/host.h"
#include "tests/unit/puppet.h"
#include "tests/unit/world.h"

#define SECONDS 30
#define HOSTS   3
#define PORTS   24

/* What the hosts publish: the test answers at each of these ports. */
static struct pollfd listeners[PORTS];
static int port_low;
static atomic_bool listeners_quit;
static pthread_t listeners_thread;

struct stage {
	struct world world;
	struct puppet *local, *puppets[HOSTS];
	int64_t tenant, hosts[HOSTS];
};

static void *answer(void *arg)
{
	(void)arg;
	while (!atomic_load(&listeners_quit)) {
		if (poll(listeners, PORTS, 100) <= 0)
			continue;
		for (size_t i = 0; i < PORTS; i++) {
			int fd = listeners[i].revents ? accept(listeners[i].fd, NULL, NULL) : -1;

			if (fd >= 0)
				(void)close(fd);
		}
	}
	return NULL;
}

static int listen_at(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
		listen(fd, 100) == 0)
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

/* A row of free ports. */
static int listen_for_all(void **state)
{
	size_t count = 0;

	(void)state;
	for (int port = 24000 + getpid() % 100 * 40; count < PORTS && port < 32000; port++) {
		int fd = listen_at(port);

		if (fd < 0) {
			while (count > 0)
				(void)close(listeners[--count].fd);
			continue;
		}
		listeners[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
		port_low = port - (int)count + 1;
	}
	if (count < PORTS)
		return -1;
	return thread_start(&listeners_thread, "answer", answer, NULL, NULL);
}

static int listen_no_more(void **state)
{
	(void)state;
	atomic_store(&listeners_quit, true);
	thread_join(listeners_thread);
	for (size_t i = 0; i < PORTS; i++)
		(void)close(listeners[i].fd);
	return 0;
}

/* "unix:///puppet/2": the second one. */
static int engine_new(void *arg, struct engine **ret, const char *url, struct error *reterr)
{
	struct stage *stage = arg;
	int number = url[strlen(url) - 1] - '1';

	(void)reterr;
	assert_true(number >= 0 && number < HOSTS);
	*ret = puppet_engine(stage->puppets[number]);
	return *ret ? 0 : -ENOMEM;
}

static void stage_start(struct stage *stage)
{
	stage->world.engine_new = engine_new;
	stage->world.engine_arg = stage;
	stage->world.host_grace_s = 1;
	stage->world.port_low = port_low;
	stage->world.port_high = port_low + PORTS - 1;
	world_start(&stage->world, puppet_engine(stage->local), puppet_cloud(stage->local), false);
}

static void stage_restart(struct stage *stage)
{
	world_stop(&stage->world);
	world_open(&stage->world);
	stage_start(stage);
}

static void stage_host(struct stage *stage, int number, const char *more)
{
	char name[16], text[200];

	(void)snprintf(name, sizeof(name), "h%d", number + 1);
	(void)snprintf(text, sizeof(text), "{\"Engine\":\"unix:///puppet/%d\"%s}\n", number + 1,
		more);
	stage->hosts[number] = world_host(&stage->world, stage->tenant, name, text);
}

struct awaited {
	int64_t id;
	enum host_phase phase;
};

static bool has_phase(struct world *world, void *arg)
{
	const struct awaited *awaited = arg;
	_cleanup_object_ struct object object = OBJECT_INIT;
	struct host_status status;

	return store_get(world->store, awaited->id, &object) == 0 &&
	       host_status_parse(object.status, &status) == 0 && object.status &&
	       status.phase == awaited->phase && object.observed == object.generation;
}

static void expect_phase(struct stage *stage, int number, enum host_phase phase)
{
	struct awaited awaited = {stage->hosts[number], phase};
	_cleanup_object_ struct object object = OBJECT_INIT;

	if (world_wait(&stage->world, SECONDS, has_phase, &awaited))
		return;
	(void)store_get(stage->world.store, stage->hosts[number], &object);
	fail_msg("host %d is not %s: %s", number, host_phase_name(phase), object.status);
}

static void stage_begin(struct stage *stage, int hosts, const char *more)
{
	*stage = (struct stage){.tenant = 0};
	world_begin(&stage->world);
	stage->local = puppet_new();
	for (int i = 0; i < HOSTS; i++)
		stage->puppets[i] = puppet_new();
	stage_start(stage);
	stage->tenant = world_tenant(&stage->world, "demo");
	for (int i = 0; i < hosts; i++)
		stage_host(stage, i, more);
	for (int i = 0; i < hosts; i++)
		expect_phase(stage, i, HOST_READY);
}

static void stage_end(struct stage *stage)
{
	world_end(&stage->world);
	puppet_free(stage->local);
	for (int i = 0; i < HOSTS; i++)
		puppet_free(stage->puppets[i]);
}

static const char *spec(char *text, size_t size, int replicas, const char *more)
{
	(void)snprintf(text, size,
		"{\"DockerImage\":\"web:1\",\"Replicas\":%d,\"ExternalLBPort\":\"80\","
		"\"ContainerPort\":%d,\"HealthCheck\":{\"IntervalSeconds\":1},\"DrainSeconds\":1%s}"
		"\n",
		replicas, port_low, more);
	return text;
}

#define SPEC(replicas, more) spec((char[512]){0}, 512, replicas, more)

static int running(struct stage *stage, int number)
{
	return puppet_containers(stage->puppets[number], "", true);
}

struct counts {
	struct stage *stage;
	int expected[HOSTS]; /* containers, -1: any */
};

static bool as_counted(struct world *world, void *arg)
{
	const struct counts *counts = arg;

	(void)world;
	for (int i = 0; i < HOSTS; i++) {
		if (counts->expected[i] >= 0 && puppet_containers(counts->stage->puppets[i], "",
							false) != counts->expected[i])
			return false;
	}
	return true;
}

static void expect_containers(struct stage *stage, int a, int b, int c)
{
	struct counts counts = {stage, {a, b, c}};

	if (!world_wait(&stage->world, SECONDS, as_counted, &counts))
		fail_msg("%d, %d, %d containers", puppet_containers(stage->puppets[0], "", false),
			puppet_containers(stage->puppets[1], "", false),
			puppet_containers(stage->puppets[2], "", false));
}

/* ---- where instances go ---- */

static void instances_are_spread(void **state)
{
	struct stage stage;
	int64_t web;

	(void)state;
	stage_begin(&stage, 3, "");
	web = world_service(&stage.world, stage.tenant, "web");
	world_spec(&stage.world, web, "web", SPEC(6, ""));
	assert_true(world_settled(&stage.world, web, SECONDS));
	for (int i = 0; i < HOSTS; i++)
		assert_int_equal(running(&stage, i), 2);
	assert_int_equal(puppet_containers(stage.local, "", false), 0);
	assert_int_equal(puppet_targets(stage.local, TARGET_READY), 6);
	world_spec(&stage.world, web, "web", SPEC(3, ""));
	assert_true(world_settled(&stage.world, web, SECONDS));
	expect_containers(&stage, 1, 1, 1);
	stage_end(&stage);
}

static void a_preferred_host_is_taken_first(void **state)
{
	struct stage stage;
	int64_t web, cache;

	(void)state;
	stage_begin(&stage, 3, "");
	stage_host(&stage, 1, ",\"Tags\":[\"disk=fast\",\"x\"]");
	stage_host(&stage, 2, ",\"Spot\":true");
	expect_phase(&stage, 1, HOST_READY);
	expect_phase(&stage, 2, HOST_READY);
	web = world_service(&stage.world, stage.tenant, "web");
	world_spec(&stage.world, web, "web", SPEC(2, ",\"Hosts\":[\"disk=fast\"]"));
	assert_true(world_settled(&stage.world, web, SECONDS));
	assert_int_equal(running(&stage, 1), 2);
	cache = world_service(&stage.world, stage.tenant, "cache");
	world_spec(&stage.world, cache, "cache", SPEC(2, ",\"Hosts\":{\"Spot\":true}"));
	assert_true(world_settled(&stage.world, cache, SECONDS));
	assert_int_equal(running(&stage, 2), 2);
	stage_end(&stage);
}

struct words {
	int64_t service;
	const char *text;
};

static bool says(struct world *world, void *arg)
{
	const struct words *words = arg;
	_cleanup_object_ struct object object = OBJECT_INIT;

	return store_get(world->store, words->service, &object) == 0 && object.status &&
	       strstr(object.status, words->text);
}

static void expect_words(struct stage *stage, int64_t service, const char *text)
{
	struct words words = {service, text};
	_cleanup_object_ struct object object = OBJECT_INIT;

	if (world_wait(&stage->world, SECONDS, says, &words))
		return;
	(void)store_get(stage->world.store, service, &object);
	fail_msg("no \"%s\" in %s", text, object.status);
}

static void what_does_not_fit_is_said_and_waits_for_room(void **state)
{
	struct stage stage;
	int64_t web;

	(void)state;
	stage_begin(&stage, 2, ",\"CPU\":1,\"MemoryGiB\":1");
	web = world_service(&stage.world, stage.tenant, "web");
	world_spec(&stage.world, web, "web", SPEC(4, ",\"CPU\":0.6,\"MemoryMiB\":100"));
	expect_words(&stage, web,
		"2 of 4 replicas do not fit: each needs CPU 0.6, the largest free is 0.4 on h");
	expect_containers(&stage, 1, 1, 0);
	/* What was reserved is known after a restart, too. */
	stage_restart(&stage);
	expect_words(&stage, web, "2 of 4 replicas do not fit");
	expect_containers(&stage, 1, 1, 0);
	stage_host(&stage, 2, ",\"CPU\":2");
	assert_true(world_settled(&stage.world, web, SECONDS));
	expect_containers(&stage, 1, 1, 2);
	stage_end(&stage);
}

/* ---- hosts that go away ---- */

static void a_host_that_is_away_is_replaced_and_cleaned(void **state)
{
	struct stage stage;
	int64_t web;

	(void)state;
	stage_begin(&stage, 3, "");
	web = world_service(&stage.world, stage.tenant, "web");
	world_spec(&stage.world, web, "web", SPEC(3, ""));
	assert_true(world_settled(&stage.world, web, SECONDS));
	expect_containers(&stage, 1, 1, 1);
	puppet_set_up(stage.puppets[0], false);
	expect_phase(&stage, 0, HOST_AWAY);
	expect_words(&stage, web, "\"Healthy\":2");
	assert_true(world_settled(&stage.world, web, SECONDS));
	assert_int_equal(running(&stage, 1) + running(&stage, 2), 3);
	assert_int_equal(puppet_targets(stage.local, TARGET_READY), 3);
	assert_true(world_told(&stage.world, web, "its host h1 is lost"));
	/* What it still runs goes when it is back. */
	assert_int_equal(running(&stage, 0), 1);
	puppet_set_up(stage.puppets[0], true);
	expect_containers(&stage, 0, -1, -1);
	expect_phase(&stage, 0, HOST_READY);
	assert_true(world_settled(&stage.world, web, SECONDS));
	assert_int_equal(running(&stage, 1) + running(&stage, 2), 3);
	stage_end(&stage);
}

static void without_room_elsewhere_it_is_waited_for(void **state)
{
	struct stage stage;
	int64_t web;

	(void)state;
	stage_begin(&stage, 2, ",\"CPU\":1");
	web = world_service(&stage.world, stage.tenant, "web");
	world_spec(&stage.world, web, "web", SPEC(2, ",\"CPU\":1"));
	assert_true(world_settled(&stage.world, web, SECONDS));
	puppet_set_up(stage.puppets[1], false);
	expect_words(&stage, web, "1 of 2 replicas do not fit: each needs CPU 1");
	puppet_set_up(stage.puppets[1], true);
	assert_true(world_settled(&stage.world, web, SECONDS));
	expect_containers(&stage, 1, 1, 0);
	assert_int_equal(puppet_creates(stage.puppets[1]), 1);
	stage_end(&stage);
}

static void a_short_absence_changes_nothing(void **state)
{
	struct stage stage;
	int64_t web;

	(void)state;
	stage_begin(&stage, 2, "");
	web = world_service(&stage.world, stage.tenant, "web");
	world_spec(&stage.world, web, "web", SPEC(2, ""));
	assert_true(world_settled(&stage.world, web, SECONDS));
	puppet_set_up(stage.puppets[1], false);
	expect_words(&stage, web, "\"Healthy\":1");
	puppet_set_up(stage.puppets[1], true);
	assert_true(world_settled(&stage.world, web, SECONDS));
	assert_int_equal(puppet_creates(stage.puppets[0]), 1);
	assert_int_equal(puppet_creates(stage.puppets[1]), 1);
	stage_end(&stage);
}

/* ---- hosts that are given up ---- */

static void a_removed_host_is_drained_first(void **state)
{
	struct stage stage;
	int64_t web;

	(void)state;
	stage_begin(&stage, 2, "");
	web = world_service(&stage.world, stage.tenant, "web");
	world_spec(&stage.world, web, "web", SPEC(4, ""));
	assert_true(world_settled(&stage.world, web, SECONDS));
	(void)puppet_fewest_ready(stage.local);
	world_delete(&stage.world, stage.hosts[0]);
	assert_true(world_gone(&stage.world, stage.hosts[0], SECONDS));
	assert_true(puppet_fewest_ready(stage.local) >= 4);
	expect_containers(&stage, 0, 4, 0);
	assert_int_equal(puppet_networks(stage.puppets[0]), 0);
	assert_true(world_settled(&stage.world, web, SECONDS));
	/* The last one goes: this machine serves those who have none. */
	world_delete(&stage.world, stage.hosts[1]);
	assert_true(world_gone(&stage.world, stage.hosts[1], SECONDS));
	expect_containers(&stage, 0, 0, 0);
	assert_int_equal(puppet_containers(stage.local, "", true), 4);
	stage_end(&stage);
}

/* What serves goes on serving while the platform finds its hosts again. */
/* An upgrade that wants more room than there is says what would do without it, and then does. */
static void an_upgrade_without_room_says_so(void **state)
{
	struct stage stage;
	int64_t web;

	(void)state;
	stage_begin(&stage, 2, ",\"CPU\":1");
	web = world_service(&stage.world, stage.tenant, "web");
	world_spec(&stage.world, web, "web", SPEC(2, ",\"CPU\":1,\"MaxSurge\":1"));
	assert_true(world_settled(&stage.world, web, SECONDS));
	world_spec(&stage.world, web, "web",
		SPEC(2, ",\"CPU\":1,\"MaxSurge\":1,\"Environment\":{\"A\":\"b\"}"));
	expect_words(&stage, web,
		"the 1 that MaxSurge has beside the 2 replicas do not fit: each needs CPU 1");
	assert_int_equal(running(&stage, 0) + running(&stage, 1), 2);
	world_spec(&stage.world, web, "web", SPEC(2, ",\"CPU\":1,\"Environment\":{\"A\":\"b\"}"));
	assert_true(world_settled(&stage.world, web, SECONDS));
	stage_end(&stage);
}

static void a_restart_takes_nothing_out_of_traffic(void **state)
{
	struct stage stage;
	int64_t web;

	(void)state;
	stage_begin(&stage, 2, ",\"CPU\":1");
	web = world_service(&stage.world, stage.tenant, "web");
	world_spec(&stage.world, web, "web", SPEC(2, ",\"CPU\":0.6"));
	assert_true(world_settled(&stage.world, web, SECONDS));
	(void)puppet_fewest_ready(stage.local);
	stage_restart(&stage);
	world_spec(&stage.world, web, "web", SPEC(3, ",\"CPU\":0.6"));
	expect_words(&stage, web, "1 of 3 replicas do not fit");
	assert_true(puppet_fewest_ready(stage.local) >= 2);
	assert_int_equal(puppet_containers(stage.local, "", false), 0);
	assert_int_equal(puppet_creates(stage.puppets[0]), 1);
	assert_int_equal(puppet_creates(stage.puppets[1]), 1);
	stage_end(&stage);
}

static void draining_and_removing_survive_a_restart(void **state)
{
	struct stage stage;
	int64_t web;

	(void)state;
	stage_begin(&stage, 2, "");
	web = world_service(&stage.world, stage.tenant, "web");
	world_spec(&stage.world, web, "web", SPEC(4, ""));
	assert_true(world_settled(&stage.world, web, SECONDS));
	world_delete(&stage.world, stage.hosts[0]);
	stage_restart(&stage);
	assert_true(world_gone(&stage.world, stage.hosts[0], SECONDS));
	expect_containers(&stage, 0, 4, 0);
	stage_end(&stage);
}

static void drain_is_a_field_that_can_be_taken_back(void **state)
{
	struct stage stage;
	int64_t web;

	(void)state;
	stage_begin(&stage, 2, "");
	web = world_service(&stage.world, stage.tenant, "web");
	world_spec(&stage.world, web, "web", SPEC(2, ""));
	assert_true(world_settled(&stage.world, web, SECONDS));
	stage_host(&stage, 0, ",\"Drain\":true");
	expect_phase(&stage, 0, HOST_DRAINED);
	expect_containers(&stage, 0, 2, 0);
	stage_host(&stage, 0, ",\"Schedulable\":false");
	expect_phase(&stage, 0, HOST_READY);
	world_spec(&stage.world, web, "web", SPEC(3, ""));
	assert_true(world_settled(&stage.world, web, SECONDS));
	expect_containers(&stage, 0, 3, 0);
	stage_host(&stage, 0, "");
	expect_phase(&stage, 0, HOST_READY);
	world_spec(&stage.world, web, "web", SPEC(5, ""));
	assert_true(world_settled(&stage.world, web, SECONDS));
	expect_containers(&stage, 2, 3, 0);
	stage_end(&stage);
}

static void a_dead_host_can_be_removed(void **state)
{
	struct stage stage;
	int64_t web;

	(void)state;
	stage_begin(&stage, 2, ",\"CPU\":1");
	web = world_service(&stage.world, stage.tenant, "web");
	world_spec(&stage.world, web, "web", SPEC(2, ",\"CPU\":1"));
	assert_true(world_settled(&stage.world, web, SECONDS));
	puppet_set_up(stage.puppets[0], false);
	expect_phase(&stage, 0, HOST_AWAY);
	world_delete(&stage.world, stage.hosts[0]);
	assert_true(world_gone(&stage.world, stage.hosts[0], SECONDS));
	expect_words(&stage, web, "1 of 2 replicas do not fit");
	/* And everything else goes as ever. */
	world_delete(&stage.world, web);
	assert_true(world_gone(&stage.world, web, SECONDS));
	world_delete(&stage.world, stage.hosts[1]);
	assert_true(world_gone(&stage.world, stage.hosts[1], SECONDS));
	world_delete(&stage.world, stage.tenant);
	assert_true(world_gone(&stage.world, stage.tenant, SECONDS));
	assert_int_equal(puppet_containers(stage.puppets[1], "", false), 0);
	stage_end(&stage);
}

static void a_machine_that_cannot_be_made_says_so(void **state)
{
	struct stage stage;
	_cleanup_object_ struct object object = OBJECT_INIT;
	int64_t web;

	(void)state;
	stage_begin(&stage, 0, "");
	stage.hosts[0] = world_host(&stage.world, stage.tenant, "h1", "{\"CPU\":2}\n");
	expect_phase(&stage, 0, HOST_FAILED);
	assert_int_equal(store_get(stage.world.store, stage.hosts[0], &object), 0);
	assert_true(object.failed);
	assert_non_null(strstr(object.reason, "set Engine"));
	/* It is no host: this machine goes on serving. */
	web = world_service(&stage.world, stage.tenant, "web");
	world_spec(&stage.world, web, "web", SPEC(1, ""));
	assert_true(world_settled(&stage.world, web, SECONDS));
	assert_int_equal(puppet_containers(stage.local, "", true), 1);
	stage_host(&stage, 0, "");
	expect_phase(&stage, 0, HOST_READY);
	stage_end(&stage);
}

/* Two names for one engine would count its room twice. */
static void one_engine_is_one_host(void **state)
{
	struct stage stage;
	_cleanup_object_ struct object object = OBJECT_INIT;

	(void)state;
	stage_begin(&stage, 1, "");
	stage.hosts[1] =
		world_host(&stage.world, stage.tenant, "h2", "{\"Engine\":\"unix:///puppet/1\"}\n");
	expect_phase(&stage, 1, HOST_FAILED);
	assert_int_equal(store_get(stage.world.store, stage.hosts[1], &object), 0);
	assert_non_null(strstr(object.reason, "is host h1 already"));
	/* It can be had as soon as the other one has gone. */
	world_delete(&stage.world, stage.hosts[0]);
	assert_true(world_gone(&stage.world, stage.hosts[0], SECONDS));
	expect_phase(&stage, 1, HOST_READY);
	stage_end(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(instances_are_spread),
		cmocka_unit_test(a_preferred_host_is_taken_first),
		cmocka_unit_test(what_does_not_fit_is_said_and_waits_for_room),
		cmocka_unit_test(a_host_that_is_away_is_replaced_and_cleaned),
		cmocka_unit_test(without_room_elsewhere_it_is_waited_for),
		cmocka_unit_test(a_short_absence_changes_nothing),
		cmocka_unit_test(a_removed_host_is_drained_first),
		cmocka_unit_test(an_upgrade_without_room_says_so),
		cmocka_unit_test(a_restart_takes_nothing_out_of_traffic),
		cmocka_unit_test(draining_and_removing_survive_a_restart),
		cmocka_unit_test(drain_is_a_field_that_can_be_taken_back),
		cmocka_unit_test(a_dead_host_can_be_removed),
		cmocka_unit_test(a_machine_that_cannot_be_made_says_so),
		cmocka_unit_test(one_engine_is_one_host),
	};

	return cmocka_run_group_tests(tests, listen_for_all, listen_no_more);
}
