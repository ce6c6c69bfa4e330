/* SPDX-License-Identifier: Apache-2.0 */
/* What is there under a service's name, and the load balancer itself. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cloud/aws/balancer/balancer_facts.h"

void balancer_work_done(struct balancer_work *work)
{
	answer_done(&work->balancer.answer);
	answer_done(&work->target_group.answer);
}

void balancer_tag(const struct balancer_work *work, struct aws_request *request, const char *prefix)
{
	const struct estate_owner owner = {.platform = work->account->platform,
		.tenant = work->wanted->tenant,
		.id = work->wanted->tenant_id};

	account_tag(request, prefix, &owner, work->name);
	account_tag_service(request, prefix, work->wanted->name, work->wanted->service);
}

static int describe(struct balancer_work *work, enum aws_action_id action, const char *path,
	struct balancer_found *ret, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(action);
	int r;

	aws_request_set(&request, "Names.member.1", work->name);
	r = account_call(work->account, &request, &ret->answer, FAULT_MISSING, reterr);
	ret->node = r == 0 ? answer_find(ret->answer.root, path) : NULL;
	return r;
}

static bool is_ours(const struct balancer_work *work, const struct answer *tags, const char *arn,
	int64_t service)
{
	const struct answer_node *one = answer_find(tags->root, "TagDescriptions/member");

	while (one && strcmp(answer_text(one, "ResourceArn"), arn) != 0)
		one = answer_next(one);
	return account_owns_service(work->account, answer_find(one, "Tags/member"), "Key", "Value",
		service);
}

static int check_tags(struct balancer_work *work, int64_t service, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(ELB_DESCRIBE_TAGS);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	const char *const arns[] = {work->balancer_arn, work->target_group_arn};
	size_t count = 0;
	int r;

	for (size_t i = 0; i < 2; i++)
		if (*arns[i])
			aws_request_setf(&request, arns[i], "ResourceArns.member.%zu", ++count);
	if (count == 0)
		return 0;
	r = account_call(work->account, &request, &answer, FAULT_OTHER, reterr);
	if (r < 0)
		return r;
	if (*arns[0] && !is_ours(work, &answer, arns[0], service))
		return account_foreign("load balancer", work->name, reterr);
	if (*arns[1] && !is_ours(work, &answer, arns[1], service))
		return account_foreign("target group", work->name, reterr);
	return 0;
}

int balancer_look(struct balancer_work *work, int64_t service, struct error *reterr)
{
	int r = describe(work, ELB_DESCRIBE_LOAD_BALANCERS, "LoadBalancers/member", &work->balancer,
		reterr);

	if (r == 0)
		r = describe(work, ELB_DESCRIBE_TARGET_GROUPS, "TargetGroups/member",
			&work->target_group, reterr);
	if (r < 0)
		return r;
	(void)text_copy(work->balancer_arn, ARN_SIZE,
		answer_text(work->balancer.node, "LoadBalancerArn"));
	(void)text_copy(work->target_group_arn, ARN_SIZE,
		answer_text(work->target_group.node, "TargetGroupArn"));
	r = check_tags(work, service, reterr);
	/* One of them went while we looked. */
	return r == -ENOENT ? error_set(reterr, -EAGAIN,
				      "the load balancer is changing: it is looked at again")
			    : r;
}

static int take_state(struct balancer_work *work, const struct answer_node *balancer,
	struct error *reterr)
{
	const char *state = answer_text(balancer, "State/Code");

	(void)text_copy(work->balancer_arn, ARN_SIZE, answer_text(balancer, "LoadBalancerArn"));
	(void)text_copy(work->state.address, sizeof(work->state.address),
		answer_text(balancer, "DNSName"));
	(void)text_copy(work->state.zone, sizeof(work->state.zone),
		answer_text(balancer, "CanonicalHostedZoneId"));
	work->state.dual_stack = strcmp(answer_text(balancer, "IpAddressType"), "dualstack") == 0;
	/* Impaired: it works, and AWS could not make it larger. */
	work->active = strncmp(state, "active", strlen("active")) == 0;
	if (strcmp(state, "failed") == 0)
		return error_set(reterr, -EIO, "AWS could not make the load balancer: %.200s",
			answer_text(balancer, "State/Reason"));
	return *work->balancer_arn ? 0
				   : error_set(reterr, -EAGAIN,
					     "AWS does not show the load balancer yet: it is "
					     "tried again");
}

