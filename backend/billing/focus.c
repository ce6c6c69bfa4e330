/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FOCUS, the FinOps Open Cost and Usage Specification: the mandatory columns of 1.1, or of 1.4
 * with the Allocated columns (specification/datasets/cost_and_usage of the public FOCUS_Spec).
 * Null is the empty field; times are UTC, ends exclusive. What is priced by the hour has hours as
 * its quantity; what is known as an amount alone has that amount, at a price of 1.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "billing/report.h"

#define COMMON                                                                                     \
	"BilledCost,BillingAccountId,BillingAccountName,BillingCurrency,BillingPeriodEnd,"         \
	"BillingPeriodStart,ChargeCategory,ChargeClass,ChargeDescription,ChargePeriodEnd,"         \
	"ChargePeriodStart,ContractedCost,EffectiveCost,InvoiceIssuerName,ListCost,"               \
	"PricingQuantity,PricingUnit,"

#define MS_PER_HOUR 3600000

struct row {
	const struct report *report;
	const struct bill_line *line;
	const char *category; /* Usage, Tax, Credit */
	struct buf cost;
	int64_t ratio; /* billionths of the machine's cost; of what is a part of one */
	int day;
	char start[32], end[32], month_start[32], month_end[32];
};

/* RFC 4180: quoted, quotes doubled; empty is null. */
static void text(struct buf *out, const char *value)
{
	if (!value[0])
		return;
	buf_putc(out, '"');
	for (const char *quote; (quote = strchr(value, '"')); value = quote + 1) {
		buf_add(out, value, (size_t)(quote + 1 - value));
		buf_putc(out, '"');
	}
	buf_puts(out, value);
	buf_putc(out, '"');
}

static void plain_field(struct buf *out, const char *value)
{
	buf_puts(out, value);
	buf_putc(out, ',');
}

static void text_field(struct buf *out, const char *value)
{
	text(out, value);
	buf_putc(out, ',');
}

static const char *provider(const struct bill_line *line)
{
	return line->kind == BILL_USE || bill_service_of(line->sku) ? "AWS" : "duplofs";
}

static const char *service(const struct bill_line *line)
{
	const char *name = line->kind == BILL_USE ? line->name : bill_service_of(line->sku);

	return name ? name : line->sku[0] ? line->sku : "duplofs";
}

/* Whether the line is a part of a machine, whose cost is the origin charge. */
static bool is_part(const struct bill_line *line)
{
	return (line->kind == BILL_INSTANCE || line->kind == BILL_IDLE) && line->sku[0];
}

/* Taxes are a service of the provider's among the others; what is given back is a credit. */
static const char *category_of(const struct bill_line *line, int64_t nano)
{
	if (line->kind == BILL_USE && strcmp(line->name, "Tax") == 0)
		return "Tax";
	return nano < 0 ? "Credit" : "Usage";
}

static bool is_usage(const struct row *row)
{
	return row->category[0] == 'U';
}

static const char *unit(const struct bill_line *line)
{
	static const char suffix[] = "-gib";
	size_t len = strlen(line->sku), tail = sizeof(suffix) - 1;

	return len > tail && strcmp(line->sku + len - tail, suffix) == 0 ? "GiB-Hours" : "Hours";
}

/* PricingQuantity and PricingUnit. */
static void quantity(const struct row *row, struct buf *out)
{
	weight paid_ms = weight_of(row->line->use[row->day].paid_ms);

	if (!is_usage(row)) {
		buf_puts(out, ",,");
	} else if (row->line->sku[0]) {
		money_print(out, (int64_t)(paid_ms * MONEY_ONE / MS_PER_HOUR), 9);
		buf_putc(out, ',');
		plain_field(out, unit(row->line));
	} else {
		plain_field(out, buf_string(&row->cost));
		plain_field(out, row->report->bill->currency);
	}
}

static void common(const struct row *row, struct buf *out)
{
	plain_field(out, buf_string(&row->cost));
	text_field(out, row->report->tenant);
	text_field(out, row->report->tenant);
	plain_field(out, row->report->bill->currency);
	plain_field(out, row->month_end);
	plain_field(out, row->month_start);
	plain_field(out, row->category);
	plain_field(out, ""); /* ChargeClass: no correction */
	text_field(out, report_kind(row->line->kind));
	plain_field(out, row->end);
	plain_field(out, row->start);
	plain_field(out, buf_string(&row->cost));
	plain_field(out, buf_string(&row->cost));
	plain_field(out, "duplofs");
	plain_field(out, buf_string(&row->cost));
	quantity(row, out);
}

