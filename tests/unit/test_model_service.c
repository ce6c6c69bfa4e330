/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "model/check.h"
#include "model/kind.h"
#include "model/service.h"

static struct service_spec *parse(const char *text)
{
	struct service_spec *spec = NULL;
	struct error error = ERROR_INIT;

	if (service_spec_parse(text, strlen(text), "website", &spec, &error) < 0)
		fail_msg("refused: %s", error.text);
	return spec;
}

static void refuse(const char *text, int code, const char *sentence)
{
	struct service_spec *spec = NULL;
	struct error error = ERROR_INIT;
	int r = service_spec_parse(text, strlen(text), "website", &spec, &error);

	assert_null(spec);
	assert_int_equal(r, code);
	if (!strstr(error.text, sentence))
		fail_msg("\"%s\" does not hold \"%s\"", error.text, sentence);
}

static void the_seed_s_form_is_accepted(void **state)
{
	struct service_spec *spec =
		parse("{\"Name\":\"Website\",\"DockerImage\":\"nginx:latest\","
		      "\"Replicas\":\"3\",\"ExternalLBPort\":\"80\",\"DNS\":\"\"}");

	(void)state;
	assert_string_equal(spec->image, "nginx:latest");
	assert_int_equal(spec->replicas, 3);
	assert_int_equal(spec->lb_port, 80);
	assert_int_equal(spec->container_port, 80);
	assert_string_equal(spec->dns, "");
	assert_int_equal(spec->update_domains, 3);
	assert_true(spec->auto_rollback);
	assert_int_equal(spec->drain_s, 10);
	assert_null(spec->secrets);
	service_spec_free(spec);
}

static void every_field_is_read(void **state)
{
	struct service_spec *spec =
		parse("{\"DockerImage\":\"localhost:5000/a/"
		      "b_c:v1\",\"Replicas\":7,\"ContainerPort\":8080,"
		      "\"ExternalLBPort\":443,\"DNS\":\"WWW.Example.com\",\"HealthCheck\":{"
		      "\"Path\":\"/h\","
		      "\"Port\":\"81\",\"IntervalSeconds\":1},\"UpdateDomains\":2,\"MaxSurge\":"
		      "\"1\","
		      "\"AutoRollback\":\"false\",\"Command\":[\"sh\",\"-c\",\"x\"],"
		      "\"Environment\":{\"A\":\"b=c\",\"N\":5},\"Volumes\":[\"data:/var/data:ro\"],"
		      "\"CPU\":0.5,\"MemoryMiB\":64,\"Secrets\":[],\"Neighbors\":[\"db\",\"other/"
		      "db\"],"
		      "\"Hosts\":{\"Spot\":true},\"DrainSeconds\":0,\"OnConfigChange\":\"signal:"
		      "HUP\"}");

	(void)state;
	assert_int_equal(spec->container_port, 8080);
	assert_string_equal(spec->dns, "www.example.com");
	assert_string_equal(spec->health.path, "/h");
	assert_int_equal(spec->health.port, 81);
	assert_int_equal(spec->health.interval_s, 1);
	assert_int_equal(spec->health.timeout_s, 2);
	assert_int_equal(spec->max_surge, 1);
	assert_false(spec->auto_rollback);
	assert_string_equal(spec->command[2], "x");
	assert_null(spec->command[3]);
	assert_string_equal(spec->environment[0], "A=b=c");
	assert_string_equal(spec->environment[1], "N=5");
	assert_int_equal(spec->cpu_milli, 500);
	assert_non_null(spec->secrets);
	assert_null(spec->secrets[0]);
	assert_string_equal(spec->neighbors[1], "other/db");
	assert_true(spec->spot);
	assert_int_equal(spec->on_change, ON_CHANGE_SIGNAL);
	service_spec_free(spec);
}

static void a_command_may_tell_the_health(void **state)
{
	struct service_spec *spec = parse("{\"DockerImage\":\"a\",\"HealthCheck\":{\"Command\":"
					  "[\"/bin/check\",\"a b\"],\"TimeoutSeconds\":3}}");

	(void)state;
	assert_string_equal(spec->health.command[0], "/bin/check");
	assert_string_equal(spec->health.command[1], "a b");
	assert_null(spec->health.command[2]);
	assert_null(spec->health.path);
	assert_int_equal(spec->health.timeout_s, 3);
	service_spec_free(spec);
	spec = parse("{\"DockerImage\":\"a\",\"HealthCheck\":{\"Command\":[]}}");
	assert_null(spec->health.command);
	service_spec_free(spec);
}

