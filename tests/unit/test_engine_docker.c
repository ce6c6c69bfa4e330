/* SPDX-License-Identifier: Apache-2.0 */
/* The pure parts of the Docker engine: what it reads and writes, well-formed or not. */
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

#include "base/clock.h"
#include "base/text.h"
#include "base/file.h"
#include "engine/docker.h"
#include "engine/docker_names.h"
#include "engine/docker_parse.h"
#include "engine/docker_subnet.h"

static void times_are_read(void **state)
{
	static const struct {
		const char *text;
		size_t used;
		int64_t seconds, ns;
	} rows[] = {
		{"1970-01-01T00:00:00Z", 20, 0, 0},
		{"2026-11-23T02:30:00Z", 20, 1795401000, 0},
		{"2026-11-23T02:30:00.5Z rest", 22, 1795401000, 500000000},
		{"2026-11-23T02:30:00.123456789Z", 30, 1795401000, 123456789},
		{"2026-11-23T02:30:00.1234567890123Z", 34, 1795401000, 123456789},
		{"2026-11-23T03:30:00+01:00", 25, 1795401000, 0},
		{"2026-11-22T21:00:00.25-05:30", 28, 1795401000, 250000000},
		{"2024-02-29T23:59:59Z", 20, 1709251199, 0},
		{"0001-01-01T00:00:00Z", 20, 0, 0},
		{"1969-12-31T23:59:59Z", 20, 0, 0},
		{"9999-01-01T00:00:00Z", 0, 0, 0},
		{"2026-11-23T02:30:00", 0, 0, 0},
		{"2026-11-23T02:30:00.", 0, 0, 0},
		{"2026-11-23T02:30:00+01", 0, 0, 0},
		{"2026-11-23T02:30:00+0100", 0, 0, 0},
		{"2026-13-23T02:30:00Z", 0, 0, 0},
		{"2026-11-32T02:30:00Z", 0, 0, 0},
		{"2026-11-23 02:30:00Z", 0, 0, 0},
		{"-026-11-23T02:30:00Z", 0, 0, 0},
		{"2026-11-23T02:30", 0, 0, 0},
		{"202", 0, 0, 0},
		{"", 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t ns = -1;
		size_t len = strlen(rows[i].text);
		char *exact = malloc(len ? len : 1);

		memcpy(exact, rows[i].text, len);
		if (docker_parse_time(exact, len, &ns) != rows[i].used)
			fail_msg("%s", rows[i].text);
		if (rows[i].used > 0 && ns != rows[i].seconds * NS_PER_SECOND + rows[i].ns)
			fail_msg("%s: %lld", rows[i].text, (long long)ns);
		if (rows[i].used == 0)
			assert_int_equal(ns, -1);
		free(exact);
	}
}

static void references_are_split(void **state)
{
	static const struct {
		const char *image, *name, *tag;
	} rows[] = {
		{"nginx", "nginx", "latest"},
		{"nginx:1.25", "nginx", "1.25"},
		{"library/nginx", "library/nginx", "latest"},
		{"127.0.0.1:5000/web", "127.0.0.1:5000/web", "latest"},
		{"127.0.0.1:5000/a/web:2", "127.0.0.1:5000/a/web", "2"},
		{"web@sha256:abc", "web", "sha256:abc"},
		{"r.example:443/web:1@sha256:abc", "r.example:443/web:1", "sha256:abc"},
		{"sha256:abc", "sha256", "abc"},
		{"", NULL, NULL},
		{"/web", NULL, NULL},
		{"web/", NULL, NULL},
		{"web:", NULL, NULL},
		{"web@", NULL, NULL},
		{":1", NULL, NULL},
		{"a//b", NULL, NULL},
		{"../../info", NULL, NULL},
		{"a/../b", NULL, NULL},
		{"web?all=1", NULL, NULL},
		{"web#x", NULL, NULL},
		{"we b", NULL, NULL},
		{"web\n", NULL, NULL},
		{"w%2Fb", NULL, NULL},
		{"w\xc3\xa9"
		 "b",
			NULL, NULL},
	};
	char name[32], tag[32], longer[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int r = docker_parse_reference(rows[i].image, name, sizeof(name), tag, sizeof(tag));

		if (r != (rows[i].name ? 0 : -EINVAL))
			fail_msg("\"%s\": %d", rows[i].image, r);
		if (r < 0)
			continue;
		assert_string_equal(name, rows[i].name);
		assert_string_equal(tag, rows[i].tag);
	}
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(docker_parse_reference(longer, name, sizeof(name), tag, sizeof(tag)),
		-EINVAL);
	longer[1] = ':';
	assert_int_equal(docker_parse_reference(longer, name, sizeof(name), tag, sizeof(tag)),
		-EINVAL);
}

static struct container_state inspected(const char *text)
{
	_cleanup_json_ json_t *answer = json_loads(text, JSON_DECODE_ANY, NULL);
	struct container_state seen;

	assert_non_null(answer);
	docker_parse_inspect(answer, &seen);
	return seen;
}

static void an_inspection_is_read(void **state)
{
	struct container_state seen =
		inspected("{\"Id\":\"abc\",\"Name\":\"/"
			  "acme-web-0\",\"State\":{\"Status\":\"running\","
			  "\"ExitCode\":0,\"OOMKilled\":false,\"Error\":\"\","
			  "\"StartedAt\":\"2026-11-23T02:30:00.5Z\","
			  "\"FinishedAt\":\"0001-01-01T00:00:00Z\"},"
			  "\"Config\":{\"Labels\":{\"duplo.instance\":\"77\",\"duplo.generation\":"
			  "\"8\","
			  "\"duplo.tenant\":\"acme\",\"duplo.service\":\"web\"}},"
			  "\"NetworkSettings\":{\"Networks\":{\"a\":{\"IPAddress\":\"\"},"
			  "\"b\":{\"IPAddress\":\"172.18.0.5\"}}}}");

	(void)state;
	assert_int_equal(seen.phase, CONTAINER_RUNNING);
	assert_string_equal(seen.id, "abc");
	assert_string_equal(seen.name, "acme-web-0");
	assert_string_equal(seen.address, "172.18.0.5");
	assert_string_equal(seen.tenant, "acme");
	assert_string_equal(seen.service, "web");
	assert_int_equal(seen.instance, 77);
	assert_int_equal(seen.generation, 8);
	assert_int_equal(seen.started_wall_ns, 1795401000 * NS_PER_SECOND + 500000000);
	assert_int_equal(seen.finished_wall_ns, 0);
	seen = inspected("{\"State\":{\"Status\":\"exited\",\"ExitCode\":137,\"OOMKilled\":true,"
			 "\"Error\":\"port is already "
			 "allocated\"},\"NetworkSettings\":{\"Networks\":"
			 "{\"b\":{\"IPAddress\":\"172.18.0.5\"}}}}");
	assert_int_equal(seen.phase, CONTAINER_EXITED);
	assert_int_equal(seen.exit_code, 137);
	assert_true(seen.out_of_memory);
	assert_string_equal(seen.reason, "port is already allocated");
	assert_string_equal(seen.address, "");
}

static void odd_inspections_do_no_harm(void **state)
{
	static const char *const odd[] = {
		"{}",
		"[]",
		"null",
		"3",
		"{\"State\":[],\"Config\":3,\"NetworkSettings\":\"x\",\"Name\":7,\"Id\":null}",
		"{\"State\":{\"Status\":7,\"ExitCode\":\"x\",\"StartedAt\":3,\"OOMKilled\":\"y\"}}",
		"{\"Config\":{\"Labels\":{\"duplo.instance\":5,\"duplo.generation\":\"-1\"}}}",
		"{\"Config\":{\"Labels\":{\"duplo.instance\":\"99999999999999999999\"}}}",
		"{\"State\":{\"Status\":\"running\"},\"NetworkSettings\":{\"Networks\":[3]}}",
		"{\"State\":{\"Status\":\"running\"},\"NetworkSettings\":{\"Networks\":{\"a\":3}}}",
	};
	char *longer = malloc(100001);
	_cleanup_json_ json_t *answer = NULL;
	struct container_state seen;

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		seen = inspected(odd[i]);
		assert_int_equal(seen.instance, 0);
		assert_int_equal(seen.generation, 0);
		assert_string_equal(seen.address, "");
	}
	memset(longer, 'n', 100000);
	longer[100000] = '\0';
	answer = json_pack("{s:s, s:s, s:{s:s}}", "Id", longer, "Name", longer, "State", "Error",
		longer);
	docker_parse_inspect(answer, &seen);
	assert_int_equal(strlen(seen.id), sizeof(seen.id) - 1);
	assert_int_equal(strlen(seen.name), sizeof(seen.name) - 1);
	assert_int_equal(strlen(seen.reason), sizeof(seen.reason) - 1);
	free(longer);
}

