/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hour_use - what a container has used in the hour around now, on average, from looks at its
 *            counters.
 * Promises: no look weighs more than the time that it stands for; nothing of another hour or
 *           another container counts.
 * Threads: pure.
 * Ownership: values only.
 */
#ifndef DUPLOFS_RECONCILE_USAGE_HOUR_USE_H
#define DUPLOFS_RECONCILE_USAGE_HOUR_USE_H

#include <stdbool.h>
#include <stdint.h>

struct hour_use {
	int64_t hour; /* hours since 1970 */
	int64_t at_ns, cpu_ns; /* monotonic, when it was looked at; the counter then */
	int64_t used_ns, elapsed_ns; /* of CPU, of the hour: between two looks at one container */
	int64_t memory_mib, looks; /* all looks added up */
	bool told; /* in this hour the ledger has something from it */
	char container[80];
};

/* One look more: *use goes on from what it was at the last one; zeros before the first. */
void hour_use_look(struct hour_use *use, const char *container, int64_t hour, int64_t at_ns,
	int64_t cpu_ns, int64_t memory_mib);

/* Thousandths of a CPU; 0 until there were two looks. */
int64_t hour_use_cpu_milli(const struct hour_use *use);
int64_t hour_use_memory_mib(const struct hour_use *use);

#endif
