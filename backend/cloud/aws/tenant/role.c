/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/tenant/role.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cloud/aws/resource/permission.h"
#include "cloud/aws/survey.h"

static int get(struct account *account, const char *name, struct answer *answer,
	const struct answer_node **ret, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(IAM_GET_ROLE);
	int r;

	answer_done(answer);
	aws_request_set(&request, "RoleName", name);
	r = account_call(account, &request, answer, FAULT_MISSING, reterr);
	*ret = r == 0 ? answer_find(answer->root, "Role") : NULL;
	return r;
}

static bool is_ours(const struct answer_node *role, const struct estate_owner *owner)
{
	return account_owns(answer_find(role, "Tags/member"), "Key", "Value", owner);
}

/* *ret: the role, NULL when it was there already. */
static int create(struct account *account, const struct estate_owner *owner,
	const struct role_wish *wish, struct answer *answer, const struct answer_node **ret,
	struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(IAM_CREATE_ROLE);
	_cleanup_buf_ struct buf trust = BUF_INIT;
	const char *boundary = policy_text(account->policy, "permissions_boundary_arn");
	int r;

	buf_printf(&trust,
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":"
		"{\"Service\":\"%s\"},\"Action\":\"sts:AssumeRole\"}]}",
		wish->service);
	aws_request_set(&request, "RoleName", wish->name);
	aws_request_set(&request, "Path", wish->path);
	aws_request_set(&request, "AssumeRolePolicyDocument", buf_string(&trust));
	if (*boundary)
		aws_request_set(&request, "PermissionsBoundary", boundary);
	account_tag(&request, "Tags.member", owner, wish->name);
	answer_done(answer);
	r = account_call(account, &request, answer, FAULT_EXISTS, reterr);
	*ret = r == 0 ? answer_find(answer->root, "Role") : NULL;
	permission_doubt(account, wish->name);
	return r;
}

int role_find_or_make(struct account *account, const struct estate_owner *owner,
	const struct role_wish *wish, struct answer *answer, const struct answer_node **ret,
	bool *ret_made, struct error *reterr)
{
	int r;

	*ret = NULL;
	r = owner->fresh ? 0 : get(account, wish->name, answer, ret, reterr);
	*ret_made = false;
	if (r == 0 && !*ret) {
		r = create(account, owner, wish, answer, ret, reterr);
		*ret_made = r == 0 && *ret;
		/* It was there already. */
		if (r == 0 && !*ret)
			r = get(account, wish->name, answer, ret, reterr);
	}
	if (r < 0 || *ret_made)
		return r;
	if (!*ret)
		return error_set(reterr, -EAGAIN,
			"AWS does not show the new role yet: it is tried again");
	return is_ours(*ret, owner) ? 0 : account_foreign("role", wish->name, reterr);
}

static int list_attached(struct account *account, const char *name, struct answer *answer,
	struct error *reterr)
{
	_cleanup_request_ struct aws_request request =
		aws_request_of(IAM_LIST_ATTACHED_ROLE_POLICIES);

	aws_request_set(&request, "RoleName", name);
	return account_call(account, &request, answer, FAULT_MISSING, reterr);
}

static int change_attached(struct account *account, enum aws_action_id action, const char *name,
	const char *arn, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(action);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;

	aws_request_set(&request, "RoleName", name);
	aws_request_set(&request, "PolicyArn", arn);
	return account_call(account, &request, &answer,
		action == IAM_DETACH_ROLE_POLICY ? FAULT_MISSING : FAULT_OTHER, reterr);
}

/* policy: the first of those that are attached. */
static bool is_attached(const struct answer_node *policy, const char *arn)
{
	while (policy && strcmp(answer_text(policy, "PolicyArn"), arn) != 0)
		policy = answer_next(policy);
	return policy != NULL;
}

static bool is_wanted(const struct policy *policy, const char *arn)
{
	const char *other;

	for (size_t i = 0; (other = policy_item(policy, "tenant_policy_arns", i)) != NULL; i++)
		if (strcmp(other, arn) == 0)
			return true;
	return false;
}

/* made: nothing is attached yet. */
static int settle_policies(struct account *account, const char *name, bool made,
	struct error *reterr)
{
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	const struct answer_node *policy;
	const char *arn;
	int r = made ? 0 : list_attached(account, name, &answer, reterr);

	policy = answer_find(answer.root, "AttachedPolicies/member");
	for (size_t i = 0;
		r == 0 && (arn = policy_item(account->policy, "tenant_policy_arns", i)) != NULL;
		i++)
		if (!is_attached(policy, arn))
			r = change_attached(account, IAM_ATTACH_ROLE_POLICY, name, arn, reterr);
	for (; policy && r == 0; policy = answer_next(policy))
		if (!is_wanted(account->policy, answer_text(policy, "PolicyArn")))
			r = change_attached(account, IAM_DETACH_ROLE_POLICY, name,
				answer_text(policy, "PolicyArn"), reterr);
	return r;
}

