/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quota_cost - whether what a spec wants more of may be paid: MaxMonthlyCost of the group, and the
 *              tenant's own budget where the group's policy enforces it.
 * Promises: only growth is refused. Reads the store and nothing else.
 * Threads: any.
 * Ownership: everything is borrowed.
 */
#ifndef DUPLOFS_FS_FILES_QUOTA_COST_H
#define DUPLOFS_FS_FILES_QUOTA_COST_H

#include "billing/quote.h"
#include "fs/tree/context.h"
#include "store/group.h"

/* What an hour costs of what one object wants, as it is and as it would be. */
struct cost_change {
	int64_t tenant;
	int64_t before_nano, after_nano;
};

/* Whether any of the policy's limits is about money. */
bool quota_cost_limits(const struct group_policy *policy);

/* txn NULL: outside of one. -EDQUOT with both amounts. */
int quota_cost_check(struct fs *fs, struct txn *txn, const struct quote *quote,
	const struct group_state *state, const struct group_policy *policy,
	const struct cost_change *change, struct error *reterr);

#endif
