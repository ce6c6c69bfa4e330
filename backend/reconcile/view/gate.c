/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/view/gate.h"

#include <stdlib.h>

#include "base/idmap.h"
#include "base/lock.h"

struct gate {
	struct lock lock;
	struct cond changed;
	struct idmap keys; /* to &doing, or to the mark of the epoch in which it was done */
	uintptr_t epoch; /* grows when all is forgotten */
};

static int64_t doing;

/* Odd, so never the address of doing. */
static void *gate_mark(const struct gate *gate)
{
	return (void *)(gate->epoch * 2 + 1);
}

int gate_new(struct gate **ret, struct error *reterr)
{
	struct gate *gate = calloc(1, sizeof(*gate));

	if (!gate)
		return error_oom(reterr);
	lock_init(&gate->lock, LOCK_LEAF);
	cond_init(&gate->changed);
	*ret = gate;
	return 0;
}

void gate_free(struct gate *gate)
{
	if (!gate)
		return;
	idmap_done(&gate->keys);
	cond_done(&gate->changed);
	lock_done(&gate->lock);
	free(gate);
}

int gate_pass(struct gate *gate, int64_t key, gate_fn fn, void *arg, struct error *reterr)
{
	void *mark;
	int r;

	lock_acquire(&gate->lock);
	while (idmap_get(&gate->keys, key) == &doing)
		cond_wait(&gate->changed, &gate->lock);
	mark = gate_mark(gate);
	if (idmap_get(&gate->keys, key) == mark) {
		lock_release(&gate->lock);
		return 0;
	}
	r = idmap_put(&gate->keys, key, &doing);
	lock_release(&gate->lock);
	if (r < 0)
		return error_oom(reterr);

	r = fn(arg, reterr);

	lock_acquire(&gate->lock);
	if (r < 0)
		(void)idmap_remove(&gate->keys, key);
	else
		(void)idmap_put(&gate->keys, key,
			mark); /* takes a slot that is there: no failure */
	cond_broadcast(&gate->changed);
	lock_release(&gate->lock);
	return r;
}

void gate_forget(struct gate *gate, int64_t key)
{
	LOCKED(&gate->lock);
	if (idmap_get(&gate->keys, key) != &doing)
		(void)idmap_remove(&gate->keys, key);
}

void gate_forget_all(struct gate *gate)
{
	LOCKED(&gate->lock);
	gate->epoch++;
}
