/* SPDX-License-Identifier: Apache-2.0 */
/* What goes wrong around load balancers: taken ports, dying or missing programs, restarts. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/child.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "cloud/local/process.h"
#include "cloud_fixture.h"

#define PORT 18001

static struct fixture fixture;
static struct cloud *cloud;
static struct error error;
static struct server *server;

static int ensure(int64_t service, int port, const char *dns, struct balancer_state *ret)
{
	struct target one = {.name = "0-1", .port = PORT};
	struct balancer wanted = {.service = service,
		.tenant = "demo",
		.name = "web",
		.slot = service,
		.port = port,
		.dns = dns,
		.targets = &one,
		.target_count = 1};

	(void)snprintf(one.address, sizeof(one.address), "%s", at(254));
	return cloud->ops->balancer_ensure(cloud, &wanted, ret, &error);
}

static int drop(int64_t service)
{
	return cloud->ops->balancer_remove(cloud, service, &error);
}

static const char *health(void)
{
	static struct cloud_health now;

	cloud->ops->health(cloud, &now);
	return now.balancer;
}

static bool balancer_up(void)
{
	struct cloud_health now;

	cloud->ops->health(cloud, &now);
	return now.balancer_up;
}

/* The master process, as the health tells it. */
static pid_t master(void)
{
	const char *at = strstr(health(), "process ");

	return at ? (pid_t)strtol(at + strlen("process "), NULL, 10) : 0;
}

static void restart_cloud(bool keep)
{
	cloud_free(cloud, keep);
	cloud = NULL;
	assert_fine(cloud_local_new(&cloud, &fixture.options, &error));
}

static void test_a_taken_port_fails_one_alone(void **state)
{
	int taken = listener_open("0.0.0.0", 0), port = listener_port(taken);
	struct balancer_state good, bad;
	char words[64], port_words[32];

	(void)state;
	assert_true(taken >= 0);
	assert_fine(ensure(1, 80, "", &good));
	error_clear(&error);
	assert_int_equal(ensure(2, port, "", &bad), -EADDRINUSE);
	(void)snprintf(port_words, sizeof(port_words), "port %d", port);
	assert_non_null(strstr(error.text, port_words));
	(void)snprintf(words, sizeof(words), "test_cloud_fail (process %d)", (int)getpid());
	assert_non_null(strstr(error.text, words));
	assert_int_equal(client_get(good.address, 80, "/", NULL), 200);
	assert_fine(ensure(3, 80, "", &good));
	assert_int_equal(client_get(good.address, 80, "/", NULL), 200);
	/* It comes by itself when the port is free, and at once when asked for. */
	(void)close(taken);
	await(client_get(at(4), port, "/", NULL) == 200);
	assert_fine(ensure(2, port, "", &bad));
	assert_fine(drop(2));
	assert_int_equal(client_connect(at(4), port), -ECONNREFUSED);
	assert_fine(drop(3));
}

/* 443 is taken: the plain port works, the answer says what is missing. */
static void test_a_taken_tls_port_leaves_the_plain_one(void **state)
{
	int taken = listener_open(at(5), 443);
	struct balancer_state is;

	(void)state;
	assert_true(taken >= 0);
	assert_fine(ensure(3, 80, "a.duplo.test", &is));
	assert_false(is.tls);
	assert_non_null(strstr(is.warning, "port 443"));
	assert_int_equal(client_get(at(5), 80, "/", NULL), 200);
	/* With 443 itself asked for there is nothing to fall back to. */
	error_clear(&error);
	assert_int_equal(ensure(3, 443, "a.duplo.test", &is), -EADDRINUSE);
	assert_non_null(strstr(error.text, "port 443"));
	(void)close(taken);
	assert_fine(ensure(3, 80, "a.duplo.test", &is));
	assert_true(is.tls);
	assert_string_equal(is.warning, "");
	assert_fine(drop(3));
}