/* SkuId and SkuPriceId: an hour of a thing has one price at a time. */
static void sku(const struct row *row, struct buf *out)
{
	const char *id = row->line->sku[0] ? row->line->sku : report_kind(row->line->kind);

	for (int i = 0; i < 2; i++)
		text_field(out, is_usage(row) ? id : "");
}

static void tail(const struct row *row, struct buf *out)
{
	const struct bill_line *line = row->line;
	const char *tenant = report_tenant(row->report, line);

	text_field(out, line->name[0] ? line->name : line->service);
	sku(row, out);
	plain_field(out, line->region);
	text_field(out, tenant);
	text_field(out, tenant);
	buf_puts(out, "\"{\"\"tenant\"\":\"\"");
	buf_puts(out, tenant);
	if (line->service[0] && line->kind != BILL_TENANT) {
		buf_puts(out, "\"\",\"\"service\"\":\"\"");
		buf_puts(out, line->service);
	}
	buf_puts(out, "\"\"}\"");
}

static void element(struct buf *out, int64_t ratio, const char *usage_unit, weight nano)
{
	buf_puts(out, "{\"\"AllocatedRatio\"\":");
	money_print(out, ratio, 9);
	buf_puts(out, ",\"\"UsageUnit\"\":\"\"");
	buf_puts(out, usage_unit);
	buf_puts(out, "\"\",\"\"UsageQuantity\"\":");
	money_print(out, (int64_t)nano, 9);
	buf_putc(out, '}');
}

/* AllocatedMethodDetails: its part of the machine, by CPU and by memory, and how much of each
 * counted. The ratios of all parts of a machine's day add up to 1. */
static void details(const struct row *row, struct buf *out)
{
	const struct bill_use *use = &row->line->use[row->day];
	weight cpu = bill_parts(use->cpu_milli_s, 0), memory = bill_parts(0, use->memory_mib_s);
	int64_t ratio = row->ratio;

	if (memory > 0)
		ratio = (int64_t)(weight_of(ratio) * cpu / (cpu + memory));
	buf_puts(out, "\"{\"\"Elements\"\":[");
	element(out, ratio, "CPU-Hours",
		weight_of(use->cpu_milli_s) * MONEY_ONE / (INT64_C(1000) * 3600));
	buf_putc(out, ',');
	element(out, row->ratio - ratio, "GiB-Hours",
		weight_of(use->memory_mib_s) * MONEY_ONE / (INT64_C(1024) * 3600));
	buf_puts(out, "]}\"");
}

/* How a machine was shared out: ids of the method and of what it was shared to. */
static void allocated(const struct row *row, struct buf *out)
{
	const char *who = row->line->kind == BILL_IDLE ? "__idle__" : row->line->service;

	if (!is_part(row->line)) {
		buf_puts(out, ",,,,,");
		return;
	}
	buf_puts(out, ",max-reserved-used-9-1,");
	details(row, out);
	buf_putc(out, ',');
	text_field(out, who);
	text_field(out, who);
}

static void print_row(struct row *row, enum focus_version version, struct buf *out)
{
	int64_t nano = row->line->daily[row->day];

	buf_reset(&row->cost);
	money_print(&row->cost, nano, 9);
	row->category = category_of(row->line, nano);
	common(row, out);
	/* 1.1: provider and publisher; 1.4: who provides the service, and who its host. */
	plain_field(out, provider(row->line));
	plain_field(out, provider(row->line));
	plain_field(out, bill_category_of(row->line));
	text_field(out, service(row->line));
	tail(row, out);
	if (version == FOCUS_1_4)
		allocated(row, out);
	buf_puts(out, row->line->actual_days >> row->day & 1 ? ",Actual\n" : ",Estimated\n");
}

static void print_header(enum focus_version version, struct buf *out)
{
	buf_puts(out, COMMON);
	buf_puts(out,
		version == FOCUS_1_1
			? "ProviderName,PublisherName,ServiceCategory,ServiceName,"
			: "ServiceProviderName,HostProviderName,ServiceCategory,ServiceName,");
	buf_puts(out, "ResourceId,SkuId,SkuPriceId,RegionId,SubAccountId,SubAccountName,Tags");
	buf_puts(out, version == FOCUS_1_4
			      ? ",AllocatedMethodId,AllocatedMethodDetails,AllocatedResourceId,"
				"AllocatedResourceName,AllocatedTags,x_CostBasis\n"
			      : ",x_CostBasis\n");
}

