/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every single allocation of the model fails once: the answer is -ENOMEM, nothing leaks (BUILD=asan
 * sees that) and nothing is half done. The linker leads the library's allocations through here.
 */
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
#include "model/service.h"
#include "model/service_status.h"

#define NEVER (-1)

static long left = NEVER; /* allocations until one fails */
static struct error last;

static bool is_out(void)
{
	return left != NEVER && left-- == 0;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
int __real_vasprintf(char **ret, const char *format, va_list ap);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);
int __wrap_vasprintf(char **ret, const char *format, va_list ap)
	__attribute__((format(printf, 2, 0)));

void *__wrap_malloc(size_t size)
{
	return is_out() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return is_out() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return is_out() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
	return is_out() ? NULL : __real_strdup(text);
}

int __wrap_vasprintf(char **ret, const char *format, va_list ap)
{
	return is_out() ? -1 : __real_vasprintf(ret, format, ap);
}

/* Runs step with the first, the second, ... allocation failing, until none fails any more. */
static void fail_each(int (*step)(void), long least)
{
	long nth;
	int r;

	for (nth = 0;; nth++) {
		left = nth;
		r = step();
		if (left >= 0)
			break;
		left = NEVER;
		if (r != -ENOMEM)
			fail_msg("allocation %ld: %d instead of -ENOMEM: %s", nth, r, last.text);
	}
	left = NEVER;
	assert_int_equal(r, 0);
	/* Else the linker led nothing through here. */
	assert_true(nth >= least);
}

static const char rich[] =
	"{\"Name\":\"web\",\"DockerImage\":\"localhost:5000/a/b_c:v1\",\"Replicas\":7,"
	"\"ContainerPort\":8080,\"ExternalLBPort\":443,\"DNS\":\"WWW.Example.com\","
	"\"HealthCheck\":{\"Command\":[\"c\",\"/h\"]},\"UpdateDomains\":2,\"MaxSurge\":\"1\","
	"\"AutoRollback\":\"false\",\"Command\":[\"sh\",\"-c\",\"\\u0065xit\"],"
	"\"Environment\":{\"B\":\"b=c\",\"A\":5},\"Volumes\":[\"data:/var/data:ro\"],\"CPU\":0.5,"
	"\"MemoryMiB\":64,\"Secrets\":[\"K\"],\"Neighbors\":[\"db\",\"other/db\"],"
	"\"Hosts\":{\"Spot\":true,\"Prefer\":[\"h1\"]},\"OnConfigChange\":\"signal:HUP\"}";

static int parse_rich(void)
{
	struct service_spec *spec = NULL;
	int r;

	last = ERROR_INIT;
	r = service_spec_parse(rich, strlen(rich), "web", &spec, &last);
	assert_int_equal(last.code, r);
	assert_true((spec != NULL) == (r == 0));
	if (r == 0)
		assert_string_equal(spec->command[2], "exit");
	service_spec_free(spec);
	return r;
}

static void parsing_survives_each_failure(void **state)
{
	(void)state;
	fail_each(parse_rich, 50);
}

static const char *set_field, *set_value;

static int set_text(void)
{
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct error error = ERROR_INIT;
	int r = spec_text_set(&service_type, rich, strlen(rich), set_field, set_value, &out,
		&error);

	assert_int_equal(error.code, r);
	return r;
}

static void editing_survives_each_failure(void **state)
{
	(void)state;
	set_field = "Replicas";
	set_value = "9";
	fail_each(set_text, 2);
	set_field = "DNS";
	set_value = "x.y";
	fail_each(set_text, 3);
	set_field = "DrainSeconds";
	fail_each(set_text, 2);
}

static int print_schema(void)
{
	_cleanup_buf_ struct buf out = BUF_INIT;

	spec_schema_print(&service_type, &out);
	return out.error;
}

static void the_schema_survives_each_failure(void **state)
{
	(void)state;
	fail_each(print_schema, 200);
}

static int round_trip(void)
{
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct instance_status status = {.phase = INSTANCE_CRASHED, .reason = "caf\xc3"};
	int r;

	instance_status_print(&status, &out);
	if (out.error)
		return out.error;
	r = instance_status_parse(buf_string(&out), &status);
	if (r == 0)
		assert_string_equal(status.reason, "caf?");
	return r;
}

static void records_survive_each_failure(void **state)
{
	(void)state;
	fail_each(round_trip, 20);
}

/* What replaces containers may not depend on memory. */
static void comparing_needs_no_memory(void **state)
{
	struct service_spec *a = NULL, *b = NULL;

	(void)state;
	assert_int_equal(service_spec_parse(rich, strlen(rich), "web", &a, NULL), 0);
	assert_int_equal(service_spec_parse(rich, strlen(rich), "web", &b, NULL), 0);
	left = 0;
	assert_true(service_spec_equal(a, b));
	assert_true(service_spec_same_template(a, b));
	assert_int_equal(left, 0);
	left = NEVER;
	service_spec_free(a);
	service_spec_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parsing_survives_each_failure),
		cmocka_unit_test(editing_survives_each_failure),
		cmocka_unit_test(the_schema_survives_each_failure),
		cmocka_unit_test(records_survive_each_failure),
		cmocka_unit_test(comparing_needs_no_memory),
	};

	/* jansson draws the seed of its hash table once. */
	json_object_seed(1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
