/* SPDX-License-Identifier: Apache-2.0 */
/* What a host would be paid as, before it is there: its machine, and its disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "billing/quote.h"

#define WHOLE                                                                                      \
	"\"region\":\"us-west-2\",\"vpc_id\":\"vpc-1\",\"private_subnet_ids\":[\"subnet-1\"],"     \
	"\"public_subnet_ids\":[\"subnet-2\",\"subnet-3\"]"

static struct error error;

static void parts_are(const char *policy_text, const char *spec_text, const char *machine,
	int64_t disk_gib)
{
	_cleanup_policy_ struct policy *policy = NULL;
	_cleanup_host_spec_ struct host_spec *spec = NULL;
	struct usage_subject parts[USAGE_PARTS_MAX];
	size_t count;

	assert_int_equal(policy_parse(policy_text, strlen(policy_text), &policy, &error), 0);
	assert_int_equal(host_spec_parse(spec_text, strlen(spec_text), "h1", &spec, &error), 0);
	count = quote_host_parts("aws", policy, spec, parts);
	assert_int_equal(count, disk_gib ? 2 : 1);
	assert_string_equal(parts[0].sku, machine);
	if (disk_gib == 0)
		return;
	assert_string_equal(parts[1].sku, "ebs/gp3-gib");
	assert_int_equal(parts[1].quantity, disk_gib);
}

static void a_machine_has_a_disk(void **state)
{
	static const char plain[] = "{" WHOLE "}";
	static const char text[] = "{" WHOLE ",\"host_disk_gib\":\"30\"}";
	static const char number[] = "{" WHOLE ",\"host_disk_gib\":{\"value\":30}}";

	(void)state;
	parts_are(plain, "{\"CPU\":1}", "ec2/t3.micro", HOST_DISK_USUAL_GIB);
	parts_are(plain, "{\"CPU\":1,\"DiskGiB\":100}", "ec2/t3.micro", 100);
	parts_are(text, "{\"CPU\":1}", "ec2/t3.micro", 30);
	parts_are(number, "{\"CPU\":1}", "ec2/t3.micro", 30); /* as terraform writes it */
	parts_are(text, "{\"CPU\":1,\"DiskGiB\":100}", "ec2/t3.micro", 100);
	parts_are(text, "{\"Engine\":\"unix:///a\"}", "local/machine", 0);
}

static void a_wrong_size_is_refused(void **state)
{
	static const char *const wrong[] = {"\"0\"", "0", "\"much\"", "16385", "\"8.5\"", "-1"};
	struct policy *policy = NULL;
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		(void)snprintf(text, sizeof(text), "{" WHOLE ",\"host_disk_gib\":%s}", wrong[i]);
		assert_int_equal(policy_parse(text, strlen(text), &policy, &error), -EINVAL);
		assert_non_null(strstr(error.text, "a number from 1 to 16384 wanted"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_machine_has_a_disk),
		cmocka_unit_test(a_wrong_size_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