/* A listener that cannot be had keeps what was there. */
static void test_a_change_to_a_taken_port_keeps_the_old(void **state)
{
	int taken = listener_open(at(6), 81);
	struct balancer_state is;

	(void)state;
	assert_fine(ensure(4, 80, "", &is));
	assert_int_equal(ensure(4, 81, "", &is), -EADDRINUSE);
	assert_int_equal(client_get(at(6), 80, "/", NULL), 200);
	(void)close(taken);
	assert_fine(ensure(4, 81, "", &is));
	assert_int_equal(client_get(at(6), 81, "/", NULL), 200);
	assert_fine(drop(4));
}

/* Sends a signal to all processes of HAProxy but its master; returns how many there were. */
static int signal_workers_of(pid_t top, int number)
{
	char config[160];
	pid_t pids[64];
	size_t count, i;
	int sent = 0;

	(void)snprintf(config, sizeof(config), "%s/haproxy.cfg", fixture.runtime_dir);
	count = process_find(config, pids, 64);
	for (i = 0; i < count; i++)
		sent += pids[i] != top && kill(pids[i], number) == 0;
	return sent;
}

static int signal_workers(int number)
{
	return signal_workers_of(master(), number);
}

static void kill_and_await(bool workers)
{
	struct balancer_state is;
	int64_t died_ns;
	pid_t before;

	assert_fine(ensure(1, 80, "", &is));
	before = master();
	assert_true(before > 0);
	if (workers)
		assert_true(signal_workers(SIGKILL) > 0);
	else
		assert_int_equal(kill(before, SIGKILL), 0);
	died_ns = clock_now_ns();
	await(master() != before && client_get(is.address, 80, "/", NULL) == 200);
	assert_true(clock_now_ns() - died_ns < NS_PER_SECOND);
	assert_fine(ensure(1, 80, "", &is));
}

static void test_a_killed_master_comes_back(void **state)
{
	(void)state;
	kill_and_await(false);
}

static void test_a_killed_worker_comes_back(void **state)
{
	(void)state;
	kill_and_await(true);
}

/* Its port is taken before HAProxy is back: the others come back all the same. */
static void test_a_port_lost_in_a_crash(void **state)
{
	struct balancer_state is;
	int64_t deadline_ns = clock_now_ns() + PATIENCE_NS;
	int taken = -1;
	pid_t before;

	(void)state;
	assert_fine(ensure(1, 80, "", &is));
	assert_fine(ensure(5, 82, "", &is));
	before = master();
	assert_int_equal(kill(before, SIGSTOP), 0);
	assert_true(signal_workers(SIGKILL) > 0);
	while (taken < 0 && clock_now_ns() < deadline_ns)
		taken = listener_open(at(7), 82);
	assert_true(taken >= 0);
	assert_int_equal(kill(before, SIGKILL), 0);
	await(master() != before && client_get(at(3), 80, "/", NULL) == 200);
	assert_int_equal(ensure(5, 82, "", &is), -EADDRINUSE);
	(void)close(taken);
	await(client_get(at(7), 82, "/", NULL) == 200);
	assert_fine(drop(5));
}

static void test_the_next_process_adopts(void **state)
{
	struct balancer_state is;
	int reloads;
	pid_t before;

	(void)state;
	assert_fine(ensure(1, 80, "", &is));
	assert_fine(ensure(6, 80, "", &is));
	before = master();
	reloads = fixture_reloads(&fixture);
	cloud_free(cloud, true);
	cloud = NULL;
	assert_int_equal(client_get(at(3), 80, "/", NULL), 200);
	assert_fine(cloud_local_new(&cloud, &fixture.options, &error));
	await(master() == before);
	assert_fine(ensure(1, 80, "", &is));
	assert_int_equal(fixture_reloads(&fixture), reloads);
	/* A new one before settle: the one that no one asked for yet stays. */
	assert_fine(ensure(7, 80, "", &is));
	assert_int_equal(client_get(at(8), 80, "/", NULL), 200);
	assert_fine(cloud->ops->settle(cloud, &error));
	assert_int_equal(client_connect(at(8), 80), -ECONNREFUSED);
	assert_int_equal(client_get(at(3), 80, "/", NULL), 200);
	assert_int_equal(client_get(at(9), 80, "/", NULL), 200);
	assert_int_equal(master(), before);
	/* What it adopted it also restarts and stops. */
	kill_and_await(false);
	assert_fine(drop(7));
}

