/* SPDX-License-Identifier: Apache-2.0 */
/* The target group of a service. The platform's own probes decide who is in it; the balancer's
 * look, which AWS insists on, takes for well whatever answers at all, and gives up later than they
 * do. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cloud/aws/balancer/balancer_facts.h"

#define DELAY_NAME "deregistration_delay.timeout_seconds"

/* How it looks, beside the path. */
static const struct {
	const char *field, *member; /* of the request, and of the answer */
	const char *value;
} look[] = {
	{"HealthCheckIntervalSeconds", "HealthCheckIntervalSeconds", "5"}, /* the least */
	{"HealthCheckTimeoutSeconds", "HealthCheckTimeoutSeconds", "4"},
	{"HealthyThresholdCount", "HealthyThresholdCount", "2"},
	{"UnhealthyThresholdCount", "UnhealthyThresholdCount", "10"}, /* the most */
	{"Matcher.HttpCode", "Matcher/HttpCode", "200-499"},
};

static const char *path_of(const struct balancer_work *work)
{
	return work->wanted->health_path ? work->wanted->health_path : "/";
}

static void set_look(struct aws_request *request, const char *path)
{
	aws_request_set(request, "HealthCheckPath", path);
	for (size_t i = 0; i < ARRAY_SIZE(look); i++)
		aws_request_set(request, look[i].field, look[i].value);
}

static bool looks_so(const struct answer_node *group, const char *path)
{
	if (strcmp(answer_text(group, "HealthCheckPath"), path) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(look); i++)
		if (strcmp(answer_text(group, look[i].member), look[i].value) != 0)
			return false;
	return true;
}

static uint64_t fact(const char *arn, const char *vpc, const char *path,
	const struct answer_node *group)
{
	_cleanup_buf_ struct buf text = BUF_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(look); i++)
		buf_printf(&text, "%s ",
			group ? answer_text(group, look[i].member) : look[i].value);
	return settled_fact("target-group", arn, vpc, path, buf_string(&text), NULL);
}

uint64_t balancer_fact_target_group(const struct balancer_work *work)
{
	return fact(work->target_group_arn, policy_text(work->account->policy, "vpc_id"),
		path_of(work), NULL);
}

uint64_t balancer_fact_target_group_seen(const struct answer_node *group)
{
	return fact(answer_text(group, "TargetGroupArn"), answer_text(group, "VpcId"),
		answer_text(group, "HealthCheckPath"), group);
}

static int set_delay(struct balancer_work *work, const char *delay, struct error *reterr)
{
	_cleanup_request_ struct aws_request request =
		aws_request_of(ELB_MODIFY_TARGET_GROUP_ATTRIBUTES);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;

	aws_request_set(&request, "TargetGroupArn", work->target_group_arn);
	aws_request_set(&request, "Attributes.member.1.Key", DELAY_NAME);
	aws_request_set(&request, "Attributes.member.1.Value", delay);
	return account_call(work->account, &request, &answer, FAULT_OTHER, reterr);
}

static int settle_delay(struct balancer_work *work, bool made, struct error *reterr)
{
	_cleanup_request_ struct aws_request request =
		aws_request_of(ELB_DESCRIBE_TARGET_GROUP_ATTRIBUTES);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	const struct answer_node *attribute = NULL;
	char delay[24];
	int r = 0;

	(void)snprintf(delay, sizeof(delay), "%" PRId64, work->wanted->drain_s);
	if (!made) {
		aws_request_set(&request, "TargetGroupArn", work->target_group_arn);
		r = account_call(work->account, &request, &answer, FAULT_OTHER, reterr);
		attribute = answer_find(answer.root, "Attributes/member");
	}
	while (attribute && strcmp(answer_text(attribute, "Key"), DELAY_NAME) != 0)
		attribute = answer_next(attribute);
	if (r < 0 || strcmp(answer_text(attribute, "Value"), delay) == 0)
		return r;
	return set_delay(work, delay, reterr);
}

static int create(struct balancer_work *work, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(ELB_CREATE_TARGET_GROUP);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	int r;

	aws_request_set(&request, "Name", work->name);
	aws_request_set(&request, "Protocol", "HTTP");
	aws_request_set(&request, "Port", "80"); /* each target has its own */
	aws_request_set(&request, "TargetType", "ip");
	aws_request_set(&request, "VpcId", policy_text(work->account->policy, "vpc_id"));
	set_look(&request, path_of(work));
	balancer_tag(work, &request, "Tags.member");
	r = account_call(work->account, &request, &answer, FAULT_EXISTS, reterr);
	if (r == 0)
		(void)text_copy(work->target_group_arn, ARN_SIZE,
			answer_text(answer.root, "TargetGroups/member/TargetGroupArn"));
	/* It was there already: what it is the next look tells. */
	if (r == 0 && !*work->target_group_arn)
		return error_set(reterr, -EAGAIN,
			"AWS does not show the target group yet: it is tried again");
	return r < 0 ? r : account_young(settle_delay(work, true, reterr), reterr);
}

static int repair(struct balancer_work *work, const struct answer_node *group, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(ELB_MODIFY_TARGET_GROUP);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	const char *vpc = policy_text(work->account->policy, "vpc_id");
	int r = 0;

	if (strcmp(answer_text(group, "VpcId"), vpc) != 0)
		return error_set(reterr, -EINVAL,
			"the load balancer is in network %s, and the policy now says %s: remove "
			"ExternalLBPort and give it again to move it",
			answer_text(group, "VpcId"), vpc);
	if (!looks_so(group, path_of(work))) {
		aws_request_set(&request, "TargetGroupArn", work->target_group_arn);
		set_look(&request, path_of(work));
		r = account_call(work->account, &request, &answer, FAULT_OTHER, reterr);
	}
	return r < 0 ? r : settle_delay(work, false, reterr);
}

int balancer_settle_target_group(struct balancer_work *work, struct error *reterr)
{
	int r = work->target_group.node ? repair(work, work->target_group.node, reterr)
					: create(work, reterr);

	settled_add(&work->settled, balancer_fact_target_group(work));
	return r;
}
