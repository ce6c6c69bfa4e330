/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retry - when a request is sent again: the SDKs' standard mode. A bucket of tokens that all
 *         requests of a client share bounds what retries add to the load of a service that is
 *         down.
 * Promises: constant time, never blocks.
 * Threads: any at once.
 * Ownership: the budget lives in its client.
 */
#ifndef DUPLOFS_AWS_RETRY_H
#define DUPLOFS_AWS_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/fault.h"
#include "base/lock.h"

#define RETRY_TOKENS     500
#define RETRY_COST       5
#define RETRY_COST_SLOW  10 /* after a time-out */
#define RETRY_ATTEMPTS   3
#define RETRY_MAX_MS     20000
#define RETRY_AFTER_MORE 5000 /* how much a server may ask for on top */

struct retry_budget {
	struct lock lock;
	int tokens;
};

void retry_init(struct retry_budget *budget);
void retry_done(struct retry_budget *budget);

/* Takes the cost of one retry; false: used up, give up. */
bool retry_take(struct retry_budget *budget, int cost);
/* A request has succeeded after a retry of that cost (0: at once). */
void retry_give(struct retry_budget *budget, int cost);

/* Pause before attempt number attempt + 1 (from 1): full jitter, random in [0, 2^32).
 * after_ms: what the server asked for (x-amz-retry-after), 0 for nothing. */
int retry_pause_ms(int attempt, uint32_t random, int64_t after_ms);

/* May the client itself send the request again? */
bool retry_is_allowed(enum again again, enum fault_kind kind);

#endif