/* HAProxy died while no one watched: the file that it ran from brings everything back. */
static void test_a_dead_haproxy_is_restored_from_its_file(void **state)
{
	struct balancer_state is;
	pid_t before;

	(void)state;
	assert_fine(ensure(1, 80, "", &is));
	before = master();
	cloud_free(cloud, true);
	cloud = NULL;
	assert_true(signal_workers_of(before, SIGKILL) > 0);
	await(kill(before, 0) < 0 || !fixture_runs(before, fixture.runtime_dir));
	assert_fine(cloud_local_new(&cloud, &fixture.options, &error));
	await(client_get(at(3), 80, "/", NULL) == 200);
	assert_int_not_equal(master(), before);
}

/* We were killed between writing the file and the reload: HAProxy runs something older than that,
 * and goes on without a gap. */
static void test_a_reload_that_was_cut_off_is_made_up_for(void **state)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct balancer_state is;
	char path[160], revision[64], *found;
	pid_t before;

	(void)state;
	assert_fine(ensure(1, 80, "", &is));
	before = master();
	cloud_free(cloud, true);
	cloud = NULL;
	(void)snprintf(path, sizeof(path), "%s/haproxy.cfg", fixture.runtime_dir);
	assert_fine(file_read(path, 1 << 20, &text, &error));
	assert_int_equal(sscanf(text.data, "# revision %63s", revision), 1);
	for (found = text.data; (found = strstr(found, revision)) != NULL; found++)
		*found = 'z';
	assert_fine(file_write_atomic(path, text.data, text.len, 0600, 0, &error));
	assert_fine(cloud_local_new(&cloud, &fixture.options, &error));
	assert_int_equal(client_get(at(3), 80, "/", NULL), 200);
	assert_fine(ensure(1, 80, "", &is));
	assert_int_equal(client_get(at(3), 80, "/", NULL), 200);
	assert_int_equal(master(), before);
	assert_fine(cloud->ops->settle(cloud, &error));
}

static void test_a_damaged_file_is_not_believed(void **state)
{
	static const char nonsense[] =
		"# revision x\nglobal\n# balancer 1\nfrontend f1\n\tbind :1\n";
	struct balancer_state is;
	char path[160];

	(void)state;
	assert_fine(ensure(1, 80, "", &is));
	cloud_free(cloud, true);
	cloud = NULL;
	(void)snprintf(path, sizeof(path), "%s/haproxy.cfg", fixture.runtime_dir);
	assert_fine(file_write_atomic(path, nonsense, sizeof(nonsense) - 1, 0600, 0, &error));
	assert_fine(cloud_local_new(&cloud, &fixture.options, &error));
	assert_fine(ensure(1, 80, "", &is));
	assert_int_equal(client_get(is.address, 80, "/", NULL), 200);
	assert_fine(cloud->ops->settle(cloud, &error));
}

