/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/tenant/group.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cloud/aws/account_memo.h"

#define BALANCERS "-lb" /* end of the name of the balancers' group */

void group_balancers_name(const char *name, char ret[GROUP_NAME_SIZE])
{
	(void)snprintf(ret, GROUP_NAME_SIZE, "%s" BALANCERS, name);
}

bool group_tenants_name(const char *group, char ret[GROUP_NAME_SIZE])
{
	size_t len = strlen(group), end = strlen(BALANCERS);
	bool balancers = len > end && strcmp(group + len - end, BALANCERS) == 0;

	(void)snprintf(ret, GROUP_NAME_SIZE, "%.*s", (int)(balancers ? len - end : len), group);
	return balancers;
}

int group_describe(struct account *account, const char *vpc, const char *const *names, size_t count,
	struct answer *answer, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(EC2_DESCRIBE_SECURITY_GROUPS);

	answer_done(answer);
	aws_request_set(&request, "Filter.1.Name", "group-name");
	for (size_t i = 0; i < count; i++)
		aws_request_setf(&request, names[i], "Filter.1.Value.%zu", i + 1);
	if (vpc) {
		aws_request_set(&request, "Filter.2.Name", "vpc-id");
		aws_request_set(&request, "Filter.2.Value.1", vpc);
	}
	return account_call(account, &request, answer, FAULT_MISSING, reterr);
}

const struct answer_node *group_named(const struct answer *answer, const char *name)
{
	const struct answer_node *group = answer_find(answer->root, "securityGroupInfo/item");

	while (group && strcmp(answer_text(group, "groupName"), name) != 0)
		group = answer_next(group);
	return group;
}

int group_create(struct account *account, const struct group_new *group, char ret_id[GROUP_ID_SIZE],
	struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(EC2_CREATE_SECURITY_GROUP);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	int r;

	aws_request_set(&request, "GroupName", group->name);
	aws_request_set(&request, "GroupDescription", group->description);
	aws_request_set(&request, "VpcId", policy_text(account->policy, "vpc_id"));
	aws_request_set(&request, "TagSpecification.1.ResourceType", "security-group");
	account_tag(&request, "TagSpecification.1.Tag", group->owner, group->name);
	if (group->service)
		account_tag_service(&request, "TagSpecification.1.Tag", group->service,
			group->service_id);
	r = account_call(account, &request, &answer, FAULT_EXISTS, reterr);
	*ret_id = '\0';
	if (r == 0)
		(void)text_copy(ret_id, GROUP_ID_SIZE, answer_text(answer.root, "groupId"));
	return r;
}

int group_delete(struct account *account, const char *id, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(EC2_DELETE_SECURITY_GROUP);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;

	aws_request_set(&request, "GroupId", id);
	return account_call(account, &request, &answer, FAULT_MISSING, reterr);
}

bool group_is_tenants(const struct answer_node *group, const struct estate_owner *owner)
{
	return account_owns(answer_find(group, "tagSet/item"), "key", "value", owner);
}

int group_remove_named(struct account *account, const struct estate_owner *owner, const char *name,
	struct error *reterr)
{
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	int r = group_describe(account, NULL, &name, 1, &answer, reterr);
	const struct answer_node *group = r == 0 ? group_named(&answer, name) : NULL;

	for (; group && r == 0; group = answer_next(group))
		r = group_is_tenants(group, owner)
			    ? group_delete(account, answer_text(group, "groupId"), reterr)
			    : account_foreign("security group", name, reterr);
	return r;
}

int group_find(struct account *account, const struct estate_owner *owner, const char *name,
	char ret_id[GROUP_ID_SIZE], struct error *reterr)
{
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	const char *vpc = policy_text(account->policy, "vpc_id");
	const struct answer_node *group;
	int r;

	if (account_memo_get(account->memo, vpc, name, ret_id))
		return 0;
	r = group_describe(account, vpc, &name, 1, &answer, reterr);
	if (r < 0)
		return r;
	group = group_named(&answer, name);
	if (!group)
		return error_set(reterr, -EAGAIN,
			"the tenant's security group is not there yet: see the tenant's status");
	if (!group_is_tenants(group, owner))
		return account_foreign("security group", name, reterr);
	(void)text_copy(ret_id, GROUP_ID_SIZE, answer_text(group, "groupId"));
	account_memo_put(account->memo, vpc, name, ret_id);
	return 0;
}

void group_doubt(struct account *account, const char *name)
{
	account_memo_drop(account->memo, policy_text(account->policy, "vpc_id"), name);
}
