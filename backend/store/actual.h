/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actual - what a provider has billed, by payer, day and service of the provider's: it stands over
 *          what the ledger and the price table come to.
 * Promises: a later word of the provider's replaces an earlier one of the same day.
 * Threads: as store.h says.
 * Ownership: values only.
 */
#ifndef DUPLOFS_STORE_ACTUAL_H
#define DUPLOFS_STORE_ACTUAL_H

#include "store/usage.h"

/* Of a tenant that has ever run something, else of the platform. Texts are borrowed. */
int txn_set_actual(struct txn *txn, int64_t tenant, int64_t day_ns, const char *service,
	int64_t nano);

/* The day on which the provider was asked last; 0: never. */
int store_actual_asked(struct store *store, int64_t *ret_day_ns);
int txn_set_actual_asked(struct txn *txn, int64_t day_ns);

#endif
