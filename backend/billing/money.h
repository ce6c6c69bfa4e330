/* SPDX-License-Identifier: Apache-2.0 */
/*
 * money - amounts as whole billionths ("nano") of a currency, and how a whole is shared out.
 * Promises: no floating point; the parts of a whole add up to it exactly.
 * Threads: pure.
 * Ownership: appends to the caller's buf.
 */
#ifndef DUPLOFS_BILLING_MONEY_H
#define DUPLOFS_BILLING_MONEY_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define MONEY_ONE  INT64_C(1000000000)
#define MONEY_CENT (MONEY_ONE / 100)
#define MONEY_MAX  (INT64_C(1000000000) * MONEY_ONE) /* more is taken for a slip of the pen */

#define MONEY_HOUR_MAX (INT64_C(1000000) * MONEY_ONE) /* an hour's price: products fit a weight */

__extension__ typedef unsigned __int128 weight; /* nano an hour times ns, say */

static inline weight weight_of(int64_t value)
{
	return (uint64_t)value;
}

/* "12.5", up to 9 decimal places, not negative. -EINVAL, -ERANGE. */
int money_parse(const char *text, int64_t *ret_nano);

/* An amount as others write it: "-0.0101516483", "1.2E-7"; rounded to billionths. -EINVAL,
 * -ERANGE. */
int money_parse_amount(const char *text, int64_t *ret_nano);

/* With so many decimal places (0 to 9), half up. */
void money_print(struct buf *out, int64_t nano, int places);

/* With at least so many decimal places, and all that are needed: reads back as the same. */
void money_print_exact(struct buf *out, int64_t nano, int places);

/* quantity times nano, at most MONEY_HOUR_MAX. */
int64_t money_times(int64_t nano, int64_t quantity);

/*
 * What nano_per_hour costs from start to end: differences of one function of time, so that the
 * pieces of an interval add up to the whole, wherever it is cut.
 */
int64_t money_cost(int64_t nano_per_hour, int64_t start_ns, int64_t end_ns);

/*
 * Shares total among count weights by the largest remainder (Hamilton's method; equal remainders:
 * the first). All weights 0: the last gets all. -ENOMEM.
 */
int money_share(int64_t total, const weight *weights, size_t count, int64_t *ret_shares);

#endif