#define IMAGE "{\"DockerImage\":\"a\","

static void fields_that_are_unknown_or_missing_are_named(void **state)
{
	(void)state;
	refuse("{\n  \"DockerImage\": \"a\",\n  \"Replica\": 3\n}", -EINVAL,
		"line 3, column 3: unknown field \"Replica\", did you mean \"Replicas\"?");
	refuse(IMAGE "\"dockerimage\":\"b\"}", -EINVAL, "did you mean \"DockerImage\"?");
	refuse(IMAGE "\"Zzzz\": 3}", -EINVAL, "line 1, column 20: unknown field \"Zzzz\"");
	refuse(IMAGE "\"\": 3}", -EINVAL, "unknown field \"\"");
	refuse(IMAGE "\"a\\nb\": 3}", -EINVAL, "unknown field \"a?b\"");
	refuse(IMAGE "\n\"HealthCheck\":\n {\"path\":\"/\"}}", -EINVAL,
		"line 3, column 3: HealthCheck: unknown field \"path\", did you mean \"Path\"?");
	refuse(IMAGE "\"HealthCheck\":{\"Commands\":[\"x\"]}}", -EINVAL,
		"HealthCheck: unknown field \"Commands\", did you mean \"Command\"?");
	refuse(IMAGE "\"HealthCheck\":{\"Command\":[\"x\"],\"Path\":\"/\"}}", -EINVAL,
		"HealthCheck: either Path or Command, not both");
	refuse(IMAGE "\"HealthCheck\":{\"Command\":[\"x\"],\"Port\":80}}", -EINVAL,
		"HealthCheck: a Command needs no Port");
	refuse(IMAGE "\"HealthCheck\":{\"Command\":[\"\"]}}", -EINVAL,
		"HealthCheck: Command begins with the name of a program");
	refuse(IMAGE "\"HealthCheck\":{\"Command\":\"x\"}}", -EINVAL,
		"HealthCheck.Command: a list is needed, not a text");
	refuse(IMAGE "\"Hosts\":{\"spot\":true}}", -EINVAL, "did you mean \"Spot\"?");
	refuse("{\"Replicas\": 3}", -EINVAL, "line 1, column 1: DockerImage is needed");
	refuse("{}", -EINVAL, "DockerImage is needed");
	refuse(" []", -EINVAL, "line 1, column 2: an object is needed, not a list");
	refuse("null", -EINVAL, "an object is needed, not null");
	refuse(IMAGE "\"DNS\":\"\",\n \"D\\u004eS\":\"\"}", -EINVAL,
		"line 2, column 2: \"D\\u004eS\" is given twice");
	refuse(IMAGE "\"HealthCheck\":{\"Path\":\"/\",\"Path\":\"/\"}}", -EINVAL,
		"line 1, column 46: \"Path\" is given twice");
	refuse(IMAGE "\"Name\": \"other\"}", -EINVAL,
		"line 1, column 20: Name: \"other\" is not "
		"the name of the directory, which is \"website\"");
}

