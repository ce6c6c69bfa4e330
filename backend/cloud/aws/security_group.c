/* SPDX-License-Identifier: Apache-2.0 */
/* A tenant's security group: its members reach each other, the administrators' groups and the
 * policy's addresses reach them; what anybody else added is revoked. */
#include <errno.h>
#include <string.h>

#include "cloud/aws/account.h"

/* Names are unique in a network only: vpc NULL finds those of a former policy, too. */
static int describe(struct account *account, const char *vpc, const char *name,
	struct answer *answer, const struct answer_node **ret, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(EC2_DESCRIBE_SECURITY_GROUPS);
	int r;

	aws_request_set(&request, "Filter.1.Name", "group-name");
	aws_request_set(&request, "Filter.1.Value.1", name);
	if (vpc) {
		aws_request_set(&request, "Filter.2.Name", "vpc-id");
		aws_request_set(&request, "Filter.2.Value.1", vpc);
	}
	r = account_call(account, &request, answer, FAULT_MISSING, reterr);
	*ret = r == 0 ? answer_find(answer->root, "securityGroupInfo/item") : NULL;
	return r;
}

static bool is_ours(const struct answer_node *group, const struct estate_owner *owner)
{
	return account_owns(answer_find(group, "tagSet/item"), "key", "value", owner);
}

static int create(struct account *account, const struct estate_owner *owner, const char *name,
	struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(EC2_CREATE_SECURITY_GROUP);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;

	aws_request_set(&request, "GroupName", name);
	aws_request_set(&request, "GroupDescription", "Hosts of a tenant of duplofs");
	aws_request_set(&request, "VpcId", policy_text(account->policy, "vpc_id"));
	aws_request_set(&request, "TagSpecification.1.ResourceType", "security-group");
	account_tag(&request, "TagSpecification.1.Tag", owner, name);
	return account_call(account, &request, &answer, FAULT_EXISTS, reterr);
}

/* A source of traffic: a group or a range of addresses. */
struct source {
	bool group;
	const char *id;
};

static const char *source_field(const struct source *source)
{
	return source->group ? "IpPermissions.1.Groups.1.GroupId"
			     : "IpPermissions.1.IpRanges.1.CidrIp";
}

/* The wanted sources in turn; the group itself is the first. False behind the last. */
static bool wanted(const struct policy *policy, const char *self, size_t index, struct source *ret)
{
	size_t groups = 0;

	if (index == 0) {
		*ret = (struct source){true, self};
		return true;
	}
	index--;
	while (policy_item(policy, "admin_security_group_ids", groups))
		groups++;
	ret->group = index < groups;
	ret->id = ret->group ? policy_item(policy, "admin_security_group_ids", index)
			     : policy_item(policy, "ingress_cidrs", index - groups);
	return ret->id != NULL;
}

static bool is_wanted(const struct policy *policy, const char *self, const struct source *source)
{
	struct source other;

	for (size_t i = 0; wanted(policy, self, i, &other); i++)
		if (other.group == source->group && strcmp(other.id, source->id) == 0)
			return true;
	return false;
}

/* Is all traffic from the source let in? */
static bool is_open(const struct answer_node *group, const struct source *source)
{
	const struct answer_node *permission = answer_find(group, "ipPermissions/item");

	for (; permission; permission = answer_next(permission)) {
		const struct answer_node *item =
			answer_find(permission, source->group ? "groups/item" : "ipRanges/item");

		if (strcmp(answer_text(permission, "ipProtocol"), "-1") != 0)
			continue;
		for (; item; item = answer_next(item))
			if (strcmp(answer_text(item, source->group ? "groupId" : "cidrIp"),
				    source->id) == 0)
				return true;
	}
	return false;
}

static int open_all(struct account *account, const struct answer_node *group, const char *self,
	struct error *reterr)
{
	struct source source;
	int r = 0;

