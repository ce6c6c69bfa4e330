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

#include "base/json.h"
#include "model/instance.h"
#include "model/kind.h"
#include "model/service.h"
#include "model/service_status.h"

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

static void errors_say_where_and_what(void **state)
{
	(void)state;
	refuse("{\n  \"DockerImage\": \"a\",\n  \"Replica\": 3\n}", -EINVAL,
		"line 3, column 3: Replica");
	refuse("{\"DockerImage\": \"a\", \"Replica\": 3}", -EINVAL, "did you mean \"Replicas\"?");
	refuse("{\"DockerImage\": \"a\", \"Zzzz\": 3}", -EINVAL, "Zzzz: unknown field");
	refuse("{\"Replicas\": 3}", -EINVAL, "DockerImage is needed");
	refuse("{\"DockerImage\": \"\"}", -EINVAL, "an image is needed");
	refuse("{\"DockerImage\": \"Upper\"}", -EINVAL, "no image reference");
	refuse("{\"DockerImage\": \"a b\"}", -EINVAL, "no image reference");
	refuse("{\"DockerImage\": \"a:b:c\"}", -EINVAL, "no tag");
	refuse("{\"DockerImage\": \"a@sha256:12\"}", -EINVAL, "no digest");
	refuse("{\"DockerImage\": \"a\", \"Replicas\": 1001}", -EINVAL, "1001 is above 1000");
	refuse("{\"DockerImage\": \"a\", \"Replicas\": -1}", -EINVAL, "-1 is below 0");
	refuse("{\"DockerImage\": \"a\", \"Replicas\": \"x\"}", -EINVAL,
		"\"x\" is no whole number");
	refuse("{\"DockerImage\": \"a\", \"Replicas\": 1.5}", -EINVAL, "no whole number");
	refuse("{\"DockerImage\": \"a\", \"Replicas\": true}", -EINVAL,
		"a number is needed, not true");
	refuse("{\"DockerImage\": \"a\", \"Replicas\": 99999999999999999999}", -EINVAL, "line 1");
	refuse("{\"DockerImage\": \"a\", \"Name\": \"other\"}", -EINVAL,
		"not the name of the directory");
	refuse("{\"DockerImage\": \"a\", \"DNS\": \"a..b\", \"ExternalLBPort\": 80}", -EINVAL,
		"no DNS name");
	refuse("{\"DockerImage\": \"a\", \"DNS\": \"a.b\"}", -EINVAL, "needs an ExternalLBPort");
	refuse("{\"DockerImage\": \"a\", \"HealthCheck\": {\"path\": \"/\"}}", -EINVAL,
		"HealthCheck.path: unknown field, did you mean \"Path\"?");
	refuse("{\"DockerImage\": \"a\", \"HealthCheck\": \"x\"}", -EINVAL,
		"does not begin with \"/\"");
	refuse("{\"DockerImage\": \"a\", \"Volumes\": [\"/etc:/x\"]}", -EPERM, "policy");
	refuse("{\"DockerImage\": \"a\", \"Volumes\": [\"v:/duplo/x\"]}", -EINVAL, "no place");
	refuse("{\"DockerImage\": \"a\", \"Volumes\": [\"v:/a/../duplo\"]}", -EINVAL, "no place");
	refuse("{\"DockerImage\": \"a\", \"Volumes\": \"v:/a\"}", -EINVAL, "a list is needed");
	refuse("{\"DockerImage\": \"a\", \"Environment\": {\"1A\": \"x\"}}", -EINVAL,
		"no name of a variable");
	refuse("{\"DockerImage\": \"a\\u0000b\"}", -EINVAL, "line 1");
	refuse("{\"DockerImage\": \"a\", \"OnConfigChange\": \"signal:KILL\"}", -EINVAL,
		"none of HUP");
	refuse("{\"DockerImage\": \"a\" \"DNS\": \"\"}", -EINVAL, "line 1, column");
	refuse("{\"DockerImage\": \"a\", \"DockerImage\": \"b\"}", -EINVAL, "duplicate");
	refuse("[]", -EINVAL, "an object is needed");
	refuse("{\"DockerImage\": \"a\"} x", -EINVAL, "line 1");
	refuse("{\"DockerImage\": \"\xff\"}", -EINVAL, "line 1");
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

static void equality_is_of_meaning(void **state)
{
	struct service_spec *a = parse("{\"DockerImage\":\"a\",\"Replicas\":\"3\",\"DNS\":\"\"}");
	struct service_spec *b = parse(" { \"Replicas\" : 3,\n\"DockerImage\" : \"a\" } ");
	struct service_spec *c =
		parse("{\"DockerImage\":\"a\",\"Replicas\":4,\"HealthCheck\":\"/\"}");
	struct service_spec *d = parse("{\"DockerImage\":\"b\",\"Replicas\":3}");

	(void)state;
	assert_true(service_spec_equal(a, b));
	assert_false(service_spec_equal(a, c));
	assert_true(service_spec_same_template(a, c));
	assert_false(service_spec_same_template(a, d));
	service_spec_free(a);
	service_spec_free(b);
	service_spec_free(c);
	service_spec_free(d);
}

static void set_text(const char *text, const char *field, const char *value, const char *expected)
{
	struct buf out = BUF_INIT;
	struct error error = ERROR_INIT;

	assert_int_equal(service_text_set(text, strlen(text), field, value, &out, &error), 0);
	assert_string_equal(buf_string(&out), expected);
	buf_done(&out);
}

static void one_value_changes_and_nothing_else(void **state)
{
	(void)state;
	set_text("{\"DockerImage\":\"a\",\"Replicas\":\"3\"}\n", "Replicas", "5",
		"{\"DockerImage\":\"a\",\"Replicas\":\"5\"}\n");
	set_text("{ \"Replicas\" :  3 , \"DockerImage\":\"a\"}", "Replicas", "10",
		"{ \"Replicas\" :  10 , \"DockerImage\":\"a\"}");
	set_text("{\n  \"DockerImage\": \"a\"\n}\n", "DNS", "x.y",
		"{\n  \"DockerImage\": \"a\",\n  \"DNS\": \"x.y\"\n}\n");
	set_text("{\"DockerImage\":\"a\",\"Replicas\":3}", "DNS", "",
		"{\"DockerImage\":\"a\",\"Replicas\":3,\"DNS\":\"\"}");
	set_text("{}", "DockerImage", "a", "{\"DockerImage\":\"a\"}");
	set_text("{\"Environment\":{\"Replicas\":\"9\"},\"Replicas\":1}", "Replicas", "2",
		"{\"Environment\":{\"Replicas\":\"9\"},\"Replicas\":2}");
	set_text("{\"Command\":[\"}\",\"\\\"Replicas\\\":\"],\"Replicas\":1}", "Replicas", "2",
		"{\"Command\":[\"}\",\"\\\"Replicas\\\":\"],\"Replicas\":2}");
	set_text("{\"Repl\\u0069cas\":1}", "Replicas", "2", "{\"Repl\\u0069cas\":2}");
}

static void views_are_checked_before_the_spec(void **state)
{
	struct error error = ERROR_INIT;
	struct service_spec *spec = parse("{\"DockerImage\":\"a\",\"Replicas\":\"3\"}");
	struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(service_view_check("Replicas", "5", &error), 0);
	assert_int_equal(service_view_check("Replicas", "5000", &error), -EINVAL);
	assert_int_equal(service_view_check("Replicas", "five", &error), -EINVAL);
	assert_non_null(strstr(error.text, "line 1, column 1: Replicas"));
	assert_int_equal(service_view_check("DockerImage", "", &error), -EINVAL);
	assert_int_equal(service_view_check("DNS", "", &error), 0);
	assert_int_equal(service_view_check("DNS", "a b", &error), -EINVAL);
	assert_int_equal(service_spec_view(spec, "Replicas", &out), 0);
	assert_string_equal(buf_string(&out), "3");
	buf_done(&out);
	service_spec_free(spec);
}

static void the_schema_is_json(void **state)
{
	struct buf out = BUF_INIT;
	json_t *schema;

	(void)state;
	service_schema_print(&out);
	assert_int_equal(out.error, 0);
	schema = json_loads(buf_string(&out), 0, NULL);
	assert_non_null(schema);
	assert_non_null(json_get_path(schema, "properties", "HealthCheck", "anyOf", NULL));
	assert_non_null(json_get_path(schema, "properties", "Replicas", "description", NULL));
	json_decref(schema);
	buf_done(&out);
}

/* Prints, parses and prints again through the two functions of a record. */
#define ASSERT_COMES_BACK(kind, record)                                                            \
	do {                                                                                       \
		struct buf once_ = BUF_INIT, twice_ = BUF_INIT;                                    \
		struct kind back_;                                                                 \
                                                                                                   \
		kind##_print(&(record), &once_);                                                   \
		assert_int_equal(kind##_parse(buf_string(&once_), &back_), 0);                     \
		kind##_print(&back_, &twice_);                                                     \
		assert_string_equal(buf_string(&once_), buf_string(&twice_));                      \
		buf_done(&once_);                                                                  \
		buf_done(&twice_);                                                                 \
	} while (0)

static void records_come_back_as_they_were(void **state)
{
	struct instance_spec spec = {.ordinal = 2,
		.template_generation = 5,
		.host = "local",
		.host_port = 20001,
		.run = true,
		.join = true,
		.restart = 1};
	struct instance_status status = {.phase = INSTANCE_CRASHED,
		.container = "abc",
		.address = "10.1.2.3",
		.port = 80,
		.restarts = 3,
		.retry_ns = INT64_MAX,
		.exit_code = 137,
		.reason = "it \"died\"\n"};
	struct service_status service = {.phase = SERVICE_ROLLING_BACK,
		.replicas = 3,
		.tls = true,
		.dns = "a.b",
		.message = "x"};
	struct service_status back;
	struct buf out = BUF_INIT;

	(void)state;
	ASSERT_COMES_BACK(instance_spec, spec);
	ASSERT_COMES_BACK(instance_status, status);
	ASSERT_COMES_BACK(service_status, service);
	service_status_print(&service, &out);
	assert_int_equal(service_status_parse(buf_string(&out), &back), 0);
	assert_int_equal(back.phase, SERVICE_ROLLING_BACK);
	assert_true(back.tls);
	assert_string_equal(back.dns, "a.b");
	assert_int_equal(service_status_parse(NULL, &back), 0);
	assert_int_equal(back.phase, SERVICE_NEW);
	assert_int_equal(service_status_parse("[1", &back), -EINVAL);
	buf_done(&out);
}

static void names_are_checked_by_kind(void **state)
{
	struct error error = ERROR_INIT;
	char name[140];

	(void)state;
	assert_int_equal(kind_check_name(KIND_TENANT, "team-a", &error), 0);
	assert_int_equal(kind_check_name(KIND_TENANT, "Team", &error), -EINVAL);
	assert_int_equal(kind_check_name(KIND_SECRET, "_A.b-9", &error), 0);
	assert_int_equal(kind_check_name(KIND_SECRET, "9a", &error), -EINVAL);
	assert_int_equal(kind_check_name(KIND_SECRET, "a/b", &error), -EINVAL);
	memset(name, 'a', sizeof(name));
	name[64] = '\0';
	assert_int_equal(kind_check_name(KIND_SERVICE, name, &error), -ENAMETOOLONG);
	name[64] = 'a';
	name[129] = '\0';
	assert_int_equal(kind_check_name(KIND_CONFIG, name, &error), -ENAMETOOLONG);
	name[128] = '\0';
	assert_int_equal(kind_check_name(KIND_CONFIG, name, &error), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_seed_s_form_is_accepted),
		cmocka_unit_test(every_field_is_read),
		cmocka_unit_test(errors_say_where_and_what),
		cmocka_unit_test(what_is_merely_incomplete_is_told_apart),
		cmocka_unit_test(equality_is_of_meaning),
		cmocka_unit_test(one_value_changes_and_nothing_else),
		cmocka_unit_test(views_are_checked_before_the_spec),
		cmocka_unit_test(the_schema_is_json),
		cmocka_unit_test(records_come_back_as_they_were),
		cmocka_unit_test(names_are_checked_by_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
