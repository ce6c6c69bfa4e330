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

/* A process in a container that has opened a secret; -1 and "": it had ended, and nobody knows. */
struct audit_reader {
	int64_t uid, gid, pid;
	char program[20];
};

/* A line of the audit: containers of the service have read the secret. Its object may be gone. */
int txn_audit_read(struct txn *txn, int64_t service, int64_t secret,
	const struct audit_reader *reader);

#endif
