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
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "cloud_fixture.h"

#define SUBNET "127.90.1"

static struct fixture fixture;
static struct cloud *cloud;
static struct error error;
static struct server *servers[4];

static const struct target *targets(int count, enum target_state state)
{
	static struct target all[4];
	int i;

	for (i = 0; i < count; i++) {
		all[i] = (struct target){.port = 18001 + i, .state = state};
		(void)snprintf(all[i].name, sizeof(all[i].name), "%d-%d", i, 100 + i);
		(void)snprintf(all[i].address, sizeof(all[i].address), SUBNET ".254");
	}
	return all;
}

static int ensure(int64_t service, int port, int count, struct balancer_state *ret)
{
	struct balancer wanted = {.service = service, .tenant = "demo", .name = "web",
		.slot = service, .port = port, .dns = "", .targets = targets(count, TARGET_READY),
		.target_count = (size_t)count};

	return cloud->ops->balancer_ensure(cloud, &wanted, ret, &error);
}

/* Which servers answer within 12 requests: a bit mask of the last digits of their names. */
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
	assert_string_equal(is.address, SUBNET ".5");
	assert_false(is.tls);
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

static int setup(void **state)
{
	int i;

	(void)state;
	if (getenv("DUPLOFS_TEST_DEBUG"))
		log_open("test", LOG_LEVEL_DEBUG, false);
	fixture_init(&fixture, SUBNET);
	for (i = 0; i < 4; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "server %d", i);
		servers[i] = server_start(SUBNET ".254", 18001 + i, name);
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
	for (i = 0; i < 4; i++)
		server_stop(servers[i]);
	fixture_done(&fixture);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests_reach_the_targets),
		cmocka_unit_test(test_targets_come_and_go_without_a_reload),
	};

	return cmocka_run_group_tests_name("cloud_balancer", tests, setup, teardown);
}
