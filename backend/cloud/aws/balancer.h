/* SPDX-License-Identifier: Apache-2.0 */
/*
 * balancer - load balancers (ELBv2) of services and the names (Route 53) that point to them.
 * Promises: as cloud.h's operations of the same names.
 * Threads: any; each call has an account of its own.
 * Ownership: arguments are borrowed for the call.
 */
#ifndef DUPLOFS_CLOUD_AWS_BALANCER_H
#define DUPLOFS_CLOUD_AWS_BALANCER_H

#include "cloud/aws/account.h"
#include "cloud/cloud.h"

int aws_balancer_ensure(struct account *account, const struct balancer *wanted,
	struct balancer_state *ret, struct error *reterr);
int aws_balancer_remove(struct account *account, int64_t service, struct error *reterr);
int aws_balancer_connections(struct account *account, int64_t service, const char *target,
	int64_t *ret, struct error *reterr);

int aws_dns_ensure(struct account *account, const char *name, const char *address,
	struct error *reterr);
int aws_dns_remove(struct account *account, const char *name, struct error *reterr);

#endif
