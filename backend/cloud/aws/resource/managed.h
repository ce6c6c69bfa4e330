/* SPDX-License-Identifier: Apache-2.0 */
/*
 * managed - what databases and caches have in common: machines that AWS runs for the tenant, in its
 *           network.
 * Promises: as resource.h.
 * Threads: a call belongs to one thread.
 * Ownership: everything is borrowed for the call.
 */
#ifndef DUPLOFS_CLOUD_AWS_RESOURCE_MANAGED_H
#define DUPLOFS_CLOUD_AWS_RESOURCE_MANAGED_H

#include "cloud/aws/resource/resource.h"

/* What a service calls things, and the policy what it has of them. */
struct managed_words {
	const char *noun; /* in sentences */
	const char *instance_class, *security_group;
	const char *subnets, *subnets_of_policy;
	const char *parameters, *parameters_of_policy;
};

/* Of a new one: engine, version, class, network, tags. -EAGAIN: the tenant's group is not there
 * yet. */
int managed_set(struct resource_call *call, struct aws_request *request,
	const struct managed_words *words, struct error *reterr);

/* Set what differs from what is wanted; false: it does not. thing: what has the version. */
bool managed_set_class(const struct resource_call *call, struct aws_request *request,
	const struct managed_words *words);
bool managed_set_version(const struct resource_call *call, const struct answer_node *thing,
	struct aws_request *request);

/* Sends a request to change it when set_changes finds something to set in it; -EAGAIN: it is being
 * changed. */
typedef bool (*managed_changes_fn)(const struct resource_call *call, struct aws_request *request);
int managed_change(struct resource_call *call, struct aws_request *request,
	managed_changes_fn set_changes, const struct managed_words *words, struct error *reterr);

#endif
