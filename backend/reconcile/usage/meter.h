/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meter - what the reconcilers write into the usage ledger, and when.
 * Promises: each runs in the transaction of the change that it is about; the same again costs two
 *           look-ups.
 * Threads: inside an update; meter_measure and budget_watch on workers.
 * Ownership: nothing is kept of what is given.
 */
#ifndef DUPLOFS_RECONCILE_USAGE_METER_H
#define DUPLOFS_RECONCILE_USAGE_METER_H

#include "reconcile/estate/resource_work.h"
#include "reconcile/instance/instance_work.h"
#include "reconcile/service/service_work.h"

/* A container that runs has what its instance reserves. */
int meter_instance(struct txn *txn, const struct instance_work *work);

/* A machine of one's own: object is its host's, or PLATFORM_ID for this one; payer its tenant or
 * the platform. Capacity 0: nothing is known of it yet. */
int meter_machine(struct txn *txn, int64_t object, int64_t payer, const struct host *host);

/* A host that the cloud account pays for: the machine first, then its disks. host: what is known of
 * its capacity; NULL: nothing yet. count 0: it has none of that any more. */
int meter_host(struct txn *txn, const struct object *object, const struct host *host,
	const struct charge *charges, size_t count);

/* A resource that is there, as its spec is paid for. It ends with the object. */
int meter_resource(struct txn *txn, const struct resource_work *work);

/* The service's load balancer, while it has one. */
int meter_balancer(struct txn *txn, const struct service_work *work);

/* Work of the slow queue: how much containers have really used in the hour, on average, for its
 * share. Returns as queue_work_fn. */
int64_t meter_measure(struct reconciler *r);
void meter_done(struct reconciler *r);

/* What the cloud account was billed for, once a day. Work of the slow queue, too; it is done where
 * there is no account. */
int64_t actuals_watch(struct reconciler *r);

/* Adds up days that are over, after each midnight (UTC), new prices and what was billed. Work of
 * the slow queue, too. */
int64_t totals_watch(struct reconciler *r);

/* Tells of budgets that are spent to 80 or 100 percent, once a month each. Work of the slow queue,
 * too; it is done when nobody has one. */
int64_t budget_watch(struct reconciler *r);

#endif
