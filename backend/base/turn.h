/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn - one at a time asks for what many want to know; the others wait for his answer.
 * Promises: no lock is held while somebody asks. Who has waited once asks in any case, so that no
 *           failure keeps a line of others waiting.
 * Threads: any; turn_take waits for as long as another's question takes.
 * Ownership: a turn lives beside the answer that it is about.
 *
 *	mine = turn_take(&turn);
 *	if (mine || !look_again())
 *		ask();
 *	if (mine)
 *		turn_give(&turn);
 */
#ifndef DUPLOFS_BASE_TURN_H
#define DUPLOFS_BASE_TURN_H

#include <stdbool.h>

#include "base/lock.h"

struct turn {
	struct lock lock; /* LOCK_LEAF */
	struct cond given;
	bool taken;
	unsigned long long count; /* how often it was given back */
};

void turn_init(struct turn *turn);
void turn_done(struct turn *turn);

/* True: it is the caller's until turn_give. False: another had it, and has given it back. */
bool turn_take(struct turn *turn);
void turn_give(struct turn *turn);

#endif
