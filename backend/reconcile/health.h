/* SPDX-License-Identifier: Apache-2.0 */
/*
 * health - has the prober look at instances, and keeps what it says in their units.
 * Promises: watching what is watched already changes nothing; news wakes the instance.
 * Threads: any.
 * Ownership: everything is borrowed for the call.
 */
#ifndef DUPLOFS_RECONCILE_HEALTH_H
#define DUPLOFS_RECONCILE_HEALTH_H

#include "model/service.h"
#include "reconcile/context.h"

int health_start(struct reconciler *r, struct error *reterr);
void health_stop(struct reconciler *r);

/* was_good: it was healthy before this process started to look. */
int health_watch(struct reconciler *r, int64_t instance, const char *address,
	const struct service_spec *spec, bool was_good, struct error *reterr);
void health_drop(struct reconciler *r, int64_t instance);

#endif
