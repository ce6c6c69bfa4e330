/* SPDX-License-Identifier: Apache-2.0 */
/*
 * balancer_facts - what there is of a load balancer as facts (see settled.h): of what it was
 *                  brought to, and of what a list shows; equal when both are the same.
 * Promises: pure.
 * Threads: plain values.
 * Ownership: everything is borrowed.
 */
#ifndef DUPLOFS_CLOUD_AWS_BALANCER_BALANCER_FACTS_H
#define DUPLOFS_CLOUD_AWS_BALANCER_BALANCER_FACTS_H

#include "cloud/aws/balancer/balancer_work.h"
#include "cloud/aws/tenant/group_rules.h"

uint64_t balancer_fact_group(const char *id, const struct group_rules *rules);

/* As the work wants it, and as DescribeLoadBalancers shows it. */
uint64_t balancer_fact_itself(const struct balancer_work *work);
uint64_t balancer_fact_itself_seen(const struct answer_node *balancer);

/* How a target group shall be looked at, and as DescribeTargetGroups shows it. */
uint64_t balancer_fact_target_group(const struct balancer_work *work);
uint64_t balancer_fact_target_group_seen(const struct answer_node *group);

uint64_t balancer_fact_listener(const struct balancer_work *work, const char *arn,
	const struct listener_wish *wish);
uint64_t balancer_fact_listener_seen(const struct answer_node *listener);

/* What the ARNs of a balancer's listeners begin with. */
void balancer_listener_prefix(const char *balancer_arn, char ret[ARN_SIZE]);

/* Of all targets that are in or coming; never 0. */
uint64_t balancer_targets_hash(const struct seen_targets *seen);

#endif