static void numbers_have_bounds_and_types(void **state)
{
	(void)state;
	refuse(IMAGE "\"Replicas\": 5000}", -EINVAL,
		"line 1, column 20: Replicas: 5000 is above 1000");
	refuse(IMAGE "\"Replicas\": -1}", -EINVAL, "Replicas: -1 is below 0");
	refuse(IMAGE "\"Replicas\": \"-1\"}", -EINVAL, "-1 is below 0");
	refuse(IMAGE "\"Replicas\": \"99999999999999999999\"}", -EINVAL, "is above 1000");
	refuse(IMAGE "\"Replicas\": 99999999999999999999}", -EINVAL, "too large");
	refuse(IMAGE "\"Replicas\": 9e99}", -EINVAL, "9e+99 is above 1000");
	refuse(IMAGE "\"Replicas\": -9e99}", -EINVAL, "is below 0");
	refuse(IMAGE "\"Replicas\": 1e999}", -EINVAL, "too large");
	refuse(IMAGE "\"Replicas\": \"\"}", -EINVAL, "\"\" is no whole number");
	refuse(IMAGE "\"AutoRollback\": \"\"}", -EINVAL, "true or false is needed");
	refuse(IMAGE "\"CPU\": \"\"}", -EINVAL, "no number");
	/* An empty variable of a script must not hand out all there is. */
	refuse(IMAGE "\"Secrets\": \"\"}", -EINVAL, "a list is needed, not a text");
	refuse(IMAGE "\"Neighbors\": \"\"}", -EINVAL, "a list is needed, not a text");
	refuse(IMAGE "\"Replicas\": \"x\"}", -EINVAL, "\"x\" is no whole number");
	refuse(IMAGE "\"Replicas\": \"3 \"}", -EINVAL, "no whole number");
	refuse(IMAGE "\"Replicas\": \"+3\"}", -EINVAL, "no whole number");
	refuse(IMAGE "\"Replicas\": \"0x3\"}", -EINVAL, "no whole number");
	refuse(IMAGE "\"Replicas\": 1.5}", -EINVAL, "1.5 is no whole number");
	refuse(IMAGE "\"Replicas\": true}", -EINVAL, "a number is needed, not true");
	refuse(IMAGE "\"Replicas\": null}", -EINVAL, "a number is needed, not null");
	refuse(IMAGE "\"Replicas\": [3]}", -EINVAL, "a number is needed, not a list");
	refuse(IMAGE "\"UpdateDomains\": 0}", -EINVAL, "UpdateDomains: 0 is below 1");
	refuse(IMAGE "\"ContainerPort\": 65536}", -EINVAL, "above 65535");
	refuse(IMAGE "\"ExternalLBPort\": 0}", -EINVAL, "below 1");
	refuse(IMAGE "\"DrainSeconds\": \"3601\"}", -EINVAL, "above 3600");
	refuse(IMAGE "\"MemoryMiB\": 5}", -EINVAL, "MemoryMiB: 5 is below 6");
	refuse(IMAGE "\"CPU\": \"0x10\"}", -EINVAL, "CPU: \"0x10\" is no number");
	refuse(IMAGE "\"CPU\": \"1.\"}", -EINVAL, "no number");
	refuse(IMAGE "\"CPU\": \"nan\"}", -EINVAL, "no number");
	refuse(IMAGE "\"CPU\": \"-0.5\"}", -EINVAL, "-0.5 is below 0");
	refuse(IMAGE "\"CPU\": 1025}", -EINVAL, "1025 is above 1024");
	refuse(IMAGE "\"CPU\": 0.0001}", -EINVAL, "below 0.001");
	refuse(IMAGE "\"HealthCheck\":{\"Port\":\"0\"}}", -EINVAL,
		"HealthCheck.Port: 0 is below 1");
	refuse(IMAGE "\"AutoRollback\": 1}", -EINVAL, "true or false is needed");
	refuse(IMAGE "\"AutoRollback\": \"yes\"}", -EINVAL, "true or false is needed");
}

