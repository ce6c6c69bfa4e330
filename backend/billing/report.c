/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"

const char *report_kind(enum bill_kind kind)
{
	static const char *const names[] = {
		[BILL_INSTANCE] = "instances",
		[BILL_BALANCER] = "load balancer",
		[BILL_RESOURCE] = "resource",
		[BILL_IDLE] = "idle",
		[BILL_USE] = "by use",
		[BILL_TENANT] = "tenant",
	};

	return names[kind];
}

const char *report_group(const struct bill_line *line)
{
	if (line->service[0])
		return line->service;
	return line->kind == BILL_RESOURCE || line->kind == BILL_USE ? "(resources)" : "(idle)";
}

const char *report_tenant(const struct report *report, const struct bill_line *line)
{
	return line->kind == BILL_TENANT ? line->service : report->tenant;
}

static void print_month(struct buf *out, const struct bill *bill)
{
	char until[32];

	clock_format_utc(bill->until_ns, until, sizeof(until));
	buf_printf(out, "month      %04d-%02d, up to %s\n", bill->month.year, bill->month.month,
		until);
}

static void print_amount(struct buf *out, const char *name, int64_t nano, const struct bill *bill)
{
	buf_printf(out, "%-10s ", name);
	money_print(out, nano, 2);
	buf_printf(out, " %s\n", bill->currency);
}

/* Amounts in the unit of a table, so that it adds up: units of count amounts that come to total.
 * The negative ones keep their own; the others share what adds up to the total. */
static int share_units(const int64_t *nano, size_t count, int64_t total, int64_t unit,
	int64_t **ret_units)
{
	_cleanup_free_ weight *weights = calloc(count + 1, sizeof(*weights));
	_cleanup_free_ int64_t *units = calloc(count + 1, sizeof(*units));
	int64_t left = (total + (total < 0 ? -unit / 2 : unit / 2)) / unit;
	int r = weights && units ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < count; i++) {
		weights[i] = weight_of(nano[i] > 0 ? nano[i] : 0);
		left -= nano[i] < 0 ? (nano[i] - unit / 2) / unit : 0;
	}
	if (r == 0 && left > 0)
		r = money_share(left, weights, count, units);
	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++)
		if (nano[i] < 0)
			units[i] = (nano[i] - unit / 2) / unit;
	*ret_units = TAKE(units);
	return 0;
}

static int share_cents(const struct bill *bill, int64_t **ret_cents)
{
	_cleanup_free_ int64_t *nano = calloc(bill->count + 1, sizeof(*nano));

	if (!nano)
		return -ENOMEM;
	for (size_t i = 0; i < bill->count; i++)
		nano[i] = bill->lines[i].nano;
	return share_units(nano, bill->count, bill->nano, MONEY_CENT, ret_cents);
}

/* Tenths of a percent, which add up to all of them; what is given back has none. */
static int share_permille(const struct bill *bill, int64_t **ret_permille)
{
	_cleanup_free_ weight *weights = calloc(bill->count + 1, sizeof(*weights));
	_cleanup_free_ int64_t *permille = calloc(bill->count + 1, sizeof(*permille));
	bool any = false;
	int r = weights && permille ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < bill->count; i++) {
		weights[i] = weight_of(bill->lines[i].nano > 0 ? bill->lines[i].nano : 0);
		any |= weights[i] > 0;
	}
	if (r == 0 && any)
		r = money_share(1000, weights, bill->count, permille);
	if (r == 0)
		*ret_permille = TAKE(permille);
	return r;
}

int report_by_service(const struct report *report, struct buf *out)
{
	const struct bill *bill = report->bill;
	_cleanup_free_ int64_t *cents = NULL;
	_cleanup_free_ int64_t *permille = NULL;
	int r = share_cents(bill, &cents);

	if (r == 0)
		r = share_permille(bill, &permille);
	if (r < 0)
		return r;
	buf_printf(out, "#%s\tpercent\tservice\twhat\ton\tsku\tbasis\n", bill->currency);
	for (size_t i = 0; i < bill->count; i++) {
		const struct bill_line *line = &bill->lines[i];

		money_print(out, cents[i] * MONEY_CENT, 2);
		buf_printf(out, "\t%" PRId64 ".%" PRId64 "\t%s\t%s\t%s\t%s\t%s\n", permille[i] / 10,
			permille[i] % 10, report_group(line), report_kind(line->kind),
			line->name[0] ? line->name : "-", line->sku[0] ? line->sku : "-",
			bill_basis(line));
	}
	money_print(out, bill->nano, 2);
	buf_puts(out, "\t100.0\t(total)\t-\t-\t-\t-\n");
	return out->error;
}