/* A tenant's role, which its machines have: the policy says what it may do. */
static int ensure(struct account *account, const struct estate_owner *owner, const char *name,
	struct error *reterr)
{
	const struct role_wish wish = {name, ACCOUNT_PATH, "ec2.amazonaws.com"};
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	const struct answer_node *role;
	bool made;
	int r = role_find_or_make(account, owner, &wish, &answer, &role, &made, reterr);

	return r < 0 ? r : settle_policies(account, name, made, reterr);
}

/* Policies that somebody put into the role: it cannot go with them. */
static int remove_inline(struct account *account, const char *name, struct error *reterr)
{
	_cleanup_request_ struct aws_request list = aws_request_of(IAM_LIST_ROLE_POLICIES);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	const struct answer_node *policy;
	int r;

	aws_request_set(&list, "RoleName", name);
	r = account_call(account, &list, &answer, FAULT_MISSING, reterr);
	policy = r == 0 ? answer_find(answer.root, "PolicyNames/member") : NULL;
	for (; policy && r == 0; policy = answer_next(policy)) {
		_cleanup_request_ struct aws_request request =
			aws_request_of(IAM_DELETE_ROLE_POLICY);
		_cleanup_answer_ struct answer ignored = ANSWER_INIT;

		aws_request_set(&request, "RoleName", name);
		aws_request_set(&request, "PolicyName", policy->text);
		r = account_call(account, &request, &ignored, FAULT_MISSING, reterr);
	}
	return r;
}

static int remove_attached(struct account *account, const char *name, struct error *reterr)
{
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	const struct answer_node *policy;
	int r = list_attached(account, name, &answer, reterr);

	policy = r == 0 ? answer_find(answer.root, "AttachedPolicies/member") : NULL;
	for (; policy && r == 0; policy = answer_next(policy))
		r = change_attached(account, IAM_DETACH_ROLE_POLICY, name,
			answer_text(policy, "PolicyArn"), reterr);
	return r;
}

int role_remove(struct account *account, const struct estate_owner *owner, const char *name,
	struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(IAM_DELETE_ROLE);
	_cleanup_answer_ struct answer answer = ANSWER_INIT, ignored = ANSWER_INIT;
	const struct answer_node *role;
	int r = get(account, name, &answer, &role, reterr);

	if (r < 0 || !role)
		return r;
	if (!is_ours(role, owner))
		return account_foreign("role", name, reterr);
	r = remove_attached(account, name, reterr);
	if (r == 0)
		r = remove_inline(account, name, reterr);
	aws_request_set(&request, "RoleName", name);
	return r < 0 ? r : account_call(account, &request, &ignored, FAULT_MISSING, reterr);
}

static enum estate_fit fit(const struct policy *policy, const struct answer_node *attached)
{
	const struct answer_node *other = attached;
	const char *arn;

	for (size_t i = 0; (arn = policy_item(policy, "tenant_policy_arns", i)) != NULL; i++)
		if (!is_attached(attached, arn))
			return ESTATE_DIFFERS;
	while (other && is_wanted(policy, answer_text(other, "PolicyArn")))
		other = answer_next(other);
	return other ? ESTATE_DIFFERS : ESTATE_AS_WANTED;
}

static int look_at(const struct survey *survey, const struct answer_node *role)
{
	const struct sighting sighting = {
		.type = aws_role.type,
		.name = answer_text(role, "RoleName"),
		.tags_told = true,
		.tags = answer_find(role, "Tags/member"),
		.key = "Key",
		.value = "Value",
		.fit = fit(survey->account->policy,
			answer_find(role, "AttachedManagedPolicies/member")),
	};

	/* They belong to resources, not to tenants. */
	if (strcmp(answer_text(role, "Path"), ROLE_FUNCTION_PATH) == 0)
		return 0;
	return survey_tell(survey, &sighting);
}

/* ListRoles tells neither tags nor what is attached; this does, of all roles in the account. */
static int survey_roles(const struct survey *survey, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(IAM_GET_ACCOUNT_DETAILS);

	aws_request_set(&request, "Filter.member.1", "Role");
	aws_request_set(&request, "MaxItems", SURVEY_PAGE);
	return survey_list(survey, &request, "RoleDetailList/member", look_at, reterr);
}

const struct aws_thing aws_role = {"role", ensure, role_remove, survey_roles};