static void a_listed_container_is_read(void **state)
{
	_cleanup_json_ json_t *element =
		json_loads("{\"Id\":\"abc\",\"Names\":[\"/x\"],\"State\":\"exited\","
			   "\"Status\":\"Exited (137) 5 minutes "
			   "ago\",\"Labels\":{\"duplo.instance\":\"9\"}}",
			0, NULL);
	struct container_state seen;

	(void)state;
	docker_parse_listed(element, &seen);
	assert_int_equal(seen.phase, CONTAINER_EXITED);
	assert_int_equal(seen.exit_code, 137);
	assert_int_equal(seen.instance, 9);
	assert_string_equal(seen.name, "x");
	docker_parse_listed(NULL, &seen);
	assert_string_equal(seen.name, "");
}

static void usage_is_read(void **state)
{
	static const struct {
		const char *text;
		struct container_usage expected;
	} rows[] = {
		{"{\"cpu_stats\":{\"cpu_usage\":{\"total_usage\":123}},\"memory_stats\":{\"usage\":"
		 "1000,"
		 "\"limit\":5000,\"stats\":{\"total_inactive_file\":300,\"inactive_file\":1}},"
		 "\"pids_stats\":{\"current\":4},\"networks\":{\"eth0\":{\"rx_bytes\":10,"
		 "\"tx_bytes\":20},\"eth1\":{\"rx_bytes\":1,\"tx_bytes\":2}}}",
			{123, 700, 5000, 11, 22, 4}},
		{"{\"memory_stats\":{\"usage\":1000,\"stats\":{\"inactive_file\":400}}}",
			{0, 600, 0, 0, 0, 0}},
		{"{\"memory_stats\":{\"usage\":10,\"stats\":{\"inactive_file\":400}}}",
			{0, 10, 0, 0, 0, 0}},
		{"{\"memory_stats\":7,\"cpu_stats\":[],\"networks\":[{}],\"pids_stats\":null}",
			{0, 0, 0, 0, 0, 0}},
		{"[]", {0, 0, 0, 0, 0, 0}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_json_ json_t *answer = json_loads(rows[i].text, 0, NULL);
		struct container_usage usage;

		assert_non_null(answer);
		docker_parse_usage(answer, &usage);
		assert_memory_equal(&usage, &rows[i].expected, sizeof(usage));
	}
}

static void events_are_read(void **state)
{
	static const struct {
		const char *line;
		bool known;
		enum engine_event_type type;
		int64_t instance;
		int exit_code;
	} rows[] = {
		{"{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"abc\","
		 "\"Attributes\":{"
		 "\"exitCode\":\"137\",\"duplo.instance\":\"5\"}}}",
			true, ENGINE_CONTAINER_DIED, 5, 137},
		{"{\"Type\":\"container\",\"Action\":\"start\",\"Actor\":{\"ID\":\"abc\"}}", true,
			ENGINE_CONTAINER_STARTED, 0, 0},
		{"{\"Type\":\"container\",\"Action\":\"destroy\",\"Actor\":{\"ID\":\"abc\","
		 "\"Attributes\":{\"exitCode\":\"1000\"}}}",
			true, ENGINE_CONTAINER_REMOVED, 0, 0},
		{"{\"Type\":\"network\",\"Action\":\"destroy\",\"Actor\":{\"ID\":\"abc\"}}", false,
			0, 0, 0},
		{"{\"Type\":\"container\",\"Action\":\"exec_die\",\"Actor\":{\"ID\":\"abc\"}}",
			false, 0, 0, 0},
		{"{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"\"}}", false, 0, 0,
			0},
		{"{\"Type\":\"container\",\"Action\":\"die\"}", false, 0, 0, 0},
		{"{\"Type\":\"container\",\"Action\":\"die\",", false, 0, 0, 0},
		{"[1,2]", false, 0, 0, 0},
		{"", false, 0, 0, 0},
		{"\xff\xfe", false, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct engine_event event = {0};

		assert_int_equal(docker_parse_event(rows[i].line, strlen(rows[i].line), &event),
			rows[i].known);
		if (!rows[i].known)
			continue;
		assert_int_equal(event.type, rows[i].type);
		assert_string_equal(event.container, "abc");
		assert_int_equal(event.instance, rows[i].instance);
		assert_int_equal(event.exit_code, rows[i].exit_code);
	}
}

static void failures_are_explained(void **state)
{
	static const struct {
		int status;
		const char *message;
		int code;
		const char *words;
	} rows[] = {
		{500, "driver failed: Bind for 127.0.0.1:80 failed: port is already allocated",
			-EADDRINUSE, "in use by another container"},
		{500, "listen tcp4 127.0.0.1:80: bind: address already in use", -EADDRINUSE,
			"in use by another program"},
		{404, "No such image: web:1", -ENOENT, "not on the host"},
		{500, "manifest for web:9 not found: manifest unknown: manifest unknown", -ENOENT,
			"no such tag"},
		{500, "write /var/lib/docker/tmp/x: no space left on device", -ENOSPC,
			"disk is full"},
		{409, "Conflict. The container name \"/x\" is already in use by container \"y\".",
			-EEXIST, "name is taken"},
		{500, "Get \"https://r.example/v2/\": dial tcp: lookup r.example: no such host",
			-EHOSTUNREACH, "registry is not known"},
		{400, "what is this", -EINVAL, "what is this"},
		{404, "network x not found", -ENOENT, "network x not found"},
		{418, "teapot\nsecond line", -EIO, "teapot"},
		{503, "later", -EAGAIN, "later"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct error error = ERROR_INIT;

		assert_int_equal(docker_failure(rows[i].status, rows[i].message, "image web",
					 &error),
			rows[i].code);
		assert_int_equal(error.code, rows[i].code);
		assert_memory_equal(error.text, "image web: ", 11);
		assert_non_null(strstr(error.text, rows[i].words));
		assert_null(strchr(error.text, '\n'));
		assert_int_equal(docker_failure(rows[i].status, rows[i].message, NULL, NULL),
			rows[i].code);
	}
}

static void long_and_odd_messages_stay_text(void **state)
{
	static const char *const tails[] = {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x90\xb3"};
	struct error error = ERROR_INIT;
	char message[1000];

	(void)state;
	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		for (size_t shift = 0; shift < 5; shift++) {
			size_t at = 0;

			while (at < shift)
				message[at++] = 'x';
			while (at + 5 < sizeof(message)) {
				memcpy(message + at, tails[i], strlen(tails[i]));
				at += strlen(tails[i]);
			}
			message[at] = '\0';
			(void)docker_failure(500, message, "image web", &error);
			assert_true(text_is_utf8(error.text, strlen(error.text)));
			assert_in_range(strlen(error.text), 300, 320);
		}
	}
	(void)docker_failure(500, "\xff\xfe", "image web", &error);
	assert_true(text_is_utf8(error.text, strlen(error.text)));
}

static void a_container_is_described(void **state)
{
	static const char *const command[] = {"sh", "-c", "echo \"$1\" \\", NULL};
	static const char *const environment[] = {"A=\"b\"\n", NULL};
	static const char *const volumes[] = {"data:/data:ro", NULL};
	static const char *const aliases[] = {"web", "web.acme", NULL};
	static const struct label labels[] = {{"k", "v \"quoted\""}};
	const struct container_spec spec = {.name = "n",
		.hostname = "web-0",
		.image = "web:1",
		.command = command,
		.environment = environment,
		.volumes = volumes,
		.labels = labels,
		.label_count = 1,
		.network = "duplo-acme",
		.aliases = aliases,
		.host_address = "127.0.0.1",
		.host_port = 20001,
		.container_port = 80,
		.cpu_milli = 1500,
		.memory_mib = 256};
	_cleanup_json_ json_t *body = docker_format_create(&spec);
	_cleanup_json_ json_t *expected =
		json_loads("{\"Image\":\"web:1\",\"Hostname\":\"web-0\",\"Labels\":{\"k\":\"v "
			   "\\\"quoted\\\"\"},"
			   "\"Cmd\":[\"sh\",\"-c\",\"echo \\\"$1\\\" "
			   "\\\\\"],\"Env\":[\"A=\\\"b\\\"\\n\"],"
			   "\"ExposedPorts\":{\"80/tcp\":{}},"
			   "\"HostConfig\":{\"NetworkMode\":\"duplo-acme\",\"Binds\":[\"data:/"
			   "data:ro\"],"
			   "\"Privileged\":false,\"Init\":true,\"SecurityOpt\":[\"no-new-"
			   "privileges\"],"
			   "\"RestartPolicy\":{\"Name\":\"no\"},"
			   "\"LogConfig\":{\"Type\":\"json-file\",\"Config\":{\"max-size\":\"10m\","
			   "\"max-file\":\"2\"}},\"NanoCpus\":1500000000,\"Memory\":268435456,"
			   "\"PortBindings\":{\"80/"
			   "tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"20001\"}]}},"
			   "\"NetworkingConfig\":{\"EndpointsConfig\":{\"duplo-acme\":{\"Aliases\":"
			   "[\"web\","
			   "\"web.acme\"]}}}}",
			0, NULL);

	(void)state;
	assert_non_null(expected);
	assert_true(json_equal(body, expected));
}

static void text_that_is_not_utf8_is_refused(void **state)
{
	static const char *const bad[] = {"good", "\xff\xfe", NULL};
	struct container_spec spec = {.name = "n", .image = "web"};
	json_t *body;

	(void)state;
	body = docker_format_create(&spec);
	assert_non_null(body);
	assert_null(json_object_get(body, "Cmd"));
	assert_null(json_object_get(json_object_get(body, "HostConfig"), "PortBindings"));
	json_decref(body);
	spec.command = bad;
	assert_null(docker_format_create(&spec));
	spec.command = NULL;
	spec.environment = bad;
	assert_null(docker_format_create(&spec));
	spec.environment = NULL;
	spec.volumes = bad;
	assert_null(docker_format_create(&spec));
	spec.volumes = NULL;
	spec.hostname = bad[1];
	assert_null(docker_format_create(&spec));
	spec.hostname = NULL;
	spec.image = bad[1];
	assert_null(docker_format_create(&spec));
	spec.image = NULL;
	assert_null(docker_format_create(&spec));
}

static void subnets_differ_by_try(void **state)
{
	char seen[DOCKER_SUBNETS][20], subnet[32];
	unsigned a, b, c;

	(void)state;
	for (unsigned try = 0; try < DOCKER_SUBNETS; try++) {
		docker_subnet_of("duplo-acme", try, subnet, sizeof(subnet));
		(void)snprintf(seen[try], sizeof(seen[try]), "%.19s", subnet);
		assert_int_equal(sscanf(subnet, "10.%u.%u.%u/22", &a, &b, &c), 3);
		assert_true(a >= 208 && a <= 223 && b % 4 == 0 && c == 0);
	}
	qsort(seen, DOCKER_SUBNETS, sizeof(seen[0]), (int (*)(const void *, const void *))strcmp);
	for (unsigned i = 1; i < DOCKER_SUBNETS; i++)
		assert_string_not_equal(seen[i - 1], seen[i]);
}

static void routes_keep_subnets_away(void **state)
{
	static const char routes[] = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask"
				     "\t\tMTU\tWindow\tIRTT\n"
				     "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
				     "vpn0\t0004D00A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
				     "vpn1\t0000D20A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n";

	(void)state;
	assert_true(docker_subnet_is_free("10.208.0.0/22", routes));
	assert_false(docker_subnet_is_free("10.208.4.0/22", routes));
	assert_true(docker_subnet_is_free("10.208.8.0/22", routes));
	assert_false(docker_subnet_is_free("10.210.252.0/22", routes));
	assert_true(docker_subnet_is_free("10.208.4.0/22", ""));
	assert_true(docker_subnet_is_free("10.208.4.0/22", "nonsense\n\nmore"));
	assert_false(docker_subnet_is_free("nonsense", routes));
}

static void names_are_a_section(void **state)
{
#define OURS(lines) "# of other tenants, by duplofs\n" lines "# end of other tenants\n"
	static const struct {
		const char *text, *lines, *expected;
	} rows[] = {
		{"a\n", "", "a\n"},
		{"", "", ""},
		{"a\n", "1\tx\n", "a\n" OURS("1\tx\n")},
		{"", "1\tx\n", OURS("1\tx\n")},
		{"a", "1\tx\n", "a\n" OURS("1\tx\n")},
		{"a\n" OURS("1\tx\n"), "2\ty\n3\tz\n", "a\n" OURS("2\ty\n3\tz\n")},
		{"a\n" OURS("1\tx\n"), "", "a\n"},
		{"a\n" OURS("1\tx\n") "b\n", "2\ty\n", "a\n" OURS("2\ty\n") "b\n"},
		{"a\n" OURS("1\tx\n") "b\n", "", "a\nb\n"},
		{"a\n# of other tenants, by duplofs\n1\tx\n", "", "a\n1\tx\n"},
	};
	char path[] = "/tmp/duplofs-names-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_buf_ struct buf out = BUF_INIT, there = BUF_INIT;

		docker_names_merge(rows[i].text, rows[i].lines, &out);
		assert_string_equal(buf_string(&out), rows[i].expected);
		/* Whoever holds the file sees the same. */
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, rows[i].text, strlen(rows[i].text), 0),
			strlen(rows[i].text));
		assert_int_equal(docker_names_put(path, rows[i].lines, NULL), 0);
		assert_int_equal(lseek(fd, 0, SEEK_END), strlen(rows[i].expected));
		assert_int_equal(file_read(path, 4096, &there, NULL), 0);
		assert_string_equal(buf_string(&there), rows[i].expected);
	}
	assert_int_equal(close(fd), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(docker_names_put(path, "1\tx\n", NULL), -ENOENT);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(docker_names_put(path, "1\tx\n", NULL), -ELOOP);
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_read),
		cmocka_unit_test(names_are_a_section),
		cmocka_unit_test(references_are_split),
		cmocka_unit_test(an_inspection_is_read),
		cmocka_unit_test(odd_inspections_do_no_harm),
		cmocka_unit_test(a_listed_container_is_read),
		cmocka_unit_test(usage_is_read),
		cmocka_unit_test(events_are_read),
		cmocka_unit_test(failures_are_explained),
		cmocka_unit_test(long_and_odd_messages_stay_text),
		cmocka_unit_test(a_container_is_described),
		cmocka_unit_test(text_that_is_not_utf8_is_refused),
		cmocka_unit_test(subnets_differ_by_try),
		cmocka_unit_test(routes_keep_subnets_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
