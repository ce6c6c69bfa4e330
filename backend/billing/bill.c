/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/bill.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "billing/bill_lines.h"
#include "store/store.h"

void bill_note_unpriced(struct bill *bill, const char *sku)
{
	if (!bill->unpriced[0])
		(void)text_copy(bill->unpriced, sizeof(bill->unpriced), sku);
	else if (strcmp(bill->unpriced, sku) != 0)
		bill->unpriced_more = true;
}

static void note_unpriced(struct bill *bill, const struct usage_subject *subject, int64_t ns)
{
	bill->unpriced_ns += ns;
	bill_note_unpriced(bill, subject->sku);
}

int bill_priced(struct bill_work *work, const struct usage_subject *subject, int64_t start_ns,
	int64_t end_ns, bill_piece_fn fn, void *arg)
{
	int r = 0;

	while (r == 0 && start_ns < end_ns) {
		int64_t rate = 0, until_ns;
		bool priced = prices_find(work->prices, subject->sku, subject->region, start_ns,
			&rate, &until_ns);
		int64_t piece_ns = until_ns < end_ns ? until_ns : end_ns;

		rate = money_times(rate, subject->quantity);
		if (!priced)
			note_unpriced(work->bill, subject, piece_ns - start_ns);
		/* A machine without a price is still shared out, at nothing. */
		r = fn(arg, rate, start_ns, piece_ns);
		start_ns = piece_ns;
	}
	return r;
}

/* ---- what is paid as it is: balancers, resources ---- */

struct plain {
	struct bill_work *work;
	size_t line;
	int64_t quantity;
	bool running;
};

/* Cut at the ends of days. */
static int add_plain(void *arg, int64_t rate, int64_t start_ns, int64_t end_ns)
{
	struct plain *plain = arg;
	struct bill_work *work = plain->work;

	if (plain->running && end_ns == work->until_ns)
		work->bill->burn_nano += rate;
	while (start_ns < end_ns) {
		int64_t day_ns = start_ns - start_ns % CALENDAR_DAY_NS + CALENDAR_DAY_NS;
		int64_t piece_ns = day_ns < end_ns ? day_ns : end_ns;

		bill_lines_add(&work->lines, plain->line, start_ns,
			money_cost(rate, start_ns, piece_ns));
		bill_lines_use(&work->lines, plain->line, start_ns)->paid_ms +=
			bill_ms(start_ns, piece_ns) * plain->quantity;
		start_ns = piece_ns;
	}
	return 0;
}

static int bill_plain(struct bill_work *work)
{
	int r = 0;

	for (size_t i = 0; i < work->own->interval_count && r == 0; i++) {
		const struct usage_interval *interval = &work->own->intervals[i];
		const struct usage_subject *subject = &work->own->subjects[interval->subject];
		struct plain plain = {.work = work,
			.quantity = subject->quantity > 0 ? subject->quantity : 1,
			.running = interval->end_ns == work->until_ns};
		struct bill_line key = {
			.kind = subject->kind == USAGE_BALANCER ? BILL_BALANCER : BILL_RESOURCE};

		if (subject->kind != USAGE_BALANCER && subject->kind != USAGE_RESOURCE)
			continue;
		(void)text_copy(key.service, sizeof(key.service), subject->service);
		(void)text_copy(key.name, sizeof(key.name), subject->name);
		(void)text_copy(key.sku, sizeof(key.sku), subject->sku);
		(void)text_copy(key.region, sizeof(key.region), subject->region);
		r = bill_lines_find(&work->lines, &key, &plain.line);
		if (r == 0)
			r = bill_priced(work, subject, interval->start_ns, interval->end_ns,
				add_plain, &plain);
	}
	return r;
}

static int compare(const void *a, const void *b)
{
	const struct bill_line *left = a, *right = b;
	/* What belongs to no service comes last. */
	int r = (left->service[0] == '\0') - (right->service[0] == '\0');

	if (r == 0)
		r = strcmp(left->service, right->service);
	if (r == 0)
		r = (int)left->kind - (int)right->kind;
	if (r == 0)
		r = strcmp(left->name, right->name);
	return r ? r : strcmp(left->sku, right->sku);
}

void bill_add_up(struct bill *bill)
{
	if (bill->count > 1)
		qsort(bill->lines, bill->count, sizeof(bill->lines[0]), compare);
	for (size_t i = 0; i < bill->count; i++) {
		bill->nano += bill->lines[i].nano;
		bill->actual_days |= bill->lines[i].actual_days;
		for (int day = 0; day < BILL_DAYS_MAX; day++)
			bill->daily[day] += bill->lines[i].daily[day];
	}
}

static int bill_fill(struct bill_work *work, struct store *store, int64_t payer, int64_t from_ns)
{
	_cleanup_usage_set_ struct usage_set own = {0};
	_cleanup_usage_set_ struct usage_set shared = {0};
	int r = store_usage_load(store, payer, from_ns, work->until_ns, &own);

	if (r == 0 && payer != PLATFORM_ID)
		r = store_usage_load(store, PLATFORM_ID, from_ns, work->until_ns, &shared);
	work->own = &own;
	work->shared = payer == PLATFORM_ID ? NULL : &shared;
	if (r == 0)
		r = bill_plain(work);
	if (r == 0)
		r = bill_machines(work);
	return r < 0 ? r : bill_actuals(work);
}

struct bill *bill_new(const struct prices *prices, const struct calendar_month *month,
	int64_t now_ns)
{
	struct bill *bill = calloc(1, sizeof(*bill));

	if (!bill)
		return NULL;
	bill->month = *month;
	bill->until_ns = now_ns < month->end_ns ? now_ns : month->end_ns;
	(void)text_copy(bill->currency, sizeof(bill->currency), prices_currency(prices));
	return bill;
}

int bill_make_from(struct store *store, const struct prices *prices, int64_t payer,
	const struct calendar_month *month, int64_t from_ns, int64_t now_ns, struct bill **ret)
{
	_cleanup_bill_ struct bill *bill = bill_new(prices, month, now_ns);
	struct bill_work work = {.prices = prices, .month = *month, .bill = bill};
	int r = 0;

	if (!bill)
		return -ENOMEM;
	work.until_ns = bill->until_ns;
	work.lines.month_ns = month->start_ns;
	if (bill->until_ns > from_ns)
		r = bill_fill(&work, store, payer, from_ns);
	bill->lines = TAKE(work.lines.all);
	bill->count = work.lines.count;
	bill_lines_done(&work.lines);
	if (r < 0)
		return r;
	bill_add_up(bill);
	*ret = TAKE(bill);
	return 0;
}

int bill_make(struct store *store, const struct prices *prices, int64_t payer,
	const struct calendar_month *month, int64_t now_ns, struct bill **ret)
{
	return bill_make_from(store, prices, payer, month, month->start_ns, now_ns, ret);
}

void bill_free(struct bill *bill)
{
	if (bill)
		free(bill->lines);
	free(bill);
}
