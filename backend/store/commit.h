/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commit - group commit: callers that come while a transaction is being written share the next one.
 * Promises: whoever comes is told the result of its own part. A caller that comes alone pays for
 *           one transaction and waits for nobody.
 * Threads: any; the first who comes leads a batch, and runs the functions of all its members.
 * Ownership: members live on their callers' stacks until they are told.
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
	struct lock writer_lock; /* guards all up to last_ns */
	struct connection *writer; /* NULL: the database cannot be written, see frozen */
	struct error frozen;
	int synced; /* value of PRAGMA synchronous: 2 FULL, 1 NORMAL, 0 not yet known */
	struct change_list changes, part_changes;
	size_t last_count; /* members of the last batch */
	int64_t last_ns; /* how long the last batch took to write */

	struct lock queue_lock; /* guards all below */
	struct cond arrived; /* for the leader that waits for members */
	struct member *first, **end;
	size_t waiting; /* members in the queue */
	bool leading; /* somebody leads a batch */
	size_t expected; /* how many members the leader waits for; 0: it does not */

	struct eventcount tellings; /* members have been told */
};

/* writer may be NULL: then every update fails with frozen. */
void commit_init(struct commit *commit, struct connection *writer, const struct error *frozen);
void commit_done(struct commit *commit);

#endif
