/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/tenant/group_rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/aws/settled.h"

/* Where each kind of peer stands in answers and in requests. */
static const struct {
	const char *items, *id; /* below a permission of the answer */
	const char *field; /* of permission N of the request */
} peers[] = {
	[PEER_GROUP] = {"groups/item", "groupId", "Groups.1.GroupId"},
	[PEER_RANGE] = {"ipRanges/item", "cidrIp", "IpRanges.1.CidrIp"},
	[PEER_RANGE6] = {"ipv6Ranges/item", "cidrIpv6", "Ipv6Ranges.1.CidrIpv6"},
	[PEER_LIST] = {"prefixListIds/item", "prefixListId", "PrefixListIds.1.PrefixListId"},
};

#define PEERS (sizeof(peers) / sizeof(peers[0]))

void group_rules_add(struct group_rules *rules, const struct group_rule *rule)
{
	if (rules->count == rules->room) {
		size_t room = rules->room ? rules->room * 2 : 8;
		struct group_rule *more = realloc(rules->rules, room * sizeof(*more));

		if (!more) {
			rules->failed = true;
			return;
		}
		rules->rules = more;
		rules->room = room;
	}
	rules->rules[rules->count++] = *rule;
}

void group_rules_done(struct group_rules *rules)
{
	free(rules->rules);
	*rules = GROUP_RULES_INIT;
}

static void read_side(struct group_rules *ret, const struct answer_node *permission, bool out)
{
	for (; permission; permission = answer_next(permission)) {
		struct group_rule rule = {
			.out = out,
			.protocol = answer_text(permission, "ipProtocol"),
			.low = answer_text(permission, "fromPort"),
			.high = answer_text(permission, "toPort"),
		};

		if (strcmp(rule.protocol, "-1") == 0)
			rule.low = rule.high = "";
		for (size_t i = 0; i < PEERS; i++) {
			const struct answer_node *item = answer_find(permission, peers[i].items);

			rule.peer = (enum group_peer)i;
			for (; item; item = answer_next(item)) {
				rule.id = answer_text(item, peers[i].id);
				group_rules_add(ret, &rule);
			}
		}
	}
}

void group_rules_read(struct group_rules *ret, const struct answer_node *group)
{
	read_side(ret, answer_find(group, "ipPermissions/item"), false);
	read_side(ret, answer_find(group, "ipPermissionsEgress/item"), true);
}

static bool is_same(const struct group_rule *a, const struct group_rule *b)
{
	return a->out == b->out && a->peer == b->peer && strcmp(a->protocol, b->protocol) == 0 &&
	       strcmp(a->low, b->low) == 0 && strcmp(a->high, b->high) == 0 &&
	       strcmp(a->id, b->id) == 0;
}

bool group_rules_have(const struct group_rules *rules, const struct group_rule *rule)
{
	for (size_t i = 0; i < rules->count; i++)
		if (is_same(&rules->rules[i], rule))
			return true;
	return false;
}

static bool have_all(const struct group_rules *rules, const struct group_rules *others)
{
	for (size_t i = 0; i < others->count; i++)
		if (!group_rules_have(rules, &others->rules[i]))
			return false;
	return true;
}

bool group_rules_same(const struct group_rules *a, const struct group_rules *b)
{
	return have_all(a, b) && have_all(b, a);
}

static uint64_t hash_of(const struct group_rule *rule)
{
	return settled_fact(rule->out ? "out" : "in", rule->protocol, rule->low, rule->high,
		peers[rule->peer].id, rule->id, NULL);
}

uint64_t group_rules_hash(const struct group_rules *rules)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < rules->count; i++) {
		const struct group_rules before = {.rules = rules->rules, .count = i};

		if (!group_rules_have(&before, &rules->rules[i]))
			sum += hash_of(&rules->rules[i]);
	}
	return sum;
}

enum group_peer group_rules_range(const char *cidr)
{
	return strchr(cidr, ':') ? PEER_RANGE6 : PEER_RANGE;
}

static void set_rule(struct aws_request *request, const struct group_rule *rule, size_t number)
{
	aws_request_setf(request, rule->protocol, "IpPermissions.%zu.IpProtocol", number);
	if (*rule->low) {
		aws_request_setf(request, rule->low, "IpPermissions.%zu.FromPort", number);
		aws_request_setf(request, rule->high, "IpPermissions.%zu.ToPort", number);
	}
	aws_request_setf(request, rule->id, "IpPermissions.%zu.%s", number,
		peers[rule->peer].field);
}

/* What is to be done with the rules of one side: those of `rules` that `others` do not have. */
struct change {
	const char *group;
	enum aws_action_id action;
	bool out;
	enum fault_kind fine; /* says that a rule is as wanted already */
	const struct group_rules *rules, *others;
};

/* One call for all of them, or one for each. *ret_count: so many there were. */
static int send(struct account *account, const struct change *change, bool singly,
	size_t *ret_count, struct fault *fault, struct error *reterr)
{
	size_t i = 0;
	int r = 0;

	*ret_count = 0;
	while (i < change->rules->count && r == 0) {
		_cleanup_request_ struct aws_request request = aws_request_of(change->action);
		_cleanup_answer_ struct answer answer = ANSWER_INIT;
		size_t number = 0;

		aws_request_set(&request, "GroupId", change->group);
		for (; i < change->rules->count && !(singly && number > 0); i++) {
			const struct group_rule *rule = &change->rules->rules[i];

			if (rule->out == change->out && !group_rules_have(change->others, rule))
				set_rule(&request, rule, ++number);
		}
		if (number == 0)
			break;
		*ret_count += number;
		r = aws_client_call(account->client, &request, &answer, fault, reterr);
		if (r < 0 && singly && fault->kind == change->fine) {
			error_clear(reterr);
			r = 0;
		}
		r = account_judge(account, &request, fault, r, reterr);
	}
	return r;
}

/* A call of which one rule is there (or gone) already does nothing at all. */
static int apply(struct account *account, const struct change *change, struct error *reterr)
{
	struct fault fault = {0};
	size_t count;
	int r = send(account, change, false, &count, &fault, reterr);

	if (r < 0 && fault.kind == change->fine) {
		error_clear(reterr);
		r = send(account, change, true, &count, &fault, reterr);
	}
	return r;
}

int group_rules_settle(struct account *account, const char *group, const struct group_rules *seen,
	const struct group_rules *wanted, struct error *reterr)
{
	const struct change changes[] = {
		{group, EC2_AUTHORIZE_INGRESS, false, FAULT_EXISTS, wanted, seen},
		{group, EC2_AUTHORIZE_EGRESS, true, FAULT_EXISTS, wanted, seen},
		{group, EC2_REVOKE_INGRESS, false, FAULT_MISSING, seen, wanted},
		{group, EC2_REVOKE_EGRESS, true, FAULT_MISSING, seen, wanted},
	};
	int r = 0;

	if (seen->failed || wanted->failed)
		return error_oom(reterr);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]) && r == 0; i++)
		r = apply(account, &changes[i], reterr);
	return r;
}
