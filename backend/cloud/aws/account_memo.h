/* SPDX-License-Identifier: Apache-2.0 */
/*
 * account_memo - what was seen in the account a moment ago: ids of security groups and images, with
 *                which many hosts and services are made, and what roles may do.
 * Promises: a fixed number of them, however many tenants there are; each for a short while.
 * Threads: all calls from any thread at once.
 * Ownership: the memo copies.
 */
#ifndef DUPLOFS_CLOUD_AWS_ACCOUNT_MEMO_H
#define DUPLOFS_CLOUD_AWS_ACCOUNT_MEMO_H

#include <stdbool.h>

struct account_memo;

struct account_memo *account_memo_new(void);
void account_memo_free(struct account_memo *memo);

#define MEMO_ID_SIZE 64 /* of what is remembered */

/* Of a name in a space: the network's id, or a word for what has no network. False: ask. One is
 * forgotten for another. */
bool account_memo_get(struct account_memo *memo, const char *space, const char *name,
	char ret[MEMO_ID_SIZE]);
void account_memo_put(struct account_memo *memo, const char *space, const char *name,
	const char *id);
/* It may be another one by now. */
void account_memo_drop(struct account_memo *memo, const char *space, const char *name);

#endif
