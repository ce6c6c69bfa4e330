/* SPDX-License-Identifier: Apache-2.0 */
/*
 * batch - one transaction in which the parts of several callers are written.
 * Promises: each part is kept whole or not at all; one that is refused does not touch the others.
 *           Watchers are told after all is written.
 * Threads: the one that leads, with the writer's lock held.
 * Ownership: members are their callers'.
 */
#ifndef DUPLOFS_STORE_BATCH_H
#define DUPLOFS_STORE_BATCH_H

#include <stdatomic.h>

#include "store/store.h"

/* A caller with its part. */
struct member {
	struct member *next;
	store_update_fn fn;
	void *arg;
	const struct caller *caller;
	enum store_durability durability;
	struct error *reterr;
	int result;
	bool leads; /* valid once told: not of the result, but that it leads */
	atomic_bool told; /* after which the member may be gone, unless it leads */
};

struct batch {
	struct member *first, **end;
	size_t count;
	bool durable;
	bool apart; /* each part has a savepoint: there was one that had to be undone */
	bool over; /* the transaction is gone, and every member has a result */
};

/* Begins a transaction and runs the first members, a list that is not empty. */
void batch_begin(struct batch *batch, struct store *store, struct member *members, bool durable);

/* Runs some more. Only for a batch that is not over. */
void batch_add(struct batch *batch, struct store *store, struct member *members);

/* Writes it, unless it is over already. Then each member has its result. */
void batch_end(struct batch *batch, struct store *store);

#endif
