/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/total.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "billing/bill_lines.h"
#include "store/usage_day.h"

#define CLOSED_AFTER_NS (INT64_C(60) * 1000000000) /* what a commit may take over midnight */

static int day_of(const struct calendar_month *month, int64_t at_ns)
{
	return (int)((at_ns - month->start_ns) / CALENDAR_DAY_NS);
}

/* ---- one payer ---- */

static void add_day(struct total *total, int day, const struct usage_day *sum)
{
	total->daily[day] = sum->nano;
	total->shared_daily[day] = sum->shared_nano;
	if (sum->actual)
		total->actual_days |= UINT32_C(1) << day;
	total->nano += sum->nano;
}

static void add_bill(struct total *total, const struct bill *bill)
{
	for (int day = 0; day < BILL_DAYS_MAX; day++) {
		total->daily[day] += bill->daily[day];
		total->nano += bill->daily[day];
	}
	for (size_t i = 0; i < bill->count; i++)
		for (int day = 0; bill->lines[i].shared && day < BILL_DAYS_MAX; day++)
			total->shared_daily[day] += bill->lines[i].daily[day];
	total->actual_days |= bill->actual_days;
	total->burn_nano = bill->burn_nano;
	total->shared_burn_nano = bill->shared_burn_nano;
	total->unpriced_ns = bill->unpriced_ns;
	total->unpriced_more = bill->unpriced_more;
	(void)text_copy(total->unpriced, sizeof(total->unpriced), bill->unpriced);
}

/* Fills in the days from the first on that are added up; *ret_ns: where they end. */
static int add_days(struct store *store, const struct prices *prices, int64_t payer,
	const struct calendar_month *month, struct total *total, int64_t *ret_ns)
{
	struct usage_day days[BILL_DAYS_MAX];
	size_t count = 0;
	int r = store_usage_days(store, payer, prices_identity(prices), month->start_ns,
		month->end_ns, days, &count);

	*ret_ns = month->start_ns;
	for (size_t i = 0; r == 0 && i < count && days[i].day_ns == *ret_ns; i++) {
		add_day(total, (int)i, &days[i]);
		*ret_ns += CALENDAR_DAY_NS;
	}
	return r;
}

int total_make(struct store *store, const struct prices *prices, int64_t payer,
	const struct calendar_month *month, int64_t now_ns, struct total *ret)
{
	_cleanup_bill_ struct bill *bill = NULL;
	int64_t from_ns;
	int r;

	*ret = (struct total){.payer = payer};
	r = add_days(store, prices, payer, month, ret, &from_ns);
	if (r == 0)
		r = bill_make_from(store, prices, payer, month, from_ns, now_ns, &bill);
	if (r == 0)
		add_bill(ret, bill);
	return r;
}

/* ---- all of them ---- */

struct adding {
	struct store *store;
	const struct prices *prices;
	const struct calendar_month *month;
	int64_t now_ns;
	struct totals *totals;
	size_t room;
};