	for (size_t i = 0; r == 0 && wanted(account->policy, self, i, &source); i++) {
		_cleanup_request_ struct aws_request request =
			aws_request_of(EC2_AUTHORIZE_INGRESS);
		_cleanup_answer_ struct answer answer = ANSWER_INIT;

		if (is_open(group, &source))
			continue;
		aws_request_set(&request, "GroupId", self);
		aws_request_set(&request, "IpPermissions.1.IpProtocol", "-1");
		aws_request_set(&request, source_field(&source), source.id);
		r = account_call(account, &request, &answer, FAULT_EXISTS, reterr);
	}
	return r;
}

static int revoke(struct account *account, const struct answer_node *permission, const char *self,
	const struct source *source, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(EC2_REVOKE_INGRESS);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;

	aws_request_set(&request, "GroupId", self);
	aws_request_set(&request, "IpPermissions.1.IpProtocol",
		answer_text(permission, "ipProtocol"));
	if (*answer_text(permission, "fromPort")) {
		aws_request_set(&request, "IpPermissions.1.FromPort",
			answer_text(permission, "fromPort"));
		aws_request_set(&request, "IpPermissions.1.ToPort",
			answer_text(permission, "toPort"));
	}
	aws_request_set(&request, source_field(source), source->id);
	return account_call(account, &request, &answer, FAULT_MISSING, reterr);
}

static int close_sources(struct account *account, const struct answer_node *permission,
	const char *self, bool group, struct error *reterr)
{
	bool all = strcmp(answer_text(permission, "ipProtocol"), "-1") == 0;
	const struct answer_node *item =
		answer_find(permission, group ? "groups/item" : "ipRanges/item");
	int r = 0;

	for (; item && r == 0; item = answer_next(item)) {
		struct source source = {group, answer_text(item, group ? "groupId" : "cidrIp")};

		if (!all || !is_wanted(account->policy, self, &source))
			r = revoke(account, permission, self, &source, reterr);
	}
	return r;
}

static int close_others(struct account *account, const struct answer_node *group, const char *self,
	struct error *reterr)
{
	const struct answer_node *permission = answer_find(group, "ipPermissions/item");
	int r = 0;

	for (; permission && r == 0; permission = answer_next(permission)) {
		r = close_sources(account, permission, self, true, reterr);
		if (r == 0)
			r = close_sources(account, permission, self, false, reterr);
	}
	return r;
}

static int ensure(struct account *account, const struct estate_owner *owner, const char *name,
	struct error *reterr)
{
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	const struct answer_node *group;
	const char *self, *vpc = policy_text(account->policy, "vpc_id");
	int r = describe(account, vpc, name, &answer, &group, reterr);

	if (r == 0 && !group) {
		r = create(account, owner, name, reterr);
		if (r == 0)
			r = describe(account, vpc, name, &answer, &group, reterr);
	}
	if (r < 0)
		return r;
	if (!group)
		return error_set(reterr, -EAGAIN,
			"AWS does not show the new security group yet: it is tried again");
	if (!is_ours(group, owner))
		return account_foreign("security group", name, reterr);
	self = answer_text(group, "groupId");
	r = open_all(account, group, self, reterr);
	return r < 0 ? r : close_others(account, group, self, reterr);
}

static int delete_group(struct account *account, const char *id, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(EC2_DELETE_SECURITY_GROUP);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;

	aws_request_set(&request, "GroupId", id);
	return account_call(account, &request, &answer, FAULT_MISSING, reterr);
}

static int remove_group(struct account *account, const struct estate_owner *owner, const char *name,
	struct error *reterr)
{
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	const struct answer_node *group;
	int r = describe(account, NULL, name, &answer, &group, reterr);

	for (; group && r == 0; group = answer_next(group))
		r = is_ours(group, owner)
			    ? delete_group(account, answer_text(group, "groupId"), reterr)
			    : account_foreign("security group", name, reterr);
	return r;
}

const struct aws_thing aws_security_group = {"security-group", ensure, remove_group};
