/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cut - files that somebody has just emptied: nothing changes by that alone, but who writes next
 *       begins with nothing (`truncate -s 0 f; cat >>f`).
 * Promises: only for the same user, once, and for some seconds; the next worker knows it too.
 * Threads: any.
 * Ownership: values only.
 */
#ifndef DUPLOFS_FS_EDIT_CUT_H
#define DUPLOFS_FS_EDIT_CUT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct cuts;

/* path: where they are kept for the next worker. */
int cuts_new(struct cuts **ret, const char *path, struct error *reterr);
void cuts_free(struct cuts *cuts);

void cut_make(struct cuts *cuts, uint64_t node, uid_t uid);

/* Whether uid has cut node; it is forgotten in any case. */
bool cut_take(struct cuts *cuts, uint64_t node, uid_t uid);

#endif
