/* SPDX-License-Identifier: Apache-2.0 */
/* What containers see and how they fare: the view's files, what follows a change of configuration,
 * and a program that stops to answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "tests/unit/http_peer.h"
#include "tests/unit/puppet.h"
#include "tests/unit/world.h"

#define SECONDS 30

struct stage {
	struct world world;
	struct puppet *puppet;
	struct peer peer; /* answers for all containers */
	int64_t tenant, service;
};

static void stage_spec(struct stage *stage, int replicas, const char *more)
{
	char text[512];

	(void)snprintf(text, sizeof(text),
		"{\"DockerImage\":\"web:1\",\"Replicas\":%d,\"ContainerPort\":%d,"
		"\"DrainSeconds\":1,\"HealthCheck\":{\"IntervalSeconds\":1}%s}",
		replicas, stage->peer.port, more);
	world_spec(&stage->world, stage->service, "web", text);
}

static void stage_begin(struct stage *stage, int replicas, const char *more)
{
	world_begin(&stage->world);
	stage->puppet = puppet_new();
	assert_non_null(stage->puppet);
	assert_int_equal(peer_start(&stage->peer, NULL), 0);
	stage->tenant = world_tenant(&stage->world, "demo");
	stage->service = world_service(&stage->world, stage->tenant, "web");
	world_start(&stage->world, puppet_engine(stage->puppet), puppet_cloud(stage->puppet),
		false);
	stage_spec(stage, replicas, more);
	assert_true(world_settled(&stage->world, stage->service, SECONDS));
}

static void stage_end(struct stage *stage)
{
	world_end(&stage->world);
	peer_stop(&stage->peer);
	puppet_free(stage->puppet);
}

struct file {
	struct stage *stage;
	const char *name, *content; /* NULL: there is none */
};

static void file_path(const struct file *file, char *path, size_t size)
{
	(void)snprintf(path, size, "%s/%lld/%s", file->stage->world.view_dir,
		(long long)file->stage->service, file->name);
}

static bool file_holds(struct world *world, void *arg)
{
	const struct file *file = arg;
	_cleanup_buf_ struct buf there = BUF_INIT;
	char path[1024];

	(void)world;
	file_path(file, path, sizeof(path));
	if (!file->content)
		return access(path, F_OK) < 0;
	return file_read(path, 65536, &there, NULL) == 0 &&
	       strcmp(buf_string(&there), file->content) == 0;
}

static void expect_file(struct stage *stage, const char *name, const char *content)
{
	struct file file = {stage, name, content};

	if (!world_wait(&stage->world, SECONDS, file_holds, &file))
		fail_msg("%s does not hold %s", name, content ? content : "nothing");
}

static int compare_times(const void *a, const void *b)
{
	return (*(const int64_t *)a > *(const int64_t *)b) -
	       (*(const int64_t *)a < *(const int64_t *)b);
}

static void the_view_follows_the_store(void **state)
{
	struct stage stage;
	int64_t token, color, times_ns[100];
	char lines[256], path[1024];
	struct stat st;

	(void)state;
	stage_begin(&stage, 2, "");
	(void)snprintf(lines, sizeof(lines), "127.0.0.1:%d\n127.0.0.1:%d\n", stage.peer.port,
		stage.peer.port);
	expect_file(&stage, "neighbors/web", lines);
	token = world_value(&stage.world, stage.tenant, true, "TOKEN", "one");
	expect_file(&stage, "secrets/TOKEN", "one");
	world_value(&stage.world, stage.tenant, false, "COLOR", "of the tenant");
	expect_file(&stage, "config/COLOR", "of the tenant");
	color = world_value(&stage.world, stage.service, false, "COLOR", "of the service");
	expect_file(&stage, "config/COLOR", "of the service");
	world_delete(&stage.world, color);
	expect_file(&stage, "config/COLOR", "of the tenant");
	world_delete(&stage.world, token);
	expect_file(&stage, "secrets/TOKEN", NULL);
	assert_true(world_gone(&stage.world, token, SECONDS));
	file_path(&(struct file){&stage, "config/COLOR", ""}, path, sizeof(path));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0444);
	for (int i = 0; i < 100; i++) {
		char value[16];
		struct file file = {&stage, "config/COLOR", value};
		int64_t since_ns;

		(void)snprintf(value, sizeof(value), "%d", i);
		world_value(&stage.world, stage.tenant, false, "COLOR", value);
		since_ns = clock_now_ns();
		while (!file_holds(&stage.world, &file))
			assert_true(clock_now_ns() < since_ns + SECONDS * NS_PER_SECOND);
		times_ns[i] = clock_now_ns() - since_ns;
	}
	qsort(times_ns, 100, sizeof(times_ns[0]), compare_times);
	print_message("a value is in the view after %.2f ms (median), %.2f ms (p99)\n",
		(double)times_ns[50] / 1e6, (double)times_ns[98] / 1e6);
	stage_end(&stage);
}

