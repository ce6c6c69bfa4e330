/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the cloud account was billed for, asked once a day for all tenants in one query: each costs
 * money, so nothing else ever asks, and a day that was asked for is remembered over restarts.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "billing/money.h"
#include "billing/prices.h"
#include "cloud/estate.h"
#include "reconcile/usage/meter.h"
#include "store/actual.h"

#define LATE_DAYS     1 /* a day's figures are whole so long after its end */
#define LOOK_DAYS     7 /* so many days are asked for anew: figures are corrected */
#define AGAIN_NS      (INT64_C(3600) * NS_PER_SECOND)
#define AFTER_NOON_NS (12 * CALENDAR_HOUR_NS) /* the provider's day is made up by then */

struct amount {
	int64_t tenant, day_ns, nano;
	char service[64];
};

struct answer_set {
	struct amount *all;
	size_t count, room;
	const char *currency; /* of the price table */
	int64_t from_ns, to_ns;
};

static int take_cost(void *arg, const struct estate_cost *cost)
{
	struct answer_set *set = arg;
	struct amount *amount;

	if (set->count == set->room) {
		size_t room = set->room ? 2 * set->room : 64;
		struct amount *grown = reallocarray(set->all, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		set->all = grown;
		set->room = room;
	}
	amount = &set->all[set->count];
	*amount = (struct amount){.tenant = cost->tenant};
	if (strcmp(cost->currency, set->currency) != 0)
		return -EPROTO;
	if (calendar_time_parse(cost->day, &amount->day_ns) < 0 ||
		amount->day_ns % CALENDAR_DAY_NS != 0 || amount->day_ns < set->from_ns ||
		amount->day_ns >= set->to_ns ||
		money_parse_amount(cost->amount, &amount->nano) < 0 ||
		!text_copy(amount->service, sizeof(amount->service), cost->service))
		return -EBADMSG;
	set->count++;
	return 0;
}

struct keeping {
	const struct answer_set *set;
	int64_t today_ns;
};

static int keep(struct txn *txn, void *arg, struct error *reterr)
{
	const struct keeping *keeping = arg;
	int r = 0;

	(void)reterr;
	for (size_t i = 0; i < keeping->set->count && r == 0; i++) {
		const struct amount *amount = &keeping->set->all[i];

		r = txn_set_actual(txn, amount->tenant, amount->day_ns, amount->service,
			amount->nano);
	}
	return r < 0 ? r : txn_set_actual_asked(txn, keeping->today_ns);
}

static void print_day(int64_t ns, char *text, size_t size)
{
	clock_format_utc(ns, text, size);
	text[strcspn(text, "T")] = '\0';
}

/* Days that are over long enough; in the first week of a month all of the last one, too: that is
 * when its invoice is made up. */
static void choose_days(struct answer_set *set, int64_t today_ns)
{
	struct calendar_month month = calendar_month_of(today_ns);

	set->to_ns = today_ns - LATE_DAYS * CALENDAR_DAY_NS;
	set->from_ns = set->to_ns - LOOK_DAYS * CALENDAR_DAY_NS;
	if (set->from_ns < month.start_ns)
		set->from_ns = calendar_month_of(month.start_ns - 1).start_ns;
}

static int ask(struct reconciler *r, struct answer_set *set, struct error *reterr)
{
	struct estate *estate = r->options.estate;
	char from[32], to[32];
	int result;

	print_day(set->from_ns, from, sizeof(from));
	print_day(set->to_ns, to, sizeof(to));
	result = estate->ops->costs(estate, from, to, take_cost, set, reterr);
	if (result == -EPROTO)
		return error_set(reterr, result,
			"the account is billed in another currency than %s, which prices.json says",
			set->currency);
	if (result == -EBADMSG && !reterr->text[0])
		return error_set(reterr, result, "half an amount or day in the account's costs");
	return result;
}

struct telling {
	const char *words;
};

static int tell(struct txn *txn, void *arg, struct error *reterr)
{
	const struct telling *telling = arg;

	(void)reterr;
	return txn_event(txn, PLATFORM_ID, "warning",
		"what the account was billed for is not known: %s", telling->words);
}

static int64_t ask_today(struct reconciler *r, int64_t today_ns)
{
	_cleanup_prices_ struct prices *prices = NULL;
	struct error error = ERROR_INIT;
	struct answer_set set = {.room = 0};
	struct keeping keeping = {&set, today_ns};
	struct telling telling = {error.text};
	int result = prices_load(r->options.store, &prices, &error);

	if (result == 0) {
		set.currency = prices_currency(prices);
		choose_days(&set, today_ns);
		result = ask(r, &set, &error);
	}
	if (result == 0)
		result =
			store_update(r->options.store, STORE_RELAXED, NULL, keep, &keeping, &error);
	free(set.all);
	/* A policy wakes us, and the end needs no words. */
	if (result == -ENODATA || result == -ECANCELED)
		return QUEUE_DONE;
	if (result == 0) {
		queue_wake(r->slow, key_of(SLOW_KEY_TOTALS, 1));
		return clock_now_ns();
	}
	(void)store_update(r->options.store, STORE_RELAXED, NULL, tell, &telling, NULL);
	return clock_now_ns() + AGAIN_NS;
}

int64_t actuals_watch(struct reconciler *r)
{
	struct estate *estate = r->options.estate;
	int64_t now_ns = store_usage_now(r->options.store), asked_ns;
	int64_t today_ns = now_ns - now_ns % CALENDAR_DAY_NS;

	if (!estate || !estate->ops->costs)
		return QUEUE_DONE;
	if (store_actual_asked(r->options.store, &asked_ns) < 0)
		return QUEUE_RETRY;
	if (asked_ns < today_ns)
		return ask_today(r, today_ns);
	return clock_now_ns() + today_ns + CALENDAR_DAY_NS + AFTER_NOON_NS - now_ns;
}
