/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe_state - when a row of answers makes a container healthy or unhealthy. Pure.
 * Promises: no clock, no I/O; thresholds and times below 1 count as 1.
 * Threads: values only.
 * Ownership: values only.
 */
#ifndef DUPLOFS_NET_PROBE_STATE_H
#define DUPLOFS_NET_PROBE_STATE_H

#include <stdbool.h>

#include "net/prober.h"

/* A container that starts is asked this often at first, and then ever less. */
#define PROBE_QUICK_MS    25
#define PROBE_STARTING_MS 1000

struct probe_rules {
	int64_t interval_ms;
	int64_t timeout_ms;
	int64_t start_period_ms;
	int healthy_threshold;
	int unhealthy_threshold;
};

struct probe_state {
	enum probe_health health;
	int successes; /* in a row, up to the threshold */
	int failures;
	int64_t started_ns;
	int64_t counted_ns; /* when a failure last counted while starting, 0: never */
	int64_t pace_ms; /* of the next probe while starting */
};

void probe_state_init(struct probe_state *state, int64_t now_ns);

/* Takes one answer; true when the health changed. */
bool probe_state_answer(struct probe_state *state, const struct probe_rules *rules, bool success,
	int64_t now_ns);

/* Milliseconds until the next probe, from the start of the last one; asked after each answer. */
int64_t probe_state_delay_ms(struct probe_state *state, const struct probe_rules *rules);

#endif
