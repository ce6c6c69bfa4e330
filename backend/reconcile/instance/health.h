/* SPDX-License-Identifier: Apache-2.0 */
/*
 * health - has the prober look at instances, and keeps what it says in their units.
 * Promises: watching what is watched already changes nothing; news wakes the instance.
 * Threads: any.
 * Ownership: everything is borrowed for the call.
 */
#ifndef DUPLOFS_RECONCILE_INSTANCE_HEALTH_H
#define DUPLOFS_RECONCILE_INSTANCE_HEALTH_H

#include "model/service.h"
#include "reconcile/context.h"

int health_start(struct reconciler *r, struct error *reterr);
void health_stop(struct reconciler *r);

/* Work of the probe queue: runs the command of an instance whose probe is due, and answers. */
int64_t health_ask(struct reconciler *r, int64_t instance);

/* How it is by now, in words; "" when nothing is known. Never blocks. */
void health_words(struct reconciler *r, int64_t instance, char *words, size_t size);

/* was_good: it was healthy before this process started to look. host_port: where its host publishes
 * it at address; 0: address is the container's own. */
int health_watch(struct reconciler *r, int64_t instance, const char *address, int64_t host_port,
	const struct service_spec *spec, bool was_good, struct error *reterr);
void health_drop(struct reconciler *r, int64_t instance);

#endif