/* ---- what part of its machine each line is ---- */

struct parts {
	const struct bill *bill;
	size_t *machines; /* by line: the first line of the same machine; itself when it is none */
	weight *weights;
	int64_t *ratios; /* of a day, by line */
};

static bool same_machine(const struct bill_line *a, const struct bill_line *b)
{
	return is_part(b) && a->shared == b->shared && strcmp(a->name, b->name) == 0 &&
	       strcmp(a->sku, b->sku) == 0 && strcmp(a->region, b->region) == 0;
}

static int parts_init(struct parts *parts, const struct bill *bill)
{
	size_t count = bill->count + 1;

	*parts = (struct parts){.bill = bill,
		.machines = calloc(count, sizeof(size_t)),
		.weights = calloc(count, sizeof(weight)),
		.ratios = calloc(count, sizeof(int64_t))};
	if (!parts->machines || !parts->weights || !parts->ratios)
		return -ENOMEM;
	for (size_t i = 0; i < bill->count; i++) {
		size_t first = is_part(&bill->lines[i]) ? 0 : i;

		while (first < i && (parts->machines[first] != first ||
					    !same_machine(&bill->lines[i], &bill->lines[first])))
			first++;
		parts->machines[i] = first;
	}
	return 0;
}

static void parts_done(struct parts *parts)
{
	free(parts->machines);
	free(parts->weights);
	free(parts->ratios);
}
#define _cleanup_parts_ __attribute__((cleanup(parts_done)))

/* Of a machine that several share: what this tenant pays of all of it. */
static int64_t ratio_of_shared(const struct bill_line *line, int day)
{
	weight whole = weight_of(line->use[day].machine_nano);

	return whole ? (int64_t)(weight_of(line->daily[day]) * MONEY_ONE / whole) : 0;
}

/* Of one's own: the parts of a day are shares of 1, and add up to it. */
static int share_own(struct parts *parts, size_t machine, int day)
{
	const struct bill *bill = parts->bill;
	_cleanup_free_ int64_t *shares = calloc(bill->count + 1, sizeof(*shares));
	int r;

	if (!shares)
		return -ENOMEM;
	for (size_t i = 0; i < bill->count; i++)
		parts->weights[i] =
			parts->machines[i] == machine ? weight_of(bill->lines[i].daily[day]) : 0;
	r = money_share(MONEY_ONE, parts->weights, bill->count, shares);
	for (size_t i = 0; r == 0 && i < bill->count; i++)
		if (parts->machines[i] == machine)
			parts->ratios[i] = shares[i];
	return r;
}

static int parts_of_day(struct parts *parts, int day)
{
	const struct bill *bill = parts->bill;
	int r = 0;

	for (size_t i = 0; i < bill->count && r == 0; i++) {
		const struct bill_line *line = &bill->lines[i];

		if (!is_part(line))
			continue;
		if (line->shared)
			parts->ratios[i] = ratio_of_shared(line, day);
		else if (parts->machines[i] == i)
			r = share_own(parts, i, day);
	}
	return r;
}

int report_focus(const struct report *report, enum focus_version version, struct buf *out)
{
	const struct bill *bill = report->bill;
	_cleanup_parts_ struct parts parts = {0};
	struct row row = {.report = report};
	int r = parts_init(&parts, bill);

	clock_format_utc(bill->month.start_ns, row.month_start, sizeof(row.month_start));
	clock_format_utc(bill->month.end_ns, row.month_end, sizeof(row.month_end));
	print_header(version, out);
	for (row.day = 0; row.day < bill->month.days && r == 0; row.day++) {
		int64_t start_ns = bill->month.start_ns + row.day * CALENDAR_DAY_NS;

		clock_format_utc(start_ns, row.start, sizeof(row.start));
		clock_format_utc(start_ns + CALENDAR_DAY_NS, row.end, sizeof(row.end));
		if (version == FOCUS_1_4)
			r = parts_of_day(&parts, row.day);
		for (size_t i = 0; i < bill->count && r == 0; i++) {
			row.line = &bill->lines[i];
			row.ratio = parts.ratios[i];
			if (row.line->daily[row.day] != 0)
				print_row(&row, version, out);
		}
	}
	r = r < 0 ? r : row.cost.error;
	buf_done(&row.cost);
	return r < 0 ? r : out->error;
}
