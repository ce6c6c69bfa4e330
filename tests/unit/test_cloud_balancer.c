/* SPDX-License-Identifier: Apache-2.0 */
/* Load balancers by a real HAProxy, with web servers in this process behind them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/child.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "cloud_fixture.h"

#define SERVERS      4
#define FIRST_PORT   18001
#define NO_SERVER    18099
#define CROWD        40
#define CROWD_OBJECT 100

static struct fixture fixture;
static struct cloud *cloud;
static struct error error;
static struct server *servers[SERVERS];

static struct target target(int number, enum target_state state)
{
	struct target made = {.port = FIRST_PORT + number, .state = state};

	(void)snprintf(made.address, sizeof(made.address), "%s", at(254));
	(void)snprintf(made.name, sizeof(made.name), "%d-%d", number, 100 + number);
	return made;
}

static int ensure_with(int64_t service, int port, const char *dns, const struct target *targets,
	size_t count, struct balancer_state *ret)
{
	struct balancer wanted = {.service = service,
		.tenant = "demo",
		.name = "web",
		.slot = service,
		.port = port,
		.dns = dns,
		.targets = targets,
		.target_count = count};

	return cloud->ops->balancer_ensure(cloud, &wanted, ret, &error);
}

/* The first count servers. */
static int ensure(int64_t service, int port, size_t count, struct balancer_state *ret)
{
	struct target targets[SERVERS];
	size_t i;

	for (i = 0; i < count; i++)
		targets[i] = target((int)i, TARGET_READY);
	return ensure_with(service, port, "", targets, count, ret);
}

static int drop(int64_t service)
{
	return cloud->ops->balancer_remove(cloud, service, &error);
}

static int64_t connections(int64_t service, int number)
{
	struct target one = target(number, TARGET_READY);
	int64_t count = -1;

	assert_fine(cloud->ops->target_connections(cloud, service, &one, &count, &error));
	return count;
}

/* Which servers answer within 12 requests: a bit mask of the last digits of their names; or the
 * status or errno of a request that was not served. */
static int answering(const char *address, int port)
{
	int mask = 0, i;

	for (i = 0; i < 12; i++) {
		_cleanup_buf_ struct buf body = BUF_INIT;
		int status = client_get(address, port, "/", &body);

		if (status != 200)
			return status;
		mask |= 1 << (body.data[body.len - 1] - '0');
	}
	return mask;
}

static void test_requests_reach_the_targets(void **state)
{
	struct balancer_state is;

	(void)state;
	assert_fine(ensure(3, 80, 2, &is));
	assert_string_equal(is.address, at(5));
	assert_false(is.tls);
	assert_int_equal(answering(is.address, 80), 0x3);
	/* Said again: nothing happens, the answer is the same. */
	assert_fine(ensure(3, 80, 2, &is));
	assert_string_equal(is.address, at(5));
	assert_int_equal(answering(is.address, 80), 0x3);
}

static void test_targets_come_and_go_without_a_reload(void **state)
{
	struct balancer_state is;
	int reloads;

	(void)state;
	assert_fine(ensure(4, 80, 1, &is));
	reloads = fixture_reloads(&fixture);
	assert_int_equal(answering(is.address, 80), 0x1);
	assert_fine(ensure(4, 80, 4, &is));
	assert_int_equal(answering(is.address, 80), 0xf);
	assert_fine(ensure(4, 80, 2, &is));
	assert_int_equal(answering(is.address, 80), 0x3);
	assert_fine(ensure(4, 80, 0, &is));
	assert_int_equal(answering(is.address, 80), 503);
	assert_fine(ensure(4, 80, 3, &is));
	/* A server that comes back may be passed over for a turn. */
	await(answering(is.address, 80) == 0x7);
	assert_int_equal(fixture_reloads(&fixture), reloads);
}

static void test_a_target_moves_without_a_reload(void **state)
{
	struct target one = target(0, TARGET_READY);
	struct balancer_state is;
	int reloads;

	(void)state;
	assert_fine(ensure_with(5, 80, "", &one, 1, &is));
	reloads = fixture_reloads(&fixture);
	assert_int_equal(answering(is.address, 80), 0x1);
	one.port = FIRST_PORT + 2;
	assert_fine(ensure_with(5, 80, "", &one, 1, &is));
	assert_int_equal(answering(is.address, 80), 0x4);
	assert_int_equal(fixture_reloads(&fixture), reloads);
}

