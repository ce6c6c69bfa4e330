/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/estate/joint.h"

#include <stdlib.h>

#include "base/idmap.h"
#include "base/lock.h"

struct joint {
	struct lock lock;
	struct cond changed;
	struct idmap runs; /* by key: those that somebody asks about */
};

struct run {
	int64_t key;
	int callers;
	bool running;
	unsigned long long asked,
		served; /* so many callers; what they asked is done up to served */
	int result; /* of the last that was done */
	struct error error;
};

int joint_new(struct joint **ret, struct error *reterr)
{
	struct joint *joint = calloc(1, sizeof(*joint));

	if (!joint)
		return error_oom(reterr);
	lock_init(&joint->lock, LOCK_LEAF);
	cond_init(&joint->changed);
	*ret = joint;
	return 0;
}

void joint_free(struct joint *joint)
{
	if (!joint)
		return;
	idmap_done(&joint->runs);
	cond_done(&joint->changed);
	lock_done(&joint->lock);
	free(joint);
}

/* NULL: no memory. */
static struct run *run_of(struct joint *joint, int64_t key)
{
	struct run *run = idmap_get(&joint->runs, key);

	if (run)
		return run;
	run = calloc(1, sizeof(*run));
	if (run && idmap_put(&joint->runs, key, run) < 0) {
		free(run);
		return NULL;
	}
	if (run)
		run->key = key;
	return run;
}

static void leave(struct joint *joint, struct run *run)
{
	if (--run->callers > 0)
		return;
	(void)idmap_remove(&joint->runs, run->key);
	free(run);
}

/* For all who have asked by now. */
static void do_it(struct joint *joint, struct run *run, joint_fn fn, void *arg)
{
	unsigned long long asked = run->asked;
	struct error error = ERROR_INIT;
	int result;

	run->running = true;
	lock_release(&joint->lock);
	result = fn(arg, &error);
	lock_acquire(&joint->lock);
	run->running = false;
	run->served = asked;
	run->result = result;
	run->error = error;
	cond_broadcast(&joint->changed);
}

int joint_do(struct joint *joint, int64_t key, joint_fn fn, void *arg, struct error *reterr)
{
	unsigned long long number;
	struct run *run;
	int result;

	LOCKED(&joint->lock);
	run = run_of(joint, key);
	if (!run)
		return error_oom(reterr);
	run->callers++;
	number = ++run->asked;
	while (run->running && run->served < number)
		cond_wait(&joint->changed, &joint->lock);
	if (run->served < number)
		do_it(joint, run, fn, arg);
	result = run->result;
	if (result < 0 && reterr)
		*reterr = run->error;
	leave(joint, run);
	return result;
}
