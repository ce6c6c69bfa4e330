/* SPDX-License-Identifier: Apache-2.0 */
/*
 * balancer_work - one look at a service's load balancer: what is wanted, what was found, and the
 *                 steps from the one to the other.
 * Promises: each step looks before it makes, so that it may be killed anywhere.
 * Threads: a work belongs to one call.
 * Ownership: everything is borrowed, or a plain value, but what balancer_work_done frees.
 */
#ifndef DUPLOFS_CLOUD_AWS_BALANCER_BALANCER_WORK_H
#define DUPLOFS_CLOUD_AWS_BALANCER_BALANCER_WORK_H

#include "cloud/aws/balancer/balancer_name.h"
#include "cloud/aws/balancer/balancer_targets.h"
#include "cloud/aws/network.h"
#include "cloud/aws/settled.h"
#include "cloud/aws/tenant/group.h"
#include "cloud/cloud.h"

#define ARN_SIZE            256
#define BALANCER_TYPE       "load-balancer"
#define BALANCER_TLS_PORT   443
#define BALANCER_LISTENERS  2
#define BALANCER_SSL_POLICY "ELBSecurityPolicy-TLS13-1-2-2021-06"

struct balancer_found {
	struct answer answer;
	const struct answer_node *node; /* NULL: it is not there */
};

struct balancer_work {
	struct account *account;
	const struct balancer *wanted;
	char name[BALANCER_NAME_SIZE];
	struct network network;
	bool tls;
	bool fresh; /* neither balancer nor target group was there: nothing else is, most likely */
	char groups[2][GROUP_ID_SIZE]; /* its own, and the one of all of the tenant's */
	struct balancer_found balancer, target_group;
	/* As they are, once they are there. */
	char balancer_arn[ARN_SIZE], target_group_arn[ARN_SIZE];
	bool active; /* AWS has made it */
	struct settled_entry settled; /* what it was brought to */
	int64_t looked_ns; /* monotonic: when it was made, or looked at as a whole */
	struct balancer_state state;
};

void balancer_work_done(struct balancer_work *work);
#define _cleanup_balancer_work_ __attribute__((cleanup(balancer_work_done)))

/* What is there under the name: balancer and target group. With wanted NULL in work, too.
 * -EEXIST: one of them is not ours. */
int balancer_look(struct balancer_work *work, int64_t service, struct error *reterr);

/* Tags for something of the service's; prefix as account_tag's. */
void balancer_tag(const struct balancer_work *work, struct aws_request *request,
	const char *prefix);

/* The steps, in their order; each adds what it has settled. */
int balancer_settle_groups(struct balancer_work *work, struct error *reterr);
int balancer_settle_target_group(struct balancer_work *work, struct error *reterr);
int balancer_settle_itself(struct balancer_work *work, struct error *reterr);
int balancer_settle_listeners(struct balancer_work *work, bool made, struct error *reterr);

/* Asks whether AWS has made it by now: work->active. */
int balancer_look_state(struct balancer_work *work, struct error *reterr);

/* Gone: 0. -EAGAIN: something still uses it. */
int balancer_delete(struct account *account, const char *arn, struct error *reterr);
int balancer_delete_target_group(struct account *account, const char *arn, struct error *reterr);

/* A listener as wanted. */
struct listener_wish {
	int port;
	bool tls;
};

/* The listeners of a port and a certificate that covers the name, or not. Pure. */
size_t balancer_listeners(int port, bool tls, struct listener_wish ret[BALANCER_LISTENERS]);

#endif
