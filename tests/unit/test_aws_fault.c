/* SPDX-License-Identifier: Apache-2.0 */
/* What a code means of one action, and in which words a person reads it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "aws/fault_meaning.h"
#include "aws/request.h"
#include "base/cleanup.h"

static enum fault_kind meaning(enum aws_action_id action, const char *code, const char *message)
{
	struct fault fault = {.kind = fault_kind_of(400, code, message), .status = 400};

	(void)snprintf(fault.code, sizeof(fault.code), "%s", code);
	(void)snprintf(fault.message, sizeof(fault.message), "%s", message);
	return fault_meaning(&fault, aws_action(action));
}

struct row {
	enum aws_action_id action;
	const char *code, *message;
	enum fault_kind kind;
};

static void check(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (meaning(rows[i].action, rows[i].code, rows[i].message) != rows[i].kind)
			fail_msg("row %zu: %s", i, rows[i].code);
}

#define NO_GROUP "The security group 'sg-1' does not exist"

static void knows_who_refuses_what_is_fresh(void **state)
{
	static const struct row rows[] = {
		{EC2_RUN_INSTANCES, "InvalidParameterValue",
			"Value (x) for parameter iamInstanceProfile.name is invalid. Invalid IAM "
			"Instance Profile name",
			FAULT_NOT_READY},
		{EC2_RUN_INSTANCES, "InvalidGroup.NotFound", NO_GROUP, FAULT_NOT_READY},
		{EC2_RUN_INSTANCES, "InvalidKeyPair.NotFound", "", FAULT_NOT_READY},
		{EC2_AUTHORIZE_INGRESS, "InvalidGroup.NotFound", NO_GROUP, FAULT_NOT_READY},
		{EC2_REVOKE_EGRESS, "InvalidGroup.NotFound", NO_GROUP, FAULT_NOT_READY},
		{ELB_CREATE_LOAD_BALANCER, "InvalidSecurityGroup", NO_GROUP, FAULT_NOT_READY},
		{ELB_CREATE_LOAD_BALANCER, "ValidationError", "Security group 'sg-1' is not valid",
			FAULT_NOT_READY},
		{ELB_SET_SECURITY_GROUPS, "InvalidSecurityGroup", NO_GROUP, FAULT_NOT_READY},
		{ELB_CREATE_LISTENER, "TargetGroupNotFound", "", FAULT_NOT_READY},
		{ELB_CREATE_LISTENER, "LoadBalancerNotFound", "", FAULT_NOT_READY},
		{RDS_CREATE_INSTANCE, "InvalidParameterValue",
			"Invalid security group , groupId= sg-1, groupName=.", FAULT_NOT_READY},
		{LAMBDA_CREATE_FUNCTION, "InvalidParameterValueException",
			"The role defined for the function cannot be assumed by Lambda.",
			FAULT_NOT_READY},
		{LAMBDA_CREATE_FUNCTION, "InvalidParameterValueException",
			"The provided execution role does not have permissions to call "
			"CreateNetworkInterface on EC2",
			FAULT_NOT_READY},
		{LAMBDA_CREATE_FUNCTION, "InvalidParameterValueException",
			"Error occurred while DescribeSecurityGroups. EC2 Error Code: "
			"InvalidGroup.NotFound. EC2 Error Message: " NO_GROUP,
			FAULT_NOT_READY},
		{IAM_ATTACH_ROLE_POLICY, "NoSuchEntity", "The role with name x cannot be found.",
			FAULT_NOT_READY},
		{IAM_ADD_ROLE_TO_INSTANCE_PROFILE, "NoSuchEntity", "", FAULT_NOT_READY},
	};

	(void)state;
	check(rows, ARRAY_SIZE(rows));
}

/* The same words of other actions, and other words of the same. */
static void leaves_the_rest_as_it_is(void **state)
{
	static const struct row rows[] = {
		{EC2_DELETE_SECURITY_GROUP, "InvalidGroup.NotFound", NO_GROUP, FAULT_MISSING},
		{EC2_DESCRIBE_SECURITY_GROUPS, "InvalidGroup.NotFound", NO_GROUP, FAULT_MISSING},
		{EC2_RUN_INSTANCES, "InvalidSubnetID.NotFound", "", FAULT_MISSING},
		{EC2_RUN_INSTANCES, "InvalidParameterValue", "Value (x) for parameter groupId",
			FAULT_INVALID},
		{EC2_RUN_INSTANCES, "InsufficientInstanceCapacity", "", FAULT_NO_ROOM},
		{RDS_CREATE_INSTANCE, "InsufficientDBInstanceCapacity", "", FAULT_NO_ROOM},
		{ELB_CREATE_LOAD_BALANCER, "TooManyLoadBalancers", "", FAULT_QUOTA},
		{CACHE_CREATE_CLUSTER, "NodeQuotaForCustomerExceeded", "", FAULT_QUOTA},
		{IAM_CREATE_ROLE, "LimitExceeded", "", FAULT_QUOTA},
		/* A profile has room for one role: it has one. */
		{IAM_ADD_ROLE_TO_INSTANCE_PROFILE, "LimitExceeded", "", FAULT_EXISTS},
		{DYNAMODB_CREATE_TABLE, "ResourceInUseException", "", FAULT_EXISTS},
		{DYNAMODB_DELETE_TABLE, "ResourceInUseException", "", FAULT_IN_USE},
	};

	(void)state;
	check(rows, ARRAY_SIZE(rows));
}

static void says_first_that_it_is_a_matter_of_time(void **state)
{
	const struct fault fault = {.kind = FAULT_NOT_READY,
		.code = "InvalidGroup.NotFound",
		.message = NO_GROUP,
		.request_id = "r"};
	struct error error = ERROR_INIT, other = ERROR_INIT;

	(void)state;
	assert_int_equal(fault_explain(&fault, aws_action(EC2_AUTHORIZE_INGRESS), &error), -EAGAIN);
	assert_string_equal(error.text,
		"AWS does not know everywhere yet what was just made, it is tried again: AWS ec2 "
		"AuthorizeSecurityGroupIngress: InvalidGroup.NotFound: " NO_GROUP " (request r)");
	(void)error_set(&other, -EAGAIN, "%.*s (request s)", (int)error_gist(error.text),
		error.text);
	assert_true(error_says_same(error.text, other.text));
	assert_false(error_says_same(error.text, "AWS ec2 (request r)"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_who_refuses_what_is_fresh),
		cmocka_unit_test(leaves_the_rest_as_it_is),
		cmocka_unit_test(says_first_that_it_is_a_matter_of_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
