/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage_clock - the ledger's time: the wall's when the process began, then counted by elapsed time.
 * Promises: never goes back while the process lives, whatever is done to the wall clock.
 * Threads: any; its lock guards it.
 * Ownership: values only.
 */
#ifndef DUPLOFS_STORE_USAGE_CLOCK_H
#define DUPLOFS_STORE_USAGE_CLOCK_H

#include "base/lock.h"

struct usage_clock {
	struct lock lock; /* LOCK_LEAF */
	int64_t wall_ns, elapsed_ns; /* of the same moment; wall 0: not read yet */
	bool told; /* that the wall is behind */
};

void usage_clock_init(struct usage_clock *clock);
int64_t usage_clock_now(struct usage_clock *clock);
/* Goes on from wall_ns. */
void usage_clock_set(struct usage_clock *clock, int64_t wall_ns);

#endif