/* A version of this program before sets left directories where there are links now. */
static void a_view_of_before_becomes_one_of_sets(void **state)
{
	struct stage stage = {.tenant = 0};
	char path[1024], target[64];
	ssize_t len;

	(void)state;
	world_begin(&stage.world);
	stage.puppet = puppet_new();
	assert_non_null(stage.puppet);
	assert_int_equal(peer_start(&stage.peer, NULL), 0);
	stage.tenant = world_tenant(&stage.world, "demo");
	stage.service = world_service(&stage.world, stage.tenant, "web");
	world_value(&stage.world, stage.tenant, false, "COLOR", "red");
	file_path(&(struct file){&stage, "config", ""}, path, sizeof(path));
	assert_int_equal(file_mkdirs(path, 0755, NULL), 0);
	(void)strcat(path, "/OLD");
	assert_int_equal(file_write_atomic(path, "old", 3, 0444, 0, NULL), 0);
	file_path(&(struct file){&stage, "self.json", ""}, path, sizeof(path));
	assert_int_equal(file_write_atomic(path, "{}", 2, 0444, 0, NULL), 0);
	world_start(&stage.world, puppet_engine(stage.puppet), puppet_cloud(stage.puppet), false);
	expect_file(&stage, "config/COLOR", "red");
	expect_file(&stage, "config/OLD", NULL);
	len = readlink(path, target, sizeof(target));
	assert_int_equal(len, strlen("..data/self.json"));
	assert_memory_equal(target, "..data/self.json", (size_t)len);
	world_value(&stage.world, stage.tenant, false, "COLOR", "blue");
	expect_file(&stage, "config/COLOR", "blue");
	stage_end(&stage);
}

static void peers_come_and_go(void **state)
{
	struct stage stage;
	int64_t other;
	char text[256], lines[64];

	(void)state;
	stage_begin(&stage, 1, "");
	other = world_service(&stage.world, stage.tenant, "api");
	(void)snprintf(text, sizeof(text), "{\"DockerImage\":\"api:1\",\"ContainerPort\":%d}",
		stage.peer.port);
	world_spec(&stage.world, other, "api", text);
	(void)snprintf(lines, sizeof(lines), "127.0.0.1:%d\n", stage.peer.port);
	expect_file(&stage, "neighbors/api", lines);
	world_delete(&stage.world, other);
	expect_file(&stage, "neighbors/api", NULL);
	stage_end(&stage);
}

static bool signalled_twice(struct world *world, void *arg)
{
	struct stage *stage = arg;
	char name[16];

	(void)world;
	return puppet_signals(stage->puppet, name, sizeof(name)) == 2 && strcmp(name, "HUP") == 0;
}

static void a_signal_follows_a_change(void **state)
{
	struct stage stage;

	(void)state;
	stage_begin(&stage, 2, ",\"OnConfigChange\":\"signal:HUP\"");
	world_value(&stage.world, stage.tenant, false, "COLOR", "red");
	assert_true(world_wait(&stage.world, SECONDS, signalled_twice, &stage));
	assert_int_equal(puppet_creates(stage.puppet), 2);
	stage_end(&stage);
}

