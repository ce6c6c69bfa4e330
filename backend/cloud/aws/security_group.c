/* SPDX-License-Identifier: Apache-2.0 */
/* A tenant's security group: its members reach each other, the administrators' groups, the policy's
 * addresses and the tenant's load balancers reach them; what anybody else added is revoked. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cloud/aws/group.h"
#include "cloud/aws/group_rules.h"

#define PORT_SIZE 8

static const struct group_rule everywhere = {true, "-1", "", "", PEER_RANGE, "0.0.0.0/0"};
static const struct group_rule everywhere6 = {true, "-1", "", "", PEER_RANGE6, "::/0"};

/* Who may open every port: groups and ranges of a list of the policy. */
static void want_list(struct group_rules *ret, const struct policy *policy, const char *list,
	bool groups)
{
	const char *id;

	for (size_t i = 0; (id = policy_item(policy, list, i)) != NULL; i++) {
		enum group_peer peer = groups ? PEER_GROUP : group_rules_range(id);

		group_rules_add(ret,
			&(const struct group_rule){
				.protocol = "-1", .low = "", .high = "", .peer = peer, .id = id});
	}
}

static int settle_rules(struct account *account, const struct answer_node *group,
	const char *balancers, struct error *reterr)
{
	_cleanup_group_rules_ struct group_rules seen = GROUP_RULES_INIT;
	_cleanup_group_rules_ struct group_rules wanted = GROUP_RULES_INIT;
	const char *self = answer_text(group, "groupId");
	const struct group_rule each_other = {false, "-1", "", "", PEER_GROUP, self};
	char low[PORT_SIZE], high[PORT_SIZE];
	const struct group_rule services = {false, "tcp", low, high, PEER_GROUP, balancers};

	(void)snprintf(low, sizeof(low), "%d", account->port_low);
	(void)snprintf(high, sizeof(high), "%d", account->port_high);
	group_rules_read(&seen, group);
	group_rules_add(&wanted, &each_other);
	group_rules_add(&wanted, &services);
	want_list(&wanted, account->policy, "admin_security_group_ids", true);
	want_list(&wanted, account->policy, "ingress_cidrs", false);
	group_rules_add(&wanted, &everywhere);
	/* AWS adds it in networks that have such addresses. */
	if (group_rules_have(&seen, &everywhere6))
		group_rules_add(&wanted, &everywhere6);
	return group_rules_settle(account, self, &seen, &wanted, reterr);
}

/* The group of that name with its rules; made when there is none. */
static int ensure_named(struct account *account, const struct group_new *wanted,
	const char *const *names, size_t count, struct answer *answer,
	const struct answer_node **ret, struct error *reterr)
{
	const char *vpc = policy_text(account->policy, "vpc_id");
	char id[GROUP_ID_SIZE] = "";
	int r = group_describe(account, vpc, names, count, answer, reterr);

	if (r == 0 && !group_named(answer, wanted->name)) {
		r = group_create(account, wanted, id, reterr);
		if (r == 0)
			r = group_describe(account, vpc, names, count, answer, reterr);
	}
	if (r < 0)
		return r;
	*ret = group_named(answer, wanted->name);
	if (!*ret)
		return error_set(reterr, -EAGAIN,
			"AWS does not show the new security group yet: it is tried again");
	return group_is_tenants(*ret, wanted->owner)
		       ? 0
		       : account_foreign("security group", wanted->name, reterr);
}

static int ensure(struct account *account, const struct estate_owner *owner, const char *name,
	struct error *reterr)
{
	char balancers[GROUP_NAME_SIZE];
	const char *names[] = {name, balancers};
	const struct group_new wanted = {
		.name = name, .description = "Hosts of a tenant of duplofs", .owner = owner};
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	const struct answer_node *group, *other;
	int r;

	group_balancers_name(name, balancers);
	r = ensure_named(account, &wanted, names, 2, &answer, &group, reterr);
	if (r < 0)
		return r;
	other = group_named(&answer, balancers);
	if (!other)
		return error_set(reterr, -EAGAIN,
			"AWS does not show the load balancers' group yet: it is tried again");
	return settle_rules(account, group, answer_text(other, "groupId"), reterr);
}

const struct aws_thing aws_security_group = {"security-group", ensure, group_remove_named};

static int ensure_balancers(struct account *account, const struct estate_owner *owner,
	const char *name, struct error *reterr)
{
	char own[GROUP_NAME_SIZE];
	const char *names[] = {own};
	const struct group_new wanted = {.name = own,
		.description = "Load balancers of a tenant of duplofs",
		.owner = owner};
	_cleanup_group_rules_ struct group_rules seen = GROUP_RULES_INIT;
	_cleanup_group_rules_ struct group_rules none = GROUP_RULES_INIT;
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	const struct answer_node *group;
	int r;

	group_balancers_name(name, own);
	r = ensure_named(account, &wanted, names, 1, &answer, &group, reterr);
	if (r < 0)
		return r;
	/* It says who somebody is, and opens nothing. */
	group_rules_read(&seen, group);
	return group_rules_settle(account, answer_text(group, "groupId"), &seen, &none, reterr);
}

static int remove_balancers(struct account *account, const struct estate_owner *owner,
	const char *name, struct error *reterr)
{
	char own[GROUP_NAME_SIZE];

	group_balancers_name(name, own);
	return group_remove_named(account, owner, own, reterr);
}

const struct aws_thing aws_balancer_group = {"balancer-group", ensure_balancers, remove_balancers};
