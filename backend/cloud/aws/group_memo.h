/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_memo - ids of tenants' security groups that were seen a moment ago: many hosts and services
 *              are made in one group, and none has to ask for it.
 * Promises: a fixed number of them, however many tenants there are; each for a short while.
 * Threads: all calls from any thread at once.
 * Ownership: the memo copies.
 */
#ifndef DUPLOFS_CLOUD_AWS_GROUP_MEMO_H
#define DUPLOFS_CLOUD_AWS_GROUP_MEMO_H

#include <stdbool.h>

struct group_memo;

struct group_memo *group_memo_new(void);
void group_memo_free(struct group_memo *memo);

/* ret has room for GROUP_ID_SIZE. False: ask. */
bool group_memo_get(struct group_memo *memo, const char *vpc, const char *name, char *ret);
void group_memo_put(struct group_memo *memo, const char *vpc, const char *name, const char *id);
/* It may be another one by now. */
void group_memo_drop(struct group_memo *memo, const char *vpc, const char *name);

#endif
