/* SPDX-License-Identifier: Apache-2.0 */
#include "net/probe_state.h"

#include "base/clock.h"

static int64_t at_least_one(int64_t value)
{
	return value < 1 ? 1 : value;
}

void probe_state_init(struct probe_state *state, int64_t now_ns)
{
	*state = (struct probe_state){
		.health = PROBE_STARTING, .started_ns = now_ns, .pace_ms = PROBE_QUICK_MS};
}

/* Quick probes may not make a slow start unhealthy sooner: failures count an interval apart. */
static bool failure_counts(struct probe_state *state, const struct probe_rules *rules,
	int64_t now_ns)
{
	if (state->health != PROBE_STARTING)
		return true;
	if (now_ns - state->started_ns < rules->start_period_ms * NS_PER_MILLISECOND)
		return false;
	if (state->counted_ns != 0 &&
		now_ns - state->counted_ns < at_least_one(rules->interval_ms) * NS_PER_MILLISECOND)
		return false;
	state->counted_ns = now_ns;
	return true;
}

static bool state_become(struct probe_state *state, enum probe_health health)
{
	bool changed = state->health != health;

	state->health = health;
	return changed;
}

bool probe_state_answer(struct probe_state *state, const struct probe_rules *rules, bool success,
	int64_t now_ns)
{
	if (success) {
		state->failures = 0;
		if (state->successes < at_least_one(rules->healthy_threshold))
			state->successes++;
		if (state->successes < at_least_one(rules->healthy_threshold))
			return false;
		return state_become(state, PROBE_HEALTHY);
	}
	state->successes = 0;
	if (!failure_counts(state, rules, now_ns))
		return false;
	if (state->failures < at_least_one(rules->unhealthy_threshold))
		state->failures++;
	if (state->failures < at_least_one(rules->unhealthy_threshold))
		return false;
	return state_become(state, PROBE_UNHEALTHY);
}

int64_t probe_state_delay_ms(struct probe_state *state, const struct probe_rules *rules)
{
	int64_t interval_ms = at_least_one(rules->interval_ms);
	int64_t slowest_ms = interval_ms < PROBE_STARTING_MS ? interval_ms : PROBE_STARTING_MS;
	int64_t delay_ms = state->pace_ms < slowest_ms ? state->pace_ms : slowest_ms;

	if (state->health != PROBE_STARTING)
		return interval_ms;
	/* Once it answers, the successes that it still needs come quickly. */
	if (state->successes > 0)
		return PROBE_QUICK_MS < interval_ms ? PROBE_QUICK_MS : interval_ms;
	if (state->pace_ms < slowest_ms)
		state->pace_ms += state->pace_ms / 2;
	return delay_ms;
}
