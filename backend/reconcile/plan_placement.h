/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_placement - which host an instance goes to.
 * Promises: pure: the same input gives the same answer. Spreads a service over hosts, then over
 *           what is reserved least; never over a host's capacity.
 * Threads: any.
 * Ownership: everything is borrowed.
 */
#ifndef DUPLOFS_RECONCILE_PLAN_PLACEMENT_H
#define DUPLOFS_RECONCILE_PLAN_PLACEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct placement_host {
	const char *name;
	bool up;
	bool preferred; /* named or tagged by the service's Hosts */
	int64_t cpu_milli; /* capacity; 0: not known, no limit */
	int64_t memory_mib;
	int64_t cpu_milli_reserved; /* by instances that are there */
	int64_t memory_mib_reserved;
	int64_t same_service; /* instances of this service that are there */
	int64_t same_domain; /* of them, those of the same update domain */
};

struct placement_wish {
	int64_t cpu_milli;
	int64_t memory_mib;
	bool only_preferred;
};

/* Writes the index of the host into ret; -ENOSPC with a sentence that says what does not fit. */
int plan_placement(const struct placement_host *hosts, size_t count,
	const struct placement_wish *wish, size_t *ret, struct error *reterr);

#endif
