/* SPDX-License-Identifier: Apache-2.0 */
#include "base/turn.h"

void turn_init(struct turn *turn)
{
	lock_init(&turn->lock, LOCK_LEAF);
	cond_init(&turn->given);
	turn->taken = false;
	turn->count = 0;
}

void turn_done(struct turn *turn)
{
	cond_done(&turn->given);
	lock_done(&turn->lock);
}

bool turn_take(struct turn *turn)
{
	unsigned long long before;
	bool mine;

	LOCKED(&turn->lock);
	mine = !turn->taken;
	before = turn->count;
	turn->taken = true;
	while (!mine && turn->count == before)
		cond_wait(&turn->given, &turn->lock);
	return mine;
}

void turn_give(struct turn *turn)
{
	LOCKED(&turn->lock);
	turn->taken = false;
	turn->count++;
	cond_broadcast(&turn->given);
}
