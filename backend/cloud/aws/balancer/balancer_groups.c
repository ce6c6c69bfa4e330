/* SPDX-License-Identifier: Apache-2.0 */
/* A balancer is in two security groups: its own, which lets the policy's addresses reach its
 * listeners, and the tenant's group of balancers, which may reach hosts and which they let in. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cloud/aws/balancer/balancer_facts.h"

#define PORT_SIZE 8

/* What AWS gives a group that it makes. */
static const struct group_rule as_made = {true, "-1", "", "", PEER_RANGE, "0.0.0.0/0"};

static struct estate_owner owner_of(const struct balancer_work *work)
{
	return (struct estate_owner){.platform = work->account->platform,
		.tenant = work->wanted->tenant,
		.id = work->wanted->tenant_id};
}

static void want_from(struct group_rules *ret, const char *port, const char *cidr)
{
	group_rules_add(ret, &(const struct group_rule){
				     .protocol = "tcp",
				     .low = port,
				     .high = port,
				     .peer = group_rules_range(cidr),
				     .id = cidr,
			     });
}

static void want_port(const struct balancer_work *work, struct group_rules *ret, const char *port)
{
	const char *cidr;
	size_t i = 0;

	for (; (cidr = policy_item(work->account->policy, "load_balancer_cidrs", i)) != NULL; i++)
		want_from(ret, port, cidr);
	if (i > 0)
		return;
	want_from(ret, port, "0.0.0.0/0");
	if (work->network.dual_stack)
		want_from(ret, port, "::/0");
}

static int settle_rules(struct balancer_work *work, const struct answer_node *group,
	struct error *reterr)
{
	_cleanup_group_rules_ struct group_rules seen = GROUP_RULES_INIT;
	_cleanup_group_rules_ struct group_rules wanted = GROUP_RULES_INIT;
	struct listener_wish listeners[BALANCER_LISTENERS];
	char ports[BALANCER_LISTENERS][PORT_SIZE];
	size_t count = balancer_listeners(work->wanted->port, work->tls, listeners);

	for (size_t i = 0; i < count; i++) {
		(void)snprintf(ports[i], sizeof(ports[i]), "%d", listeners[i].port);
		want_port(work, &wanted, ports[i]);
	}
	if (group)
		group_rules_read(&seen, group);
	else
		group_rules_add(&seen, &as_made);
	settled_add(&work->settled, balancer_fact_group(work->groups[0], &wanted));
	return group_rules_settle(work->account, work->groups[0], &seen, &wanted, reterr);
}

/* Its own group. *ret NULL: it is not there. */
static int look(struct balancer_work *work, struct answer *answer, const struct answer_node **ret,
	struct error *reterr)
{
	const char *name = work->name;
	int r = group_describe(work->account, policy_text(work->account->policy, "vpc_id"), &name,
		1, answer, reterr);

	*ret = r == 0 ? group_named(answer, name) : NULL;
	if (!*ret)
		return r;
	(void)text_copy(work->groups[0], GROUP_ID_SIZE, answer_text(*ret, "groupId"));
	return account_owns_service(work->account, answer_find(*ret, "tagSet/item"), "key", "value",
		       work->wanted->service)
		       ? 0
		       : account_foreign("security group", name, reterr);
}

static int create(struct balancer_work *work, const struct estate_owner *owner,
	struct error *reterr)
{
	const struct group_new mine = {
		.name = work->name,
		.description = "Load balancer of a service of duplofs",
		.owner = owner,
		.service = work->wanted->name,
		.service_id = work->wanted->service,
	};

	return group_create(work->account, &mine, work->groups[0], reterr);
}

static int settle_own(struct balancer_work *work, const struct estate_owner *owner,
	struct error *reterr)
{
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	const struct answer_node *group = NULL;
	int r = work->fresh ? 0 : look(work, &answer, &group, reterr);

	if (r == 0 && !group)
		r = create(work, owner, reterr);
	if (r == 0 && !*work->groups[0])
		r = look(work, &answer, &group, reterr);
	if (r == 0 && !*work->groups[0])
		return error_set(reterr, -EAGAIN,
			"AWS does not show the load balancer's security group yet: it is tried "
			"again");
	return r < 0 ? r : settle_rules(work, group, reterr);
}

int balancer_settle_groups(struct balancer_work *work, struct error *reterr)
{
	const struct estate_owner owner = owner_of(work);
	char estate[ESTATE_NAME_SIZE], tenants[GROUP_NAME_SIZE];
	int r;

	account_name(&owner, estate);
	group_balancers_name(estate, tenants);
	r = group_find(work->account, &owner, tenants, work->groups[1], reterr);
	if (r == 0)
		r = settle_own(work, &owner, reterr);
	/* The tenant's may be another one by now. */
	if (r < 0)
		group_doubt(work->account, tenants);
	return r;
}
