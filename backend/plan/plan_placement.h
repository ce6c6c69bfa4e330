/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_placement - which host an instance goes to.
 * Promises: pure: the same input gives the same answer. Never over a host's capacity. Of the hosts
 *           that are preferred most, the one with the fewest instances of the service, then of the
 *           same update domain, then with the smallest share reserved; then the first.
 * Threads: any.
 * Ownership: everything is borrowed.
 */
#ifndef DUPLOFS_PLAN_PLAN_PLACEMENT_H
#define DUPLOFS_PLAN_PLAN_PLACEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct placement_host {
	int64_t id;
	char name[64];
	bool up;
	bool closed; /* takes no new instances */
	int preferred; /* how much the service's Hosts speaks for it; 0: not at all */
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
};

/* True when one more with this wish fits. */
bool plan_placement_fits(const struct placement_host *host, const struct placement_wish *wish);

/* Writes the index of the host into ret; -ENOSPC with words that say what does not fit:
 * "each needs CPU 2, the largest free is CPU 1.5 on h2". */
int plan_placement(const struct placement_host *hosts, size_t count,
	const struct placement_wish *wish, size_t *ret, struct error *reterr);

/* It is there now, too. */
void plan_placement_take(struct placement_host *host, const struct placement_wish *wish);

#endif
