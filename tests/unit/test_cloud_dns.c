/* SPDX-License-Identifier: Apache-2.0 */
/* Names by a real dnsmasq. */
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
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/thread.h"
#include "cloud/local/dns_query.h"
#include "cloud_fixture.h"

#define CROWD 20

static struct fixture fixture;
static struct cloud *cloud;
static struct error error;

static int add_at(const char *name, const char *address, struct error *reterr)
{
	struct balancer_state balancer = {.tls = false};

	(void)snprintf(balancer.address, sizeof(balancer.address), "%s", address);
	return cloud->ops->dns_ensure(cloud, 1, name, &balancer, reterr);
}

static int add(const char *name, const char *address)
{
	return add_at(name, address, &error);
}

static int drop(const char *name)
{
	return cloud->ops->dns_remove(cloud, 1, name, &error);
}

/* The address of name, or "-errno". */
static const char *ask(const char *name)
{
	static char answer[32];
	int r = dns_query(at(1), 53, name, 1000, answer);

	if (r < 0)
		(void)snprintf(answer, sizeof(answer), "%d", r);
	return answer;
}

#define assert_answer(name, wanted) assert_string_equal(ask(name), wanted)
#define NO_SUCH_NAME                "-2"

static bool dns_up(char *sentence)
{
	struct cloud_health now;

	cloud->ops->health(cloud, &now);
	if (sentence)
		(void)snprintf(sentence, sizeof(now.dns), "%s", now.dns);
	return now.dns_up;
}

static pid_t dnsmasq(void)
{
	char sentence[256];
	const char *at;

	(void)dns_up(sentence);
	at = strstr(sentence, "process ");
	return at ? (pid_t)strtol(at + strlen("process "), NULL, 10) : 0;
}

static void test_names_are_answered_at_once(void **state)
{
	(void)state;
	assert_fine(add("Web.Demo.Duplo.Test.", at(9)));
	assert_answer("web.demo.duplo.test", at(9));
	assert_answer("WEB.demo.duplo.test", at(9));
	assert_answer("other.demo.duplo.test", NO_SUCH_NAME);
	assert_fine(add("other.demo.duplo.test", at(10)));
	assert_answer("other.demo.duplo.test", at(10));
	assert_fine(add("web.demo.duplo.test", at(11)));
	assert_answer("web.demo.duplo.test", at(11));
	assert_fine(drop("web.demo.duplo.test"));
	assert_answer("web.demo.duplo.test", NO_SUCH_NAME);
	assert_answer("other.demo.duplo.test", at(10));
	assert_fine(drop("web.demo.duplo.test"));
	assert_fine(drop("other.demo.duplo.test"));
}

/* A name outside of the domain works too, and nothing else is looked up anywhere. */
static void test_foreign_names(void **state)
{
	(void)state;
	assert_fine(add("www.example.org", at(12)));
	assert_answer("www.example.org", at(12));
	assert_fine(drop("www.example.org"));
	assert_int_equal(dns_query(at(1), 53, "www.example.org", 1000, (char[16]){0}), -EPROTO);
	assert_string_not_equal(ask("localhost"), "127.0.0.1");
}

static void test_changes_are_quick(void **state)
{
	int64_t times_ns[21], start_ns, swap;
	char address[32];
	int i, j;

	(void)state;
	for (i = 0; i < 21; i++) {
		(void)snprintf(address, sizeof(address), "%s", at(20 + i));
		start_ns = clock_now_ns();
		assert_fine(add("quick.duplo.test", address));
		times_ns[i] = clock_now_ns() - start_ns;
		assert_answer("quick.duplo.test", address);
	}
	for (i = 0; i < 21; i++)
		for (j = i + 1; j < 21; j++)
			if (times_ns[j] < times_ns[i])
				swap = times_ns[i], times_ns[i] = times_ns[j], times_ns[j] = swap;
	print_message("a name changes in %lld us (median), %lld us (worst)\n",
		(long long)times_ns[10] / 1000, (long long)times_ns[20] / 1000);
	assert_true(times_ns[10] < 100 * NS_PER_MILLISECOND);
	assert_fine(drop("quick.duplo.test"));
}

static void *crowd_one(void *arg)
{
	struct error own = ERROR_INIT;
	char name[64], address[32], answer[16];
	int number = (int)(intptr_t)arg, i;

	(void)snprintf(name, sizeof(name), "crowd-%d.duplo.test", number);
	(void)snprintf(address, sizeof(address), "%s", at(100 + number));
	for (i = 0; i < 5; i++) {
		if (add_at(name, address, &own) < 0 ||
			dns_query(at(1), 53, name, 1000, answer) < 0 ||
			strcmp(answer, address) != 0)
			return (void *)1;
		if (cloud->ops->dns_remove(cloud, 1, name, &own) < 0 ||
			dns_query(at(1), 53, name, 1000, answer) != -ENOENT)
			return (void *)2;
	}
	return NULL;
}

static void test_many_threads_at_once(void **state)
{
	pthread_t threads[CROWD];
	int i, wrong = 0;

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
}

