/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model/policy.h"

#define WHOLE                                                                                      \
	"\"region\":\"us-west-2\",\"vpc_id\":\"vpc-1\",\"private_subnet_ids\":[\"subnet-1\"],"     \
	"\"public_subnet_ids\":[\"subnet-2\",\"subnet-3\"]"

static struct error error;

static int parse(const char *text, struct policy **ret)
{
	error_clear(&error);
	return policy_parse(text, strlen(text), ret, &error);
}

static void refuses(const char *text, int code, const char *sentence)
{
	struct policy *policy = NULL;

	assert_int_equal(parse(text, &policy), code);
	if (sentence)
		assert_string_equal(error.text, sentence);
	assert_null(policy);
}

static void takes_flat_names(void **state)
{
	_cleanup_policy_ struct policy *policy = NULL;

	(void)state;
	assert_int_equal(parse("{" WHOLE "}", &policy), 0);
	assert_string_equal(policy_text(policy, "vpc_id"), "vpc-1");
	assert_string_equal(policy_item(policy, "public_subnet_ids", 1), "subnet-3");
	assert_null(policy_item(policy, "public_subnet_ids", 2));
	assert_string_equal(policy_text(policy, "hosted_zone_id"), "");
}

static void takes_the_output_of_terraform(void **state)
{
	_cleanup_policy_ struct policy *policy = NULL;

	(void)state;
	assert_int_equal(parse("{\"region\":{\"sensitive\":false,\"type\":\"string\",\"value\":"
			       "\"us-west-2\"},"
			       "\"vpc_id\":{\"sensitive\":false,\"type\":\"string\",\"value\":"
			       "\"vpc-9\"},"
			       "\"private_subnet_ids\":{\"type\":[\"tuple\",[\"string\"]],"
			       "\"value\":[\"subnet-1\"]},"
			       "\"public_subnet_ids\":{\"value\":[\"subnet-2\",\"subnet-3\"]},"
			       "\"certificate_arn\":{\"value\":null}}",
				 &policy),
		0);
	assert_string_equal(policy_text(policy, "vpc_id"), "vpc-9");
	assert_string_equal(policy_text(policy, "certificate_arn"), "");
}

static void names_all_that_is_missing(void **state)
{
	(void)state;
	refuses("{\"region\":\"us-west-2\",\"public_subnet_ids\":[\"subnet-1\"]}", -EINVAL,
		"vpc_id is missing; private_subnet_ids is missing; public_subnet_ids has 1 of at "
		"least 2");
}

static void names_what_is_wrong(void **state)
{
	(void)state;
	refuses("{" WHOLE ",\"vpcid\":\"vpc-1\"}", -EINVAL,
		"unknown name \"vpcid\", did you mean \"vpc_id\"?");
	refuses("{" WHOLE ",\"admin_security_group_ids\":[\"subnet-1\"]}", -EINVAL,
		"admin_security_group_ids: \"subnet-1\" does not begin with \"sg-\"");
	refuses("{" WHOLE ",\"domain\":[\"x\"]}", -EINVAL, "domain: one text wanted");
	refuses("{" WHOLE ",\"ingress_cidrs\":\"10.0.0.0/8\"}", -EINVAL,
		"ingress_cidrs: a list of texts wanted");
	refuses("{" WHOLE ",\"ingress_cidrs\":[1]}", -EINVAL,
		"ingress_cidrs: a list of texts wanted");
	refuses("{" WHOLE ",\"domain\":\"a\\nb\"}", -EINVAL, NULL);
	refuses("[]", -EINVAL, "a JSON object wanted: {\"vpc_id\": ...}");
	refuses("{\"vpc_id\":\"vpc-1\",\"vpc_id\":\"vpc-2\"}", -EINVAL, NULL);
}

static void tells_half_a_document(void **state)
{
	(void)state;
	refuses("{\"vpc_id\":", -ENODATA, NULL);
	refuses("{\"vpc_id\" \"x\"}", -EINVAL, NULL);
}

static void finds_what_a_sentence_names(void **state)
{
	_cleanup_policy_ struct policy *policy = NULL;
	const char *value;

	(void)state;
	assert_int_equal(parse("{" WHOLE ",\"images\":[\"debian-12=ami-1\"],\"tenant_policy_arns\":"
			       "[\"arn:aws:iam::1:policy/p\"]}",
				 &policy),
		0);
	assert_string_equal(policy_find(policy, "The vpc ID 'vpc-1' does not exist", &value),
		"vpc_id");
	assert_string_equal(value, "vpc-1");
	assert_string_equal(policy_find(policy, "subnet-3, not there", &value),
		"public_subnet_ids");
	assert_string_equal(policy_find(policy, "image id '[ami-1]'", &value), "images");
	assert_string_equal(value, "ami-1");
	assert_string_equal(policy_find(policy,
				    "Policy arn:aws:iam::1:policy/p does not exist or is not "
				    "attachable.",
				    &value),
		"tenant_policy_arns");
	/* Parts of words, and what names nothing in the account. */
	assert_null(policy_find(policy, "vpc-12, subnet-1a, arn:aws:iam::1:policy/px", &value));
	assert_null(policy_find(policy, "in us-west-2", &value));
	assert_null(policy_find(policy, "", &value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_flat_names),
		cmocka_unit_test(takes_the_output_of_terraform),
		cmocka_unit_test(names_all_that_is_missing),
		cmocka_unit_test(names_what_is_wrong),
		cmocka_unit_test(tells_half_a_document),
		cmocka_unit_test(finds_what_a_sentence_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
