/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_rules - what a security group lets in and out: wanted and seen, and from the one to the
 *               other.
 * Promises: what is missing is opened before anything is closed; a rule that others added goes.
 * Threads: no state.
 * Ownership: texts of rules are borrowed; group_rules_done frees what was read.
 */
#ifndef DUPLOFS_CLOUD_AWS_TENANT_GROUP_RULES_H
#define DUPLOFS_CLOUD_AWS_TENANT_GROUP_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "cloud/aws/account.h"

/* On whose side the other end is. */
enum group_peer {
	PEER_GROUP, /* members of a security group */
	PEER_RANGE, /* 10.0.0.0/8 */
	PEER_RANGE6, /* fd00::/8 */
	PEER_LIST, /* a prefix list; we make none */
};

struct group_rule {
	bool out; /* from the group's members; else to them */
	const char *protocol; /* "tcp"; "-1": all, which has no ports */
	const char *low, *high; /* ports; "": all */
	enum group_peer peer;
	const char *id; /* of the peer */
};

struct group_rules {
	struct group_rule *rules;
	size_t count, room;
	bool failed; /* no memory */
};

#define GROUP_RULES_INIT                                                                           \
	(struct group_rules)                                                                       \
	{                                                                                          \
		NULL, 0, 0, false                                                                  \
	}

void group_rules_add(struct group_rules *rules, const struct group_rule *rule);
void group_rules_done(struct group_rules *rules);
#define _cleanup_group_rules_ __attribute__((cleanup(group_rules_done)))

/* The rules of a group as DescribeSecurityGroups tells it, one for each peer. */
void group_rules_read(struct group_rules *ret, const struct answer_node *group);

/* Is the rule among them? */
bool group_rules_have(const struct group_rules *rules, const struct group_rule *rule);

/* Have both the same rules? */
bool group_rules_same(const struct group_rules *a, const struct group_rules *b);

/* Equal for the same rules. */
uint64_t group_rules_hash(const struct group_rules *rules);

/* A range of addresses, of either kind. */
enum group_peer group_rules_range(const char *cidr);

/* Makes the group's rules, which are seen, the wanted ones. */
int group_rules_settle(struct account *account, const char *group, const struct group_rules *seen,
	const struct group_rules *wanted, struct error *reterr);

#endif
