/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/edit/cut.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/lock.h"
#include "fs/tree/shared.h"

#define CUTS_MAX 64 /* the oldest make room */
#define CUT_NS   (10 * NS_PER_SECOND)

struct cut {
	uint64_t node;
	uid_t uid;
	int64_t until_ns;
};

struct cuts {
	atomic_bool any; /* false spares the lock */
	struct lock lock;
	struct cut *all; /* CUTS_MAX, shared with the next worker */
};

int cuts_new(struct cuts **ret, const char *path, struct error *reterr)
{
	struct cuts *cuts = calloc(1, sizeof(*cuts));
	void *all;
	int r;

	if (!cuts)
		return error_oom(reterr);
	r = shared_map(path, CUTS_MAX * sizeof(*cuts->all), &all, reterr);
	if (r < 0) {
		free(cuts);
		return r;
	}
	cuts->all = all;
	atomic_store(&cuts->any, true);
	lock_init(&cuts->lock, LOCK_LEAF);
	*ret = cuts;
	return 0;
}

void cuts_free(struct cuts *cuts)
{
	if (!cuts)
		return;
	lock_done(&cuts->lock);
	shared_unmap(cuts->all, CUTS_MAX * sizeof(*cuts->all));
	free(cuts);
}

void cut_make(struct cuts *cuts, uint64_t node, uid_t uid)
{
	struct cut *cut, *place = cuts->all;

	LOCKED(&cuts->lock);
	for (cut = cuts->all; cut < cuts->all + CUTS_MAX; cut++) {
		if (cut->node == node) {
			place = cut;
			break;
		}
		if (cut->until_ns < place->until_ns)
			place = cut;
	}
	*place = (struct cut){node, uid, clock_now_ns() + CUT_NS};
	atomic_store(&cuts->any, true);
}

bool cut_take(struct cuts *cuts, uint64_t node, uid_t uid)
{
	int64_t now_ns = clock_now_ns();
	bool any = false, found = false;
	struct cut *cut;

	if (!atomic_load_explicit(&cuts->any, memory_order_relaxed))
		return false;
	LOCKED(&cuts->lock);
	for (cut = cuts->all; cut < cuts->all + CUTS_MAX; cut++) {
		/* Whoever writes first ends it. */
		if (cut->node == node) {
			found = cut->uid == uid && cut->until_ns >= now_ns;
			*cut = (struct cut){0};
		}
		any |= cut->until_ns >= now_ns;
	}
	atomic_store(&cuts->any, any);
	return found;
}
