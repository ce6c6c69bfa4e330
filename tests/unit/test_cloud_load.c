/* SPDX-License-Identifier: Apache-2.0 */
/* Traffic that does not stop while balancers, targets and HAProxy itself are changed under it;
 * how long a change takes among many balancers. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/thread.h"
#include "cloud_fixture.h"

#define FIRST_PORT 18001
#define SERVERS    4
#define CLIENTS    6
#define MANY       200
#define SAMPLES    60

static struct fixture fixture;
static struct cloud *cloud;
static struct error error;
static struct server *servers[SERVERS];

/* What the clients did, under lock. */
static struct lock lock = LOCK_INIT(LOCK_LEAF);
static bool stop;
static int good, bad, last_bad;

static bool count_result(int status)
{
	LOCKED(&lock);

	if (status == 200)
		good++;
	else
		bad++, last_bad = status;
	return !stop;
}

static int good_so_far(void)
{
	LOCKED(&lock);

	return good;
}

/* A new connection for every request. */
static void *client_fresh(void *address)
{
	while (count_result(client_get(address, 80, "/", NULL)))
		;
	return NULL;
}

/* One connection for as many requests as the other side allows: it may close one between requests,
 * after having said so, or while it is idle. */
static void *client_kept(void *address)
{
	int fd = -1, status;

	do {
		bool reused = fd >= 0;

		if (fd < 0)
			fd = client_connect(address, 80);
		status = fd < 0 ? fd : client_request(fd, "GET", "/", NULL);
		if (status != 200 && fd >= 0) {
			(void)close(fd);
			fd = -1;
			/* What every client has to do: again when a kept connection was closed. */
			if (reused && (status == -ECONNRESET || status == -EPIPE))
				status = client_get(address, 80, "/", NULL);
		}
	} while (count_result(status));
	if (fd >= 0)
		(void)close(fd);
	return NULL;
}

static struct target target(int number, enum target_state state)
{
	struct target made = {.port = FIRST_PORT + number, .state = state};

	(void)snprintf(made.address, sizeof(made.address), "%s", at(254));
	(void)snprintf(made.name, sizeof(made.name), "%d-%d", number, 100 + number);
	return made;
}

static int ensure(int64_t service, const struct target *targets, size_t count)
{
	struct balancer wanted = {.service = service,
		.tenant = "demo",
		.name = "web",
		.slot = service,
		.port = 80,
		.dns = "",
		.targets = targets,
		.target_count = count};
	struct balancer_state is;

	return cloud->ops->balancer_ensure(cloud, &wanted, &is, &error);
}

/* Runs change again and again under load, and checks that not one request failed. */
static void under_load(const char *what, void (*change)(int round), int rounds)
{
	char address[32];
	struct target all[SERVERS];
	pthread_t threads[CLIENTS];
	int i, before;

	for (i = 0; i < SERVERS; i++)
		all[i] = target(i, TARGET_READY);
	(void)snprintf(address, sizeof(address), "%s", at(3));
	assert_fine(ensure(1, all, SERVERS));
	stop = false;
	good = bad = last_bad = 0;
	for (i = 0; i < CLIENTS; i++)
		assert_fine(thread_start(&threads[i], "client", i % 2 ? client_kept : client_fresh,
			address, &error));
	for (i = 0; i < rounds; i++) {
		before = good_so_far();
		change(i);
		await(good_so_far() > before + 20);
	}
	lock_acquire(&lock);
	stop = true;
	lock_release(&lock);
	for (i = 0; i < CLIENTS; i++)
		thread_join(threads[i]);
	print_message("%s: %d requests, %d failed (last: %d)\n", what, good + bad, bad, last_bad);
	assert_int_equal(bad, 0);
}

static void change_listeners(int round)
{
	const struct target one = target(0, TARGET_READY);

	if (round % 2 == 0)
		assert_fine(ensure(2, &one, 1));
	else
		assert_fine(cloud->ops->balancer_remove(cloud, 2, &error));
}

static void test_reloads_lose_no_request(void **state)
{
	int reloads;

	(void)state;
	under_load("warm up", change_listeners, 2);
	reloads = fixture_reloads(&fixture);
	under_load("reloads", change_listeners, 16);
	assert_true(fixture_reloads(&fixture) >= reloads + 16);
}

/* An instance leaves as an upgrade lets it leave: drain, wait for the last connection, stop; then
 * a new one starts on another port. */
static void change_targets(int round)
{
	static int ports[SERVERS];
	struct target all[SERVERS];
	int number = round % SERVERS, i;
	char name[32];

	for (i = 0; i < SERVERS; i++) {
		all[i] = target(i, i == number ? TARGET_DRAIN : TARGET_READY);
		if (ports[i])
			all[i].port = ports[i];
	}
	assert_fine(ensure(1, all, SERVERS));
	await(({
		int64_t count = -1;

		assert_fine(cloud->ops->target_connections(cloud, 1, &all[number], &count, &error));
		count == 0;
	}));
	server_stop(servers[number]);
	ports[number] = FIRST_PORT + number + (all[number].port < FIRST_PORT + 10 ? 10 : 0);
	(void)snprintf(name, sizeof(name), "server %d", number);
	servers[number] = server_start(at(254), ports[number], name);
	all[number].port = ports[number];
	all[number].state = TARGET_READY;
	assert_fine(ensure(1, all, SERVERS));
}