static void test_bad_input_is_refused(void **state)
{
	static const char *const names[] = {"", ".", "a..b", "-a.test", "a-.test", "a b.test",
		"a_b.test", "a\nb.test", "a/b", "*.duplo.test", "1.2.3.4",
		"0123456789012345678901234567890123456789012345678901234567890123.test"};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		error_clear(&error);
		assert_int_equal(add(names[i], at(2)), -EINVAL);
		assert_true(strlen(error.text) > 10);
	}
	assert_int_equal(add("a.duplo.test", "::1"), -EINVAL);
	assert_int_equal(add("a.duplo.test", "1.2.3"), -EINVAL);
	assert_int_equal(add("a.duplo.test", "1.2.3.4 b.duplo.test"), -EINVAL);
}

static void test_it_runs_as_nobody(void **state)
{
	_cleanup_buf_ struct buf status = BUF_INIT;
	char path[64];

	(void)state;
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)dnsmasq());
	assert_fine(file_read(path, 65536, &status, &error));
	assert_non_null(strstr(status.data, "\nUid:\t65534\t65534\t65534\t65534\n"));
}

static void test_a_killed_dnsmasq_comes_back(void **state)
{
	int64_t died_ns;
	pid_t before;

	(void)state;
	assert_fine(add("kept.duplo.test", at(13)));
	before = dnsmasq();
	assert_true(before > 0);
	assert_int_equal(kill(before, SIGKILL), 0);
	died_ns = clock_now_ns();
	await(dnsmasq() != before && strcmp(ask("kept.duplo.test"), at(13)) == 0);
	assert_true(clock_now_ns() - died_ns < NS_PER_SECOND);
	assert_fine(add("more.duplo.test", at(14)));
	assert_answer("more.duplo.test", at(14));
}

static void test_the_next_process_adopts(void **state)
{
	pid_t before;

	(void)state;
	assert_fine(add("kept.duplo.test", at(13)));
	assert_fine(add("old.duplo.test", at(15)));
	before = dnsmasq();
	cloud_free(cloud, true);
	cloud = NULL;
	assert_answer("kept.duplo.test", at(13));
	assert_fine(cloud_local_new(&cloud, &fixture.options, &error));
	await(dnsmasq() == before);
	assert_fine(add("kept.duplo.test", at(13)));
	assert_answer("old.duplo.test", at(15));
	assert_fine(cloud->ops->settle(cloud, &error));
	assert_answer("old.duplo.test", NO_SUCH_NAME);
	assert_answer("kept.duplo.test", at(13));
	assert_int_equal(dnsmasq(), before);
}

static void test_a_taken_port_is_told(void **state)
{
	char sentence[256], words[64];
	int taken;

	(void)state;
	cloud_free(cloud, false);
	taken = listener_open(at(1), 53);
	assert_true(taken >= 0);
	assert_fine(cloud_local_new(&cloud, &fixture.options, &error));
	error_clear(&error);
	assert_int_equal(add("a.duplo.test", at(16)), -EADDRINUSE);
	assert_non_null(strstr(error.text, "port 53"));
	assert_false(dns_up(sentence));
	(void)snprintf(words, sizeof(words), "(process %d)", (int)getpid());
	assert_non_null(strstr(sentence, "port 53"));
	assert_non_null(strstr(sentence, words));
	assert_fine(drop("b.duplo.test"));
	(void)close(taken);
	await(dns_up(NULL));
	assert_answer("a.duplo.test", at(16));
}

static void test_the_end_leaves_nothing(void **state)
{
	(void)state;
	assert_fine(add("a.duplo.test", at(16)));
	cloud_free(cloud, false);
	cloud = NULL;
	assert_int_equal(dns_query(at(1), 53, "a.duplo.test", 1000, (char[16]){0}), -ECONNREFUSED);
	assert_int_equal(fixture_processes(fixture.directory), 0);
	assert_int_equal(rmdir(fixture.runtime_dir), 0);
}

static int setup(void **state)
{
	(void)state;
	fixture_init(&fixture);
	return cloud_local_new(&cloud, &fixture.options, &error);
}

static int teardown(void **state)
{
	int left;

	(void)state;
	cloud_free(cloud, false);
	left = fixture_processes(fixture.directory);
	fixture_done(&fixture);
	return left;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_are_answered_at_once),
		cmocka_unit_test(test_foreign_names),
		cmocka_unit_test(test_changes_are_quick),
		cmocka_unit_test(test_many_threads_at_once),
		cmocka_unit_test(test_bad_input_is_refused),
		cmocka_unit_test(test_it_runs_as_nobody),
		cmocka_unit_test(test_a_killed_dnsmasq_comes_back),
		cmocka_unit_test(test_the_next_process_adopts),
		cmocka_unit_test(test_a_taken_port_is_told),
		cmocka_unit_test(test_the_end_leaves_nothing),
	};

	return cmocka_run_group_tests_name("cloud_dns", tests, setup, teardown);
}
