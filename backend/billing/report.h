/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report - a bill as people and programs read it.
 * Promises: the cents of a table add up to its total; texts end in a newline.
 * Threads: pure.
 * Ownership: appends to the caller's buf; -ENOMEM is all that can fail.
 */
#ifndef DUPLOFS_BILLING_REPORT_H
#define DUPLOFS_BILLING_REPORT_H

#include "billing/bill.h"

/* Whose bill it is, and what he meant to spend. */
struct report {
	const char *tenant;
	int64_t budget_nano; /* 0: none */
	const struct bill *bill;
};

int report_summary(const struct report *report, struct buf *out);
int report_json(const struct report *report, struct buf *out);
/* "COST SHARE SERVICE WHAT", one line a service, then idle, resources; tab-separated. */
int report_by_service(const struct report *report, struct buf *out);
int report_by_day(const struct report *report, struct buf *out);
int report_forecast(const struct report *report, struct buf *out);
/* Prometheus text exposition format, version 0.0.4. */
int report_prometheus(const struct report *report, struct buf *out);
/* One service alone. */
void report_service(const struct report *report, const char *service, struct buf *out);

/* FOCUS cost and usage, a row a line and day: 1.4 with the Allocated columns, or 1.1. */
enum focus_version { FOCUS_1_1, FOCUS_1_4 };
int report_focus(const struct report *report, enum focus_version version, struct buf *out);

/* Bars by day, what was budgeted, where it is going; light and dark by the reader's preference. */
int report_chart(const struct report *report, struct buf *out);

struct forecast {
	int64_t committed; /* so far, and all that runs going on to the month's end */
	int64_t trend; /* so far, and the mean of the last seven full days for the days left */
	int days; /* full days that the mean is of, since it began; 0: there is no trend */
};
void forecast_make(const struct bill *bill, struct forecast *ret);

/* "web", or "(idle)", "(resources)": the name of what a line is counted for. */
const char *report_group(const struct bill_line *line);
/* Who pays a line. */
const char *report_tenant(const struct report *report, const struct bill_line *line);
const char *report_kind(enum bill_kind kind);
/* As bill_basis, of all lines on a day (from 0). */
const char *report_day_basis(const struct bill *bill, int day);

#endif
