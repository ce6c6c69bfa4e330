/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tests/unit/puppet_world.h"

struct puppet *puppet_new(void)
{
	struct puppet *puppet = calloc(1, sizeof(*puppet));

	if (!puppet)
		return NULL;
	lock_init(&puppet->lock, LOCK_LEAF);
	cond_init(&puppet->released);
	puppet->up = true;
	puppet->seed = 1;
	puppet->fewest = MANY;
	return puppet;
}

void puppet_free(struct puppet *puppet)
{
	cond_done(&puppet->released);
	lock_done(&puppet->lock);
	free(puppet);
}

void puppet_break_image(struct puppet *puppet, const char *part)
{
	LOCKED(&puppet->lock);
	(void)text_copy(puppet->broken, sizeof(puppet->broken), part);
}

void puppet_crash_image(struct puppet *puppet, const char *part)
{
	LOCKED(&puppet->lock);
	(void)text_copy(puppet->crashing, sizeof(puppet->crashing), part);
}

void puppet_fail_calls(struct puppet *puppet, int per_mille)
{
	LOCKED(&puppet->lock);
	puppet->per_mille = per_mille;
}

void puppet_hold_starts(struct puppet *puppet, bool hold)
{
	LOCKED(&puppet->lock);
	puppet->hold = hold;
	cond_broadcast(&puppet->released);
}

int puppet_held(struct puppet *puppet)
{
	LOCKED(&puppet->lock);
	return puppet->held;
}

void puppet_take_port(struct puppet *puppet, int port)
{
	LOCKED(&puppet->lock);
	puppet->taken_port = port;
}

void puppet_set_up(struct puppet *puppet, bool up)
{
	lock_acquire(&puppet->lock);
	puppet->up = up;
	lock_release(&puppet->lock);
	puppet_tell(puppet, up ? ENGINE_UP : ENGINE_DOWN, NULL);
}

bool puppet_kill(struct puppet *puppet, const char *part, int exit_code)
{
	struct box *killed = NULL;

	lock_acquire(&puppet->lock);
	for (size_t i = 0; i < MANY && !killed; i++) {
		struct box *box = &puppet->boxes[i];

		if (!box->used || box->state.phase != CONTAINER_RUNNING ||
			!strstr(box->state.name, part))
			continue;
		box->state.phase = CONTAINER_EXITED;
		box->state.exit_code = exit_code;
		killed = box;
	}
	lock_release(&puppet->lock);
	if (killed)
		puppet_tell(puppet, ENGINE_CONTAINER_DIED, killed);
	return killed;
}

int puppet_containers(struct puppet *puppet, const char *part, bool running_only)
{
	int count = 0;

	LOCKED(&puppet->lock);
	for (size_t i = 0; i < MANY; i++) {
		const struct box *box = &puppet->boxes[i];

		count += box->used && strstr(box->state.name, part) &&
			 (!running_only || box->state.phase == CONTAINER_RUNNING);
	}
	return count;
}

int puppet_networks(struct puppet *puppet)
{
	int count = 0;

	LOCKED(&puppet->lock);
	for (size_t i = 0; i < MANY; i++)
		count += puppet->networks[i][0] != '\0';
	return count;
}

int puppet_balancers(struct puppet *puppet)
{
	int count = 0;

	LOCKED(&puppet->lock);
	for (size_t i = 0; i < MANY; i++)
		count += puppet->balancers[i].service != 0;
	return count;
}

int puppet_names(struct puppet *puppet)
{
	int count = 0;

	LOCKED(&puppet->lock);
	for (size_t i = 0; i < MANY; i++)
		count += puppet->names[i][0] != '\0';
	return count;
}

int puppet_targets(struct puppet *puppet, enum target_state state)
{
	int count = 0;

	LOCKED(&puppet->lock);
	for (size_t i = 0; i < MANY; i++) {
		if (puppet->balancers[i].service)
			count += state == TARGET_READY ? puppet->balancers[i].ready
						       : puppet->balancers[i].drain;
	}
	return count;
}

int puppet_fewest_ready(struct puppet *puppet)
{
	int fewest;

	LOCKED(&puppet->lock);
	fewest = puppet->fewest;
	puppet->fewest = MANY;
	return fewest;
}

int puppet_creates(struct puppet *puppet)
{
	LOCKED(&puppet->lock);
	return puppet->created;
}

int puppet_signals(struct puppet *puppet, char *name, size_t size)
{
	LOCKED(&puppet->lock);
	(void)text_copy(name, size, puppet->signal);
	return puppet->signals;
}