/* A stream on a target that drains goes on, is counted, and survives a reload of HAProxy. */
static void test_drain_keeps_streams(void **state)
{
	struct target both[2] = {target(0, TARGET_READY), target(1, TARGET_DRAIN)};
	struct balancer_state is, other;
	char bytes[256];
	int fd, i;

	(void)state;
	assert_fine(ensure_with(6, 80, "", both, 2, &is));
	assert_int_equal(connections(6, 0), 0);
	fd = client_connect(is.address, 80);
	assert_true(fd >= 0);
	assert_int_equal(send(fd, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n", 32, 0), 32);
	assert_true(recv(fd, bytes, sizeof(bytes), 0) > 0);
	assert_int_equal(connections(6, 0), 1);
	assert_int_equal(connections(6, 1), 0);
	both[0].state = TARGET_DRAIN;
	both[1].state = TARGET_READY;
	assert_fine(ensure_with(6, 80, "", both, 2, &is));
	assert_int_equal(answering(is.address, 80), 0x2);
	assert_int_equal(connections(6, 0), 1);
	for (i = 0; i < 2; i++) {
		server_say(servers[0]);
		assert_true(recv(fd, bytes, sizeof(bytes), 0) > 0);
		assert_int_equal(connections(6, 0), 1);
		assert_fine(ensure(7, 80 + i, 1, &other)); /* another listener: a reload */
	}
	assert_fine(ensure_with(6, 80, "", &both[1], 1, &is));
	assert_int_equal(connections(6, 0), 1);
	server_say(servers[0]);
	assert_true(recv(fd, bytes, sizeof(bytes), 0) > 0);
	(void)close(fd);
	/* HAProxy sees that the client has gone when it has something for it. */
	await((server_say(servers[0]), connections(6, 0) == 0));
	assert_int_equal(connections(12345, 0), 0);
	assert_fine(drop(7));
}

static void test_headers_tell_the_client(void **state)
{
	_cleanup_buf_ struct buf body = BUF_INIT;
	struct balancer_state is;

	(void)state;
	assert_fine(ensure(8, 8080, 1, &is));
	assert_int_equal(client_get(is.address, 8080, "/headers", &body), 200);
	assert_non_null(strcasestr(buf_string(&body), "\nx-forwarded-for: 127."));
	assert_non_null(strcasestr(buf_string(&body), "\nx-forwarded-proto: http\r"));
}

/* Fetches https://NAME/headers with curl, trusting the certificate authority alone. */
static int curl(const char *name, const char *address, struct buf *output)
{
	char authority[160], resolve[320], url[300], program[256];
	const char *argv[] = {program, "-sS", "--max-time", "10", "--cacert", authority,
		"--resolve", resolve, url, NULL};

	assert_int_equal(child_find("curl", program, sizeof(program)), 0);
	(void)snprintf(authority, sizeof(authority), "%s/certs/ca.pem", fixture.state_dir);
	(void)snprintf(resolve, sizeof(resolve), "%s:443:%s", name, address);
	(void)snprintf(url, sizeof(url), "https://%s/headers", name);
	return child_run(argv, 20000, output, &error);
}

static void test_tls_with_our_certificate(void **state)
{
	_cleanup_buf_ struct buf body = BUF_INIT, wrong = BUF_INIT;
	struct target one = target(0, TARGET_READY);
	struct balancer_state is;

	(void)state;
	assert_fine(ensure_with(9, 80, "Website.Demo.duplo.test", &one, 1, &is));
	assert_true(is.tls);
	if (curl("website.demo.duplo.test", is.address, &body) != 0)
		fail_msg("curl: %s", buf_string(&body));
	assert_non_null(strcasestr(buf_string(&body), "\nx-forwarded-proto: https\r"));
	assert_int_equal(answering(is.address, 80), 0x1);
	/* The wildcard is for one label only. */
	assert_int_equal(curl("a.website.demo.duplo.test", is.address, &wrong), 60);
	/* A name outside of the domain: served without TLS. */
	assert_fine(ensure_with(9, 80, "www.example.org", &one, 1, &is));
	assert_false(is.tls);
	await(client_connect(is.address, 443) == -ECONNREFUSED);
	assert_int_equal(answering(is.address, 80), 0x1);
	/* The port itself is 443: TLS there. */
	assert_fine(ensure_with(9, 443, "duplo.test", &one, 1, &is));
	assert_true(is.tls);
	buf_reset(&body);
	assert_int_equal(curl("duplo.test", is.address, &body), 0);
	await(client_connect(is.address, 80) == -ECONNREFUSED);
}

static void test_removed_means_nothing_listens(void **state)
{
	struct balancer_state gone, stays;

	(void)state;
	assert_fine(ensure(10, 80, 1, &gone));
	assert_fine(ensure(11, 80, 2, &stays));
	assert_fine(drop(10));
	assert_int_equal(client_connect(gone.address, 80), -ECONNREFUSED);
	assert_int_equal(answering(stays.address, 80), 0x3);
	assert_fine(drop(10));
	assert_fine(drop(987654321));
	/* And back. */
	assert_fine(ensure(10, 80, 3, &gone));
	assert_int_equal(answering(gone.address, 80), 0x7);
}

static void test_a_port_changes(void **state)
{
	struct balancer_state is;

	(void)state;
	assert_fine(ensure(12, 80, 1, &is));
	assert_fine(ensure(12, 81, 2, &is));
	assert_int_equal(answering(is.address, 81), 0x3);
	assert_int_equal(client_connect(is.address, 80), -ECONNREFUSED);
}

/* Servers that refuse are passed over; a request that must not be done twice is not. */
static void test_no_request_is_lost_to_dead_targets(void **state)
{
	struct target targets[SERVERS];
	struct balancer_state is;
	int fd, i, before;

	(void)state;
	for (i = 0; i < SERVERS; i++) {
		targets[i] = target(i, TARGET_READY);
		if (i % 2 == 0)
			targets[i].port = NO_SERVER + i;
	}
	assert_fine(ensure_with(13, 80, "", targets, SERVERS, &is));
	for (i = 0; i < 10; i++)
		assert_int_equal(answering(is.address, 80), 0xa);
	before = server_requests(servers[1]) + server_requests(servers[3]);
	fd = client_connect(is.address, 80);
	assert_int_equal(client_request(fd, "POST", "/vanish", NULL), 502);
	(void)close(fd);
	assert_int_equal(server_requests(servers[1]) + server_requests(servers[3]), before + 1);
	assert_in_range(client_get(is.address, 80, "/vanish", NULL), 502, 503);
	assert_true(server_requests(servers[1]) + server_requests(servers[3]) > before + 2);
}

static void refuse(struct balancer wanted, int code)
{
	struct balancer_state is = {.address = "untouched"};

	error_clear(&error);
	assert_int_equal(cloud->ops->balancer_ensure(cloud, &wanted, &is, &error), code);
	assert_int_equal(error.code, code);
	assert_true(strlen(error.text) > 10);
	assert_string_equal(is.address, "untouched");
}

static void test_bad_input_is_refused(void **state)
{
	const struct balancer good = {
		.service = 14, .tenant = "demo", .name = "web", .slot = 14, .port = 80, .dns = ""};
	struct target bad = target(0, TARGET_READY), twice[2] = {bad, bad};
	struct balancer wanted;

	(void)state;
	wanted = good, wanted.port = 0, refuse(wanted, -EINVAL);
	wanted = good, wanted.port = 65536, refuse(wanted, -EINVAL);
	wanted = good, wanted.slot = -1, refuse(wanted, -ENOSPC);
	wanted = good, wanted.slot = 253, refuse(wanted, -ENOSPC);
	wanted = good, wanted.service = -5, refuse(wanted, -EINVAL);
	wanted = good, wanted.dns = "a b", refuse(wanted, -EINVAL);
	wanted = good, wanted.dns = "a.test\n\tbind :1", refuse(wanted, -EINVAL);
	wanted = good, wanted.targets = twice, wanted.target_count = 2, refuse(wanted, -EINVAL);
	wanted = good, wanted.targets = &bad, wanted.target_count = 1;
	bad.port = 0, refuse(wanted, -EINVAL), bad.port = FIRST_PORT;
	(void)snprintf(bad.address, sizeof(bad.address), "localhost");
	refuse(wanted, -EINVAL);
	(void)snprintf(bad.address, sizeof(bad.address), "127.0.0.1 weight 9");
	refuse(wanted, -EINVAL);
	bad = target(0, TARGET_READY);
	(void)snprintf(bad.name, sizeof(bad.name), "a;shutdown");
	refuse(wanted, -EINVAL);
	(void)snprintf(bad.name, sizeof(bad.name), "a\nb");
	refuse(wanted, -EINVAL);
	bad.name[0] = '\0', refuse(wanted, -EINVAL);
	memset(bad.name, 'x', sizeof(bad.name));
	refuse(wanted, -EINVAL);
}

static void test_a_slot_belongs_to_one(void **state)
{
	struct balancer wanted = {.service = 16, .slot = 3, .port = 80, .dns = ""};
	struct balancer_state is;

	(void)state;
	assert_fine(ensure(3, 80, 2, &is));
	refuse(wanted, -EADDRINUSE);
	assert_int_equal(answering(is.address, 80), 0x3);
	assert_fine(drop(16));
}

/* More targets than fit into one line of commands, there and back. */
static void test_many_targets(void **state)
{
	enum { MANY = 700 };
	static struct target many[MANY];
	struct balancer_state is;
	int reloads, i;

	(void)state;
	assert_fine(ensure(15, 80, 1, &is));
	reloads = fixture_reloads(&fixture);
	for (i = 0; i < MANY; i++) {
		many[i] = target(i % SERVERS, TARGET_READY);
		(void)snprintf(many[i].name, sizeof(many[i].name), "%d-a-rather-long-name-%d", i,
			i);
	}
	assert_fine(ensure_with(15, 80, "", many, MANY, &is));
	assert_int_equal(answering(is.address, 80), 0xf);
	assert_fine(ensure(15, 80, 1, &is));
	await(answering(is.address, 80) == 0x1);
	assert_int_equal(fixture_reloads(&fixture), reloads);
	assert_fine(drop(15));
}

static void *crowd_one(void *arg)
{
	const int64_t service = CROWD_OBJECT + (int64_t)(intptr_t)arg;
	const struct target one = target(0, TARGET_READY);
	struct balancer wanted = {.service = service,
		.slot = service,
		.port = 80,
		.dns = "",
		.targets = &one,
		.target_count = 1};
	struct error own = ERROR_INIT;
	struct balancer_state is;
	int i;

	for (i = 0; i < 3; i++) {
		if (cloud->ops->balancer_ensure(cloud, &wanted, &is, &own) < 0 ||
			client_get(is.address, 80, "/", NULL) != 200)
			return (void *)1;
		if (cloud->ops->balancer_remove(cloud, service, &own) < 0 ||
			client_connect(is.address, 80) != -ECONNREFUSED)
			return (void *)2;
	}
	return NULL;
}

/* Many threads at once; what they want costs far fewer reloads than they make changes. */
static void test_a_crowd_shares_reloads(void **state)
{
	int reloads = fixture_reloads(&fixture), i, wrong = 0;
	pthread_t threads[CROWD];

	(void)state;
	for (i = 0; i < CROWD; i++)
		assert_fine(thread_start(&threads[i], "crowd", crowd_one, (void *)(intptr_t)i,
			&error));
	for (i = 0; i < CROWD; i++) {
		void *result;

		assert_int_equal(pthread_join(threads[i], &result), 0);
		wrong += result != NULL;
	}
	assert_int_equal(wrong, 0);
	reloads = fixture_reloads(&fixture) - reloads;
	assert_in_range(reloads, 6, CROWD * 6 / 3);
}

static void test_health_tells_version_and_process(void **state)
{
	struct cloud_health health;
	const char *process;

	(void)state;
	cloud->ops->health(cloud, &health);
	assert_true(health.balancer_up);
	assert_non_null(strstr(health.balancer, "HAProxy 2."));
	process = strstr(health.balancer, "process ");
	assert_non_null(process);
	/* A reload makes it begin anew: for an instant it has no arguments. */
	await(fixture_runs((pid_t)strtol(process + 8, NULL, 10), fixture.runtime_dir));
}

static int setup(void **state)
{
	int i;

	(void)state;
	if (getenv("DUPLOFS_TEST_DEBUG"))
		log_open("test", LOG_LEVEL_DEBUG, false);
	fixture_init(&fixture);
	for (i = 0; i < SERVERS; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "server %d", i);
		servers[i] = server_start(at(254), FIRST_PORT + i, name);
	}
	if (cloud_local_new(&cloud, &fixture.options, &error) < 0) {
		print_error("%s\n", error.text);
		return -1;
	}
	return 0;
}

static int teardown(void **state)
{
	int i;

	(void)state;
	cloud_free(cloud, false);
	for (i = 0; i < SERVERS; i++)
		server_stop(servers[i]);
	i = fixture_processes(fixture.directory);
	fixture_done(&fixture);
	return i;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests_reach_the_targets),
		cmocka_unit_test(test_targets_come_and_go_without_a_reload),
		cmocka_unit_test(test_a_target_moves_without_a_reload),
		cmocka_unit_test(test_drain_keeps_streams),
		cmocka_unit_test(test_headers_tell_the_client),
		cmocka_unit_test(test_tls_with_our_certificate),
		cmocka_unit_test(test_removed_means_nothing_listens),
		cmocka_unit_test(test_a_port_changes),
		cmocka_unit_test(test_no_request_is_lost_to_dead_targets),
		cmocka_unit_test(test_bad_input_is_refused),
		cmocka_unit_test(test_a_slot_belongs_to_one),
		cmocka_unit_test(test_many_targets),
		cmocka_unit_test(test_a_crowd_shares_reloads),
		cmocka_unit_test(test_health_tells_version_and_process),
	};

	return cmocka_run_group_tests_name("cloud_balancer", tests, setup, teardown);
}
