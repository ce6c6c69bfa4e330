/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache - what caches of ElastiCache have in common, whether they are one machine or a group.
 * Promises: as resource.h.
 * Threads: a call belongs to one thread.
 * Ownership: everything is borrowed for the call.
 */
#ifndef DUPLOFS_CLOUD_AWS_RESOURCE_CACHE_H
#define DUPLOFS_CLOUD_AWS_RESOURCE_CACHE_H

#include "cloud/aws/resource/managed.h"

extern const struct managed_words cache_words;
extern const struct state_word cache_states[];

/* Whose it is, by the tags of call->arn. */
int cache_look_tags(struct resource_call *call, struct error *reterr);
/* The snapshot that it leaves, of a request that removes it. */
void cache_set_snapshot(const struct resource_call *call, struct aws_request *request);

#endif