int balancer_look_state(struct balancer_work *work, struct error *reterr)
{
	int r;

	answer_done(&work->balancer.answer);
	r = describe(work, ELB_DESCRIBE_LOAD_BALANCERS, "LoadBalancers/member", &work->balancer,
		reterr);
	if (r == 0 && !work->balancer.node)
		return error_set(reterr, -EIO, "the load balancer was removed by somebody else");
	return r < 0 ? r : take_state(work, work->balancer.node, reterr);
}

static void set_subnets(const struct balancer_work *work, struct aws_request *request)
{
	for (size_t i = 0; i < work->network.subnet_count; i++)
		aws_request_setf(request, work->network.subnets[i], "Subnets.member.%zu", i + 1);
}

static void set_groups(const struct balancer_work *work, struct aws_request *request)
{
	for (size_t i = 0; i < 2; i++)
		aws_request_setf(request, work->groups[i], "SecurityGroups.member.%zu", i + 1);
}

static int create(struct balancer_work *work, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(ELB_CREATE_LOAD_BALANCER);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	int r;

	aws_request_set(&request, "Name", work->name);
	aws_request_set(&request, "Type", "application");
	aws_request_set(&request, "Scheme", "internet-facing");
	aws_request_set(&request, "IpAddressType", work->network.dual_stack ? "dualstack" : "ipv4");
	set_subnets(work, &request);
	set_groups(work, &request);
	balancer_tag(work, &request, "Tags.member");
	/* One that was there already the next look tells of. */
	r = account_call(work->account, &request, &answer, FAULT_EXISTS, reterr);
	return r < 0 ? r
		     : take_state(work, answer_find(answer.root, "LoadBalancers/member"), reterr);
}

/* Are these texts all there, and nothing else? */
static bool is_set(const struct answer_node *first, const char *path, const char *const *wanted,
	size_t count)
{
	size_t found = 0, all = 0;

	for (; first; first = answer_next(first)) {
		all++;
		for (size_t i = 0; i < count; i++)
			found += strcmp(*path ? answer_text(first, path) : first->text,
					 wanted[i]) == 0;
	}
	return all == count && found == count;
}

static int change(struct balancer_work *work, enum aws_action_id action,
	void (*set)(const struct balancer_work *work, struct aws_request *request),
	struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(action);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;

	aws_request_set(&request, "LoadBalancerArn", work->balancer_arn);
	set(work, &request);
	return account_call(work->account, &request, &answer, FAULT_OTHER, reterr);
}

static int repair(struct balancer_work *work, const struct answer_node *balancer,
	struct error *reterr)
{
	const char *groups[] = {work->groups[0], work->groups[1]};
	const char *subnets[NETWORK_ZONES_MAX];
	int r = take_state(work, balancer, reterr);

	for (size_t i = 0; i < work->network.subnet_count; i++)
		subnets[i] = work->network.subnets[i];
	if (r == 0 && !is_set(answer_find(balancer, "SecurityGroups/member"), "", groups, 2))
		r = change(work, ELB_SET_SECURITY_GROUPS, set_groups, reterr);
	if (r == 0 && !is_set(answer_find(balancer, "AvailabilityZones/member"), "SubnetId",
			      subnets, work->network.subnet_count))
		r = change(work, ELB_SET_SUBNETS, set_subnets, reterr);
	return r;
}

int balancer_settle_itself(struct balancer_work *work, struct error *reterr)
{
	int r = work->balancer.node ? repair(work, work->balancer.node, reterr)
				    : create(work, reterr);

	settled_add(&work->settled, balancer_fact_itself(work));
	return r;
}
