/* SPDX-License-Identifier: Apache-2.0 */
/*
 * function_logs - the log group that a function writes to. It is made before the function, which
 *                 would make one that nobody owns and that is kept for ever.
 * Promises: as resource.h.
 * Threads: a call belongs to one thread.
 * Ownership: everything is borrowed for the call.
 */
#ifndef DUPLOFS_CLOUD_AWS_RESOURCE_FUNCTION_LOGS_H
#define DUPLOFS_CLOUD_AWS_RESOURCE_FUNCTION_LOGS_H

#include "cloud/aws/resource/resource.h"

#define FUNCTION_LOGS_PREFIX "/aws/lambda/" /* Lambda's: the function's name follows */

/* 0 also when it is there already. */
int function_logs_make(struct resource_call *call, struct error *reterr);
/* 0 also when there is none. -EEXIST: it is not ours. */
int function_logs_remove(struct resource_call *call, struct error *reterr);

#endif
