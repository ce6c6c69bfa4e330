/* SPDX-License-Identifier: Apache-2.0 */
/* Containers, networks, volumes and images of a real Docker Engine through the
 * engine's contract. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"
#include "docker_fixture.h"
#include "engine/engine.h"

static struct engine *engine;
static char platform[64], network[80], image[80], instance[32];
static struct error error;

/* Fails with the sentence, not with a number alone. */
#define assert_fine(call)                                                                          \
	do {                                                                                       \
		error_clear(&error);                                                               \
		if ((call) < 0)                                                                    \
			fail_msg("%s: %s", #call, error.text);                                     \
	} while (0)

static const struct label labels[] = {
	{LABEL_PLATFORM, platform},
	{LABEL_TENANT, "acme"},
	{LABEL_SERVICE, "web"},
	{LABEL_INSTANCE, instance},
	{LABEL_GENERATION, "7"},
};

static struct container_spec plain_spec(const char *name)
{
	static const char *const aliases[] = {"web", NULL};

	return (struct container_spec){
		.name = name,
		.hostname = "web-0",
		.image = image,
		.labels = labels,
		.label_count = 5,
		.network = network,
		.aliases = aliases,
		.host_address = "127.0.0.1",
		.container_port = 80,
	};
}

static const char *named(const char *what)
{
	static char name[4][96];
	static unsigned turn;
	char *chosen = name[turn++ % 4];

	(void)snprintf(chosen, sizeof(name[0]), "%s-%s", platform, what);
	return chosen;
}

static int set_up(void **state)
{
	(void)state;
	(void)snprintf(platform, sizeof(platform), "duplofs-test-%d", getpid());
	(void)snprintf(network, sizeof(network), "%s-net", platform);
	(void)snprintf(image, sizeof(image), "%s:1", platform);
	(void)snprintf(instance, sizeof(instance), "41");
	if (engine_docker_new(&engine, fixture_docker_url(), platform, &error) < 0 ||
		fixture_image_make(fixture_docker_url(), image, &error) < 0 ||
		engine->ops->network_ensure(engine, network, labels, 2, &error) < 0) {
		print_error("%s\n", error.text);
		return -1;
	}
	return 0;
}

static int remove_one(void *arg, const struct container_state *container)
{
	(void)arg;
	return engine->ops->remove(engine, container->id, NULL);
}

static int remove_volume(void *arg, const char *name)
{
	(void)arg;
	return engine->ops->volume_remove(engine, name, NULL);
}

static int tear_down(void **state)
{
	int r = 0;

	(void)state;
	r |= engine->ops->list(engine, remove_one, NULL, NULL);
	r |= engine->ops->volume_list(engine, remove_volume, NULL, NULL);
	r |= engine->ops->network_remove(engine, network, NULL);
	r |= fixture_image_remove(fixture_docker_url(), image, NULL);
	engine_free(engine);
	return r;
}

static int remove_all(void **state)
{
	(void)state;
	return engine->ops->list(engine, remove_one, NULL, NULL);
}

static void the_engine_tells_its_version(void **state)
{
	char version[64] = "";

	(void)state;
	assert_fine(engine->ops->ping(engine, version, sizeof(version), &error));
	assert_memory_equal(version, "docker ", 7);
	assert_true(strlen(version) > 8);
}

static void a_container_lives_and_dies(void **state)
{
	struct container_spec spec = plain_spec(named("life"));
	struct container_state seen;
	char id[ENGINE_ID_MAX], again[ENGINE_ID_MAX];

	(void)state;
	assert_fine(engine->ops->create(engine, &spec, id, &error));
	assert_fine(engine->ops->inspect(engine, id, &seen, &error));
	assert_int_equal(seen.phase, CONTAINER_CREATED);
	assert_string_equal(seen.address, "");
	assert_fine(engine->ops->create(engine, &spec, again, &error));
	assert_string_equal(id, again);

	assert_fine(engine->ops->start(engine, id, &error));
	assert_fine(engine->ops->start(engine, id, &error));
	assert_fine(engine->ops->inspect(engine, id, &seen, &error));
	assert_int_equal(seen.phase, CONTAINER_RUNNING);
	assert_string_equal(seen.id, id);
	assert_string_equal(seen.name, spec.name);
	assert_string_equal(seen.tenant, "acme");
	assert_string_equal(seen.service, "web");
	assert_int_equal(seen.instance, 41);
	assert_int_equal(seen.generation, 7);
	assert_true(strchr(seen.address, '.') != NULL);
	assert_in_range(clock_wall_ns() - seen.started_wall_ns, 0, 60 * NS_PER_SECOND);

	assert_fine(engine->ops->stop(engine, id, 10, &error));
	assert_fine(engine->ops->stop(engine, id, 10, &error));
	assert_fine(engine->ops->inspect(engine, id, &seen, &error));
	assert_int_equal(seen.phase, CONTAINER_EXITED);
	/* On a busy host SIGTERM may come before the container's init listens. */
	assert_true(seen.exit_code == 128 + SIGTERM || seen.exit_code == 128 + SIGKILL);
	assert_true(seen.finished_wall_ns >= seen.started_wall_ns);

	assert_fine(engine->ops->remove(engine, id, &error));
	assert_fine(engine->ops->remove(engine, id, &error));
	assert_fine(engine->ops->stop(engine, id, 1, &error));
	assert_fine(engine->ops->kill(engine, id, "KILL", &error));
	assert_fine(engine->ops->inspect(engine, id, &seen, &error));
	assert_int_equal(seen.phase, CONTAINER_ABSENT);
	assert_int_equal(engine->ops->start(engine, id, &error), -ENOENT);
}

static void a_name_taken_by_another_generation_is_refused(void **state)
{
	struct container_spec spec = plain_spec(named("name"));
	struct label other[5];
	char id[ENGINE_ID_MAX];

	(void)state;
	assert_fine(engine->ops->create(engine, &spec, id, &error));
	memcpy(other, labels, sizeof(other));
	other[4].value = "8";
	spec.labels = other;
	assert_int_equal(engine->ops->create(engine, &spec, id, &error), -EEXIST);
	assert_non_null(strstr(error.text, "generation"));
}

static void what_is_not_ours_is_left_alone(void **state)
{
	struct engine *stranger = NULL;
	struct container_spec spec = plain_spec(named("ours"));
	struct container_state seen;
	char id[ENGINE_ID_MAX];

	(void)state;
	assert_fine(engine_docker_new(&stranger, fixture_docker_url(), "somebody-else", &error));
	assert_fine(engine->ops->create(engine, &spec, id, &error));
	assert_int_equal(stranger->ops->remove(stranger, id, &error), -EPERM);
	assert_int_equal(stranger->ops->create(stranger, &spec, id, &error), -EEXIST);
	assert_int_equal(stranger->ops->network_remove(stranger, network, &error), -EPERM);
	assert_int_equal(stranger->ops->network_ensure(stranger, network, labels, 0, &error),
		-EEXIST);
	assert_non_null(strstr(error.text, network));
	assert_fine(engine->ops->inspect(engine, id, &seen, &error));
	assert_int_equal(seen.phase, CONTAINER_CREATED);
	engine_free(stranger);
}

static void a_container_is_confined(void **state)
{
	static const char *const command[] = {"sh", "-c",
		"while read -r key value; do "
		"case $key in NoNewPrivs:|CapEff:) echo $key $value;; esac; done "
		"</proc/self/status; "
		"test $(cat /proc/1/comm) = docker-init && test \"$SAID\" = 'a \"b\" $c'",
		NULL};
	static const char *const environment[] = {"SAID=a \"b\" $c", NULL};
	struct container_spec spec = plain_spec(named("confined"));
	struct container_state seen = {0};
	int64_t deadline_ns = clock_now_ns() + 30 * NS_PER_SECOND;
	char id[ENGINE_ID_MAX];

	(void)state;
	spec.command = command;
	spec.environment = environment;
	assert_fine(engine->ops->create(engine, &spec, id, &error));
	assert_fine(engine->ops->start(engine, id, &error));
	while (seen.phase != CONTAINER_EXITED && clock_now_ns() < deadline_ns)
		assert_fine(engine->ops->inspect(engine, id, &seen, &error));
	assert_int_equal(seen.phase, CONTAINER_EXITED);
	assert_int_equal(seen.exit_code, 0);
}

static int run_inside(const char *id, const char *script, struct buf *output, int *ret_status)
{
	const char *const argv[] = {"sh", "-c", script, NULL};
	const struct container_command command = {
		.argv = argv, .timeout_ms = 5000, .max_bytes = 100000};

	return engine->ops->exec(engine, id, &command, output, ret_status, &error);
}

static void commands_run_inside(void **state)
{
	static const char *const missing[] = {"/no/such/program", NULL};
	static const char *const endless[] = {"sleep", "600", NULL};
	static const char *const family[] = {"sh", "-c", "sleep 601 & sleep 602 & wait", NULL};
	static const char *const silent[] = {"sh", "-c", "exec >/dev/null 2>&1; sleep 600", NULL};
	struct container_command command = {
		.argv = missing, .timeout_ms = 20000, .max_bytes = 1000};
	struct container_spec spec = plain_spec(named("exec"));
	struct container_usage usage, alone;
	struct buf output = BUF_INIT;
	int64_t deadline_ns = clock_now_ns() + 60 * NS_PER_SECOND;
	char id[ENGINE_ID_MAX];
	int status = -1;

	(void)state;
	assert_fine(engine->ops->create(engine, &spec, id, &error));
	assert_int_equal(run_inside(id, "true", &output, &status), -EBUSY);
	assert_int_equal(engine->ops->usage(engine, id, &usage, &error), -ENOENT);
	assert_fine(engine->ops->start(engine, id, &error));
	assert_fine(engine->ops->usage(engine, id, &alone, &error));
	assert_fine(run_inside(id, "echo '2026-11-23T02:30:00Z out'; echo err >&2; exit 7", &output,
		&status));
	assert_int_equal(status, 7);
	assert_non_null(strstr(buf_string(&output), "2026-11-23T02:30:00Z out\n"));
	assert_non_null(strstr(buf_string(&output), "err\n"));
	assert_int_equal(output.len, strlen("2026-11-23T02:30:00Z out\nerr\n"));

	buf_reset(&output);
	assert_int_equal(run_inside(id, "seq 1 100000", &output, &status), -EFBIG);
	buf_reset(&output);
	if (engine->ops->exec(engine, id, &command, &output, &status, &error) == 0)
		assert_in_range(status, 126, 127);
	else
		assert_int_equal(error.code, -ENOEXEC);
	command.argv = endless;
	command.timeout_ms = 300;
	assert_int_equal(engine->ops->exec(engine, id, &command, &output, &status, &error),
		-ETIMEDOUT);
	command.argv = family;
	assert_int_equal(engine->ops->exec(engine, id, &command, &output, &status, &error),
		-ETIMEDOUT);
	command.argv = silent;
	assert_int_equal(engine->ops->exec(engine, id, &command, &output, &status, &error),
		-ETIMEDOUT);

	/* What took too long or said too much is not left behind. */
	do
		assert_fine(engine->ops->usage(engine, id, &usage, &error));
	while (usage.processes > alone.processes && clock_now_ns() < deadline_ns);
	assert_int_equal(usage.processes, alone.processes);
	assert_true(usage.processes >= 1);
	assert_true(usage.cpu_ns > 0);
	assert_true(usage.memory_bytes > 0);
	assert_fine(engine->ops->remove(engine, id, &error));
	assert_int_equal(run_inside(id, "true", &output, &status), -ENOENT);
	assert_int_equal(engine->ops->usage(engine, id, &usage, &error), -ENOENT);
	buf_done(&output);
}

static int listen_somewhere(int *ret_port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	*ret_port = ntohs(address.sin_port);
	return fd;
}

static void a_taken_port_is_told(void **state)
{
	struct container_spec spec = plain_spec(named("port"));
	char id[ENGINE_ID_MAX];
	int fd, port;

	(void)state;
	fd = listen_somewhere(&port);
	spec.host_port = port;
	assert_fine(engine->ops->create(engine, &spec, id, &error));
	assert_int_equal(engine->ops->start(engine, id, &error), -EADDRINUSE);
	assert_non_null(strstr(error.text, "in use by another program"));
	(void)close(fd);
	assert_fine(engine->ops->start(engine, id, &error));

	spec.name = named("port2");
	assert_fine(engine->ops->create(engine, &spec, id, &error));
	assert_int_equal(engine->ops->start(engine, id, &error), -EADDRINUSE);
	assert_non_null(strstr(error.text, "another container"));
}

static void a_missing_program_is_told(void **state)
{
	static const char *const command[] = {"/no/such/program", NULL};
	struct container_spec spec = plain_spec(named("program"));
	char id[ENGINE_ID_MAX];

	(void)state;
	spec.command = command;
	spec.network = NULL;
	assert_fine(engine->ops->create(engine, &spec, id, &error));
	/* The init finds it missing, or the engine does: either way it does not run. */
	if (engine->ops->start(engine, id, &error) < 0 && error.code != -ENOEXEC)
		fail_msg("%s", error.text);
}

static void images_are_found_or_missed(void **state)
{
	struct container_spec spec = plain_spec(named("image"));
	char id[ENGINE_ID_MAX];

	(void)state;
	assert_fine(engine->ops->image_find(engine, image, id, &error));
	assert_memory_equal(id, "sha256:", 7);
	assert_int_equal(engine->ops->image_find(engine, "duplofs-test/none:9", id, &error),
		-ENOENT);
	assert_non_null(strstr(error.text, "duplofs-test/none:9"));
	assert_int_equal(engine->ops->image_find(engine, "../../info", id, &error), -EINVAL);
	assert_int_equal(engine->ops->image_find(engine, "", id, &error), -EINVAL);
	spec.image = "duplofs-test/none:9";
	assert_int_equal(engine->ops->create(engine, &spec, id, &error), -ENOENT);
	assert_non_null(strstr(error.text, "duplofs-test/none:9"));
}

static void a_pull_from_nowhere_is_told(void **state)
{
	char image_there[64];
	int fd, port;

	(void)state;
	fd = listen_somewhere(&port);
	(void)close(fd);
	(void)snprintf(image_there, sizeof(image_there), "127.0.0.1:%d/web:1", port);
	assert_int_equal(engine->ops->image_pull(engine, image_there, NULL, NULL, &error),
		-EHOSTUNREACH);
	assert_non_null(strstr(error.text, image_there));
}

static int count_container(void *arg, const struct container_state *container)
{
	int *count = arg;

	assert_int_equal(container->instance, 41);
	assert_int_equal(container->generation, 7);
	assert_string_equal(container->tenant, "acme");
	(*count)++;
	return 0;
}

static void only_ours_are_listed(void **state)
{
	struct container_spec spec = plain_spec(named("list-1"));
	char id[ENGINE_ID_MAX];
	int count = 0;

	(void)state;
	assert_fine(engine->ops->create(engine, &spec, id, &error));
	spec.name = named("list-2");
	assert_fine(engine->ops->create(engine, &spec, id, &error));
	assert_fine(engine->ops->start(engine, id, &error));
	assert_fine(engine->ops->list(engine, count_container, &count, &error));
	assert_int_equal(count, 2);
}

static int count_name(void *arg, const char *name)
{
	int *count = arg;

	assert_memory_equal(name, platform, strlen(platform));
	(*count)++;
	return 0;
}

static void networks_and_volumes_are_ours(void **state)
{
	static char volume[160];
	const char *const volumes[] = {volume, NULL};
	struct container_spec spec = plain_spec(named("volume"));
	char id[ENGINE_ID_MAX];
	int count = 0;

	(void)state;
	assert_fine(engine->ops->network_ensure(engine, network, labels, 2, &error));
	assert_fine(engine->ops->network_list(engine, count_name, &count, &error));
	assert_int_equal(count, 1);
	(void)snprintf(volume, sizeof(volume), "%s:/data", named("vol"));
	spec.volumes = volumes;
	assert_fine(engine->ops->create(engine, &spec, id, &error));
	count = 0;
	assert_fine(engine->ops->volume_list(engine, count_name, &count, &error));
	assert_int_equal(count, 1);
	*strchr(volume, ':') = '\0';
	assert_int_equal(engine->ops->volume_remove(engine, volume, &error), -EBUSY);
	assert_fine(engine->ops->start(engine, id, &error));
	assert_int_equal(engine->ops->network_remove(engine, network, &error), -EBUSY);
	assert_fine(engine->ops->remove(engine, id, &error));
	assert_fine(engine->ops->volume_remove(engine, volume, &error));
	assert_fine(engine->ops->volume_remove(engine, volume, &error));
}

static void an_absent_engine_is_told(void **state)
{
	struct engine *absent = NULL;
	char version[64];

	(void)state;
	assert_fine(engine_docker_new(&absent, "unix:///nonexistent/docker.sock", "p", &error));
	assert_int_equal(absent->ops->ping(absent, version, sizeof(version), &error), -ENOTCONN);
	assert_non_null(strstr(error.text, "/nonexistent/docker.sock"));
	assert_non_null(strstr(error.text, "dockerd"));
	engine_free(absent);
	assert_int_equal(engine_docker_new(&absent, "ftp://x", "p", &error), -EINVAL);
	assert_int_equal(engine_docker_new(&absent, "unix://relative", "p", &error), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_engine_tells_its_version),
		cmocka_unit_test_teardown(a_container_lives_and_dies, remove_all),
		cmocka_unit_test_teardown(a_name_taken_by_another_generation_is_refused,
			remove_all),
		cmocka_unit_test_teardown(what_is_not_ours_is_left_alone, remove_all),
		cmocka_unit_test_teardown(a_container_is_confined, remove_all),
		cmocka_unit_test_teardown(commands_run_inside, remove_all),
		cmocka_unit_test_teardown(a_taken_port_is_told, remove_all),
		cmocka_unit_test_teardown(a_missing_program_is_told, remove_all),
		cmocka_unit_test_teardown(images_are_found_or_missed, remove_all),
		cmocka_unit_test(a_pull_from_nowhere_is_told),
		cmocka_unit_test_teardown(only_ours_are_listed, remove_all),
		cmocka_unit_test_teardown(networks_and_volumes_are_ours, remove_all),
		cmocka_unit_test(an_absent_engine_is_told),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
