/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_private - what the files of this room share: the store itself and a running transaction.
 * Promises: none to other rooms; they include store.h.
 * Threads: said at each member.
 * Ownership: all members belong to the store.
 */
#ifndef DUPLOFS_STORE_STORE_PRIVATE_H
#define DUPLOFS_STORE_STORE_PRIVATE_H

#include <limits.h>

#include "base/lock.h"
#include "store/commit.h"
#include "store/connection.h"
#include "store/feed.h"
#include "store/keys.h"
#include "store/reader.h"
#include "store/schema.h"
#include "store/store.h"
#include "store/token.h"
#include "store/usage_clock.h"

struct store {
	char path[PATH_MAX]; /* of the database */
	char platform[PLATFORM_NAME_SIZE];
	struct readers readers;
	struct commit commit;
	struct feed feed;
	struct tokens tokens;
	struct keys keys;
	struct usage_clock usage_clock;
};

/* One caller's part of a batch. */
struct txn {
	struct store *store;
	struct connection *connection; /* the writer's */
	const struct caller *caller; /* NULL: the platform itself */
	int64_t now_ns; /* wall clock, the same for all that the part writes */
	struct change_list *changes;
	int failure; /* the first failure of the database itself; 0: none */
};

/* Records that the database failed: the part cannot be kept even when its function goes on. */
int txn_fail(struct txn *txn, int r);

#endif
