/* SPDX-License-Identifier: Apache-2.0 */
/* A tenant's security group: its members reach each other, the administrators' groups, the policy's
 * addresses and the tenant's load balancers reach them; what anybody else added is revoked. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cloud/aws/balancer/balancer_survey.h"
#include "cloud/aws/tenant/group.h"
#include "cloud/aws/account_memo.h"
#include "cloud/aws/tenant/group_rules.h"
#include "cloud/aws/network.h"
#include "cloud/aws/survey.h"

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

/* The ports that hosts give to instances. */
struct ports {
	char low[PORT_SIZE], high[PORT_SIZE];
};

static void ports_of(const struct account *account, struct ports *ret)
{
	(void)snprintf(ret->low, sizeof(ret->low), "%d", account->port_low);
	(void)snprintf(ret->high, sizeof(ret->high), "%d", account->port_high);
}

/* What the hosts' group (self) shall have; ret borrows ports. */
static void want_rules(struct group_rules *ret, const struct account *account, const char *self,
	const char *balancers, const struct ports *ports, const struct group_rules *seen)
{
	const struct group_rule each_other = {false, "-1", "", "", PEER_GROUP, self};
	const struct group_rule services = {
		false, "tcp", ports->low, ports->high, PEER_GROUP, balancers};

	group_rules_add(ret, &each_other);
	group_rules_add(ret, &services);
	want_list(ret, account->policy, "admin_security_group_ids", true);
	want_list(ret, account->policy, "ingress_cidrs", false);
	group_rules_add(ret, &everywhere);
	/* AWS adds it in networks that have such addresses. */
	if (group_rules_have(seen, &everywhere6))
		group_rules_add(ret, &everywhere6);
}

/* What the balancers' group shall have: it reaches hosts, wherever in the network they are, and
 * lets in nobody. ret borrows network and ports. */
static void want_hosts(struct group_rules *ret, const struct network *network,
	const struct ports *ports)
{
	for (size_t i = 0; i < network->range_count; i++)
		group_rules_add(ret, &(const struct group_rule){true, "tcp", ports->low,
					     ports->high, PEER_RANGE, network->ranges[i]});
}

/* One that was looked at or has just been made. */
struct named {
	struct answer answer;
	const struct answer_node *node; /* NULL: made by us just now, as AWS makes them */
	char id[GROUP_ID_SIZE];
};

#define NAMED_INIT                                                                                 \
	(struct named)                                                                             \
	{                                                                                          \
		.answer = ANSWER_INIT                                                              \
	}

static void read_rules(const struct named *group, struct group_rules *ret)
{
	if (group->node)
		group_rules_read(ret, group->node);
	else
		group_rules_add(ret, &everywhere);
}

static int look(struct account *account, const struct group_new *wanted, struct named *ret,
	struct error *reterr)
{
	int r = group_describe(account, policy_text(account->policy, "vpc_id"), &wanted->name, 1,
		&ret->answer, reterr);

	ret->node = r == 0 ? group_named(&ret->answer, wanted->name) : NULL;
	if (!ret->node)
		return r;
	(void)text_copy(ret->id, GROUP_ID_SIZE, answer_text(ret->node, "groupId"));
	return group_is_tenants(ret->node, wanted->owner)
		       ? 0
		       : account_foreign("security group", wanted->name, reterr);
}

/* The group of that name with its rules; made when there is none. */
static int ensure_named(struct account *account, const struct group_new *wanted, struct named *ret,
	struct error *reterr)
{
	int r = wanted->owner->fresh ? 0 : look(account, wanted, ret, reterr);

	if (r == 0 && !ret->node) {
		r = group_create(account, wanted, ret->id, reterr);
		if (r == 0 && !*ret->id)
			r = look(account, wanted, ret, reterr);
	}
	if (r == 0 && !*ret->id)
		return error_set(reterr, -EAGAIN,
			"AWS does not show the security group \"%s\" yet: it is tried again",
			wanted->name);
	return r;
}

/* Remembered only once it is as it shall be. */
static int settle_named(struct account *account, const char *name, const struct named *group,
	const struct group_rules *seen, const struct group_rules *wanted, struct error *reterr)
{
	const char *vpc = policy_text(account->policy, "vpc_id");
	int r = group_rules_settle(account, group->id, seen, wanted, reterr);

	if (r == 0)
		account_memo_put(account->memo, vpc, name, group->id);
	else
		account_memo_drop(account->memo, vpc, name);
	return r;
}

static int ensure(struct account *account, const struct estate_owner *owner, const char *name,
	struct error *reterr)
{
	const struct group_new wanted = {
		.name = name, .description = "Hosts of a tenant of duplofs", .owner = owner};
	_cleanup_group_rules_ struct group_rules seen = GROUP_RULES_INIT;
	_cleanup_group_rules_ struct group_rules rules = GROUP_RULES_INIT;
	char balancers[GROUP_NAME_SIZE], other[GROUP_ID_SIZE];
	struct named group = NAMED_INIT;
	struct ports ports;
	int r;

	ports_of(account, &ports);
	group_balancers_name(name, balancers);
	r = group_find(account, owner, balancers, other, reterr);
	if (r == 0)
		r = ensure_named(account, &wanted, &group, reterr);
	if (r == 0) {
		read_rules(&group, &seen);
		want_rules(&rules, account, group.id, other, &ports, &seen);
		r = settle_named(account, name, &group, &seen, &rules, reterr);
	}
	if (r < 0)
		group_doubt(account, balancers);
	answer_done(&group.answer);
	return r;
}

/* ---- survey: of both groups, in one list ---- */

/* Whom the hosts' group lets in at the ports of services: of a tenant whose balancers' group is
 * another one by now, that group itself is found to be new. */
