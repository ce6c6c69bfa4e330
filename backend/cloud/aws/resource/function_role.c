/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/resource/function_role.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cloud/aws/resource/function_logs.h"
#include "cloud/aws/resource/permission.h"
#include "cloud/aws/tenant/role.h"

/* "arn:aws:iam::123456789012:role/..." */
struct account_place {
	char partition[16], account[16];
};

static int parse_place(const char *role_arn, struct account_place *ret, struct error *reterr)
{
	if (sscanf(role_arn, "arn:%15[^:]:iam::%15[^:]:", ret->partition, ret->account) == 2)
		return 0;
	return error_set(reterr, -EIO, "AWS calls the function's role \"%.80s\"", role_arn);
}

/* Interfaces in the tenant's network are made by Lambda with this role, and have no ARN yet that
 * could be named. Source: "Giving Lambda functions access to resources in an Amazon VPC" in AWS's
 * documentation, as is the denial that keeps the code itself from all that. */
static void add_network(struct buf *document, const char *function_arn)
{
	static const char *const actions[] = {"ec2:CreateNetworkInterface",
		"ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets",
		"ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses",
		"ec2:UnassignPrivateIpAddresses", NULL};
	static const char *const any[] = {"*", NULL};

	(void)permission_add(document, "", actions, any);
	(void)permission_deny(document, actions, "lambda:SourceFunctionArn", function_arn);
}

static void add_logs(struct buf *document, const char *group_arn)
{
	(void)permission_add(document, group_arn,
		WORDS("logs:CreateLogStream", "logs:PutLogEvents"), WORDS(":*"));
}

static void add_queue(struct buf *document, const char *queue_arn)
{
	if (*queue_arn)
		(void)permission_add(document, queue_arn,
			WORDS("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
			WORDS(""));
}

static int put_permission(struct resource_call *call, const char *role_arn, struct error *reterr)
{
	const char *name = call->wanted->external, *region = resource_region(call);
	_cleanup_buf_ struct buf document = BUF_INIT, function = BUF_INIT, group = BUF_INIT;
	struct account_place place;
	int r = parse_place(role_arn, &place, reterr);

	if (r < 0)
		return r;
	buf_printf(&function, "arn:%s:lambda:%s:%s:function:%s", place.partition, region,
		place.account, name);
	buf_printf(&group, "arn:%s:logs:%s:%s:log-group:" FUNCTION_LOGS_PREFIX "%s",
		place.partition, region, place.account, name);
	add_logs(&document, buf_string(&group));
	add_network(&document, buf_string(&function));
	add_queue(&document, call->wanted->queue_arn);
	if (function.error || group.error || permission_end(&document) < 0)
		return error_oom(reterr);
	r = permission_put(call->account, name, PERMISSION_FUNCTION, buf_string(&document), reterr);
	return r == -ENOENT ? error_set(reterr, -EAGAIN, "the function's role is not there yet")
			    : r;
}

int function_role_ensure(struct resource_call *call, char ret_arn[ROLE_ARN_SIZE],
	struct error *reterr)
{
	const struct role_wish wish = {
		call->wanted->external, ROLE_FUNCTION_PATH, "lambda.amazonaws.com"};
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	const struct answer_node *role;
	bool made;
	int r = role_find_or_make(call->account, call->owner, &wish, &answer, &role, &made, reterr);

	if (r < 0)
		return r;
	(void)text_copy(ret_arn, ROLE_ARN_SIZE, answer_text(role, "Arn"));
	return put_permission(call, ret_arn, reterr);
}

int function_role_remove(struct resource_call *call, struct error *reterr)
{
	return role_remove(call->account, call->owner, call->wanted->external, reterr);
}
