/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "model/host.h"
#include "model/kind.h"

static struct host_spec *parse(const char *text)
{
	struct host_spec *spec = NULL;
	struct error error = ERROR_INIT;

	if (host_spec_parse(text, strlen(text), "h1", &spec, &error) < 0)
		fail_msg("%s: %s", text, error.text);
	return spec;
}

static void every_field(void **state)
{
	_cleanup_host_spec_ struct host_spec *spec =
		parse("{\"OS\":\"debian-12\",\"CPU\":\"2.5\",\"MemoryGiB\":4,\"Region\":\"us-west-"
		      "2\","
		      "\"Spot\":\"true\",\"Tags\":[\"a\",\"b=c\"],\"Schedulable\":false,\"Drain\":"
		      "true,"
		      "\"Engine\":\"tcp://"
		      "10.0.0.1:2375\",\"Address\":\"10.0.0.2\",\"Name\":\"H1\"}");

	(void)state;
	assert_string_equal(spec->os, "debian-12");
	assert_int_equal(spec->cpu_milli, 2500);
	assert_int_equal(spec->memory_gib_milli, 4000);
	assert_string_equal(spec->region, "us-west-2");
	assert_true(spec->spot && spec->drain && !spec->schedulable);
	assert_string_equal(spec->tags[1], "b=c");
	assert_null(spec->tags[2]);
	assert_string_equal(spec->engine, "tcp://10.0.0.1:2375");
	assert_string_equal(spec->address, "10.0.0.2");
}

static void a_disk_grows_and_never_shrinks(void **state)
{
	_cleanup_host_spec_ struct host_spec *none = parse("{}"),
					     *small = parse("{\"DiskGiB\":20}");
	_cleanup_host_spec_ struct host_spec *large = parse("{\"DiskGiB\":\"40\"}");
	struct error error = ERROR_INIT;

	(void)state;
	assert_int_equal(none->disk_gib, 0);
	assert_int_equal(large->disk_gib, 40);
	assert_int_equal(host_spec_check_disk(NULL, small, 0, &error), 0); /* none is there yet */
	assert_int_equal(host_spec_check_disk(small, large, 20, &error), 0);
	assert_int_equal(host_spec_check_disk(large, none, 40, &error), 0); /* keeps what it has */
	assert_int_equal(host_spec_check_disk(small, small, 40, &error),
		0); /* was enlarged by hand */
	assert_int_equal(host_spec_check_disk(large, small, 40, &error), -EINVAL);
	assert_string_equal(error.text,
		"DiskGiB: a disk can only grow, and this one has 40 GiB already: for a smaller one "
		"make another host, then remove this one");
	assert_int_equal(host_spec_check_disk(none, small, 40, &error), -EINVAL);
}

static void defaults(void **state)
{
	_cleanup_host_spec_ struct host_spec *spec = parse("{}");

	(void)state;
	assert_true(spec->schedulable && !spec->drain && !spec->spot);
	assert_int_equal(spec->cpu_milli, 0);
	assert_null(spec->engine);
	assert_null(spec->tags);
}

