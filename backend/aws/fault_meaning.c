/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/fault_meaning.h"

#include <string.h>

#include "base/cleanup.h"

/* Of action and code the end may be left open by "*"; a part of the message, "" for any. */
struct meaning {
	enum fault_kind kind;
	const char *service, *action, *code, *message;
};

/* Sources: the error pages of the services; what people report of each; terraform's waits. */
static const struct meaning meanings[] = {
	/* Of profiles AWS says so for ten seconds as a rule, at times for two minutes. */
	{FAULT_NOT_READY, "ec2", "RunInstances", "InvalidParameterValue",
		"Invalid IAM Instance Profile"},
	{FAULT_NOT_READY, "ec2", "RunInstances", "InvalidParameterValue",
		"no associated IAM Roles"},
	{FAULT_NOT_READY, "ec2", "RunInstances", "InvalidIAMInstanceProfile*", ""},
	{FAULT_NOT_READY, "ec2", "RunInstances", "InvalidIamInstanceProfile*", ""},
	{FAULT_NOT_READY, "ec2", "RunInstances", "InvalidGroup.NotFound", ""},
	{FAULT_NOT_READY, "ec2", "RunInstances", "InvalidKeyPair.NotFound", ""},
	{FAULT_NOT_READY, "ec2", "AuthorizeSecurityGroup*", "InvalidGroup.NotFound", ""},
	{FAULT_NOT_READY, "ec2", "RevokeSecurityGroup*", "InvalidGroup.NotFound", ""},

	{FAULT_NOT_READY, "elasticloadbalancing", "CreateLoadBalancer", "InvalidSecurityGroup", ""},
	{FAULT_NOT_READY, "elasticloadbalancing", "CreateLoadBalancer", "ValidationError",
		"ecurity group"},
	{FAULT_NOT_READY, "elasticloadbalancing", "SetSecurityGroups", "InvalidSecurityGroup", ""},
	{FAULT_NOT_READY, "elasticloadbalancing", "SetSecurityGroups", "ValidationError",
		"ecurity group"},
	{FAULT_NOT_READY, "elasticloadbalancing", "CreateListener", "TargetGroupNotFound", ""},
	{FAULT_NOT_READY, "elasticloadbalancing", "CreateListener", "LoadBalancerNotFound", ""},
	{FAULT_NOT_READY, "elasticloadbalancing", "ModifyListener", "TargetGroupNotFound", ""},

	{FAULT_NOT_READY, "rds", "CreateDBInstance", "InvalidParameterValue",
		"nvalid security group"},
	{FAULT_NOT_READY, "elasticache", "Create*", "InvalidParameterValue", "ecurity group"},

	/* Of roles, and of what they were permitted just now. */
	{FAULT_NOT_READY, "lambda", "*", "InvalidParameterValueException", "cannot be assumed"},
	{FAULT_NOT_READY, "lambda", "*", "InvalidParameterValueException",
		"execution role does not have permissions"},
	{FAULT_NOT_READY, "lambda", "*", "InvalidParameterValueException", "InvalidGroup.NotFound"},
	{FAULT_NOT_READY, "lambda", "*", "InvalidSecurityGroupIDException", ""},
	{FAULT_NOT_READY, "lambda", "*", "InvalidParameterValueException", "NonExistentQueue"},

	{FAULT_NOT_READY, "iam", "AttachRolePolicy", "NoSuchEntity", ""},
	{FAULT_NOT_READY, "iam", "AddRoleToInstanceProfile", "NoSuchEntity", ""},

	/* It has room for one: a role that a look at it did not show yet. */
	{FAULT_EXISTS, "iam", "AddRoleToInstanceProfile", "LimitExceeded", ""},
	{FAULT_EXISTS, "dynamodb", "CreateTable", "ResourceInUseException", ""},
	{FAULT_EXISTS, "lambda", "*", "ResourceConflictException", "already exist"},
	{FAULT_IN_USE, "lambda", "*", "ResourceConflictException", ""},
};

static bool matches(const char *pattern, const char *text)
{
	size_t len = strlen(pattern);

	if (len > 0 && pattern[len - 1] == '*')
		return strncmp(pattern, text, len - 1) == 0;
	return strcmp(pattern, text) == 0;
}

enum fault_kind fault_meaning(const struct fault *fault, const struct aws_action *action)
{
	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++) {
		const struct meaning *row = &meanings[i];

		if (strcmp(row->service, action->service->name) == 0 &&
			matches(row->action, action->name) && matches(row->code, fault->code) &&
			strstr(fault->message, row->message))
			return row->kind;
	}
	return fault->kind;
}
