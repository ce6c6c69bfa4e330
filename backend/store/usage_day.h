/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage_day - what a payer's days that are over come to, kept so that nobody has to add up a month.
 * Promises: only a help: a sum that was made of other prices, or before the provider's last word,
 *           is not given out, and all of them could be made again.
 * Threads: as store.h says.
 * Ownership: values only.
 */
#ifndef DUPLOFS_STORE_USAGE_DAY_H
#define DUPLOFS_STORE_USAGE_DAY_H

#include "store/usage.h"

struct usage_day {
	int64_t day_ns; /* when it began */
	int64_t nano;
	int64_t shared_nano; /* of it, for machines that several share */
	bool actual; /* the provider has billed something of it */
};

/* The payer's days in [from_ns, to_ns) in order, at most 31, that were made of these prices. */
int store_usage_days(struct store *store, int64_t payer, int64_t prices, int64_t from_ns,
	int64_t to_ns, struct usage_day ret[31], size_t *ret_count);

/* How often the payer's past was written anew; to be read before its days are added up. */
int store_usage_rewritten(struct store *store, int64_t payer, int64_t *ret);
int txn_set_usage_day(struct txn *txn, int64_t payer, int64_t prices, int64_t rewritten,
	const struct usage_day *day);

/* Another number whenever any payer's ledger is another. */
int store_usage_moved_all(struct store *store, int64_t *ret);

#endif