static void refusals(void **state)
{
	static const struct {
		const char *text, *words;
	} rows[] = {
		{"{\"CPUs\":1}", "line 1, column 2: unknown field \"CPUs\", did you mean \"CPU\"?"},
		{"{\"CPU\":-1}", "line 1, column 2: CPU: -1 is below 0"},
		{"{\"Name\":\"h2\"}",
			"line 1, column 2: Name: \"h2\" is not the name of the directory, which is "
			"\"h1\""},
		{"{\"Address\":\"10.0.0.1\"}",
			"line 1, column 2: Address: an address without an Engine means nothing"},
		{"{\"DiskGiB\":0}", "line 1, column 2: DiskGiB: 0 is below 1"},
		{"{\"DiskGiB\":16385}", "line 1, column 2: DiskGiB: 16385 is above 16384"},
		{"{\"Engine\":\"unix:///a\",\"DiskGiB\":20}",
			"line 1, column 23: DiskGiB: the machine of an Engine has the disk that it "
			"has: leave it out"},
		{"{\"Engine\":\"tls://h1:2376\"}",
			"line 1, column 2: Engine: \"tls://h1:2376\" is no container engine: "
			"unix:///path, tcp://host:port or tls://name@host:port"},
		{"{\"Engine\":\"unix:///a\",\"Address\":\"h\"}",
			"line 1, column 23: Address: \"h\" is no IPv4 address"},
	};
	static const char *const engines[] = {"unix://", "unix://a", "tcp://", "tcp:///a",
		"tcp://a/b", "tcp://a@b:1", "tls://", "tls://a:1", "tls://@a:1", "tls://a@",
		"tls://a@:1", "tls://a@b", "tls://a:1@b:1", "tls://a@b@c:1", "tls://a/@b:1",
		"http://a", "unix:///a b", "tcp://a;b", "unix:///a\\u000a", "/a"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct host_spec *spec = NULL;
		struct error error = ERROR_INIT;

		assert_int_equal(host_spec_parse(rows[i].text, strlen(rows[i].text), "h1", &spec,
					 &error),
			-EINVAL);
		assert_string_equal(error.text, rows[i].words);
	}
	for (size_t i = 0; i < ARRAY_SIZE(engines); i++) {
		struct host_spec *spec = NULL;
		char text[100];

		(void)snprintf(text, sizeof(text), "{\"Engine\":\"%s\"}", engines[i]);
		if (host_spec_parse(text, strlen(text), "h1", &spec, NULL) != -EINVAL)
			fail_msg("%s is taken", text);
	}
}

static void whose_engine_it_is(void **state)
{
	_cleanup_host_spec_ struct host_spec *none = parse("{\"CPU\":1}");
	_cleanup_host_spec_ struct host_spec *one = parse("{\"Engine\":\"unix:///a\"}");
	_cleanup_host_spec_ struct host_spec *more =
		parse("{\"CPU\":1,\"Engine\":\"unix:///a\",\"Drain\":true}");
	_cleanup_host_spec_ struct host_spec *other =
		parse("{\"Engine\":\"unix:///a\",\"Address\":\"10.0.0.1\"}");

	(void)state;
	assert_true(host_spec_same_engine(NULL, none));
	assert_true(host_spec_same_engine(one, more));
	assert_false(host_spec_same_engine(NULL, one));
	assert_false(host_spec_same_engine(one, none));
	assert_false(host_spec_same_engine(one, other));
}

static void status_survives(void **state)
{
	const struct host_status before = {.phase = HOST_AWAY,
		.address = "10.0.0.1",
		.cpu_milli = 1500,
		.disk_gib = 20,
		.instances = 3,
		.tries = 3,
		.message = "\"quoted\"\n",
		.warning = "its disk"};
	_cleanup_buf_ struct buf json = BUF_INIT;
	struct host_status after;

	(void)state;
	host_status_print(&before, &json);
	assert_int_equal(host_status_parse(buf_string(&json), &after), 0);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(host_status_parse(NULL, &after), 0);
	assert_int_equal(after.phase, HOST_NEW);
}

static void the_platforms_own_name_is_taken(void **state)
{
	(void)state;
	assert_int_equal(kind_check_name(KIND_HOST, "h1", NULL), 0);
	assert_int_equal(kind_check_name(KIND_HOST, "local", NULL), -EINVAL);
	assert_int_equal(kind_check_name(KIND_SERVICE, "local", NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field),
		cmocka_unit_test(a_disk_grows_and_never_shrinks),
		cmocka_unit_test(defaults),
		cmocka_unit_test(refusals),
		cmocka_unit_test(whose_engine_it_is),
		cmocka_unit_test(status_survives),
		cmocka_unit_test(the_platforms_own_name_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