static void values_must_look_like_what_they_are(void **state)
{
	(void)state;
	refuse(IMAGE "\"DNS\": \"a..b\", \"ExternalLBPort\": 80}", -EINVAL, "no DNS name");
	refuse(IMAGE "\"DNS\": \"a.b\"}", -EINVAL, "DNS: a name points to a load balancer");
	refuse(IMAGE "\"DNS\": 3}", -EINVAL, "a text is needed, not a number");
	refuse(IMAGE "\"HealthCheck\": \"x\"}", -EINVAL, "does not begin with \"/\"");
	refuse(IMAGE "\"HealthCheck\": \"/a b\"}", -EINVAL, "no spaces");
	refuse(IMAGE "\"HealthCheck\": \"/a\\r\\nX: y\"}", -EINVAL, "no spaces");
	refuse(IMAGE "\"HealthCheck\": 80}", -EINVAL,
		"a text or an object is needed, not a number");
	refuse(IMAGE "\"Volumes\": [\"/etc:/x\"]}", -EPERM, "policy");
	refuse(IMAGE "\"Volumes\": \"v:/a\"}", -EINVAL, "a list is needed, not a text");
	refuse(IMAGE "\"Volumes\": [\"v:/a\", 3]}", -EINVAL, "a text is needed, not a number");
	refuse(IMAGE "\"Volumes\": [\"v:/a:ro\", \"w:/b\", \"x:/a/\"]}", -EINVAL,
		"two volumes are at /a");
	refuse(IMAGE "\"Environment\": {\"1A\": \"x\"}}", -EINVAL,
		"Environment.1A: \"1A\" is no name of a variable");
	refuse(IMAGE "\"Environment\": {\"A=B\": \"x\"}}", -EINVAL, "has no \"=\"");
	refuse(IMAGE "\"Environment\": {\"\": \"x\"}}", -EINVAL, "no name of a variable");
	refuse(IMAGE "\"Environment\": {\"A\": 1.5}}", -EINVAL, "a whole number");
	refuse(IMAGE "\"Environment\": {\"A\": null}}", -EINVAL, "not null");
	refuse(IMAGE "\"Environment\": [\"A=b\"]}", -EINVAL, "an object is needed, not a list");
	refuse(IMAGE "\"Command\": [\"a\\u0000b\"]}", -EINVAL, "Command: a NUL is not allowed");
	refuse(IMAGE "\"Replicas\": \"3\\u0000\"}", -EINVAL, "Replicas: a NUL is not allowed");
	refuse(IMAGE "\"DNS\": \"\\u0000\"}", -EINVAL, "DNS: a NUL is not allowed");
	refuse(IMAGE "\"OnConfigChange\": \"none\\u0000\"}", -EINVAL, "a NUL is not allowed");
	refuse(IMAGE "\"Environment\": {\"A\":\"\\u0000\"}}", -EINVAL,
		"Environment.A: a NUL is not allowed");
	refuse(IMAGE "\"a\\u0000b\": 1}", -EINVAL, "line 1");
	refuse(IMAGE "\"Command\": \"sh -c x\"}", -EINVAL, "a list is needed, not a text");
	refuse(IMAGE "\"Hosts\": \"h1\"}", -EINVAL, "a list or an object is needed, not a text");
	refuse(IMAGE "\"Hosts\": [\"a b\"]}", -EINVAL, "no name or tag");
	refuse(IMAGE "\"Secrets\": [\"a/b\"]}", -EINVAL, "Secrets");
	refuse(IMAGE "\"Neighbors\": [\"A\"]}", -EINVAL, "neither service nor tenant/service");
	refuse(IMAGE "\"OnConfigChange\": \"signal:HUPS\"}", -EINVAL, "did you mean \"HUP\"?");
	refuse(IMAGE "\"OnConfigChange\": \"reload\"}", -EINVAL, "none, restart or signal");
	refuse(IMAGE "\"OnConfigChange\": true}", -EINVAL, "none, restart or signal");
	refuse("{\"DockerImage\": \"\"}", -EINVAL, "an image is needed");
	refuse("{\"DockerImage\": \"\xff\"}", -EINVAL, "not UTF-8");
}

