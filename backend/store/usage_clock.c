/* SPDX-License-Identifier: Apache-2.0 */
#include "store/usage_clock.h"

#include <inttypes.h>

#include "base/clock.h"
#include "store/txn.h"
#include "store/usage.h"

#define JUMP_NS (5 * NS_PER_SECOND) /* what a slewed clock never differs by between two looks */

/* Time in a suspended machine counts: its host is paid all the same. */
static int64_t elapsed_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

void usage_clock_init(struct usage_clock *clock)
{
	lock_init(&clock->lock, LOCK_LEAF);
}

void usage_clock_set(struct usage_clock *clock, int64_t wall_ns)
{
	LOCKED(&clock->lock);
	clock->wall_ns = wall_ns;
	clock->elapsed_ns = elapsed_now();
}

int64_t usage_clock_now(struct usage_clock *clock)
{
	LOCKED(&clock->lock);
	if (clock->wall_ns == 0) {
		clock->wall_ns = clock_wall_ns();
		clock->elapsed_ns = elapsed_now();
	}
	return clock->wall_ns + elapsed_now() - clock->elapsed_ns;
}

int64_t store_usage_now(struct store *store)
{
	return usage_clock_now(&store->usage_clock);
}

struct jump {
	int64_t from_ns, to_ns;
};

static int tell(struct txn *txn, const struct jump *jump)
{
	int64_t seconds = (jump->to_ns - jump->from_ns) / NS_PER_SECOND;

	return txn_event(txn, PLATFORM_ID, "warning",
		"the clock was set %s by %" PRId64 " s: usage is counted by the time that passed",
		seconds > 0 ? "forward" : "back", seconds > 0 ? seconds : -seconds);
}

static int tell_back(struct txn *txn, void *arg, struct error *reterr)
{
	(void)reterr;
	return tell(txn, arg);
}

static int cut_all(struct txn *txn, void *arg, struct error *reterr)
{
	const struct jump *jump = arg;
	int r = txn_usage_cut(txn, jump->from_ns, jump->to_ns);

	(void)reterr;
	return r < 0 ? r : tell(txn, jump);
}

int store_usage_check_clock(struct store *store, struct error *reterr)
{
	struct usage_clock *clock = &store->usage_clock;
	struct jump jump = {usage_clock_now(clock), clock_wall_ns()};
	bool tell_it = false;
	int r;

	if (jump.to_ns > jump.from_ns + JUMP_NS) {
		r = store_update(store, STORE_RELAXED, NULL, cut_all, &jump, reterr);
		if (r == 0)
			usage_clock_set(clock, jump.to_ns);
		return r;
	}
	{
		LOCKED(&clock->lock);
		tell_it = jump.to_ns < jump.from_ns - JUMP_NS && !clock->told;
		clock->told = jump.to_ns < jump.from_ns - JUMP_NS;
	}
	return tell_it ? store_update(store, STORE_RELAXED, NULL, tell_back, &jump, reterr) : 0;
}
