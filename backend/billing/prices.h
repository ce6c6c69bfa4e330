/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prices - what an hour of a thing costs: the table that ships, under the administrator's rows.
 * Promises: a row of prices.json counts from its From on and leaves what was before as it was; what
 *           has no price is found out by asking, never guessed; an amount in one currency is never
 *           taken for one in another.
 * Threads: prices_parse any; a table is only read afterwards.
 * Ownership: prices_free frees.
 */
#ifndef DUPLOFS_BILLING_PRICES_H
#define DUPLOFS_BILLING_PRICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

struct store;

#define PRICES_POLICY "prices" /* name of the policy object */
#define SKU_MACHINE                                                                                \
	"local/machine" /* the machine that the platform runs on, or one attached to it */
#define SKU_DISK         "ebs/gp3-gib" /* a GiB of a host's disk */
#define SKU_BALANCER     "local/load-balancer"
#define SKU_BALANCER_AWS "elb/application"
#define PRICES_CURRENCY  "USD" /* of the table that ships */
#define PRICES_UPDATED   "2026-11-26" /* when the table that ships was last looked over */

struct price_row {
	const char *sku, *region; /* region "": all others */
	const char *price; /* an hour, in the currency */
	const char *help;
};

/* Ended by a row without a sku. List prices in USD, on demand, Linux: estimates. */
extern const struct price_row prices_shipped[];

struct prices;

/*
 * {"Currency":"USD","Prices":[{"Sku":"ec2/m5.large","Region":"us-west-2","Price":"0.096",
 *  "From":"2026-12-01"}]}; text NULL: the shipped table alone. In
 * another currency than its own that says nothing, but for what costs nothing. -ENODATA:
 * incomplete JSON so far; -EINVAL with the sentence.
 */
int prices_parse(const char *text, size_t len, struct prices **ret, struct error *reterr);
/* What the store holds. */
int prices_load(struct store *store, struct prices **ret, struct error *reterr);
void prices_free(struct prices *prices);

/* Another number for other prices; of a table that prices_load gave. */
int64_t prices_identity(const struct prices *prices);
const char *prices_currency(const struct prices *prices);

/* The price of an hour at a time, and until when it stays (INT64_MAX: for ever). False: none. */
bool prices_find(const struct prices *prices, const char *sku, const char *region, int64_t at_ns,
	int64_t *ret_nano, int64_t *ret_until_ns);

/* The shipped table in the form of prices.json. Appends to out. */
void prices_print_shipped(struct buf *out);

static inline void cleanup_prices(struct prices **prices)
{
	prices_free(*prices);
}
#define _cleanup_prices_ __attribute__((cleanup(cleanup_prices)))

#endif
