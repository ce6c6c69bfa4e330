/* SPDX-License-Identifier: Apache-2.0 */
/*
 * total - a month of all payers, a sum each: from the sums of days that are over, and the bill of
 *         what is not.
 * Promises: the same to the billionth as the bills themselves; what tenants pay of the machines
 *           that they share is taken off the platform's.
 * Threads: any.
 * Ownership: totals_done frees.
 */
#ifndef DUPLOFS_BILLING_TOTAL_H
#define DUPLOFS_BILLING_TOTAL_H

#include "billing/bill.h"

struct total {
	int64_t payer;
	char name[64]; /* that the payer last had; "" of the platform */
	int64_t nano;
	int64_t daily[BILL_DAYS_MAX];
	int64_t shared_daily[BILL_DAYS_MAX]; /* of it, for machines that several share */
	uint32_t actual_days;
	int64_t burn_nano, shared_burn_nano;
	char unpriced[128];
	bool unpriced_more;
	int64_t unpriced_ns;
};

/* One payer's, up to now_ns. The platform's: its machines as a whole. */
int total_make(struct store *store, const struct prices *prices, int64_t payer,
	const struct calendar_month *month, int64_t now_ns, struct total *ret);

struct totals {
	struct total *all; /* by payer; the platform's, if it has one, is what nobody else pays */
	size_t count;
};

int totals_make(struct store *store, const struct prices *prices,
	const struct calendar_month *month, int64_t now_ns, struct totals *ret);
void totals_done(struct totals *totals);
#define _cleanup_totals_ __attribute__((cleanup(totals_done)))

/* As a bill on which each payer is a line, those of one name (after each other) together. */
int totals_bill(const struct totals *totals, const struct prices *prices,
	const struct calendar_month *month, int64_t now_ns, struct bill **ret);

/* Adds up the days of this month and the last that are over, once for all readers. */
int totals_close(struct store *store, const struct prices *prices, int64_t now_ns);

#endif
