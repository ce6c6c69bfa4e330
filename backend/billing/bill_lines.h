/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bill_lines - a bill while it is being made: lines found by what they are about.
 * Promises: one line a key; nothing outside this room includes this.
 * Threads: one at a time.
 * Ownership: the lines go into the bill, or bill_lines_done frees them.
 */
#ifndef DUPLOFS_BILLING_BILL_LINES_H
#define DUPLOFS_BILLING_BILL_LINES_H

#include "base/idmap.h"
#include "billing/bill.h"

struct bill_lines {
	struct bill_line *all;
	size_t count, capacity;
	struct idmap places; /* hash of the key -> index + 1 */
	int64_t month_ns; /* start of the month */
};

/* The line with this kind, service, name, sku and region, made when there is none; its index in
 * *ret. */
int bill_lines_find(struct bill_lines *lines, const struct bill_line *key, size_t *ret);

/* Adds an amount of the hour or day around at_ns. */
void bill_lines_add(struct bill_lines *lines, size_t line, int64_t at_ns, int64_t nano);
/* What the day around at_ns was of; borrowed until a line is made. */
struct bill_use *bill_lines_use(struct bill_lines *lines, size_t line, int64_t at_ns);

/* From start to end in milliseconds, such that pieces add up to the whole. */
static inline int64_t bill_ms(int64_t start_ns, int64_t end_ns)
{
	return end_ns / 1000000 - start_ns / 1000000;
}
void bill_lines_done(struct bill_lines *lines);

/* Machines with their instances: adds their lines, and to *burn what an hour of them costs. */
struct bill_work {
	const struct prices *prices;
	const struct usage_set *own; /* the payer's */
	const struct usage_set
		*shared; /* the platform's machines; NULL: the payer is the platform */
	struct calendar_month month;
	int64_t until_ns;
	struct bill_lines lines;
	struct bill *bill;
};
int bill_machines(struct bill_work *work);

/* Puts what the provider has billed in the place of what was estimated. */
int bill_actuals(struct bill_work *work);

/* One price over an interval, cut where it changes: calls fn for each piece; the sku's lack of a
 * price is noted in the bill. */
typedef int (*bill_piece_fn)(void *arg, int64_t rate, int64_t start_ns, int64_t end_ns);
int bill_priced(struct bill_work *work, const struct usage_subject *subject, int64_t start_ns,
	int64_t end_ns, bill_piece_fn fn, void *arg);

#endif