/* One character of a text that is hard to show. */
static size_t put_hard(char *out, size_t i)
{
	static const char *const hard[] = {
		"x", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\\n", "\\u0001"};
	const char *one = hard[(i * 7 + i / 5) % (sizeof(hard) / sizeof(hard[0]))];

	memcpy(out, one, strlen(one));
	return strlen(one);
}

/* Sentences stay one line of UTF-8, whatever a user wrote and however long. */
static void sentences_are_fit_to_be_shown(void **state)
{
	static char text[64 * 1024];
	size_t max = sizeof(text) - 64;
	struct service_spec *spec = NULL;
	const char *const forms[] = {
		"{\"DockerImage\":\"a\",\"%s\":1}",
		"{\"DockerImage\":\"%s\"}",
		"{\"DockerImage\":\"a\",\"DNS\":\"%s\"}",
		"{\"DockerImage\":\"a\",\"Name\":\"%s\"}",
		"{\"DockerImage\":\"a\",\"Replicas\":\"%s\"}",
		"{\"DockerImage\":\"a\",\"Environment\":{\"%s\":\"\"}}",
		"{\"DockerImage\":\"a\",\"Environment\":{\"%s\":[]}}",
		"{\"DockerImage\":\"a\",\"Volumes\":[\"%s\"]}",
		"{\"DockerImage\":\"a\",\"Volumes\":[\"v:/%s:ro:x\"]}",
		"{\"DockerImage\":\"a\",\"HealthCheck\":{\"%s\":1}}",
		"{\"DockerImage\":\"a\",\"Neighbors\":[\"%s\"]}",
		"{\"DockerImage\":\"a\",\"OnConfigChange\":\"signal:%s\"}",
	};

	(void)state;
	for (size_t form = 0; form < sizeof(forms) / sizeof(forms[0]); form++) {
		for (size_t size = 1; size < max; size = size < 600 ? size + 1 : size * 3) {
			const char *place = strstr(forms[form], "%s");
			size_t at = (size_t)(place - forms[form]);
			struct error error = ERROR_INIT;

			memcpy(text, forms[form], at);
			for (size_t i = 0; i < size && at + 64 < max; i++)
				at += put_hard(text + at, i);
			memcpy(text + at, place + 2, strlen(place + 2) + 1);
			if (service_spec_parse(text, strlen(text), "website", &spec, &error) == 0) {
				assert_true(size < 8);
				service_spec_free(spec);
				spec = NULL;
				continue;
			}
			if (!text_is_utf8(error.text, strlen(error.text)) ||
				strchr(error.text, '\n') || !strstr(error.text, "line 1, column "))
				fail_msg("form %zu, size %zu: %s", form, size, error.text);
		}
	}
}

static void what_is_merely_incomplete_is_told_apart(void **state)
{
	static const char text[] = "{\n\"DockerImage\": \"nginx\",\n\"Replicas\": 3\n}\n";
	struct service_spec *spec = NULL;
	struct error error;
	size_t len, whole = (size_t)(strrchr(text, '}') + 1 - text);

	(void)state;
	for (len = 0; len < whole; len++) {
		int r = service_spec_parse(text, len, "website", &spec, &error);

		if (r != -ENODATA)
			fail_msg("%zu bytes: %d, %s", len, r, error.text);
	}
	for (; len < sizeof(text); len++) {
		assert_int_equal(service_spec_parse(text, len, "website", &spec, &error), 0);
		service_spec_free(spec);
		spec = NULL;
	}
}

static void check_each(field_check_fn check, const char *const *good, const char *const *bad)
{
	struct error error = ERROR_INIT;

	for (; *good; good++)
		if (check(*good, &error) != 0)
			fail_msg("\"%s\" was refused: %s", *good, error.text);
	for (; *bad; bad++)
		if (check(*bad, &error) == 0)
			fail_msg("\"%s\" was accepted", *bad);
}

/* Whatever is right began in a way that could be right; what is refused so early can never be. */
static void check_beginnings(field_check_fn check, bool (*begins)(const char *value),
	const char *const *good, const char *const *hopeless)
{
	char text[300];

	for (; *good; good++)
		for (size_t len = 0; len <= strlen(*good); len++) {
			(void)snprintf(text, sizeof(text), "%.*s", (int)len, *good);
			if (!begins(text))
				fail_msg("\"%s\" of \"%s\" was refused", text, *good);
		}
	for (; *hopeless; hopeless++) {
		if (begins(*hopeless))
			fail_msg("\"%s\" may go on", *hopeless);
		assert_int_not_equal(check(*hopeless, NULL), 0);
	}
}

#define HEX_32 "0123456789abcdef0123456789abcdef"
#define A_63   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void image_references_follow_the_grammar(void **state)
{
	static const char *const good[] = {"a", "nginx:latest", "library/nginx", "a.b/c",
		"a:5000/b:c", "localhost/x", "localhost:5000/a/b_c/d__e/f-g--h:V1.2-3_4",
		"192.168.0.1:80/a", "Registry.Example.COM/a", "a@sha256:" HEX_32 HEX_32,
		"a:b@sha256:" HEX_32 HEX_32, "a@sha512:" HEX_32 HEX_32 HEX_32 HEX_32, "a1/2b",
		"a.b.c", "0", NULL};
	static const char *const bad[] = {"", "A", "Upper/a", "a b", " a", "a ", "a:", ":a",
		"a:b:c", "a:-b", "a:.b", "a/", "/a", "a//b", "a/B", "a___b", "a..b", "-a", "a-",
		"a_", "_a", "a@sha256:12", "a@sha256:" HEX_32, "a@md5:" HEX_32, "a@", "@",
		"a@sha256:", "a@sha256:" HEX_32 "0123456789ABCDEF0123456789abcdef", "a\nb", "a\tb",
		"\xc3\xa9", "a:\xc3\xa9", "-h.com/a", "h-.com/a", "h..com/a", "h.com:/a",
		"h.com:x/a", "http://h/a", "a:b/c:d:e", NULL};
	static const char *const hopeless[] = {"a b", " a", "a:b:c", "a:-b", "/a", "a//b", "a/B",
		"a___b", "a..b", "-a", "_a", "a@md5:", "@", "Upper/a", "a@sha256:x",
		"a@sha256:" HEX_32 HEX_32 "0", "a\nb", "\xc3\xa9", "a:\xc3\xa9", "h..com/a",
		"h.com:x/a", "http://h/a", NULL};
	char text[300];
	struct error error;

	(void)state;
	check_each(check_image, good, bad);
	check_beginnings(check_image, check_image_begins, good, hopeless);
	memset(text, 'a', sizeof(text));
	text[255] = '\0';
	assert_int_equal(check_image(text, &error), 0);
	text[255] = 'a';
	text[256] = '\0';
	assert_int_equal(check_image(text, &error), -EINVAL);
}

static void names_in_dns_follow_the_grammar(void **state)
{
	static const char *const good[] = {"", "a", "a.b", "WWW.Example.com", "1.2.3.com",
		"xn--bcher-kva.ch", "a-b.c", A_63 ".de",
		A_63 "." A_63 "." A_63 ".aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		     "aaaaaaaaaaaaaaaaa",
		NULL};
	static const char *const bad[] = {".", "a.", ".a", "a..b", "-a", "a-", "a.-b", "a_b",
		"*.a.b", "a b", "a/b", "a:80", "http://a", "\xc3\xa9.de", "a\nb", A_63 "a.de",
		A_63 "." A_63 "." A_63 ".aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		     "aaaaaaaaaaaaaaaaaa",
		NULL};

	static const char *const hopeless[] = {
		".", ".a", "a..b", "-a", "a.-b", "a_b", "*.a.b", "a b", "a:80", A_63 "a.de", NULL};

	(void)state;
	check_each(check_dns, good, bad);
	check_beginnings(check_dns, check_dns_begins, good, hopeless);
}

static void volumes_stay_where_they_harm_nobody(void **state)
{
	static const char *const good[] = {"v:/a", "v:/a:ro", "v:/a:rw", "data_1.x-y:/var/lib/x",
		"v:/a/", "v:/a..b", "v:/...", "v:/duplofs", "v:/processor", "v:/a/proc", "v:/a b",
		"/srv/data:/d", "/srv/a b:/d:ro", NULL};
	static const char *const bad[] = {"", ":", ":/a", "v", "v:", "v:a", "v:/", "v:/.", "v:/..",
		"v://", "v:/a//b", "v:/a/./b", "v:/a/../b", "v:/a/..", "v:/a/.", "v:/a:", "v:/a:RO",
		"v:/a:ro:rw", "v:/a:z", "v:/duplo", "v:/duplo/", "v:/duplo/a", "v:/proc",
		"v:/proc/sys", "v:/sys", "v:/dev", "v:/dev/shm", "v:/a\nb", "-v:/a", "v w:/a",
		A_63 "a:/x", "/srv/../etc:/x", "/srv//a:/x", "/srv/:/x", "/srv:/proc", NULL};
	static const char *const host[] = {"/etc:/x", "./a:/x", "../a:/x", "/:/x", "/proc/1:/x",
		"/run:/x", "/run/docker.sock:/x", "/var/run/docker.sock:/var/run/docker.sock",
		NULL};
	struct error error;

	(void)state;
	check_each(check_volume, good, bad);
	for (const char *const *at = host; *at; at++)
		assert_int_equal(check_volume(*at, &error), -EPERM);
}

static void other_values_are_checked(void **state)
{
	static const char *const paths[] = {"/", "/healthz", "/a?b=c&d", "/%20", NULL};
	static const char *const no_paths[] = {
		"", "a", "/a b", "/a\tb", "/a\r\n", "/#", "/\x7f", NULL};
	static const char *const pairs[] = {"A=", "A=b=c", "a.b-c=x", "_=\n", NULL};
	static const char *const no_pairs[] = {"", "=", "=x", "1A=x", "A B=x", "\xc3\xa9=x", NULL};
	static const char *const names[] = {"db", "other/db", NULL};
	static const char *const no_names[] = {
		"", "/", "a/", "/a", "a/b/c", "A", "a.b", "-a", NULL};
	static const char *const hosts[] = {"h1", "disk=ssd", "zone:a/b", NULL};
	static const char *const no_hosts[] = {"", "a b", "a\n", "\xc3\xa9", NULL};
	static const char *const signals[] = {"HUP", "SIGHUP", "USR1", "WINCH", "ALRM", "KILL",
		"RTMIN", "RTMIN+15", "RTMAX-14", NULL};
	static const char *const no_signals[] = {"", "SIG", "hup", "1", "HUPP", "RTMIN+16",
		"RTMAX-15", "RTMIN+", "RTMIN-1", "HUP&x=y", NULL};

	(void)state;
	check_each(check_url_path, paths, no_paths);
	check_each(check_environment, pairs, no_pairs);
	check_each(check_neighbor, names, no_names);
	check_each(check_host, hosts, no_hosts);
	check_each(check_signal, signals, no_signals);
}

static void sizes_have_bounds(void **state)
{
	struct service_spec *spec = NULL;
	struct error error = ERROR_INIT;
	char *text = malloc(SPEC_SIZE_MAX + 2);
	struct buf many = BUF_INIT;

	(void)state;
	assert_non_null(text);
	memset(text, ' ', SPEC_SIZE_MAX + 1);
	memcpy(text, "{\"DockerImage\":\"a\"}", 19);
	assert_int_equal(service_spec_parse(text, SPEC_SIZE_MAX + 1, "website", &spec, &error),
		-EFBIG);
	assert_int_equal(service_spec_parse(text, SPEC_SIZE_MAX, "website", &spec, &error), 0);
	service_spec_free(spec);
	free(text);
	buf_puts(&many, IMAGE "\"Volumes\":[\"v:/0\"");
	for (int i = 1; i <= 64; i++)
		buf_printf(&many, ",\"v:/%d\"", i);
	buf_puts(&many, "]}");
	refuse(buf_string(&many), -EINVAL, "Volumes: 65 elements are above 64");
	buf_done(&many);
}

/* One field, two values that differ, and whether the difference replaces containers. */
static const struct {
	const char *a, *b;
	bool template;
} differences[] = {
	{"", "\"Replicas\":2", false},
	{"", "\"ContainerPort\":81", true},
	{"\"ContainerPort\":80", "\"ContainerPort\":81", true},
	{"\"ExternalLBPort\":80", "\"ExternalLBPort\":81", true},
	{"\"ExternalLBPort\":80,\"ContainerPort\":80", "\"ExternalLBPort\":81,\"ContainerPort\":80",
		false},
	{"", "\"ExternalLBPort\":80", true}, /* now published on its host */
	{"\"ExternalLBPort\":80", "\"ExternalLBPort\":80,\"DNS\":\"a.b\"", false},
	{"", "\"HealthCheck\":\"/\"", false},
	{"\"HealthCheck\":\"/\"", "\"HealthCheck\":{\"Path\":\"/\",\"Port\":81}", false},
	{"", "\"HealthCheck\":{\"Command\":[\"x\"]}", false},
	{"", "\"HealthCheck\":{\"IntervalSeconds\":6}", false},
	{"", "\"HealthCheck\":{\"TimeoutSeconds\":3}", false},
	{"", "\"HealthCheck\":{\"HealthyThreshold\":3}", false},
	{"", "\"HealthCheck\":{\"UnhealthyThreshold\":4}", false},
	{"", "\"HealthCheck\":{\"StartPeriodSeconds\":31}", false},
	{"", "\"UpdateDomains\":4", false},
	{"", "\"MaxSurge\":1", false},
	{"", "\"AutoRollback\":false", false},
	{"", "\"Command\":[\"a\"]", true},
	{"\"Command\":[\"a\",\"b\"]", "\"Command\":[\"a b\"]", true},
	{"\"Command\":[\"a\"]", "\"Command\":[\"a\",\"\"]", true},
	{"", "\"Environment\":{\"A\":\"b\"}", true},
	{"\"Environment\":{\"A\":\"b\"}", "\"Environment\":{\"A\":\"c\"}", true},
	{"\"Environment\":{\"A\":\"b\",\"C\":\"\"}", "\"Environment\":{\"A\":\"b\"}", true},
	{"", "\"Volumes\":[\"v:/a\"]", true},
	{"\"Volumes\":[\"v:/a:ro\"]", "\"Volumes\":[\"v:/a\"]", true},
	{"", "\"CPU\":0.001", true},
	{"", "\"MemoryMiB\":6", true},
	{"", "\"Secrets\":[]", false}, /* none, not all */
	{"\"Secrets\":[\"a\"]", "\"Secrets\":[\"b\"]", false},
	{"", "\"Neighbors\":[]", false},
	{"", "\"Hosts\":[\"h\"]", false},
	{"", "\"Hosts\":{\"Spot\":true}", false},
	{"", "\"DrainSeconds\":11", false},
	{"", "\"OnConfigChange\":\"restart\"", false},
	{"\"OnConfigChange\":\"signal:HUP\"", "\"OnConfigChange\":\"signal:USR1\"", false},
};

static struct service_spec *parse_members(const char *members)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "{\"DockerImage\":\"a\"%s%s}", *members ? "," : "",
		members);
	return parse(text);
}

