/* SPDX-License-Identifier: Apache-2.0 */
/* What is stored of instances and services, and the names of objects. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/instance.h"
#include "model/kind.h"
#include "model/service_status.h"

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

/* A sentence may have been cut within a character, or be a container's last words. */
static void texts_that_are_not_utf8_are_mended(void **state)
{
	struct instance_status status = {.phase = INSTANCE_FAILED, .reason = "caf\xc3"};
	struct instance_status back;
	struct buf out = BUF_INIT;

	(void)state;
	memcpy(status.address, "\xff\xfe\xe2\x82\xac\x01", 7);
	instance_status_print(&status, &out);
	assert_int_equal(out.error, 0);
	assert_int_equal(instance_status_parse(buf_string(&out), &back), 0);
	assert_string_equal(back.reason, "caf?");
	assert_string_equal(back.address, "??\xe2\x82\xac\x01");
	buf_done(&out);
}

static void what_is_stored_wrongly_is_read_as_nothing(void **state)
{
	struct instance_status status;
	struct instance_spec spec;

	(void)state;
	assert_int_equal(instance_status_parse("{\"Phase\":\"unheard of\",\"Restarts\":\"3\","
					       "\"Reason\":7,\"Other\":{}}",
				 &status),
		0);
	assert_int_equal(status.phase, INSTANCE_PENDING);
	assert_int_equal(status.restarts, 0);
	assert_string_equal(status.reason, "");
	memset(&spec, 0xff, sizeof(spec));
	assert_int_equal(instance_spec_parse("nonsense", &spec), -EINVAL);
	assert_int_equal(spec.ordinal, 0);
	assert_false(spec.run);
}

static void every_phase_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int a = INSTANCE_PENDING; a <= INSTANCE_STOPPED; a++)
		for (int b = INSTANCE_PENDING; b < a; b++)
			assert_string_not_equal(instance_phase_name((enum instance_phase)a),
				instance_phase_name((enum instance_phase)b));
	for (int a = SERVICE_NEW; a <= SERVICE_DELETING; a++)
		for (int b = SERVICE_NEW; b < a; b++)
			assert_string_not_equal(service_phase_name((enum service_phase)a),
				service_phase_name((enum service_phase)b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_come_back_as_they_were),
		cmocka_unit_test(texts_that_are_not_utf8_are_mended),
		cmocka_unit_test(what_is_stored_wrongly_is_read_as_nothing),
		cmocka_unit_test(every_phase_has_a_name_of_its_own),
		cmocka_unit_test(names_are_checked_by_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
