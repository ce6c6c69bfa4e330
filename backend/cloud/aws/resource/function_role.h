/* SPDX-License-Identifier: Apache-2.0 */
/*
 * function_role - the role that a function runs with: of its own, so that no machine of the tenant
 *                 may do what Lambda must, called as the function is.
 * Promises: as resource.h.
 * Threads: a call belongs to one thread.
 * Ownership: everything is borrowed for the call.
 */
#ifndef DUPLOFS_CLOUD_AWS_RESOURCE_FUNCTION_ROLE_H
#define DUPLOFS_CLOUD_AWS_RESOURCE_FUNCTION_ROLE_H

#include "cloud/aws/resource/resource.h"

#define ROLE_ARN_SIZE 256

/* The role with what Lambda needs to run the function; what the tenant's resources let it do comes
 * from resource_ops.permit. -EAGAIN: it is not there yet. */
int function_role_ensure(struct resource_call *call, char ret_arn[ROLE_ARN_SIZE],
	struct error *reterr);
/* 0 also when there is none. */
int function_role_remove(struct resource_call *call, struct error *reterr);

#endif
