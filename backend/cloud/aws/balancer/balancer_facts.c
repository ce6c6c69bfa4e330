/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/balancer/balancer_facts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define NUMBER_SIZE 24

static void print_hash(uint64_t hash, char ret[NUMBER_SIZE])
{
	(void)snprintf(ret, NUMBER_SIZE, "%" PRIx64, hash);
}

/* The same in any order. */
static uint64_t add_text(uint64_t sum, const char *text)
{
	return sum + text_hash(text, strlen(text));
}

static uint64_t sum_of(const struct answer_node *first, const char *path)
{
	uint64_t sum = 0;

	for (; first; first = answer_next(first))
		sum = add_text(sum, *path ? answer_text(first, path) : first->text);
	return sum;
}

uint64_t balancer_fact_group(const char *id, const struct group_rules *rules)
{
	char hash[NUMBER_SIZE];

	print_hash(group_rules_hash(rules), hash);
	return settled_fact("security-group", id, hash, NULL);
}

static uint64_t itself(const char *arn, uint64_t groups, uint64_t subnets)
{
	char group_hash[NUMBER_SIZE], subnet_hash[NUMBER_SIZE];

	print_hash(groups, group_hash);
	print_hash(subnets, subnet_hash);
	return settled_fact("load-balancer", arn, group_hash, subnet_hash, NULL);
}

uint64_t balancer_fact_itself(const struct balancer_work *work)
{
	uint64_t groups = 0, subnets = 0;

	for (size_t i = 0; i < 2; i++)
		groups = add_text(groups, work->groups[i]);
	for (size_t i = 0; i < work->network.subnet_count; i++)
		subnets = add_text(subnets, work->network.subnets[i]);
	return itself(work->balancer_arn, groups, subnets);
}

uint64_t balancer_fact_itself_seen(const struct answer_node *balancer)
{
	return itself(answer_text(balancer, "LoadBalancerArn"),
		sum_of(answer_find(balancer, "SecurityGroups/member"), ""),
		sum_of(answer_find(balancer, "AvailabilityZones/member"), "SubnetId"));
}

static uint64_t listener(const char *arn, const char *port, const char *protocol,
	const char *action, const char *target_group, const char *certificate)
{
	return settled_fact("listener", arn, port, protocol, action, target_group, certificate,
		NULL);
}

uint64_t balancer_fact_listener(const struct balancer_work *work, const char *arn,
	const struct listener_wish *wish)
{
	char port[NUMBER_SIZE];

	(void)snprintf(port, sizeof(port), "%d", wish->port);
	return listener(arn, port, wish->tls ? "HTTPS" : "HTTP", "forward", work->target_group_arn,
		wish->tls ? policy_text(work->account->policy, "certificate_arn") : "");
}

uint64_t balancer_fact_listener_seen(const struct answer_node *seen)
{
	const struct answer_node *action = answer_find(seen, "DefaultActions/member");

	return listener(answer_text(seen, "ListenerArn"), answer_text(seen, "Port"),
		answer_text(seen, "Protocol"), answer_text(action, "Type"),
		answer_text(action, "TargetGroupArn"),
		answer_text(seen, "Certificates/member/CertificateArn"));
}

uint64_t balancer_targets_hash(const struct seen_targets *seen)
{
	uint64_t sum = 0;
	char port[NUMBER_SIZE];

	for (size_t i = 0; i < seen->count; i++) {
		const struct seen_target *target = &seen->targets[i];

		(void)snprintf(port, sizeof(port), "%d", target->port);
		if (target->state == SEEN_IN || target->state == SEEN_COMING)
			sum += settled_fact("target", target->address, port, NULL);
	}
	return sum | 1;
}

void balancer_listener_prefix(const char *balancer_arn, char ret[ARN_SIZE])
{
	static const char kind[] = ":loadbalancer/";
	const char *at = strstr(balancer_arn, kind);

	(void)snprintf(ret, ARN_SIZE, "%.*s:listener/%.200s/", at ? (int)(at - balancer_arn) : 0,
		balancer_arn, at ? at + strlen(kind) : "");
}
