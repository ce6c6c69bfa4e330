/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of DNS names that come within a second of each other go together. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "aws/client.h"
#include "aws_peer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "cloud/aws/dns/dns_batch.h"
#include "cloud/aws/dns/dns_page.h"

#define MADE "<r><ChangeInfo><Status>PENDING</Status></ChangeInfo></r>"
#define REFUSED                                                                                    \
	"<ErrorResponse><Error><Type>Sender</Type><Code>InvalidChangeBatch</Code>"                 \
	"<Message>it exists</Message></Error></ErrorResponse>"
#define DEADLINE_NS (20 * NS_PER_SECOND)

static struct fixture {
	struct aws_peer peer;
	struct aws_client *client;
	struct account account;
	struct error error;
} fixture;

static int set_up(void **state)
{
	static const char policy[] =
		"{\"region\":\"us-west-2\",\"vpc_id\":\"vpc-1\",\"private_subnet_ids\":"
		"[\"subnet-1\"],\"public_subnet_ids\":[\"subnet-2\",\"subnet-3\"],"
		"\"hosted_zone_id\":\"Z1\"}";
	struct fixture *f = &fixture;

	*state = f;
	assert_int_equal(aws_peer_start(&f->peer), 0);
	assert_int_equal(setenv("AWS_ENDPOINT_URL", f->peer.url, 1), 0);
	assert_int_equal(setenv("AWS_ACCESS_KEY_ID", "AKID", 1), 0);
	assert_int_equal(setenv("AWS_SECRET_ACCESS_KEY", "secret", 1), 0);
	assert_int_equal(aws_client_new(&f->client, &f->error), 0);
	assert_int_equal(aws_client_set_region(f->client, "us-west-2", &f->error), 0);
	f->account = (struct account){.client = f->client,
		.platform = "p",
		.pages = dns_pages_new(),
		.names = dns_batch_new()};
	assert_non_null(f->account.pages);
	assert_non_null(f->account.names);
	assert_int_equal(policy_parse(policy, strlen(policy), &f->account.policy, &f->error), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	dns_batch_free(fixture.account.names);
	dns_pages_free(fixture.account.pages);
	policy_free(fixture.account.policy);
	aws_client_free(fixture.client);
	aws_peer_stop(&fixture.peer);
	return 0;
}

static void add(const char *name, uint64_t wanted)
{
	_cleanup_buf_ struct buf changes = BUF_INIT;

	buf_printf(&changes, "<Change>%s</Change>", name);
	assert_int_equal(dns_batch_look(fixture.account.names, name, wanted), DNS_BATCH_NONE);
	assert_true(dns_batch_add(&fixture.account, name, wanted, &changes));
}

static int send(const char *name)
{
	error_clear(&fixture.error);
	return dns_batch_send(&fixture.account, name, &fixture.error);
}

/* Until it is time. */
static int send_in_time(const char *name)
{
	int64_t until_ns = clock_now_ns() + DEADLINE_NS;
	int r;

	while ((r = send(name)) == -EINPROGRESS && clock_now_ns() < until_ns)
		(void)usleep(10000);
	return r;
}

static bool asked(size_t number, const char *name)
{
	return strstr(buf_string(&fixture.peer.requests[number]), name) != NULL;
}

static enum dns_batch_state look(const char *name, uint64_t wanted)
{
	return dns_batch_look(fixture.account.names, name, wanted);
}

static void test_the_first_goes_at_once_and_the_next_together(void **state)
{
	const struct aws_peer_answer answers[] = {{.body = MADE}, {.body = MADE}};

	(void)state;
	aws_peer_tell(&fixture.peer, answers, ARRAY_SIZE(answers));
	add("a.x", 1);
	assert_int_equal(send("a.x"), 0);
	assert_int_equal(look("a.x", 1), DNS_BATCH_NONE);
	add("b.x", 2);
	add("c.x", 3);
	add("d.x", 4);
	assert_int_equal(send("b.x"), -EINPROGRESS);
	assert_int_equal(look("b.x", 2), DNS_BATCH_WAITS);
	assert_int_equal(look("d.x", 5), DNS_BATCH_NONE); /* it shall lead elsewhere by now */
	assert_int_equal(send_in_time("b.x"), 0);
	assert_int_equal(look("c.x", 3), DNS_BATCH_DONE);
	assert_int_equal(look("c.x", 3), DNS_BATCH_NONE);
	assert_int_equal(fixture.peer.request_count, 2);
	assert_true(asked(0, "<Change>a.x</Change>") && !asked(0, "b.x"));
	assert_true(asked(1, "<Change>b.x</Change><Change>c.x</Change></Changes>"));
}

static void test_one_that_is_refused_keeps_no_other(void **state)
{
	const struct aws_peer_answer answers[] = {{.status = 400, .body = REFUSED}};

	(void)state;
	aws_peer_tell(&fixture.peer, answers, ARRAY_SIZE(answers));
	add("a.x", 1);
	add("b.x", 2);
	assert_int_equal(send("a.x"), -EINPROGRESS);
	assert_int_equal(look("a.x", 1), DNS_BATCH_ALONE);
	assert_int_equal(look("b.x", 2), DNS_BATCH_ALONE);
	assert_int_equal(look("b.x", 2), DNS_BATCH_NONE);
}

static void test_one_that_goes_alone_hears_why(void **state)
{
	const struct aws_peer_answer answers[] = {{.status = 400, .body = REFUSED}};

	(void)state;
	aws_peer_tell(&fixture.peer, answers, ARRAY_SIZE(answers));
	add("a.x", 1);
	assert_int_equal(send("a.x"), -EINVAL);
	assert_non_null(strstr(fixture.error.text, "it exists"));
	assert_int_equal(look("a.x", 1), DNS_BATCH_NONE);
}

static void test_what_is_given_up_does_not_go(void **state)
{
	const struct aws_peer_answer answers[] = {{.body = MADE}};

	(void)state;
	aws_peer_tell(&fixture.peer, answers, ARRAY_SIZE(answers));
	add("a.x", 1);
	add("b.x", 2);
	dns_batch_cancel(fixture.account.names, "a.x");
	dns_batch_cancel(fixture.account.names, "c.x");
	assert_int_equal(send("b.x"), 0);
	assert_true(asked(0, "b.x") && !asked(0, "a.x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_first_goes_at_once_and_the_next_together,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_one_that_is_refused_keeps_no_other, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(test_one_that_goes_alone_hears_why, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_given_up_does_not_go, set_up,
			tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
