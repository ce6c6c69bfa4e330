/* SPDX-License-Identifier: Apache-2.0 */
/*
 * touched - changes that somebody is still to be told of, and the nodes that they are about.
 * Promises: bounded: when there are too many to remember, everything counts as changed.
 * Threads: none of its own; the caller's lock guards it.
 * Ownership: plain values.
 */
#ifndef DUPLOFS_FS_TREE_TOUCHED_H
#define DUPLOFS_FS_TREE_TOUCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/tree/nodes.h"
#include "store/store.h"

#define TOUCHED_SLOTS 1024 /* a power of two */
#define TOUCHED_MAX   768

struct touched {
	size_t count;
	bool all; /* more than that */
	struct touched_slot {
		int64_t id, parent, tenant; /* id 0: free */
		uint32_t kind, flags;
	} slots[TOUCHED_SLOTS]; /* by id */
};

void touched_add(struct touched *touched, const struct change *change);
void touched_merge(struct touched *touched, const struct touched *others);
void touched_clear(struct touched *touched);
bool touched_is_empty(const struct touched *touched);

/* Appends node when it has changed and, of a directory, the files in it that have. -ENOMEM. */
int touched_below(const struct touched *touched, uint64_t node, struct nodes *nodes);

#endif
