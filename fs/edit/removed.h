/* SPDX-License-Identifier: Apache-2.0 */
/*
 * removed - values that somebody has removed a moment ago: programs that remove a file before they
 *           write it anew (install, mv, tar) lose nothing when the new one is refused.
 * Promises: only for the same user, once, and for some seconds; then it is wiped. In memory alone:
 *           to the next worker what was removed is gone.
 * Threads: any.
 * Ownership: texts are moved in and out.
 */
#ifndef DUPLOFS_FS_EDIT_REMOVED_H
#define DUPLOFS_FS_EDIT_REMOVED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

struct object;
struct removed;

int removed_new(struct removed **ret, struct error *reterr);
void removed_free(struct removed *removed);

/* uid has removed object, a value; takes its text. */
void removed_keep(struct removed *removed, const struct object *object, uid_t uid,
	struct buf *text);

/* Gives back what uid has removed and object, of the same name, was made in the place of. */
bool removed_take(struct removed *removed, const struct object *object, uid_t uid,
	struct buf *ret_text);

/* Wipes what is over; returns when the next is (clock_now_ns), or CLOCK_FOREVER. */
int64_t removed_sweep(struct removed *removed);

#endif
