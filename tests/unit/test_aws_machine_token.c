/* SPDX-License-Identifier: Apache-2.0 */
/* A host's machine is asked for under a token, which AWS takes once: what comes of one that was
 * used. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aws/client.h"
#include "aws_peer.h"
#include "base/child.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "cloud/aws/account_memo.h"
#include "cloud/aws/machine.h"

#define NONE      "<r><reservationSet/></r>"
#define TAG(k, v) "<item><key>" k "</key><value>" v "</value></item>"
#define GROUP                                                                                      \
	"<r><securityGroupInfo><item><groupId>sg-1</groupId>"                                      \
	"<groupName>duplofs-p-demo-2</groupName><tagSet>" TAG("duplo.platform", "p")               \
		TAG("duplo.tenant-id", "2") "</tagSet></item></securityGroupInfo></r>"
#define USED                                                                                       \
	"<Response><Errors><Error><Code>IdempotentParameterMismatch</Code><Message>m</Message>"    \
	"</Error></Errors></Response>"
#define MACHINE(state)                                                                             \
	"<r><instancesSet><item><instanceId>i-1</instanceId><instanceState><name>" state           \
	"</name></instanceState></item></instancesSet></r>"

static struct fixture {
	struct aws_peer peer;
	struct aws_client *client;
	struct account account;
	struct engine_keys *keys;
	struct machine_table table;
	char dir[32];
	struct error error;
} fixture;

static int set_up(void **state)
{
	static const char policy[] = "{\"region\":\"us-west-2\",\"vpc_id\":\"vpc-1\",\"private_"
				     "subnet_ids\":[\"subnet-1\"],"
				     "\"public_subnet_ids\":[\"subnet-2\",\"subnet-3\"],\"images\":"
				     "[\"debian-12=ami-0a\"]}";
	struct fixture *f = &fixture;

	*state = f;
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/duplofs-test.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(aws_peer_start(&f->peer), 0);
	assert_int_equal(setenv("AWS_ENDPOINT_URL", f->peer.url, 1), 0);
	assert_int_equal(setenv("AWS_ACCESS_KEY_ID", "AKID", 1), 0);
	assert_int_equal(setenv("AWS_SECRET_ACCESS_KEY", "secret", 1), 0);
	assert_int_equal(aws_client_new(&f->client, &f->error), 0);
	assert_int_equal(aws_client_set_region(f->client, "us-west-2", &f->error), 0);
	assert_int_equal(engine_keys_new(&f->keys, f->dir, "p", &f->error), 0);
	f->account = (struct account){.client = f->client, .platform = "p"};
	assert_int_equal(policy_parse(policy, strlen(policy), &f->account.policy, &f->error), 0);
	return 0;
}

static int tear_down(void **state)
{
	const char *const remove[] = {"/bin/rm", "-r", fixture.dir, NULL};

	(void)state;
	policy_free(fixture.account.policy);
	engine_keys_free(fixture.keys);
	aws_client_free(fixture.client);
	aws_peer_stop(&fixture.peer);
	return child_run(remove, 10000, NULL, &fixture.error);
}

/* Asked for under a token of that age, where AWS shows none and answers so. */
static int ensure(int64_t age_ns, int status, const char *answer, struct machine_state *ret)
{
	const struct aws_peer_answer answers[] = {
		{.body = NONE}, {.body = GROUP}, {.status = status, .body = answer}};
	const struct machine machine = {
		.host = 3,
		.tenant = "demo",
		.tenant_id = 2,
		.name = "h1",
		.token = "p-3-1",
		.age_ns = age_ns,
		.os = "debian-12",
	};
	int r;

	*ret = (struct machine_state){.there = false};
	error_clear(&fixture.error);
	aws_peer_tell(&fixture.peer, answers, ARRAY_SIZE(answers));
	machine_table_init(&fixture.table);
	fixture.account.memo = account_memo_new();
	assert_non_null(fixture.account.memo);
	r = aws_machine_ensure(&fixture.table, &fixture.account, fixture.keys, &machine, ret,
		&fixture.error);
	account_memo_free(fixture.account.memo);
	machine_table_done(&fixture.table);
	return r;
}

static void one_that_was_used_just_now_is_waited_for(void **state)
{
	struct machine_state machine;

	(void)state;
	assert_int_equal(ensure(NS_PER_SECOND, 400, USED, &machine), -EAGAIN);
	assert_int_equal(fixture.error.code, -EAGAIN);
	assert_string_equal(fixture.error.text,
		"AWS was asked for it before and does not show it yet");
}

/* It was made and has ended while nobody looked: no other machine is ever had under this token. */
static void one_that_was_used_long_ago_is_over(void **state)
{
	struct machine_state machine;

	(void)state;
	assert_int_equal(ensure(300 * NS_PER_SECOND, 400, USED, &machine), 0);
	assert_true(machine.ended);
	assert_string_equal(machine.words,
		"a machine was made before that AWS does not show any more");
}

static void so_is_one_whose_machine_has_ended(void **state)
{
	struct machine_state machine;

	(void)state;
	assert_int_equal(ensure(300 * NS_PER_SECOND, 200, MACHINE("terminated"), &machine), 0);
	assert_true(machine.ended);
	assert_int_equal(ensure(300 * NS_PER_SECOND, 200, MACHINE("running"), &machine), 0);
	assert_false(machine.ended);
	assert_string_equal(machine.words, "i-1, a , starts");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_was_used_just_now_is_waited_for),
		cmocka_unit_test(one_that_was_used_long_ago_is_over),
		cmocka_unit_test(so_is_one_whose_machine_has_ended),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