const char *report_day_basis(const struct bill *bill, int day)
{
	uint32_t bit = UINT32_C(1) << day;

	if ((bill->actual_days & bit) == 0)
		return "estimated";
	for (size_t i = 0; i < bill->count; i++)
		if (bill->lines[i].daily[day] != 0 && (bill->lines[i].actual_days & bit) == 0)
			return "part actual";
	return "actual";
}

static int64_t rounded(int64_t nano, int64_t unit)
{
	return (nano + (nano < 0 ? -unit / 2 : unit / 2)) / unit * unit;
}

int report_by_day(const struct report *report, struct buf *out)
{
	const struct bill *bill = report->bill;
	int64_t running = 0, shown = 0;

	buf_printf(out, "#day\t%s\tso far\tbasis\n", bill->currency);
	for (int day = 0; day < bill->month.days; day++) {
		if (bill->month.start_ns + day * CALENDAR_DAY_NS >= bill->until_ns)
			break;
		running += bill->daily[day];
		buf_printf(out, "%04d-%02d-%02d\t", bill->month.year, bill->month.month, day + 1);
		/* What is shown of the days adds up to what is shown so far. */
		money_print(out, rounded(running, MONEY_CENT / 100) - shown, 4);
		shown = rounded(running, MONEY_CENT / 100);
		buf_putc(out, '\t');
		money_print(out, shown, 4);
		buf_printf(out, "\t%s\n", report_day_basis(bill, day));
	}
	return out->error;
}

static void print_budget(const struct report *report, struct buf *out)
{
	const struct bill *bill = report->bill;

	if (report->budget_nano <= 0)
		return;
	buf_printf(out, "%-10s ", "budget");
	money_print_exact(out, report->budget_nano, 2);
	buf_printf(out, " %s, %" PRId64 " %% spent\n", bill->currency,
		bill->nano / (report->budget_nano / 100 + 1));
}

/* A group's lines are neighbors: adds them up. */
static int64_t group_nano(const struct bill *bill, size_t *at)
{
	const char *group = report_group(&bill->lines[*at]);
	int64_t nano = 0;

	for (; *at < bill->count && strcmp(report_group(&bill->lines[*at]), group) == 0; (*at)++)
		nano += bill->lines[*at].nano;
	return nano;
}

/* Whose word the amounts are. */
static void print_basis(const struct bill *bill, struct buf *out)
{
	int last = 0;

	for (int day = 0; day < BILL_DAYS_MAX; day++)
		if (bill->actual_days >> day & 1)
			last = day + 1;
	if (last > 0)
		buf_printf(out,
			"prices     up to %04d-%02d-%02d as the account was billed, where it was; "
			"else estimated\n",
			bill->month.year, bill->month.month, last);
	else
		buf_puts(out,
			"prices     estimated: list prices, see .platform/policy/prices.json\n");
}

static int print_groups(const struct bill *bill, struct buf *out)
{
	_cleanup_free_ const char **groups = calloc(bill->count + 1, sizeof(*groups));
	_cleanup_free_ int64_t *nano = calloc(bill->count + 1, sizeof(*nano));
	_cleanup_free_ int64_t *cents = NULL;
	size_t count = 0;
	int r = groups && nano ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < bill->count; count++) {
		groups[count] = report_group(&bill->lines[i]);
		nano[count] = group_nano(bill, &i);
	}
	if (r == 0)
		r = share_units(nano, count, bill->nano, MONEY_CENT, &cents);
	if (r == 0 && count > 0)
		buf_printf(out, "\n%-24s %12s\n",
			bill->lines[0].kind == BILL_TENANT ? "TENANT" : "SERVICE", bill->currency);
	for (size_t i = 0; r == 0 && i < count; i++) {
		struct buf amount = BUF_INIT;

		money_print(&amount, cents[i] * MONEY_CENT, 2);
		buf_printf(out, "%-24s %12s\n", groups[i], buf_string(&amount));
		buf_done(&amount);
	}
	return r < 0 ? r : out->error;
}

