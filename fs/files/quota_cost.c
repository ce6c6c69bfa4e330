/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/files/quota_cost.h"

#include <errno.h>

#include "billing/total.h"

struct money_words {
	struct buf limit, now, then;
};

static void words_done(struct money_words *words)
{
	buf_done(&words->limit);
	buf_done(&words->now);
	buf_done(&words->then);
}
#define _cleanup_words_ __attribute__((cleanup(words_done)))

static void words_print(struct money_words *words, int64_t limit, int64_t now, int64_t then)
{
	*words = (struct money_words){BUF_INIT, BUF_INIT, BUF_INIT};
	money_print(&words->limit, limit, 2);
	money_print(&words->now, now, 2);
	money_print(&words->then, then, 2);
}

bool quota_cost_limits(const struct group_policy *policy)
{
	return policy && (policy->max_cost_milli != GROUP_NO_LIMIT || policy->enforce_budgets);
}

static int wanted(struct fs *fs, struct txn *txn, enum wanted_scope scope, int64_t id,
	const struct quote *quote, int64_t *ret_nano)
{
	struct wanted_sum sum;
	int r = txn ? txn_wanted(txn, scope, id, &sum) : store_wanted(fs->store, scope, id, &sum);

	if (r == 0)
		*ret_nano = quote_sum(quote, &sum);
	return r;
}

/* A month of all that the group's tenants want. */
static int check_group(struct fs *fs, struct txn *txn, const struct quote *quote,
	const struct group_state *state, const struct group_policy *policy,
	const struct cost_change *change, struct error *reterr)
{
	int64_t limit = policy->max_cost_milli * (MONEY_ONE / 1000), hour = 0, now, then;
	_cleanup_words_ struct money_words words = {BUF_INIT, BUF_INIT, BUF_INIT};
	int r;

	if (policy->max_cost_milli == GROUP_NO_LIMIT)
		return 0;
	r = wanted(fs, txn, WANTED_GROUP, state->group, quote, &hour);
	if (r < 0)
		return r;
	now = hour * QUOTE_MONTH_HOURS;
	then = now + (change->after_nano - change->before_nano) * QUOTE_MONTH_HOURS;
	if (then <= limit)
		return 0;
	words_print(&words, limit, now, then);
	return error_set(reterr, -EDQUOT,
		"MaxMonthlyCost of group \"%s\" is %s: what its tenants want costs %s %s a month, "
		"and "
		"with this %s",
		state->name, buf_string(&words.limit), buf_string(&words.now),
		prices_currency(quote->prices), buf_string(&words.then));
}

/* This month of the tenant's: what it has cost, and the rest of it with all that it wants. */
static int check_budget(struct fs *fs, struct txn *txn, const struct quote *quote,
	const struct group_state *state, const struct group_policy *policy,
	const struct cost_change *change, struct error *reterr)
{
	_cleanup_words_ struct money_words words = {BUF_INIT, BUF_INIT, BUF_INIT};
	struct calendar_month month = calendar_month_of(quote->now_ns);
	struct budget budget = {0};
	struct total total;
	int64_t hour = 0, now, then;
	int r = policy->enforce_budgets ? store_budget(fs->store, change->tenant, &budget) : 0;

	if (r < 0 || budget.nano == 0)
		return r;
	r = wanted(fs, txn, WANTED_TENANT, change->tenant, quote, &hour);
	if (r == 0)
		r = total_make(fs->store, quote->prices, change->tenant, &month, quote->now_ns,
			&total);
	if (r < 0)
		return r;
	now = total.nano + money_cost(hour, quote->now_ns, month.end_ns);
	then = now +
	       money_cost(change->after_nano - change->before_nano, quote->now_ns, month.end_ns);
	if (then <= budget.nano)
		return 0;
	words_print(&words, budget.nano, now, then);
	return error_set(reterr, -EDQUOT,
		"billing/budget is %s and the policy of group \"%s\" enforces it: the month comes "
		"to "
		"%s %s, and with this to %s",
		buf_string(&words.limit), state->name, buf_string(&words.now),
		prices_currency(quote->prices), buf_string(&words.then));
}

int quota_cost_check(struct fs *fs, struct txn *txn, const struct quote *quote,
	const struct group_state *state, const struct group_policy *policy,
	const struct cost_change *change, struct error *reterr)
{
	int r;

	if (!quota_cost_limits(policy) || change->after_nano <= change->before_nano)
		return 0;
	r = check_group(fs, txn, quote, state, policy, change, reterr);
	return r < 0 ? r : check_budget(fs, txn, quote, state, policy, change, reterr);
}
