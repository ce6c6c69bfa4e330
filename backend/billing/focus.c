/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FOCUS, the FinOps Open Cost and Usage Specification: the mandatory columns of 1.1, or of 1.4
 * with the Allocated columns (specification/datasets/cost_and_usage of the public FOCUS_Spec).
 * Null is the empty field; times are UTC, ends exclusive.
 */
#include <string.h>

#include "base/clock.h"
#include "billing/report.h"

#define COMMON                                                                                     \
	"BilledCost,BillingAccountId,BillingAccountName,BillingCurrency,BillingPeriodEnd,"         \
	"BillingPeriodStart,ChargeCategory,ChargeClass,ChargeDescription,ChargePeriodEnd,"         \
	"ChargePeriodStart,ContractedCost,EffectiveCost,InvoiceIssuerName,ListCost,"               \
	"PricingQuantity,PricingUnit,"

struct row {
	const struct report *report;
	const struct bill_line *line;
	int64_t nano;
	int day;
	char start[32], end[32], month_start[32], month_end[32];
};

/* RFC 4180: quoted, quotes doubled. */
static void text(struct buf *out, const char *value)
{
	buf_putc(out, '"');
	for (; *value; value++) {
		if (*value == '"')
			buf_putc(out, '"');
		buf_putc(out, *value);
	}
	buf_putc(out, '"');
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

static void common(const struct row *row, struct buf *out)
{
	const struct bill *bill = row->report->bill;
	struct buf cost = BUF_INIT;

	money_print(&cost, row->nano, 9);
	buf_printf(out, "%s,", buf_string(&cost));
	text(out, row->report->tenant);
	buf_putc(out, ',');
	text(out, row->report->tenant);
	buf_printf(out, ",%s,%s,%s,Usage,,", bill->currency, row->month_end, row->month_start);
	text(out, report_kind(row->line->kind));
	buf_printf(out, ",%s,%s,%s,%s,duplofs,%s,,,", row->end, row->start, buf_string(&cost),
		buf_string(&cost), buf_string(&cost));
	buf_done(&cost);
}

static void tail(const struct row *row, struct buf *out)
{
	const struct bill_line *line = row->line;
	const char *tenant = report_tenant(row->report, line);

	text(out, line->name[0] ? line->name : line->service);
	buf_putc(out, ',');
	text(out, line->sku);
	buf_printf(out, ",%s,", line->region);
	text(out, tenant);
	buf_putc(out, ',');
	text(out, tenant);
	buf_puts(out, ",\"{\"\"tenant\"\":\"\"");
	buf_puts(out, tenant);
	if (line->service[0] && line->kind != BILL_TENANT)
		buf_printf(out, "\"\",\"\"service\"\":\"\"%s", line->service);
	buf_puts(out, "\"\"}\"");
}

/* How a machine was shared out: ids of the method and of what it was shared to. */
static void allocated(const struct bill_line *line, struct buf *out)
{
	bool shared = line->kind == BILL_INSTANCE || line->kind == BILL_IDLE;

	if (!shared) {
		buf_puts(out, ",,,,");
		return;
	}
	buf_puts(out, ",max-reserved-used-9-1,");
	text(out, line->kind == BILL_IDLE ? "__idle__" : line->service);
	buf_putc(out, ',');
	text(out, line->kind == BILL_IDLE ? "__idle__" : line->service);
	buf_putc(out, ',');
}

static void print_row(const struct row *row, enum focus_version version, struct buf *out)
{
	common(row, out);
	/* 1.1: provider and publisher; 1.4: who provides the service, and who its host. */
	buf_printf(out, "%s,%s,%s,", provider(row->line), provider(row->line),
		bill_category_of(row->line));
	text(out, service(row->line));
	buf_putc(out, ',');
	tail(row, out);
	if (version == FOCUS_1_4)
		allocated(row->line, out);
	buf_puts(out, row->line->actual_days >> row->day & 1 ? ",Actual\n" : ",Estimated\n");
}

static void print_header(enum focus_version version, struct buf *out)
{
	buf_puts(out, COMMON);
	buf_puts(out,
		version == FOCUS_1_1
			? "ProviderName,PublisherName,ServiceCategory,ServiceName,"
			: "ServiceProviderName,HostProviderName,ServiceCategory,ServiceName,");
	buf_puts(out, "ResourceId,SkuId,RegionId,SubAccountId,SubAccountName,Tags");
	buf_puts(out, version == FOCUS_1_4 ? ",AllocatedMethodId,AllocatedResourceId,"
					     "AllocatedResourceName,AllocatedTags,x_CostBasis\n"
					   : ",x_CostBasis\n");
}

void report_focus(const struct report *report, enum focus_version version, struct buf *out)
{
	const struct bill *bill = report->bill;
	struct row row = {.report = report};

	clock_format_utc(bill->month.start_ns, row.month_start, sizeof(row.month_start));
	clock_format_utc(bill->month.end_ns, row.month_end, sizeof(row.month_end));
	print_header(version, out);
	for (int day = 0; day < bill->month.days; day++) {
		int64_t start_ns = bill->month.start_ns + day * CALENDAR_DAY_NS;

		clock_format_utc(start_ns, row.start, sizeof(row.start));
		clock_format_utc(start_ns + CALENDAR_DAY_NS, row.end, sizeof(row.end));
		for (size_t i = 0; i < bill->count; i++) {
			row.line = &bill->lines[i];
			row.nano = row.line->daily[day];
			row.day = day;
			if (row.nano != 0)
				print_row(&row, version, out);
		}
	}
}
