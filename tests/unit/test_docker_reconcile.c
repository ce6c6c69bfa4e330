/* SPDX-License-Identifier: Apache-2.0 */
/* The reconcilers on a real Docker Engine: containers that answer, views that follow, a process
 * that is killed at random points, and nothing left at the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "cloud/cloud.h"
#include "engine/engine.h"
#include "model/instance.h"
#include "tests/unit/docker_fixture.h"
#include "tests/unit/world.h"

#define SECONDS 60

static char image[80];

static int make_image(void **state)
{
	struct error error = ERROR_INIT;

	(void)state;
	(void)snprintf(image, sizeof(image), "duplofs-test/reconcile:%d", (int)getpid());
	if (fixture_image_make(fixture_docker_url(), image, &error) < 0) {
		print_error("%s\n", error.text);
		return -1;
	}
	return 0;
}

static int remove_image(void **state)
{
	(void)state;
	return fixture_image_remove(fixture_docker_url(), image, NULL);
}

static void start(struct world *world)
{
	struct error error = ERROR_INIT;
	struct engine *engine;
	struct cloud *cloud;

	assert_int_equal(engine_docker_new(&engine, fixture_docker_url(),
				 store_platform(world->store), &error),
		0);
	assert_int_equal(cloud_simulated_new(&cloud, 0, &error), 0);
	world_start(world, engine, cloud, false);
}

/* httpd shows what the container sees at /duplo. */
static const char *spec(char *text, size_t size, int replicas, const char *more)
{
	(void)snprintf(text, size,
		"{\"DockerImage\":\"%s\",\"Replicas\":%d,\"ContainerPort\":80,\"DrainSeconds\":1,"
		"\"Command\":[\"httpd\",\"-f\",\"-p\",\"80\",\"-h\",\"/duplo\"]%s}",
		image, replicas, more);
	return text;
}

#define SPEC(replicas, more) spec((char[512]){0}, 512, replicas, more)

struct tally {
	int all, running;
	char name[256];
};

static int count_one(void *arg, const struct container_state *state)
{
	struct tally *tally = arg;

	tally->all++;
	tally->running += state->phase == CONTAINER_RUNNING;
	(void)text_copy(tally->name, sizeof(tally->name), state->name);
	return 0;
}

static struct tally count_containers(struct world *world)
{
	struct tally tally = {0};

	assert_int_equal(world->engine->ops->list(world->engine, count_one, &tally, NULL), 0);
	return tally;
}

static int one_network(void *arg, const char *name)
{
	(void)name;
	(*(int *)arg)++;
	return 0;
}

static int take_address(void *arg, const struct object *object)
{
	struct instance_status status;

	if (instance_status_parse(object->status, &status) == 0 && status.address[0])
		(void)text_copy(arg, 64, status.address);
	return 0;
}

/* What the container of ordinal 0 serves at path; "" when it does not. */
static void fetch(struct world *world, int64_t service, const char *path, struct buf *body)
{
	char address[64] = "", command[256];
	FILE *pipe;
	char text[256];
	size_t len;

	assert_int_equal(store_list(world->store, service, KIND_INSTANCE, 0, true, take_address,
				 address),
		0);
	(void)snprintf(command, sizeof(command), "curl -sf -m 2 http://%s%s", address, path);
	pipe = popen(command, "r"); /* addresses are the engine's, paths the test's own */
	assert_non_null(pipe);
	while ((len = fread(text, 1, sizeof(text), pipe)) > 0)
		buf_add(body, text, len);
	(void)pclose(pipe);
}

struct seen {
	int64_t service;
	const char *path, *content;
};

static bool container_sees(struct world *world, void *arg)
{
	const struct seen *seen = arg;
	_cleanup_buf_ struct buf body = BUF_INIT;

	fetch(world, seen->service, seen->path, &body);
	return strcmp(buf_string(&body), seen->content) == 0;
}

static void expect_nothing_left(struct world *world)
{
	int networks = 0;

	assert_int_equal(count_containers(world).all, 0);
	assert_int_equal(world->engine->ops->network_list(world->engine, one_network, &networks,
				 NULL),
		0);
	assert_int_equal(networks, 0);
}