static int add_payer(void *arg, int64_t payer, const char *name)
{
	struct adding *adding = arg;
	struct totals *totals = adding->totals;
	struct total *total;
	int r;

	if (totals->count == adding->room) {
		size_t room = adding->room ? 2 * adding->room : 64;
		struct total *grown = reallocarray(totals->all, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		totals->all = grown;
		adding->room = room;
	}
	total = &totals->all[totals->count];
	r = total_make(adding->store, adding->prices, payer, adding->month, adding->now_ns, total);
	if (r == 0) {
		totals->count++;
		if (payer != PLATFORM_ID)
			(void)text_copy(total->name, sizeof(total->name), name);
	}
	return r;
}

static void take_off(struct total *platform, const struct total *tenant)
{
	for (int day = 0; day < BILL_DAYS_MAX; day++) {
		platform->daily[day] -= tenant->shared_daily[day];
		platform->nano -= tenant->shared_daily[day];
	}
	platform->burn_nano -= tenant->shared_burn_nano;
}

int totals_make(struct store *store, const struct prices *prices,
	const struct calendar_month *month, int64_t now_ns, struct totals *ret)
{
	struct totals totals = {0};
	struct adding adding = {store, prices, month, now_ns, &totals, 0};
	int r = store_usage_payers(store, add_payer, &adding);

	if (r < 0) {
		totals_done(&totals);
		return r;
	}
	/* The platform's id is the smallest. */
	for (size_t i = 1; i < totals.count && totals.all[0].payer == PLATFORM_ID; i++)
		take_off(&totals.all[0], &totals.all[i]);
	*ret = totals;
	return 0;
}

void totals_done(struct totals *totals)
{
	free(totals->all);
	*totals = (struct totals){0};
}

static void fill_line(const struct total *total, struct bill_line *line)
{
	*line = (struct bill_line){
		.kind = total->payer == PLATFORM_ID ? BILL_IDLE : BILL_TENANT,
		.nano = total->nano,
		.actual_days = total->actual_days,
	};
	(void)text_copy(line->service, sizeof(line->service), total->name);
	(void)memcpy(line->daily, total->daily, sizeof(line->daily));
}

/* A tenant that was removed and made anew is two payers of one name; neighbors, once sorted. */
static void merge_lines(struct bill *bill)
{
	size_t kept = 0;

	for (size_t i = 1; i < bill->count; i++) {
		struct bill_line *line = &bill->lines[kept], *next = &bill->lines[i];

		if (line->kind != next->kind || strcmp(line->service, next->service) != 0) {
			bill->lines[++kept] = *next;
			continue;
		}
		line->nano += next->nano;
		line->actual_days |= next->actual_days;
		for (int day = 0; day < BILL_DAYS_MAX; day++)
			line->daily[day] += next->daily[day];
	}
	bill->count = bill->count ? kept + 1 : 0;
}

int totals_bill(const struct totals *totals, const struct prices *prices,
	const struct calendar_month *month, int64_t now_ns, struct bill **ret)
{
	_cleanup_bill_ struct bill *bill = bill_new(prices, month, now_ns);

	if (!bill)
		return -ENOMEM;
	bill->lines = calloc(totals->count + 1, sizeof(*bill->lines));
	if (!bill->lines)
		return -ENOMEM;
	for (size_t i = 0; i < totals->count; i++) {
		const struct total *total = &totals->all[i];

		fill_line(total, &bill->lines[bill->count++]);
		bill->burn_nano += total->burn_nano;
		bill->unpriced_ns += total->unpriced_ns;
		if (total->unpriced[0])
			bill_note_unpriced(bill, total->unpriced);
		bill->unpriced_more |= total->unpriced_more;
	}
	bill_add_up(bill);
	merge_lines(bill);
	*ret = TAKE(bill);
	return 0;
}

/* ---- days that are over ---- */

struct closing {
	struct store *store;
	const struct prices *prices;
	struct calendar_month month;
	int64_t until_ns;
};

struct closed {
	int64_t payer, prices, rewritten;
	const struct usage_day *days;
	int count;
};

static int write_days(struct txn *txn, void *arg, struct error *reterr)
{
	const struct closed *closed = arg;
	int r = 0;

	(void)reterr;
	for (int i = 0; i < closed->count && r == 0; i++)
		r = txn_set_usage_day(txn, closed->payer, closed->prices, closed->rewritten,
			&closed->days[i]);
	return r;
}

static int close_payer(void *arg, int64_t payer, const char *name)
{
	const struct closing *closing = arg;
	const struct calendar_month *month = &closing->month;
	struct usage_day days[BILL_DAYS_MAX];
	struct closed closed = {.payer = payer, .days = days};
	struct total total = {0};
	int64_t from_ns;
	int r = store_usage_rewritten(closing->store, payer, &closed.rewritten);

	(void)name;
	if (r == 0)
		r = add_days(closing->store, closing->prices, payer, month, &total, &from_ns);
	if (r < 0 || from_ns >= closing->until_ns)
		return r;
	r = total_make(closing->store, closing->prices, payer, month, closing->until_ns, &total);
	if (r < 0)
		return r;
	closed.prices = prices_identity(closing->prices);
	for (int day = day_of(month, from_ns); day < day_of(month, closing->until_ns); day++)
		days[closed.count++] = (struct usage_day){
			.day_ns = month->start_ns + day * CALENDAR_DAY_NS,
			.nano = total.daily[day],
			.shared_nano = total.shared_daily[day],
			.actual = total.actual_days >> day & 1,
		};
	return store_update(closing->store, STORE_RELAXED, NULL, write_days, &closed, NULL);
}

static int close_month(struct closing *closing, int64_t now_ns)
{
	int64_t over_ns = now_ns - CLOSED_AFTER_NS;

	closing->until_ns = over_ns - over_ns % CALENDAR_DAY_NS;
	if (closing->until_ns > closing->month.end_ns)
		closing->until_ns = closing->month.end_ns;
	return store_usage_payers(closing->store, close_payer, closing);
}

int totals_close(struct store *store, const struct prices *prices, int64_t now_ns)
{
	struct closing closing = {.store = store, .prices = prices};
	int r;

	closing.month = calendar_month_of(now_ns);
	r = close_month(&closing, now_ns);
	closing.month = calendar_month_of(closing.month.start_ns - 1);
	return r < 0 ? r : close_month(&closing, now_ns);
}