/* HAProxy refuses one balancer's certificate: the others do not notice. */
static void test_a_refused_configuration_fails_one_alone(void **state)
{
	struct balancer_state is;
	char own[160];
	pid_t before;

	(void)state;
	assert_fine(ensure(1, 80, "", &is));
	(void)snprintf(own, sizeof(own), "%s/certs/ca.pem", fixture.state_dir);
	(void)snprintf(own, sizeof(own), "%s/own.pem", fixture.directory);
	{
		/* A certificate that covers the name, without its key. */
		char copy[512], program[256];
		const char *argv[] = {program, "-c", copy, NULL};

		assert_int_equal(child_find("sh", program, sizeof(program)), 0);
		(void)snprintf(copy, sizeof(copy),
			"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
			"-keyout /dev/null -out %s -days 9 -subj /CN=x "
			"-addext subjectAltName=DNS:own.example.org",
			own);
		assert_int_equal(child_run(argv, 20000, NULL, &error), 0);
	}
	fixture.options.certificate = own;
	restart_cloud(true);
	assert_fine(ensure(1, 80, "", &is));
	before = master();
	error_clear(&error);
	assert_int_equal(ensure(8, 443, "own.example.org", &is), -EINVAL);
	assert_non_null(strstr(error.text, "HAProxy refuses"));
	assert_int_equal(client_get(at(3), 80, "/", NULL), 200);
	assert_fine(ensure(8, 80, "own.example.org", &is));
	assert_false(is.tls);
	assert_non_null(strstr(is.warning, "HAProxy refuses"));
	assert_int_equal(client_get(is.address, 80, "/", NULL), 200);
	assert_fine(ensure(9, 80, "", &is));
	assert_int_equal(client_get(is.address, 80, "/", NULL), 200);
	assert_int_equal(master(), before);
	assert_fine(drop(8));
	assert_fine(drop(9));
	fixture.options.certificate = NULL;
	restart_cloud(true);
	assert_fine(ensure(1, 80, "", &is));
}

/* A port that looks free, for its owner was started with our file as an argument as our HAProxy is.
 * HAProxy itself finds out in the reload, and the old worker goes on. */
static void test_a_reload_that_fails_harms_no_other(void **state)
{
	char program[256], config[160];
	const char *argv[] = {
		program, "telnetd", "-F", "-b", at(12), "-p", "83", "-f", config, NULL};
	struct balancer_state is;
	pid_t before, squatter;

	(void)state;
	assert_fine(ensure(1, 80, "", &is));
	before = master();
	(void)snprintf(config, sizeof(config), "%s/haproxy.cfg", fixture.runtime_dir);
	assert_int_equal(child_find("busybox", program, sizeof(program)), 0);
	assert_fine(child_start(argv, -1, &squatter, &error));
	await(client_connect(at(12), 83) >= 0);
	error_clear(&error);
	assert_int_equal(ensure(10, 83, "", &is), -EIO);
	assert_non_null(strstr(error.text, "HAProxy does not reload"));
	assert_non_null(strstr(error.text, "cannot bind"));
	assert_int_equal(client_get(at(3), 80, "/", NULL), 200);
	assert_fine(ensure(11, 80, "", &is));
	assert_int_equal(client_get(is.address, 80, "/", NULL), 200);
	child_stop(squatter, 2000);
	assert_fine(ensure(10, 83, "", &is));
	assert_int_equal(client_get(is.address, 83, "/", NULL), 200);
	assert_int_equal(master(), before);
	assert_fine(drop(10));
	assert_fine(drop(11));
}

static void test_missing_programs_are_named(void **state)
{
	const struct balancer_state there = {.address = "127.88.0.9"};
	char tools[96], link[128], program[256];
	struct cloud_health now;
	struct balancer_state is;

	(void)state;
	(void)snprintf(tools, sizeof(tools), "%s/tools", fixture.directory);
	assert_int_equal(mkdir(tools, 0700), 0);
	fixture.options.tools = tools;
	restart_cloud(false);
	cloud->ops->health(cloud, &now);
	await(!balancer_up());
	error_clear(&error);
	assert_int_equal(ensure(1, 80, "", &is), -ENOPKG);
	assert_non_null(strstr(error.text, "package haproxy"));
	assert_non_null(strstr(health(), "package haproxy"));
	assert_int_equal(cloud->ops->dns_ensure(cloud, 1, "a.duplo.test", &there, &error), -ENOPKG);
	assert_non_null(strstr(error.text, "package dnsmasq"));
	cloud->ops->health(cloud, &now);
	assert_false(now.dns_up);
	assert_non_null(strstr(now.dns, "package dnsmasq"));
	assert_fine(cloud->ops->settle(cloud, &error));
	/* It appears: what is wanted comes by itself. */
	(void)snprintf(link, sizeof(link), "%s/haproxy", tools);
	assert_int_equal(child_find("haproxy", program, sizeof(program)), 0);
	assert_int_equal(symlink(program, link), 0);
	await(client_get(at(3), 80, "/", NULL) == 200);
	assert_fine(ensure(1, 80, "", &is));
	assert_true(balancer_up());
	/* Removing needs no program. */
	assert_int_equal(unlink(link), 0);
	assert_int_equal(ensure(2, 80, "", &is), -ENOPKG);
	assert_int_equal(client_get(at(3), 80, "/", NULL), 200);
	assert_fine(drop(2));
	assert_fine(drop(1));
	assert_fine(cloud->ops->dns_remove(cloud, 1, "a.duplo.test", &error));
	fixture.options.tools = NULL;
	restart_cloud(false);
}

