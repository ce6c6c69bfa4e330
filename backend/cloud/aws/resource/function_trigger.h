/* SPDX-License-Identifier: Apache-2.0 */
/*
 * function_trigger - the queue whose messages call a function: an event source mapping.
 * Promises: as resource.h. What others have tied to the function stays: ours are those of queues
 *           whose names only this platform gives.
 * Threads: a call belongs to one thread.
 * Ownership: everything is borrowed for the call.
 */
#ifndef DUPLOFS_CLOUD_AWS_RESOURCE_FUNCTION_TRIGGER_H
#define DUPLOFS_CLOUD_AWS_RESOURCE_FUNCTION_TRIGGER_H

#include "cloud/aws/resource/resource.h"

/* Ties the wanted queue to the function, and no other one of ours. -EAGAIN: it takes time. */
int function_trigger_settle(struct resource_call *call, struct error *reterr);
/* None is tied any more. -EAGAIN: it takes time. */
int function_trigger_remove(struct resource_call *call, struct error *reterr);

#endif
