/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus text exposition format, version 0.0.4: no two samples have the same labels. */
#include <string.h>

#include "base/metric.h"
#include "billing/report.h"

/* A label, its value escaped; all but the first follow another. */
static void label(struct buf *out, const char *name, const char *value)
{
	buf_puts(out, out->len > 0 && out->data[out->len - 1] == '{' ? "" : ",");
	buf_puts(out, name);
	buf_puts(out, "=\"");
	for (; *value; value++) {
		if (*value == '"' || *value == '\\' || *value == '\n')
			buf_putc(out, '\\');
		buf_putc(out, *value == '\n' ? 'n' : *value);
	}
	buf_putc(out, '"');
}

static void value(struct buf *out, int64_t nano)
{
	buf_puts(out, "} ");
	money_print(out, nano, 9);
	buf_putc(out, '\n');
}

static void line(const struct report *report, const struct bill_line *line, struct buf *out)
{
	buf_puts(out, "duplofs_cost_month{");
	label(out, "tenant", report_tenant(report, line));
	label(out, "service", line->kind == BILL_TENANT ? "" : line->service);
	label(out, "kind", report_kind(line->kind));
	label(out, "name", line->name);
	label(out, "sku", line->sku);
	label(out, "region", line->region);
	label(out, "basis", bill_basis(line));
	label(out, "currency", report->bill->currency);
	value(out, line->nano);
}

static void whole(const struct report *report, const char *name, const char *help, int64_t nano,
	struct buf *out)
{
	metric_describe(out, name, "gauge", help);
	buf_printf(out, "%s{", name);
	label(out, "tenant", report->tenant);
	label(out, "currency", report->bill->currency);
	value(out, nano);
}

int report_prometheus(const struct report *report, struct buf *out)
{
	const struct bill *bill = report->bill;

	metric_describe(out, "duplofs_cost_month", "gauge", "Cost of the month so far.");
	for (size_t i = 0; i < bill->count; i++)
		line(report, &bill->lines[i], out);
	whole(report, "duplofs_cost_hour", "What an hour of all that runs costs.", bill->burn_nano,
		out);
	if (report->budget_nano > 0)
		whole(report, "duplofs_budget_month", "What the tenant means to spend.",
			report->budget_nano, out);
	return out->error;
}