static void what_differs_is_not_equal(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(differences) / sizeof(differences[0]); i++) {
		struct service_spec *a = parse_members(differences[i].a);
		struct service_spec *b = parse_members(differences[i].b);
		struct service_spec *again = parse_members(differences[i].b);

		if (service_spec_equal(a, b) || service_spec_equal(b, a) ||
			!service_spec_equal(b, again) ||
			service_spec_same_template(a, b) == differences[i].template ||
			service_spec_same_template(b, a) == differences[i].template)
			fail_msg("%s and %s", differences[i].a, differences[i].b);
		service_spec_free(a);
		service_spec_free(b);
		service_spec_free(again);
	}
}

static void what_means_the_same_is_equal(void **state)
{
	static const char *const pairs[][2] = {
		{"", "\"Name\":\"WEBSITE\""},
		{"", "\"Replicas\":\"1\",\"ContainerPort\":80,\"DNS\":\"\",\"UpdateDomains\":"
		     "\"3\""},
		{"", "\"Command\":[],\"Environment\":{},\"Volumes\":[],\"Hosts\":[]"},
		{"", "\"Command\":\"\",\"Environment\":\"\",\"Hosts\":\"\",\"ContainerPort\":\"\""},
		{"", "\"HealthCheck\":{},\"OnConfigChange\":\"none\",\"AutoRollback\":\"True\""},
		{"", "\"HealthCheck\":{\"Path\":\"\",\"Port\":\"\"},\"OnConfigChange\":\"\""},
		{"\"Replicas\":3", "\"Replicas\":\"003\""},
		{"\"Replicas\":3", "\"Replicas\":3.0"},
		{"\"Replicas\":100", "\"Replicas\":1e2"},
		{"\"CPU\":0.5", "\"CPU\":\"0.50\""},
		{"\"HealthCheck\":\"/a\"", "\"HealthCheck\":{\"Path\":\"\\/a\"}"},
		{"\"Environment\":{\"A\":1,\"B\":true}",
			"\"Environment\":{\"B\":\"true\",\"A\":\"1\"}"},
		{"\"ExternalLBPort\":8080",
			"\"ExternalLBPort\":\"8080\",\"ContainerPort\":\"8080\""},
		{"\"ExternalLBPort\":80,\"DNS\":\"A.b\"", "\"DNS\":\"a.B\",\"ExternalLBPort\":80"},
		{"\"Hosts\":[\"a\",\"b\"]", "\"Hosts\":{\"Prefer\":[\"a\",\"b\"],\"Spot\":false}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct service_spec *a = parse_members(pairs[i][0]);
		struct service_spec *b = parse_members(pairs[i][1]);

		if (!service_spec_equal(a, b) || !service_spec_same_template(a, b))
			fail_msg("%s and %s", pairs[i][0], pairs[i][1]);
		service_spec_free(a);
		service_spec_free(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_seed_s_form_is_accepted),
		cmocka_unit_test(every_field_is_read),
		cmocka_unit_test(a_command_may_tell_the_health),
		cmocka_unit_test(fields_that_are_unknown_or_missing_are_named),
		cmocka_unit_test(numbers_have_bounds_and_types),
		cmocka_unit_test(values_must_look_like_what_they_are),
		cmocka_unit_test(sentences_are_fit_to_be_shown),
		cmocka_unit_test(what_is_merely_incomplete_is_told_apart),
		cmocka_unit_test(image_references_follow_the_grammar),
		cmocka_unit_test(names_in_dns_follow_the_grammar),
		cmocka_unit_test(volumes_stay_where_they_harm_nobody),
		cmocka_unit_test(other_values_are_checked),
		cmocka_unit_test(sizes_have_bounds),
		cmocka_unit_test(what_differs_is_not_equal),
		cmocka_unit_test(what_means_the_same_is_equal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
