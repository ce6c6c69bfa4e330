/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shared - what the estate and the cloud of one AWS account share: the client and the policy.
 * Promises: a policy is taken over whole or not at all.
 * Threads: all calls from any thread at once; only set_policy looks at files, none at a network.
 * Ownership: the cloud owns it; the estate borrows it.
 */
#ifndef DUPLOFS_CLOUD_AWS_SHARED_H
#define DUPLOFS_CLOUD_AWS_SHARED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "cloud/cloud.h"

struct estate;
struct aws_shared;

int aws_shared_new(struct aws_shared **ret, const struct cloud_aws_options *options,
	struct error *reterr);
/* Calls under way end with -ECANCELED, and so do all later ones. */
void aws_shared_stop(struct aws_shared *shared);
void aws_shared_free(struct aws_shared *shared);

/* Text as the administrator wrote it (see model/policy.h); NULL or "": as before. */
int aws_shared_set_policy(struct aws_shared *shared, const char *text, struct error *reterr);

/* What keeps the platform from hearing of hosts' events, as the last try found it; without a code:
 * nothing does. */
void aws_shared_set_deaf(struct aws_shared *shared, const struct error *error);
void aws_shared_deaf(struct aws_shared *shared, struct error *ret);

/* Waits until another policy is set, until due_ns (monotonic), or until stop: then false. */
bool aws_shared_wait(struct aws_shared *shared, int64_t due_ns);

struct machine_table;

/* Both are the cloud's. */
int aws_estate_new(struct estate **ret, struct aws_shared *shared, struct machine_table *machines,
	struct error *reterr);
struct aws_shared *aws_estate_shared(struct estate *estate);

#endif
