/* SPDX-License-Identifier: Apache-2.0 */
#include "machine_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/child.h"
#include "base/clock.h"
#include "cloud/aws/account_memo.h"

struct machine_fixture fixture;

int machine_set_up(void **state)
{
	static const char policy[] = "{\"region\":\"us-west-2\",\"vpc_id\":\"vpc-1\",\"private_"
				     "subnet_ids\":[\"subnet-1\"],"
				     "\"public_subnet_ids\":[\"subnet-2\",\"subnet-3\"],\"images\":"
				     "[\"debian-12=ami-0a\"]}";
	struct machine_fixture *f = &fixture;

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

int machine_tear_down(void **state)
{
	const char *const remove[] = {"/bin/rm", "-r", fixture.dir, NULL};

	(void)state;
	policy_free(fixture.account.policy);
	engine_keys_free(fixture.keys);
	aws_client_free(fixture.client);
	aws_peer_stop(&fixture.peer);
	return child_run(remove, 10000, NULL, &fixture.error);
}

int machine_begin(void **state)
{
	(void)state;
	machine_table_init(&fixture.table);
	fixture.account.memo = account_memo_new();
	assert_non_null(fixture.account.memo);
	fixture.wanted = (struct machine){
		.host = 3,
		.tenant = "demo",
		.tenant_id = 2,
		.name = "h1",
		.token = "p-3-1",
		.known = "",
		.age_ns = 300 * NS_PER_SECOND,
		.os = "debian-12",
	};
	return 0;
}

int machine_end(void **state)
{
	(void)state;
	account_memo_free(fixture.account.memo);
	machine_table_done(&fixture.table);
	return 0;
}

int machine_ensure(const struct aws_peer_answer *answers, size_t count, struct machine_state *ret)
{
	*ret = (struct machine_state){.there = false};
	error_clear(&fixture.error);
	aws_peer_tell(&fixture.peer, answers, count);
	return aws_machine_ensure(&fixture.table, &fixture.account, fixture.keys, &fixture.wanted,
		ret, &fixture.error);
}

int machine_remove(const struct aws_peer_answer *answers, size_t count)
{
	error_clear(&fixture.error);
	aws_peer_tell(&fixture.peer, answers, count);
	return aws_machine_remove(&fixture.table, &fixture.account, &fixture.wanted,
		&fixture.error);
}
