/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sweeper - lets scratch files vanish some minutes after their last use, and wipes removed values.
 * Promises: costs nothing while there are none.
 * Threads: one of its own.
 * Ownership: borrows scratch and removed.
 */
#ifndef DUPLOFS_FS_EDIT_SWEEPER_H
#define DUPLOFS_FS_EDIT_SWEEPER_H

#include "base/error.h"

struct removed;
struct scratch;
struct sweeper;

int sweeper_new(struct sweeper **ret, struct scratch *scratch, struct removed *removed,
	struct error *reterr);
void sweeper_free(struct sweeper *sweeper);

/* A scratch file was made. */
void sweeper_wake(struct sweeper *sweeper);

/* A value was removed. */
void sweeper_wake_removed(struct sweeper *sweeper);

#endif
