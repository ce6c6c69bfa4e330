/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value - contents of secrets and config values, for this room alone.
 * Promises: what is sealed is bound to its tenant, object, generation and key.
 * Threads: the one that leads the batch.
 * Ownership: nothing.
 */
#ifndef DUPLOFS_STORE_VALUE_H
#define DUPLOFS_STORE_VALUE_H

#include <stdint.h>

struct txn;

/* Seals a secret's value under its tenant's newest key: 1, or 0 when it is so already. Nobody is
 * told: it is the same value. -EBADMSG: it is damaged, and stays as it is. */
int value_reseal(struct txn *txn, int64_t id);

#endif
