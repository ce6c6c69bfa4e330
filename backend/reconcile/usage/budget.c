/* SPDX-License-Identifier: Apache-2.0 */
/* Budgets that are about to be spent, told once a month each, and the sums that this needs. */
#include <inttypes.h>

#include "billing/total.h"
#include "reconcile/usage/meter.h"

#define LOOK_EVERY_NS     (INT64_C(60) * NS_PER_SECOND)
#define AFTER_MIDNIGHT_NS (INT64_C(90) * NS_PER_SECOND)

static const int64_t levels[] = {100, 80};

struct look {
	struct reconciler *r;
	const struct prices *prices;
	struct calendar_month month;
	int64_t now_ns;
	bool any;
};

struct news {
	int64_t tenant, percent;
	const struct total *total;
	const struct calendar_month *month;
	const char *currency;
	const struct budget *budget;
};

static int tell(struct txn *txn, void *arg, struct error *reterr)
{
	const struct news *news = arg;
	_cleanup_buf_ struct buf spent = BUF_INIT, budget = BUF_INIT;
	int r;

	(void)reterr;
	money_print(&spent, news->total->nano, 2);
	money_print(&budget, news->budget->nano, 2);
	r = txn_event(txn, news->tenant, news->percent >= 100 ? "error" : "warning",
		"%" PRId64 " %% of the month's budget are spent: %s of %s %s", news->percent,
		buf_string(&spent), buf_string(&budget), news->currency);
	return r < 0 ? r
		     : txn_set_budget_told(txn, news->tenant, news->month->start_ns, news->percent);
}

static int look_at(void *arg, int64_t tenant)
{
	struct look *look = arg;
	struct store *store = look->r->options.store;
	struct total total;
	struct budget budget;
	struct news news = {.tenant = tenant};

	look->any = true;
	if (store_budget(store, tenant, &budget) < 0 ||
		(budget.month_ns == look->month.start_ns && budget.percent >= levels[0]) ||
		total_make(store, look->prices, tenant, &look->month, look->now_ns, &total) < 0)
		return 0;
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]) && news.percent == 0; i++)
		if ((weight_of(total.nano > 0 ? total.nano : 0) * 100) >=
			weight_of(budget.nano) * weight_of(levels[i]))
			news.percent = levels[i];
	if (news.percent == 0 ||
		(budget.month_ns == look->month.start_ns && budget.percent >= news.percent))
		return 0;
	news.total = &total;
	news.month = &look->month;
	news.currency = prices_currency(look->prices);
	news.budget = &budget;
	(void)store_update(store, STORE_RELAXED, NULL, tell, &news, NULL);
	return 0;
}

int64_t budget_watch(struct reconciler *r)
{
	struct store *store = r->options.store;
	_cleanup_prices_ struct prices *prices = NULL;
	struct look look = {.r = r, .now_ns = store_usage_now(store)};

	if (prices_load(store, &prices, NULL) < 0)
		return clock_now_ns() + LOOK_EVERY_NS;
	look.prices = prices;
	look.month = calendar_month_of(look.now_ns);
	(void)store_budgets(store, look_at, &look);
	return look.any ? clock_now_ns() + LOOK_EVERY_NS : QUEUE_DONE;
}

int64_t totals_watch(struct reconciler *r)
{
	struct store *store = r->options.store;
	_cleanup_prices_ struct prices *prices = NULL;
	int64_t now_ns = store_usage_now(store), day_ns = now_ns - now_ns % CALENDAR_DAY_NS;

	if (prices_load(store, &prices, NULL) < 0 || totals_close(store, prices, now_ns) < 0)
		return QUEUE_RETRY;
	return clock_now_ns() + day_ns + CALENDAR_DAY_NS + AFTER_MIDNIGHT_NS - now_ns;
}
