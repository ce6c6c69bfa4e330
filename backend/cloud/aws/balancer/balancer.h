/* SPDX-License-Identifier: Apache-2.0 */
/*
 * balancer - load balancers of services: an application load balancer (ELBv2) each, with a security
 *            group, a target group and listeners of its own, all by names and tags of the service.
 * Promises: as cloud.h's operations of the same names. A service that was looked at a moment ago
 *           costs only what its targets cost.
 * Threads: any; each call has an account of its own, and one call at a time is about one service's
 *          ensure and remove.
 * Ownership: arguments are borrowed for the call.
 */
#ifndef DUPLOFS_CLOUD_AWS_BALANCER_BALANCER_H
#define DUPLOFS_CLOUD_AWS_BALANCER_BALANCER_H

#include "cloud/aws/account.h"
#include "cloud/cloud.h"

struct aws_balancers;

int aws_balancers_new(struct aws_balancers **ret, struct error *reterr);
void aws_balancers_free(struct aws_balancers *balancers);

/* -EAGAIN: it is being made, or traffic does not follow yet. */
int aws_balancer_ensure(struct aws_balancers *balancers, struct account *account,
	const struct balancer *wanted, struct balancer_state *ret, struct error *reterr);
/* -EAGAIN: AWS still holds on to a part of it. -EEXIST: what has its name is not the service's. */
int aws_balancer_remove(struct aws_balancers *balancers, struct account *account, int64_t service,
	struct error *reterr);
int aws_balancer_connections(struct aws_balancers *balancers, struct account *account,
	int64_t service, const struct target *target, int64_t *ret, struct error *reterr);

/* The name leads to the balancer (see cloud.h's dns_ensure); what was so a moment ago costs
 * nothing. */
int aws_balancer_name(struct aws_balancers *balancers, struct account *account, int64_t service,
	const char *name, const struct balancer_state *state, struct error *reterr);
/* A name of its is removed. */
void aws_balancer_unname(struct aws_balancers *balancers, int64_t service);

#endif
