/* SPDX-License-Identifier: Apache-2.0 */
/*
 * balancer - the load balancers of the local cloud: takes what is wanted, makes HAProxy do it.
 * Promises: a change of targets is made in the running HAProxy, a change of listeners by a hitless
 *           reload; many changes at once share one reload; one that is refused harms no other.
 * Threads: all calls from any thread at once; a manager thread of its own does the work.
 * Ownership: arguments are borrowed for the call; certificates outlive the balancers.
 */
#ifndef DUPLOFS_CLOUD_LOCAL_BALANCER_H
#define DUPLOFS_CLOUD_LOCAL_BALANCER_H

#include "cloud/cloud.h"
#include "cloud/local/certificate.h"

struct balancers;

/* certificates may be NULL: no TLS. Adopts a HAProxy that an earlier process left running. */
int balancers_new(struct balancers **ret, const struct cloud_local_options *options,
	struct certificates *certificates, struct error *reterr);

int balancers_ensure(struct balancers *balancers, const struct balancer *wanted,
	struct balancer_state *ret, struct error *reterr);
int balancers_remove(struct balancers *balancers, int64_t service, struct error *reterr);
int balancers_connections(struct balancers *balancers, int64_t service, const char *target,
	int64_t *ret, struct error *reterr);
int balancers_settle(struct balancers *balancers, struct error *reterr);
void balancers_health(struct balancers *balancers, bool *ret_up, char *text, size_t size);
void balancers_health_watch(struct balancers *balancers, cloud_health_fn fn, void *arg);
void balancers_free(struct balancers *balancers, bool keep);

#endif
