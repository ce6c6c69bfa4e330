/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/resource/function_logs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"

#define KEEP_DAYS 30
#define NAME_SIZE (sizeof(FUNCTION_LOGS_PREFIX) + EXTERNAL_SIZE)

static void print_name(const struct resource_call *call, char ret[NAME_SIZE])
{
	(void)snprintf(ret, NAME_SIZE, FUNCTION_LOGS_PREFIX "%s", call->wanted->external);
}

static int keep(struct resource_call *call, const char *name, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(LOGS_PUT_RETENTION);

	aws_request_set(&request, "logGroupName", name);
	request.json = json_pack("{s:i}", "retentionInDays", KEEP_DAYS);
	return request.json ? resource_do(call, &request, FAULT_OTHER, reterr) : error_oom(reterr);
}

int function_logs_make(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(LOGS_CREATE_GROUP);
	char name[NAME_SIZE];
	int r;

	print_name(call, name);
	aws_request_set(&request, "logGroupName", name);
	request.json = json_pack("{s:o}", "tags", resource_tags(call));
	if (!request.json)
		return error_oom(reterr);
	r = resource_do(call, &request, FAULT_EXISTS, reterr);
	return r < 0 ? r : account_young(keep(call, name, reterr), reterr);
}

/* *ret_arn: as tags are asked for; "" there is no such group. */
static int find(struct resource_call *call, const char *name, char ret_arn[256],
	struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(LOGS_DESCRIBE_GROUPS);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	const struct answer_node *group;
	int r;

	aws_request_set(&request, "logGroupNamePrefix", name);
	r = account_call(call->account, &request, &answer, FAULT_MISSING, reterr);
	group = r == 0 ? answer_find(answer.root, "logGroups/item") : NULL;
	while (group && strcmp(answer_text(group, "logGroupName"), name) != 0)
		group = answer_next(group);
	(void)snprintf(ret_arn, 256, "%s", answer_text(group, "arn"));
	/* It is told with ":*" behind it, and asked for without. */
	if (strlen(ret_arn) > 2 && strcmp(ret_arn + strlen(ret_arn) - 2, ":*") == 0)
		ret_arn[strlen(ret_arn) - 2] = '\0';
	return r;
}

int function_logs_remove(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request tags = aws_request_of(LOGS_LIST_TAGS);
	_cleanup_request_ struct aws_request request = aws_request_of(LOGS_DELETE_GROUP);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	char name[NAME_SIZE], arn[256];
	int r;

	print_name(call, name);
	r = find(call, name, arn, reterr);
	if (r < 0 || !*arn)
		return r;
	aws_request_set(&tags, "resourceArn", arn);
	r = account_call(call->account, &tags, &answer, FAULT_MISSING, reterr);
	if (r < 0)
		return r;
	if (!account_owns_map(answer_find(answer.root, "tags"), call->owner))
		return account_foreign("log group", name, reterr);
	aws_request_set(&request, "logGroupName", name);
	return resource_do(call, &request, FAULT_MISSING, reterr);
}
