/* SPDX-License-Identifier: Apache-2.0 */
/* The event stream and the logs of a Docker Engine of the test's own, which it may stop
 * and start. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/lock.h"
#include "docker_fixture.h"
#include "engine/engine.h"

#define PATIENCE_NS (60 * NS_PER_SECOND)

static char directory[] = "/tmp/duplofs-test-docker.XXXXXX";
static char url[128];
static pid_t dockerd;
static struct engine *engine;
static struct error error;

static struct lock lock = LOCK_INIT(LOCK_LEAF);
static struct cond changed;
static struct engine_event seen[64];
static size_t seen_count, looked_at;

#define assert_fine(call)                                                                          \
	do {                                                                                       \
		error_clear(&error);                                                               \
		if ((call) < 0)                                                                    \
			fail_msg("%s: %s", #call, error.text);                                     \
	} while (0)

static void on_event(void *arg, const struct engine_event *event)
{
	(void)arg;
	LOCKED(&lock);
	if (seen_count < sizeof(seen) / sizeof(seen[0]))
		seen[seen_count++] = *event;
	cond_broadcast(&changed);
}

/* Waits for the next event of type; others before it are passed over. */
static bool await_event(enum engine_event_type type, struct engine_event *ret)
{
	int64_t deadline_ns = clock_now_ns() + PATIENCE_NS;

	LOCKED(&lock);
	for (;;) {
		while (looked_at < seen_count) {
			*ret = seen[looked_at++];
			if (ret->type == type)
				return true;
		}
		if (!cond_wait_until(&changed, &lock, deadline_ns))
			return false;
	}
}

static const char *below(const char *name)
{
	static char paths[8][128];
	static unsigned turn;
	char *path = paths[turn++ % 8];

	(void)snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
	return path;
}

/* In a network namespace of its own: with "--bridge none" it would take docker0 away from the
 * machine's engine. */
