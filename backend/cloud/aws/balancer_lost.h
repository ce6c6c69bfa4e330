/* SPDX-License-Identifier: Apache-2.0 */
/*
 * balancer_lost - balancers whose service went while nobody looked.
 * Promises: found by name, removed only when their tags say that they are this platform's; in bulk.
 * Threads: one call at a time.
 * Ownership: everything is borrowed.
 */
#ifndef DUPLOFS_CLOUD_AWS_BALANCER_LOST_H
#define DUPLOFS_CLOUD_AWS_BALANCER_LOST_H

#include "cloud/aws/balancer.h"

/* 0: none is left. -EAGAIN: one of them cannot go yet. */
int balancers_remove_lost(struct aws_balancers *balancers, struct account *account,
	struct error *reterr);

#endif
