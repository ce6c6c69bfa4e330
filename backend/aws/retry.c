/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/retry.h"

void retry_init(struct retry_budget *budget)
{
	lock_init(&budget->lock, LOCK_LEAF);
	budget->tokens = RETRY_TOKENS;
}

void retry_done(struct retry_budget *budget)
{
	lock_done(&budget->lock);
}

bool retry_take(struct retry_budget *budget, int cost)
{
	LOCKED(&budget->lock);
	if (budget->tokens < cost)
		return false;
	budget->tokens -= cost;
	return true;
}

void retry_give(struct retry_budget *budget, int cost)
{
	LOCKED(&budget->lock);
	budget->tokens += cost > 0 ? cost : 1;
	if (budget->tokens > RETRY_TOKENS)
		budget->tokens = RETRY_TOKENS;
}

int retry_pause_ms(int attempt, uint32_t random, int64_t after_ms)
{
	int64_t most = attempt < 6 ? INT64_C(1000) << (attempt - 1) : RETRY_MAX_MS;
	int64_t pause;

	if (most > RETRY_MAX_MS)
		most = RETRY_MAX_MS;
	pause = (int64_t)(((uint64_t)random * (uint64_t)most) >> 32);
	if (after_ms > pause)
		pause = after_ms < pause + RETRY_AFTER_MORE ? after_ms : pause + RETRY_AFTER_MORE;
	return (int)pause;
}

bool retry_is_allowed(enum again again, enum fault_kind kind)
{
	switch (kind) {
	case FAULT_THROTTLED: /* was not executed */
		return true;
	case FAULT_TRANSIENT:
		return again != AGAIN_LOOK;
	default:
		return false;
	}
}
