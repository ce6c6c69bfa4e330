/* SPDX-License-Identifier: Apache-2.0 */
/*
 * txn - what the txn_ functions have in common: look at an object, note its change, run SQL.
 * Promises: a failure of the database is remembered in the txn, whatever its function does with it.
 * Threads: the one that leads the batch.
 * Ownership: nothing.
 */
#ifndef DUPLOFS_STORE_TXN_H
#define DUPLOFS_STORE_TXN_H

#include "store/object_row.h"
#include "store/store_private.h"

/* Without owner and texts; tombstones too. -ENOENT. */
int txn_peek(struct txn *txn, int64_t id, struct object *ret);

/* The same, and -ENOENT for a tombstone: what users write to must live. */
int txn_peek_living(struct txn *txn, int64_t id, struct object *ret);

int txn_note(struct txn *txn, const struct object *object, unsigned flags);

/* Text of a part; NULL or "" removes it. */
int txn_put_text(struct txn *txn, int64_t id, enum text_part part, const char *text, size_t len);

/* 1 when the part's text is this one already (NULL: there is none), 0, or a negative errno. */
int txn_has_text(struct txn *txn, int64_t id, enum text_part part, const char *text, size_t len);

/* The database's failure as a sentence. */
int txn_error(struct txn *txn, int r, struct error *reterr);

/* Ends all that the usage ledger counts at end_ns and lets it begin anew at start_ns. */
int txn_usage_cut(struct txn *txn, int64_t end_ns, int64_t start_ns);

/* Runs a statement of the transaction and remembers its failure; see connection_run. */
#define txn_run(txn, sql, types, ...)                                                              \
	txn_fail((txn), connection_run((txn)->connection, (sql), (types), ##__VA_ARGS__))

#endif
