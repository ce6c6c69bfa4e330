/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader - connections for reading: as many as threads read at the same time, and no more.
 * Promises: no two threads share one; a read never waits for a writer. Beyond READERS_MAX reads at
 *           once a thread waits for another's to end, which takes microseconds.
 * Threads: any. A thread holds one connection for one query and none while it calls anybody back;
 *          between store_freeze and store_thaw it holds one for all.
 * Ownership: readers_done closes all; none may be held then.
 */
#ifndef DUPLOFS_STORE_READER_H
#define DUPLOFS_STORE_READER_H

#include "base/lock.h"
#include "store/connection.h"

#define READERS_MAX 32

struct readers {
	struct lock lock;
	struct cond freed;
	const char *path; /* the store's */
	enum connection_mode mode;
	struct connection *idle[READERS_MAX]; /* a stack: the last one used has the warmest cache */
	int idle_count, open_count;
};

struct store;

void readers_init(struct readers *readers, const char *path, enum connection_mode mode);
void readers_done(struct readers *readers);

/* NULL when none can be opened (reterr says why). */
struct connection *reader_take(struct store *store, struct error *reterr);
void reader_give(struct store *store, struct connection *connection);

/* This thread is between store_freeze and store_thaw: its connection is inside a transaction. */
bool reader_is_frozen(const struct store *store);

#endif