int report_summary(const struct report *report, struct buf *out)
{
	const struct bill *bill = report->bill;
	struct forecast forecast;

	forecast_make(bill, &forecast);
	buf_printf(out, "tenant     %s\n", report->tenant);
	print_month(out, bill);
	print_amount(out, "so far", bill->nano, bill);
	if (bill->until_ns < bill->month.end_ns)
		print_amount(out, "committed", forecast.committed, bill);
	print_budget(report, out);
	print_basis(bill, out);
	if (bill->unpriced[0])
		buf_printf(out,
			"warning    no price for %s%s: %" PRId64 " hours are counted as 0\n",
			bill->unpriced, bill->unpriced_more ? " and others" : "",
			bill->unpriced_ns / CALENDAR_HOUR_NS);
	return print_groups(bill, out);
}

void report_service(const struct report *report, const char *service, struct buf *out)
{
	const struct bill *bill = report->bill;
	int64_t nano = 0;

	for (size_t i = 0; i < bill->count; i++)
		if (strcmp(bill->lines[i].service, service) == 0)
			nano += bill->lines[i].nano;
	print_month(out, bill);
	print_amount(out, "so far", nano, bill);
	for (size_t i = 0; i < bill->count; i++) {
		const struct bill_line *line = &bill->lines[i];

		if (strcmp(line->service, service) != 0)
			continue;
		money_print(out, line->nano, 4);
		buf_printf(out, "\t%s\t%s\t%s\n", report_kind(line->kind),
			line->name[0] ? line->name : "-", line->sku);
	}
}

static json_t *amount_json(int64_t nano)
{
	struct buf text = BUF_INIT;
	json_t *value;

	money_print(&text, nano, 9);
	value = json_string(buf_string(&text));
	buf_done(&text);
	return value;
}

static bool is_estimated(const struct bill *bill)
{
	bool estimated = bill->count == 0;

	for (size_t i = 0; i < bill->count; i++)
		estimated |= strcmp(bill_basis(&bill->lines[i]), "actual") != 0;
	return estimated;
}

static json_t *lines_json(const struct bill *bill)
{
	json_t *lines = json_array();

	for (size_t i = 0; i < bill->count; i++) {
		const struct bill_line *line = &bill->lines[i];

		(void)json_array_append_new(lines,
			json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "Service", line->service,
				"Kind", report_kind(line->kind), "Name", line->name, "Sku",
				line->sku, "Region", line->region, "Basis", bill_basis(line),
				"Cost", amount_json(line->nano)));
	}
	return lines;
}

int report_json(const struct report *report, struct buf *out)
{
	const struct bill *bill = report->bill;
	_cleanup_json_ json_t *document = NULL;
	struct forecast forecast;
	char until[32], month[16];

	forecast_make(bill, &forecast);
	clock_format_utc(bill->until_ns, until, sizeof(until));
	(void)snprintf(month, sizeof(month), "%04d-%02d", bill->month.year, bill->month.month);
	document = json_pack("{s:s, s:s, s:s, s:s, s:b, s:o, s:o, s:o, s:o, s:s, s:o}", "Tenant",
		report->tenant, "Month", month, "Until", until, "Currency", bill->currency,
		"Estimated", (int)is_estimated(bill), "Cost", amount_json(bill->nano),
		"BurnPerHour", amount_json(bill->burn_nano), "Committed",
		amount_json(forecast.committed), "Budget", amount_json(report->budget_nano),
		"Unpriced", bill->unpriced, "Lines", lines_json(bill));
	if (!document) {
		out->error = out->error ? out->error : -ENOMEM;
		return out->error;
	}
	json_print(document, JSON_INDENT(2), out);
	buf_putc(out, '\n');
	return out->error;
}
