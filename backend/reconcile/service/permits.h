/* SPDX-License-Identifier: Apache-2.0 */
/*
 * permits - who of one tenant may connect to whom of another: what an owner grants and the other
 *           side asks for in its Neighbors, as addresses of the containers that run.
 * Promises: states all of it whenever something of it has changed, and once a minute in case that
 *           somebody else has cleared the firewall. Costs nothing while nobody grants anything.
 * Threads: reconcile on the plan queue, one at a time; note from any, never blocks.
 * Ownership: values only.
 */
#ifndef DUPLOFS_RECONCILE_SERVICE_PERMITS_H
#define DUPLOFS_RECONCILE_SERVICE_PERMITS_H

#include "reconcile/context.h"

int64_t permits_reconcile(struct reconciler *r);

/* Something has changed that may change it; at_once: who grants what. */
void permits_note(struct reconciler *r, bool at_once);

/* The firewall may have been cleared. */
void permits_forget(struct reconciler *r);

#endif
