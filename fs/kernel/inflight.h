/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inflight - which requests a worker holds, in memory that outlives it: what it was doing when it
 *            crashed is known to its successor.
 * Promises: a request that was being served at two crashes is poison and is refused from then on.
 * Threads: a slot belongs to one serving thread; inflight_crashed only while no worker lives.
 * Ownership: plain memory inside the handoff; no pointers.
 */
#ifndef DUPLOFS_FS_KERNEL_INFLIGHT_H
#define DUPLOFS_FS_KERNEL_INFLIGHT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define INFLIGHT_SLOTS 64

struct inflight_suspect {
	uint64_t unique;
	uint64_t crashes;
};

struct inflight {
	_Atomic uint64_t serving[INFLIGHT_SLOTS]; /* unique of the request; 0: idle */
	struct inflight_suspect suspects[INFLIGHT_SLOTS];
	uint64_t next_suspect; /* the oldest is forgotten first */
};

/* A worker died of a fault of its own: what it was serving comes under suspicion. */
void inflight_crashed(struct inflight *inflight);

/* Forgets what the dead worker was serving. */
void inflight_reset(struct inflight *inflight);

bool inflight_is_poison(const struct inflight *inflight, uint64_t unique);

#endif
