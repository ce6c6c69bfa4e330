/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_claims - what each instance has reserved of its host, and the sums by host.
 * Promises: an instance that reserves nothing of the local host takes no memory.
 * Threads: the fleet guards it.
 * Ownership: claims are copied.
 */
#ifndef DUPLOFS_RECONCILE_HOST_FLEET_CLAIMS_H
#define DUPLOFS_RECONCILE_HOST_FLEET_CLAIMS_H

#include "base/idmap.h"
#include "reconcile/host/fleet.h"

struct claims {
	struct idmap instances; /* to struct claim */
	struct idmap hosts; /* to struct tally */
};

int claims_put(struct claims *claims, int64_t instance, const struct claim *claim);
void claims_remove(struct claims *claims, int64_t instance);
int claims_list(const struct claims *claims, int64_t host, int64_t **ret, size_t *ret_count);
void claims_tally(const struct claims *claims, int64_t host, struct tally *ret);
void claims_done(struct claims *claims);

#endif
