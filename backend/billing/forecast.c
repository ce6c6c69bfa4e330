/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "billing/report.h"

#define TREND_DAYS 7

/* The first full day: of the month, or after the day on which something first cost something. */
static int first_full(const struct bill *bill, int full)
{
	int first = 0;

	while (first < full && bill->daily[first] == 0)
		first++;
	return first > 0 && first < full ? first + 1 : first;
}

void forecast_make(const struct bill *bill, struct forecast *ret)
{
	int64_t start_ns = bill->month.start_ns;
	int full = (int)((bill->until_ns - start_ns) / CALENDAR_DAY_NS);
	int64_t left_ns = bill->month.end_ns - bill->until_ns, sum = 0;
	int days = full - first_full(bill, full);

	*ret = (struct forecast){
		.committed = bill->nano +
			     money_cost(bill->burn_nano, bill->until_ns, bill->month.end_ns),
		.trend = bill->nano,
		.days = days < TREND_DAYS ? days : TREND_DAYS,
	};
	for (int day = full - ret->days; day < full; day++)
		sum += bill->daily[day];
	if (ret->days > 0)
		ret->trend += money_cost(sum / ret->days / 24, 0, left_ns);
}

static void line(struct buf *out, const char *name, int64_t nano, const char *currency,
	const char *method)
{
	buf_printf(out, "%-10s ", name);
	money_print(out, nano, 2);
	buf_printf(out, " %s\t%s\n", currency, method);
}

int report_forecast(const struct report *report, struct buf *out)
{
	const struct bill *bill = report->bill;
	struct forecast forecast;

	forecast_make(bill, &forecast);
	line(out, "so-far", bill->nano, bill->currency,
		bill->actual_days ? "as the account was billed where that is known, else estimated"
				  : "counted by the ledger, estimated prices");
	line(out, "committed", forecast.committed, bill->currency,
		"so far, and what runs now going on to the end of the month");
	if (forecast.days > 0) {
		line(out, "trend", forecast.trend, bill->currency,
			"so far, and the mean of the last full days (at most 7) for the days left");
		buf_printf(out, "%-10s %d\tfull days in the mean\n", "days", forecast.days);
	}
	if (report->budget_nano > 0)
		line(out, "budget", report->budget_nano, bill->currency, "set in billing/budget");
	return out->error;
}