static bool replaced_all(struct world *world, void *arg)
{
	struct stage *stage = arg;

	(void)world;
	return puppet_creates(stage->puppet) == 4 &&
	       puppet_containers(stage->puppet, "", true) == 2;
}

static void a_restart_follows_a_change(void **state)
{
	struct stage stage;

	(void)state;
	stage_begin(&stage, 2, ",\"OnConfigChange\":\"restart\"");
	world_value(&stage.world, stage.tenant, true, "TOKEN", "new");
	assert_true(world_wait(&stage.world, SECONDS, replaced_all, &stage));
	assert_true(world_settled(&stage.world, stage.service, SECONDS));
	assert_true(world_told(&stage.world, stage.service, "restarting by domains"));
	stage_end(&stage);
}

static bool out_of_traffic(struct world *world, void *arg)
{
	struct stage *stage = arg;

	(void)world;
	return puppet_targets(stage->puppet, TARGET_READY) == 0;
}

static bool one_replaced(struct world *world, void *arg)
{
	(void)world;
	return puppet_creates(((struct stage *)arg)->puppet) > 1;
}

/* Its first failure ends traffic, the threshold brings another container. */
static void one_that_stops_to_answer_leaves_and_is_replaced(void **state)
{
	struct stage stage;
	char lines[64];

	(void)state;
	stage_begin(&stage, 1, ",\"ExternalLBPort\":80");
	assert_int_equal(puppet_targets(stage.puppet, TARGET_READY), 1);
	peer_stop(&stage.peer);
	assert_true(world_wait(&stage.world, SECONDS, out_of_traffic, &stage));
	expect_file(&stage, "neighbors/web", "");
	assert_true(world_wait(&stage.world, SECONDS, one_replaced, &stage));
	assert_true(world_told(&stage.world, stage.service, "stays unhealthy, is replaced"));
	assert_int_equal(peer_start(&stage.peer, NULL), 0);
	stage_spec(&stage, 1, ",\"ExternalLBPort\":80"); /* the new peer has another port */
	assert_true(world_settled(&stage.world, stage.service, SECONDS));
	(void)snprintf(lines, sizeof(lines), "127.0.0.1:%d\n", stage.peer.port);
	expect_file(&stage, "neighbors/web", lines);
	stage_end(&stage);
}

struct names {
	struct stage *stage;
	int balancers, names;
};

static bool balancers_and_names(struct world *world, void *arg)
{
	const struct names *names = arg;

	(void)world;
	return puppet_balancers(names->stage->puppet) == names->balancers &&
	       puppet_names(names->stage->puppet) == names->names;
}

static void old_names_and_balancers_go(void **state)
{
	struct stage stage;
	struct names expected = {&stage, 1, 1};

	(void)state;
	stage_begin(&stage, 1, ",\"ExternalLBPort\":80,\"DNS\":\"a.demo.test\"");
	assert_true(balancers_and_names(&stage.world, &expected));
	stage_spec(&stage, 1, ",\"ExternalLBPort\":80,\"DNS\":\"b.demo.test\"");
	assert_true(world_settled(&stage.world, stage.service, SECONDS));
	assert_true(world_wait(&stage.world, SECONDS, balancers_and_names, &expected));
	assert_int_equal(puppet_creates(stage.puppet), 1); /* a name restarts nothing */
	stage_spec(&stage, 1, "");
	assert_true(world_settled(&stage.world, stage.service, SECONDS));
	expected.balancers = expected.names = 0;
	assert_true(world_wait(&stage.world, SECONDS, balancers_and_names, &expected));
	stage_end(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_view_follows_the_store),
		cmocka_unit_test(a_view_of_before_becomes_one_of_sets),
		cmocka_unit_test(peers_come_and_go),
		cmocka_unit_test(a_signal_follows_a_change),
		cmocka_unit_test(a_restart_follows_a_change),
		cmocka_unit_test(one_that_stops_to_answer_leaves_and_is_replaced),
		cmocka_unit_test(old_names_and_balancers_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
