/* SPDX-License-Identifier: Apache-2.0 */
/* What differs between two specs, in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/buf.h"
#include "model/service_diff.h"

#define IMAGE "\"DockerImage\":\"web:1\""

struct diff_case {
	const char *before, *after; /* members beside the image; before NULL: no spec */
	const char *told;
};

static const struct diff_case cases[] = {
	{"", "", ""},
	{"", ",\"Replicas\":\"1\",\"UpdateDomains\":3", ""},
	{"", ",\"Name\":\"Web\"", ""},
	{"", ",\"Replicas\":5", "Replicas: 1 -> 5\n"},
	{",\"CPU\":\"0.5\"", ",\"CPU\":2.125", "CPU: 0.5 -> 2.125 *\n"},
	{",\"ExternalLBPort\":80", ",\"ExternalLBPort\":8080",
		"ContainerPort: 80 -> 8080 *\nExternalLBPort: 80 -> 8080\n"},
	{"", ",\"HealthCheck\":\"/healthz\"",
		"HealthCheck.Path: (none: TCP connect) -> /healthz\n"},
	{",\"HealthCheck\":{\"Path\":\"/\",\"Port\":81}", ",\"HealthCheck\":{\"Path\":\"/\"}",
		"HealthCheck.Port: 81 -> (ContainerPort)\n"},
	{"", ",\"AutoRollback\":false", "AutoRollback: true -> false\n"},
	{"", ",\"Command\":[\"sh\",\"-c\",\"a b\"]",
		"Command: (the image's) -> [\"sh\",\"-c\",\"a b\"] *\n"},
	{",\"Environment\":{\"A\":\"1\",\"B\":\"2\",\"C\":\"x y\"}",
		",\"Environment\":{\"A\":\"1\",\"B\":\"3\",\"D\":\"-\"}",
		"Environment.B: 2 -> 3 *\nEnvironment.C: \"x y\" -> - *\n"
		"Environment.D: - -> - *\n"},
	{",\"Secrets\":[]", "", "Secrets: [] -> (all of the tenant's)\n"},
	{"", ",\"Hosts\":{\"Spot\":true}", "Hosts.Spot: false -> true\n"},
	{"", ",\"OnConfigChange\":\"signal:HUP\"", "OnConfigChange: none -> signal:HUP\n"},
	{NULL, "", "DockerImage: - -> web:1 *\n"},
	{NULL, ",\"Replicas\":1,\"DrainSeconds\":3",
		"DockerImage: - -> web:1 *\nDrainSeconds: - -> 3\n"},
};

static int tell(void *arg, const struct service_difference *difference)
{
	buf_printf(arg, "%s: %s -> %s%s\n", difference->field, difference->before,
		difference->after, difference->template ? " *" : "");
	return 0;
}

static struct service_spec *parse(const char *members)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct service_spec *spec = NULL;
	struct error error = ERROR_INIT;

	if (!members)
		return NULL;
	buf_printf(&text, "{" IMAGE "%s}", members);
	if (service_spec_parse(text.data, text.len, "web", &spec, &error) < 0)
		fail_msg("%s: %s", text.data, error.text);
	return spec;
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_service_spec_ struct service_spec *before = parse(cases[i].before);
		_cleanup_service_spec_ struct service_spec *after = parse(cases[i].after);
		_cleanup_buf_ struct buf told = BUF_INIT;

		assert_int_equal(service_spec_diff(before, after, tell, &told), 0);
		assert_string_equal(buf_string(&told), cases[i].told);
		if (before)
			assert_int_equal(service_spec_equal(before, after), told.len == 0);
	}
}

static int stop(void *arg, const struct service_difference *difference)
{
	(void)difference;
	(*(int *)arg)++;
	return -7;
}

static void test_who_hears_may_stop(void **state)
{
	_cleanup_service_spec_ struct service_spec *before = parse("");
	_cleanup_service_spec_ struct service_spec *after = parse(",\"Replicas\":2,\"CPU\":1");
	int told = 0;

	(void)state;
	assert_int_equal(service_spec_diff(before, after, stop, &told), -7);
	assert_int_equal(told, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_who_hears_may_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
