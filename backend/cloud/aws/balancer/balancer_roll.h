/* SPDX-License-Identifier: Apache-2.0 */
/*
 * balancer_roll - which load balancers (or target groups) this platform has, out of one list of
 *                 all: when many services are made at once, none asks for itself.
 * Promises: an answer is as young as it is asked for; of several who ask at a time one does.
 * Threads: all calls from any thread at once; look may wait for the network, with nothing locked.
 * Ownership: some 40 bytes a balancer of this platform, until the next look.
 */
#ifndef DUPLOFS_CLOUD_AWS_BALANCER_BALANCER_ROLL_H
#define DUPLOFS_CLOUD_AWS_BALANCER_BALANCER_ROLL_H

#include "base/idmap.h"
#include "base/turn.h"
#include "cloud/aws/account.h"

enum roll_state {
	ROLL_NONE, /* it is not there */
	ROLL_THERE, /* it is being made, or has failed */
	ROLL_ACTIVE,
};

struct balancer_roll {
	enum aws_action_id action; /* that lists them */
	struct turn turn;
	struct lock lock; /* LOCK_LEAF: what follows */
	struct idmap states; /* by service */
	int64_t asked_ns; /* monotonic; 0: never */
};

/* ELB_DESCRIBE_LOAD_BALANCERS or ELB_DESCRIBE_TARGET_GROUPS. */
void balancer_roll_init(struct balancer_roll *roll, enum aws_action_id action);
void balancer_roll_done(struct balancer_roll *roll);

/* The service's, as AWS said no longer than age_ns ago. */
int balancer_roll_look(struct balancer_roll *roll, struct account *account, int64_t service,
	int64_t age_ns, enum roll_state *ret, struct error *reterr);

/* One may have been made or removed that it does not know of: the next look asks. */
void balancer_roll_doubt(struct balancer_roll *roll);

#endif
