/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit - the line that tells of an update, written with it: both are kept, or none.
 * Promises: a line is ASCII, its words hold no blanks; the last 5000 of each user are kept.
 * Threads: the one that leads the batch.
 * Ownership: nothing.
 */
#ifndef DUPLOFS_STORE_AUDIT_H
#define DUPLOFS_STORE_AUDIT_H

#include "store/store.h"

/* Nothing for a caller without an audit. outcome: "accepted", "unchanged" or an error's name. */
int txn_audit(struct txn *txn, const struct caller *caller, const char *outcome);

#endif
