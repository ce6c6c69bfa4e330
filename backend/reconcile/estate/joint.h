/* SPDX-License-Identifier: Apache-2.0 */
/*
 * joint - something that many ask for at a time and that one can do for all of them: it is done
 *         after each asks, and as seldom as that allows.
 * Promises: no lock is held while it is being done; of one key it is done by one at a time.
 * Threads: any; joint_do may wait for another thread's fn, twice at most.
 * Ownership: keys are numbers; fn's argument is borrowed for the call. Nothing is kept of a key
 *            that nobody asks about.
 */
#ifndef DUPLOFS_RECONCILE_ESTATE_JOINT_H
#define DUPLOFS_RECONCILE_ESTATE_JOINT_H

#include <stdint.h>

#include "base/error.h"

struct joint;

typedef int (*joint_fn)(void *arg, struct error *reterr);

int joint_new(struct joint **ret, struct error *reterr);
void joint_free(struct joint *joint);

/* What came of fn, this caller's or another's for the same key, that began after this call did. */
int joint_do(struct joint *joint, int64_t key, joint_fn fn, void *arg, struct error *reterr);

#endif