static void test_replacing_instances_loses_no_request(void **state)
{
	(void)state;
	under_load("replaced instances", change_targets, 6 * SERVERS);
}

static void change_owner(int round)
{
	struct target all[SERVERS];
	int i;

	(void)round;
	cloud_free(cloud, true);
	cloud = NULL;
	assert_fine(cloud_local_new(&cloud, &fixture.options, &error));
	for (i = 0; i < SERVERS; i++)
		all[i] = target(i, TARGET_READY);
	assert_fine(ensure(1, all, SERVERS));
	assert_fine(cloud->ops->settle(cloud, &error));
}

static void test_a_restart_of_ours_loses_no_request(void **state)
{
	(void)state;
	under_load("restarts of the owner", change_owner, 6);
}

/* An instance dies without a word, and comes back: who had no answer yet is served by another. */
static void change_by_accident(int round)
{
	int number = round % SERVERS;
	char name[32];

	(void)snprintf(name, sizeof(name), "server %d", number);
	server_stop(servers[number]);
	await(good_so_far() > 0);
	servers[number] = server_start(at(254), FIRST_PORT + number, name);
}

static void test_a_dying_instance_loses_no_request(void **state)
{
	(void)state;
	under_load("dying instances", change_by_accident, 6 * SERVERS);
}

static int compare_ns(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void *add_many(void *arg)
{
	const struct target one = target(0, TARGET_READY);
	int64_t first = (int64_t)(intptr_t)arg, i;

	for (i = first; i < first + MANY / 10; i++) {
		struct balancer wanted = {.service = i,
			.slot = i,
			.port = 80,
			.dns = "",
			.targets = &one,
			.target_count = 1};
		struct balancer_state is;
		struct error own = ERROR_INIT;

		if (cloud->ops->balancer_ensure(cloud, &wanted, &is, &own) < 0)
			return (void *)1;
	}
	return NULL;
}

/* Added, drained, removed: how long each takes with 200 balancers. */
static void test_an_endpoint_change_is_quick_among_many(void **state)
{
	int64_t times_ns[SAMPLES], start_ns = clock_now_ns();
	pthread_t threads[10];
	int reloads, i;

	(void)state;
	for (i = 0; i < 10; i++)
		assert_fine(thread_start(&threads[i], "adder", add_many,
			(void *)(intptr_t)(10 + i * MANY / 10), &error));
	for (i = 0; i < 10; i++) {
		void *result;

		assert_int_equal(pthread_join(threads[i], &result), 0);
		assert_null(result);
	}
	print_message("%d balancers by 10 threads: %lld ms\n", MANY,
		(long long)((clock_now_ns() - start_ns) / NS_PER_MILLISECOND));
	reloads = fixture_reloads(&fixture);
	for (i = 0; i < SAMPLES; i++) {
		struct target two[2] = {target(0, TARGET_READY), target(1, TARGET_READY)};
		int service = 10 + i * 3;

		if (i % 3 == 1)
			two[1].state = TARGET_DRAIN, service -= 3;
		start_ns = clock_now_ns();
		assert_fine(ensure(service, two, i % 3 == 2 ? 1 : 2));
		times_ns[i] = clock_now_ns() - start_ns;
	}
	assert_int_equal(fixture_reloads(&fixture), reloads);
	qsort(times_ns, SAMPLES, sizeof(times_ns[0]), compare_ns);
	print_message("an endpoint changes in %lld us (median), %lld us (worst)\n",
		(long long)times_ns[SAMPLES / 2] / 1000, (long long)times_ns[SAMPLES - 1] / 1000);
	assert_true(times_ns[SAMPLES / 2] < 50 * NS_PER_MILLISECOND);
	start_ns = clock_now_ns();
	change_listeners(0);
	print_message("one more balancer among %d: %lld ms\n", MANY,
		(long long)((clock_now_ns() - start_ns) / NS_PER_MILLISECOND));
}

static int setup(void **state)
{
	int i;

	(void)state;
	fixture_init(&fixture);
	for (i = 0; i < SERVERS; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "server %d", i);
		servers[i] = server_start(at(254), FIRST_PORT + i, name);
	}
	return cloud_local_new(&cloud, &fixture.options, &error);
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
		cmocka_unit_test(test_reloads_lose_no_request),
		cmocka_unit_test(test_replacing_instances_loses_no_request),
		cmocka_unit_test(test_a_restart_of_ours_loses_no_request),
		cmocka_unit_test(test_a_dying_instance_loses_no_request),
		cmocka_unit_test(test_an_endpoint_change_is_quick_among_many),
	};

	return cmocka_run_group_tests_name("cloud_load", tests, setup, teardown);
}
