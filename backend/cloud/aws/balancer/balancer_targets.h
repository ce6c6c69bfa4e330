/* SPDX-License-Identifier: Apache-2.0 */
/*
 * balancer_targets - who gets a balancer's traffic: instances by the address of their host and the
 *                    port there.
 * Promises: settled means that traffic follows: all that serve are in, all others are on their way
 *           out.
 * Threads: no state.
 * Ownership: a list is freed by seen_targets_done.
 */
#ifndef DUPLOFS_CLOUD_AWS_BALANCER_BALANCER_TARGETS_H
#define DUPLOFS_CLOUD_AWS_BALANCER_BALANCER_TARGETS_H

#include "cloud/aws/account.h"
#include "cloud/aws/network.h"
#include "cloud/cloud.h"

enum seen_state {
	SEEN_IN, /* it gets requests */
	SEEN_COMING, /* not yet, or not any more: the balancer's own look at it decides */
	SEEN_LEAVING, /* may finish what it has */
	SEEN_OUT,
};

/* A target as AWS knows it. */
struct seen_target {
	char address[64];
	int port;
	enum seen_state state;
	char words[160]; /* why it is coming; "" */
};

struct seen_targets {
	struct seen_target *targets;
	size_t count;
	int64_t asked_ns; /* monotonic: when AWS was asked; 0: it was not */
};

void seen_targets_done(struct seen_targets *seen);
#define _cleanup_seen_targets_ __attribute__((cleanup(seen_targets_done)))

/* Asks AWS. */
int seen_targets_read(const struct account *account, const char *target_group,
	struct seen_targets *ret, struct error *reterr);

/* Out of DescribeTargetHealth's answer. Pure. */
int seen_targets_parse(const struct answer_node *root, struct seen_targets *ret);

/* Of a target group that has none. False: no memory. */
bool seen_targets_none(struct seen_targets *ret);

/* The state of one; SEEN_OUT when it is not known. Pure. */
enum seen_state seen_targets_state(const struct seen_targets *seen, const struct target *target);

/* What is to be done about one that is wanted, or about one that was seen. Pure. */
bool target_must_enter(const struct target *target, const struct seen_targets *seen);
bool target_must_leave(const struct seen_target *target, const struct balancer *wanted);

/* Moves targets in and out. recalled: *ret is what was seen before, and AWS is asked no more than
 * it must be; else it is asked first. *ret is what was seen at the end, also on -EAGAIN: traffic
 * does not follow yet. -EADDRNOTAVAIL: an address that no balancer of this network reaches. */
int balancer_settle_targets(struct account *account, const struct network *network,
	const char *target_group, const struct balancer *wanted, bool recalled,
	struct seen_targets *ret, struct error *reterr);

#endif
