/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commit - group commit: callers that come while a transaction is being written share the next one.
 * Promises: each caller's part is all or nothing by itself; one that fails does not touch others.
 *           A caller that comes alone pays for one transaction and waits for nobody.
 * Threads: the thread that leads a batch runs the functions of all its members, one after another.
 * Ownership: members live on their callers' stacks until they are marked done.
 */
#ifndef DUPLOFS_STORE_COMMIT_H
#define DUPLOFS_STORE_COMMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/lock.h"
#include "store/connection.h"
#include "store/feed.h"

struct member;

struct commit {
	struct lock writer_lock; /* guards writer, synced, changes, part_changes */
	struct connection *writer; /* NULL: the database cannot be written, see frozen */
	struct error frozen;
	int synced; /* value of PRAGMA synchronous: 2 FULL, 1 NORMAL, 0 not yet known */
	struct change_list changes, part_changes;

	struct lock queue_lock; /* guards all below */
	struct cond arrived; /* for the leader that gathers members */
	struct member *first, **end;
	size_t waiting; /* members in the queue */
	bool leading; /* somebody leads a batch */
	size_t gathering; /* how many members the leader waits for; 0: it does not */
	size_t last_count; /* members of the last batch */
	int64_t last_ns; /* how long the last batch took to write */
};

/* writer may be NULL: then every update fails with frozen. */
void commit_init(struct commit *commit, struct connection *writer, const struct error *frozen);
void commit_done(struct commit *commit);

#endif