static int start_dockerd(void)
{
	/* Room for one network: for the next the platform has to find a range. */
	static const char config[] =
		"{\"default-address-pools\":[{\"base\":\"10.199.0.0/24\",\"size\":24}]}";
	static char unshare[256], path[256];
	const char *argv[] = {unshare, "--net", path, "--data-root", below("data"), "--exec-root",
		below("exec"), "-p", below("pid"), "-H", url, "--config-file", below("config.json"),
		"--bridge", "none", "--iptables=false", NULL};
	int fd, r;

	r = child_find("dockerd", path, sizeof(path));
	if (r < 0)
		return error_set(&error, r, "dockerd is not installed");
	r = child_find("unshare", unshare, sizeof(unshare));
	if (r < 0)
		return error_set(&error, r, "unshare is not installed");
	r = file_write_atomic(below("config.json"), config, strlen(config), 0600, 0, &error);
	if (r < 0)
		return r;
	fd = open(below("log"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_errno(&error, errno, "log");
	r = child_start(argv, fd, &dockerd, &error);
	(void)close(fd);
	return r;
}

static void stop_dockerd(void)
{
	if (dockerd > 0)
		child_stop(dockerd, 20000);
	dockerd = 0;
}

static int set_up(void **state)
{
	(void)state;
	cond_init(&changed);
	if (!mkdtemp(directory))
		return -1;
	(void)snprintf(url, sizeof(url), "unix://%s", below("sock"));
	return engine_docker_new(&engine, url, "events", &error);
}

static int tear_down(void **state)
{
	(void)state;
	engine_free(engine);
	stop_dockerd();
	return file_remove_tree(directory, NULL);
}

static void an_engine_that_comes_up_is_noticed(void **state)
{
	struct engine_event event;

	(void)state;
	assert_fine(engine->ops->watch(engine, on_event, NULL, &error));
	assert_int_equal(engine->ops->watch(engine, on_event, NULL, &error), -EALREADY);
	assert_true(await_event(ENGINE_DOWN, &event));
	assert_int_equal(event.error.code, -ENOTCONN);
	assert_non_null(strstr(event.error.text, "dockerd"));
	assert_fine(start_dockerd());
	assert_true(await_event(ENGINE_UP, &event));
	assert_fine(fixture_image_make(url, "events:1", &error));
}

static int remove_network(void *arg, const char *name)
{
	int *count = arg;

	(*count)++;
	return engine->ops->network_remove(engine, name, &error);
}

static void networks_go_on_beyond_the_engines_pools(void **state)
{
	static const struct label labels[] = {{LABEL_PLATFORM, "events"}};
	char name[32];
	int count = 0;

	(void)state;
	for (int i = 0; i < 4; i++) {
		(void)snprintf(name, sizeof(name), "tenant-%d", i);
		assert_fine(engine->ops->network_ensure(engine, name, labels, 1, &error));
		assert_fine(engine->ops->network_ensure(engine, name, labels, 1, &error));
	}
	assert_fine(engine->ops->network_list(engine, remove_network, &count, &error));
	assert_int_equal(count, 4);
}

static struct container_spec spec_of(const char *name, const char *const *command)
{
	static const struct label labels[] = {
		{LABEL_PLATFORM, "events"}, {LABEL_INSTANCE, "1234567890123"}};

	return (struct container_spec){.name = name,
		.image = "events:1",
		.command = command,
		.network = "none",
		.labels = labels,
		.label_count = 2};
}

static void a_life_is_told(void **state)
{
	static const char *const exits[] = {"sh", "-c", "exit 3", NULL};
	struct container_spec spec = spec_of("life", exits);
	struct engine_event event;
	char id[ENGINE_ID_MAX];

	(void)state;
	assert_fine(engine->ops->create(engine, &spec, id, &error));
	assert_fine(engine->ops->start(engine, id, &error));
	assert_true(await_event(ENGINE_CONTAINER_STARTED, &event));
	assert_string_equal(event.container, id);
	assert_int_equal(event.instance, 1234567890123);
	assert_true(await_event(ENGINE_CONTAINER_DIED, &event));
	assert_string_equal(event.container, id);
	assert_int_equal(event.instance, 1234567890123);
	assert_int_equal(event.exit_code, 3);
	assert_fine(engine->ops->remove(engine, id, &error));
	assert_true(await_event(ENGINE_CONTAINER_REMOVED, &event));
	assert_string_equal(event.container, id);
}

static struct {
	struct buf text;
	int64_t first_ns, last_ns;
	int ends;
} output;

static void on_log(void *arg, int64_t wall_ns, const char *data, size_t len)
{
	(void)arg;
	LOCKED(&lock);
	if (output.text.len == 0)
		output.first_ns = wall_ns;
	/* Output and errors are two streams: they may come in either order. */
	if (wall_ns > output.last_ns)
		output.last_ns = wall_ns;
	buf_add(&output.text, data, len);
	cond_broadcast(&changed);
}

static void on_log_end(void *arg)
{
	(void)arg;
	LOCKED(&lock);
	output.ends++;
	cond_broadcast(&changed);
}

static bool await_output(const char *wanted, int ends)
{
	int64_t deadline_ns = clock_now_ns() + PATIENCE_NS;

	LOCKED(&lock);
	while (output.ends < ends || !strstr(buf_string(&output.text), wanted)) {
		if (!cond_wait_until(&changed, &lock, deadline_ns)) {
			print_error("%zu bytes, %d ends\n", output.text.len, output.ends);
			return false;
		}
	}
	return true;
}

static void output_is_followed_and_resumed(void **state)
{
	static const char *const talks[] = {"sh", "-c", "echo one; echo two >&2; sleep 600", NULL};
	struct container_spec spec = spec_of("talks", talks);
	struct engine_log *log = NULL;
	int64_t last_ns;
	char id[ENGINE_ID_MAX];

	(void)state;
	output.text = BUF_INIT;
	assert_fine(engine->ops->create(engine, &spec, id, &error));
	assert_fine(engine->ops->start(engine, id, &error));
	assert_fine(engine->ops->log_follow(engine, id, 0, on_log, on_log_end, NULL, &log, &error));
	assert_true(await_output("one\n", 0));
	assert_true(await_output("two\n", 0));
	engine->ops->log_stop(engine, log);
	assert_int_equal(output.ends, 0);
	assert_in_range(clock_wall_ns() - output.first_ns, 0, PATIENCE_NS);
	assert_true(output.last_ns >= output.first_ns);

	last_ns = output.last_ns;
	buf_reset(&output.text);
	assert_fine(engine->ops->log_follow(engine, id, last_ns + 1, on_log, on_log_end, NULL, &log,
		&error));
	assert_fine(engine->ops->kill(engine, id, "KILL", &error));
	assert_true(await_output("", 1));
	assert_string_equal(buf_string(&output.text), "");
	engine->ops->log_stop(engine, log);
	assert_fine(engine->ops->remove(engine, id, &error));
	buf_done(&output.text);
}

static void much_output_comes_whole(void **state)
{
	static const char *const talks[] = {"sh", "-c", "seq 1 50000; echo end", NULL};
	struct container_spec spec = spec_of("much", talks);
	struct engine_log *log = NULL;
	char id[ENGINE_ID_MAX], *at;

	(void)state;
	output.text = BUF_INIT;
	output.ends = 0;
	assert_fine(engine->ops->create(engine, &spec, id, &error));
	assert_fine(engine->ops->start(engine, id, &error));
	assert_fine(engine->ops->log_follow(engine, id, 0, on_log, on_log_end, NULL, &log, &error));
	assert_true(await_output("end\n", 1));
	at = output.text.data;
	for (long i = 1; i <= 50000; i++) {
		assert_int_equal(strtol(at, &at, 10), i);
		assert_int_equal(*at++, '\n');
	}
	assert_string_equal(at, "end\n");
	engine->ops->log_stop(engine, log);
	assert_fine(engine->ops->remove(engine, id, &error));
	buf_done(&output.text);
}

static void an_engine_that_stops_and_returns_is_noticed(void **state)
{
	struct engine_event event;
	char version[64];

	(void)state;
	stop_dockerd();
	assert_true(await_event(ENGINE_DOWN, &event));
	assert_int_equal(event.error.code, -ENOTCONN);
	assert_int_equal(engine->ops->ping(engine, version, sizeof(version), &error), -ENOTCONN);
	assert_fine(start_dockerd());
	assert_true(await_event(ENGINE_UP, &event));
	assert_fine(engine->ops->ping(engine, version, sizeof(version), &error));
	a_life_is_told(NULL);
}

static void an_engine_that_hangs_is_noticed(void **state)
{
	struct engine_event event;

	(void)state;
	assert_int_equal(kill(dockerd, SIGSTOP), 0);
	assert_true(await_event(ENGINE_DOWN, &event));
	assert_int_equal(event.error.code, -ETIMEDOUT);
	assert_int_equal(kill(dockerd, SIGCONT), 0);
	assert_true(await_event(ENGINE_UP, &event));
}

static void *pull_forever(void *arg)
{
	struct error *why = arg;

	/* TEST-NET-1: nobody answers there. */
	(void)engine->ops->image_pull(engine, "192.0.2.1:5000/web:1", NULL, NULL, why);
	return NULL;
}

static void an_interrupt_ends_calls(void **state)
{
	struct error why = ERROR_INIT;
	pthread_t thread;
	char version[64];

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, pull_forever, &why), 0);
	engine->ops->interrupt(engine);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(why.code, -ECANCELED);
	assert_int_equal(engine->ops->ping(engine, version, sizeof(version), &error), -ECANCELED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_engine_that_comes_up_is_noticed),
		cmocka_unit_test(networks_go_on_beyond_the_engines_pools),
		cmocka_unit_test(a_life_is_told),
		cmocka_unit_test(output_is_followed_and_resumed),
		cmocka_unit_test(much_output_comes_whole),
		cmocka_unit_test(an_engine_that_stops_and_returns_is_noticed),
		cmocka_unit_test(an_engine_that_hangs_is_noticed),
		cmocka_unit_test(an_interrupt_ends_calls),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