static void test_bad_options_are_refused(void **state)
{
	struct cloud_local_options options = fixture.options;
	struct cloud *none = NULL;

	(void)state;
	options.lb_range = "127.0.0.0/33";
	assert_int_equal(cloud_local_new(&none, &options, &error), -EINVAL);
	options = fixture.options;
	options.dns_listen = "here:53";
	assert_int_equal(cloud_local_new(&none, &options, &error), -EINVAL);
	options = fixture.options;
	options.domain = "-bad-";
	assert_int_equal(cloud_local_new(&none, &options, &error), -EINVAL);
	options = fixture.options;
	options.state_dir = "/tmp/it's";
	assert_int_equal(cloud_local_new(&none, &options, &error), -EINVAL);
	assert_null(none);
}

static void test_the_end_leaves_nothing(void **state)
{
	struct balancer_state is;

	(void)state;
	assert_fine(ensure(1, 80, "", &is));
	assert_fine(drop(1));
	assert_int_equal(client_connect(is.address, 80), -ECONNREFUSED);
	assert_fine(ensure(1, 80, "", &is));
	cloud_free(cloud, false);
	cloud = NULL;
	assert_int_equal(fixture_processes(fixture.directory), 0);
	assert_int_equal(client_connect(is.address, 80), -ECONNREFUSED);
	if (rmdir(fixture.runtime_dir) < 0)
		(void)!system("ls -l /tmp/duplofs-cloud*/run");
	assert_int_equal(access(fixture.runtime_dir, F_OK), -1);
}

static int setup(void **state)
{
	(void)state;
	if (getenv("DUPLOFS_TEST_DEBUG"))
		log_open("test", LOG_LEVEL_DEBUG, false);
	fixture_init(&fixture);
	server = server_start(at(254), PORT, "server 0");
	return cloud_local_new(&cloud, &fixture.options, &error);
}

static int teardown(void **state)
{
	int left;

	(void)state;
	cloud_free(cloud, false);
	server_stop(server);
	left = fixture_processes(fixture.directory);
	fixture_done(&fixture);
	return left;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_taken_port_fails_one_alone),
		cmocka_unit_test(test_a_taken_tls_port_leaves_the_plain_one),
		cmocka_unit_test(test_a_change_to_a_taken_port_keeps_the_old),
		cmocka_unit_test(test_a_killed_master_comes_back),
		cmocka_unit_test(test_a_killed_worker_comes_back),
		cmocka_unit_test(test_a_port_lost_in_a_crash),
		cmocka_unit_test(test_the_next_process_adopts),
		cmocka_unit_test(test_a_dead_haproxy_is_restored_from_its_file),
		cmocka_unit_test(test_a_reload_that_was_cut_off_is_made_up_for),
		cmocka_unit_test(test_a_damaged_file_is_not_believed),
		cmocka_unit_test(test_a_refused_configuration_fails_one_alone),
		cmocka_unit_test(test_a_reload_that_fails_harms_no_other),
		cmocka_unit_test(test_missing_programs_are_named),
		cmocka_unit_test(test_bad_options_are_refused),
		cmocka_unit_test(test_the_end_leaves_nothing),
	};

	return cmocka_run_group_tests_name("cloud_failure", tests, setup, teardown);
}
