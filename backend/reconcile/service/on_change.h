/* SPDX-License-Identifier: Apache-2.0 */
/*
 * on_change - what a service asked for when its secrets or config change: nothing, a signal to its
 *             containers, or a restart through its update domains.
 * Promises: called after the new values stand in the view; a restart is asked for in the store, a
 *           signal that cannot be sent is tried again while the container lives.
 * Threads: any.
 * Ownership: nothing to free.
 */
#ifndef DUPLOFS_RECONCILE_SERVICE_ON_CHANGE_H
#define DUPLOFS_RECONCILE_SERVICE_ON_CHANGE_H

#include "reconcile/context.h"

/* Asks for a restart of the service through its update domains, and tells why. */
int on_change_restart(struct reconciler *r, int64_t service, const char *severity, const char *why,
	struct error *reterr);

/* Values of the service have changed. */
int on_change(struct reconciler *r, int64_t service, struct error *reterr);

/* Work of the slow queue: signals the container of one instance. */
int64_t on_change_signal(struct reconciler *r, int64_t instance);

#endif