static void containers_run_and_see_what_changes(void **state)
{
	struct world world;
	int64_t tenant, service, secret;
	struct seen seen;
	struct stat st;
	char path[160];

	(void)state;
	world_begin(&world);
	start(&world);
	tenant = world_tenant(&world, "rct");
	secret = world_value(&world, tenant, true, "TOKEN", "first");
	service = world_service(&world, tenant, "web");
	world_spec(&world, service, "web", SPEC(2, ",\"ExternalLBPort\":80"));
	assert_true(world_settled(&world, service, SECONDS));
	assert_int_equal(count_containers(&world).running, 2);

	seen = (struct seen){service, "/secrets/TOKEN", "first"};
	assert_true(world_wait(&world, 5, container_sees, &seen));
	assert_int_equal(world_value(&world, tenant, true, "TOKEN", "second"), secret);
	seen.content = "second";
	assert_true(world_wait(&world, 5, container_sees, &seen));
	world_value(&world, service, false, "COLOR", "green");
	seen = (struct seen){service, "/config/COLOR", "green"};
	assert_true(world_wait(&world, 5, container_sees, &seen));
	(void)snprintf(path, sizeof(path), "%s/%lld/secrets/TOKEN", world.view_dir,
		(long long)service);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0444);
	world_delete(&world, secret);
	assert_true(world_gone(&world, secret, SECONDS));
	seen = (struct seen){service, "/secrets/TOKEN", ""};
	assert_true(world_wait(&world, 5, container_sees, &seen));

	world_delete(&world, service);
	world_delete(&world, tenant);
	assert_true(world_gone(&world, tenant, SECONDS));
	expect_nothing_left(&world);
	world_end(&world);
}

static bool settled_again(struct world *world, void *arg)
{
	(void)arg;
	return count_containers(world).running == 2;
}

static void a_container_killed_from_outside_comes_back(void **state)
{
	struct world world;
	int64_t tenant, service;
	struct tally tally;

	(void)state;
	world_begin(&world);
	start(&world);
	tenant = world_tenant(&world, "rck");
	service = world_service(&world, tenant, "web");
	world_spec(&world, service, "web", SPEC(2, ""));
	assert_true(world_settled(&world, service, SECONDS));
	tally = count_containers(&world);
	assert_int_equal(world.engine->ops->kill(world.engine, tally.name, "KILL", NULL), 0);
	assert_true(world_wait(&world, 2, settled_again, NULL));
	/* One that somebody removes altogether is made anew. */
	assert_int_equal(world.engine->ops->remove(world.engine, tally.name, NULL), 0);
	assert_true(world_wait(&world, SECONDS, settled_again, NULL));
	assert_true(world_settled(&world, service, SECONDS));
	world_delete(&world, service);
	world_delete(&world, tenant);
	assert_true(world_gone(&world, tenant, SECONDS));
	expect_nothing_left(&world);
	world_end(&world);
}

/* Lets another process do the work, and kills it after delay_ms. */
static void work_and_be_killed(struct world *world, int delay_ms)
{
	pid_t pid;
	int status;

	world_stop(world);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		world_open(world);
		start(world);
		for (;;)
			(void)pause();
	}
	(void)usleep((useconds_t)delay_ms * 1000);
	(void)kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	world_open(world);
}

static void killed_at_any_point_it_goes_on(void **state)
{
	static const int replicas[] = {3, 5, 1, 4, 0, 2};
	struct world world;
	int64_t tenant, service;
	unsigned seed = 11;

	(void)state;
	world_begin(&world);
	tenant = world_tenant(&world, "rcx");
	service = world_service(&world, tenant, "web");
	for (int round = 0; round < 12; round++) {
		char more[80];

		seed = seed * 1103515245u + 12345u;
		(void)snprintf(more, sizeof(more), ",\"Environment\":{\"ROUND\":\"%d\"}",
			round / 2);
		world_spec(&world, service, "web", SPEC(replicas[round % 6], more));
		work_and_be_killed(&world, (int)((seed >> 16) % 900));
	}
	world_spec(&world, service, "web", SPEC(3, ""));
	start(&world);
	assert_true(world_settled(&world, service, SECONDS));
	assert_int_equal(count_containers(&world).all, 3);
	assert_int_equal(count_containers(&world).running, 3);
	world_delete(&world, service);
	work_and_be_killed(&world, 300);
	world_delete(&world, tenant);
	start(&world);
	assert_true(world_gone(&world, tenant, SECONDS));
	expect_nothing_left(&world);
	world_end(&world);
}

/* Ours by the label, unknown to the journal: told, and left alone. */
static void a_stray_is_left_alone(void **state)
{
	struct world world;
	struct label labels[1] = {{LABEL_PLATFORM, NULL}};
	struct container_spec stray = {.image = image, .labels = labels, .label_count = 1};
	char name[64], id[ENGINE_ID_MAX];

	(void)state;
	world_begin(&world);
	(void)snprintf(name, sizeof(name), "rcs-stray-%d", (int)getpid());
	labels[0].value = store_platform(world.store);
	stray.name = name;
	start(&world);
	assert_int_equal(world.engine->ops->create(world.engine, &stray, id, NULL), 0);
	work_and_be_killed(&world, 1000);
	assert_true(world_told(&world, PLATFORM_ID, name));
	start(&world);
	assert_int_equal(count_containers(&world).all, 1);
	assert_int_equal(world.engine->ops->remove(world.engine, id, NULL), 0);
	world_end(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(containers_run_and_see_what_changes),
		cmocka_unit_test(a_container_killed_from_outside_comes_back),
		cmocka_unit_test(killed_at_any_point_it_goes_on),
		cmocka_unit_test(a_stray_is_left_alone),
	};

	return cmocka_run_group_tests(tests, make_image, remove_image);
}
