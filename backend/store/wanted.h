/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wanted - what the specs in force want that is paid by itself: machines, disks, balancers,
 *          resources, and what services reserve of the machine that all share. Prices are none of
 *          its business.
 * Promises: sums are of what is in force, in the transaction or at the moment of the reading.
 * Threads: as store.h says.
 * Ownership: values only.
 */
#ifndef DUPLOFS_STORE_WANTED_H
#define DUPLOFS_STORE_WANTED_H

#include "store/usage.h"

#define WANTED_SUMS_MAX 64 /* different things: what is beyond is -ENOBUFS */

/* Of usage_subject: sku, region, quantity. */
struct wanted_sum {
	struct usage_subject parts[WANTED_SUMS_MAX];
	size_t count;
	int64_t cpu_milli, memory_mib; /* of services whose tenants have no hosts */
};

enum wanted_scope { WANTED_TENANT, WANTED_GROUP };

/* All that a tenant, or the tenants of a group (0: none), want. */
int store_wanted(struct store *store, enum wanted_scope scope, int64_t id, struct wanted_sum *ret);
int txn_wanted(struct txn *txn, enum wanted_scope scope, int64_t id, struct wanted_sum *ret);

/* What an object's spec wants from now on, in place of what it wanted; gone with its tombstone. */
int txn_set_wanted(struct txn *txn, int64_t object, const struct usage_subject *parts,
	size_t count);

/* 1 when the tenant has a host of its own, with a spec; 0, or a negative errno. */
int store_has_host(struct store *store, int64_t tenant);
int txn_has_host(struct txn *txn, int64_t tenant);

/* What runs as the first part of an object; -ENOENT. */
int store_usage_running(struct store *store, int64_t object, struct usage_subject *ret);

#endif