static const char *seen_balancers(const struct group_rules *seen, const struct ports *ports,
	const char *self)
{
	for (size_t i = 0; i < seen->count; i++) {
		const struct group_rule *rule = &seen->rules[i];

		if (!rule->out && rule->peer == PEER_GROUP && strcmp(rule->protocol, "tcp") == 0 &&
			strcmp(rule->low, ports->low) == 0 &&
			strcmp(rule->high, ports->high) == 0 && strcmp(rule->id, self) != 0)
			return rule->id;
	}
	return "";
}

/* Once a survey, whatever comes of it. False: it is not known. */
static bool network_of(const struct survey *survey, struct network *ret)
{
	if (network_recall_ranges(survey->account, ret))
		return true;
	if (survey->seen->network_asked)
		return false;
	survey->seen->network_asked = true;
	return network_ranges(survey->account, ret, NULL) == 0;
}

static enum estate_fit fit_of(const struct survey *survey, const struct answer_node *group,
	bool balancers)
{
	const struct account *account = survey->account;
	_cleanup_group_rules_ struct group_rules seen = GROUP_RULES_INIT;
	_cleanup_group_rules_ struct group_rules wanted = GROUP_RULES_INIT;
	const char *self = answer_text(group, "groupId");
	struct network network;
	struct ports ports;

	if (strcmp(answer_text(group, "vpcId"), policy_text(account->policy, "vpc_id")) != 0)
		return ESTATE_ELSEWHERE;
	if (balancers && !network_of(survey, &network))
		return ESTATE_AS_WANTED; /* it cannot be told now */
	ports_of(account, &ports);
	group_rules_read(&seen, group);
	if (balancers)
		want_hosts(&wanted, &network, &ports);
	else
		want_rules(&wanted, account, self, seen_balancers(&seen, &ports, self), &ports,
			&seen);
	return seen.failed || wanted.failed || group_rules_same(&seen, &wanted) ? ESTATE_AS_WANTED
										: ESTATE_DIFFERS;
}

static int tell(const struct survey *survey, const struct answer_node *group)
{
	const struct answer_node *tags = answer_find(group, "tagSet/item");
	char name[GROUP_NAME_SIZE];
	bool balancers = group_tenants_name(answer_text(group, "groupName"), name);
	const struct sighting sighting = {
		.type = balancers ? aws_balancer_group.type : aws_security_group.type,
		.name = name,
		.tags_told = true,
		.tags = tags,
		.key = "key",
		.value = "value",
		.fit = fit_of(survey, group, balancers),
	};

	return *survey_tag(&sighting, TAG_SERVICE_ID) ? balancer_survey_group(survey, group)
						      : survey_tell(survey, &sighting);
}

/* By name: those that have our tags were told by them. */
static int tell_untagged(const struct survey *survey, const struct answer_node *group)
{
	const struct sighting sighting = {
		.tags = answer_find(group, "tagSet/item"), .key = "key", .value = "value"};

	return strcmp(survey_tag(&sighting, TAG_PLATFORM), survey->account->platform) == 0
		       ? 0
		       : tell(survey, group);
}

static int list(const struct survey *survey, const char *filter, const char *value,
	survey_node_fn fn, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(EC2_DESCRIBE_SECURITY_GROUPS);

	aws_request_set(&request, "Filter.1.Name", filter);
	aws_request_set(&request, "Filter.1.Value.1", value);
	aws_request_set(&request, "MaxResults", SURVEY_PAGE);
	return survey_list(survey, &request, "securityGroupInfo/item", fn, reterr);
}

static int survey_groups(const struct survey *survey, struct error *reterr)
{
	const char *platform = survey->account->platform;
	char name[64];
	int r = list(survey, "tag:" TAG_PLATFORM, platform, tell, reterr);

	(void)snprintf(name, sizeof(name), ACCOUNT_NAME_PREFIX "*", platform);
	return r < 0 ? r : list(survey, "group-name", name, tell_untagged, reterr);
}

static int survey_nothing(const struct survey *survey, struct error *reterr)
{
	(void)survey;
	(void)reterr;
	return 0;
}

const struct aws_thing aws_security_group = {
	"security-group", ensure, group_remove_named, survey_groups};

static int ensure_balancers(struct account *account, const struct estate_owner *owner,
	const char *name, struct error *reterr)
{
	char own[GROUP_NAME_SIZE];
	const struct group_new wanted = {.name = own,
		.description = "Load balancers of a tenant of duplofs",
		.owner = owner};
	_cleanup_group_rules_ struct group_rules seen = GROUP_RULES_INIT;
	_cleanup_group_rules_ struct group_rules rules = GROUP_RULES_INIT;
	struct named group = NAMED_INIT;
	struct network network;
	struct ports ports;
	int r;

	ports_of(account, &ports);
	group_balancers_name(name, own);
	r = network_ranges(account, &network, reterr);
	if (r == 0)
		r = ensure_named(account, &wanted, &group, reterr);
	if (r == 0) {
		read_rules(&group, &seen);
		want_hosts(&rules, &network, &ports);
		r = settle_named(account, own, &group, &seen, &rules, reterr);
	}
	answer_done(&group.answer);
	return r;
}

static int remove_balancers(struct account *account, const struct estate_owner *owner,
	const char *name, struct error *reterr)
{
	char own[GROUP_NAME_SIZE];

	group_balancers_name(name, own);
	return group_remove_named(account, owner, own, reterr);
}

/* The survey of the hosts' groups tells of these, too. */
const struct aws_thing aws_balancer_group = {
	"balancer-group", ensure_balancers, remove_balancers, survey_nothing};
