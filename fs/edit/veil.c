/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/edit/veil.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/lock.h"
#include "fs/ops/op.h"
#include "fs/tree/shared.h"

#define VEILS_MAX 256
#define VEIL_NS   (5 * NS_PER_SECOND)

struct veil_entry {
	uint64_t node; /* 0: free */
	pid_t process; /* negative: shown to that one */
	int64_t until_ns;
};

struct veils {
	atomic_int count; /* entries in use: 0 spares the lock */
	struct lock lock;
	struct veil_entry *entries; /* VEILS_MAX, shared with the next worker */
};

int veils_new(struct veils **ret, const char *path, struct error *reterr)
{
	struct veils *veils = calloc(1, sizeof(*veils));
	void *entries;
	int i, r;

	if (!veils)
		return error_oom(reterr);
	r = shared_map(path, VEILS_MAX * sizeof(*veils->entries), &entries, reterr);
	if (r < 0) {
		free(veils);
		return r;
	}
	veils->entries = entries;
	for (i = 0; i < VEILS_MAX; i++)
		if (veils->entries[i].node)
			atomic_fetch_add(&veils->count, 1);
	lock_init(&veils->lock, LOCK_LEAF);
	*ret = veils;
	return 0;
}

void veils_free(struct veils *veils)
{
	if (!veils)
		return;
	lock_done(&veils->lock);
	shared_unmap(veils->entries, VEILS_MAX * sizeof(*veils->entries));
	free(veils);
}

static void forget(struct veils *veils, struct veil_entry *entry)
{
	entry->node = 0;
	atomic_fetch_sub(&veils->count, 1);
}

void veil_draw(struct veils *veils, uint64_t node, pid_t process)
{
	struct veil_entry *entry, *oldest = veils->entries;
	int64_t now_ns = clock_now_ns();

	LOCKED(&veils->lock);
	for (entry = veils->entries; entry < veils->entries + VEILS_MAX; entry++) {
		if (entry->node && (entry->until_ns < now_ns || entry->node == node))
			forget(veils, entry);
		if (oldest->node && (!entry->node || entry->until_ns < oldest->until_ns))
			oldest = entry;
	}
	if (oldest->node)
		forget(veils, oldest);
	*oldest = (struct veil_entry){node, process, now_ns + VEIL_NS};
	atomic_fetch_add(&veils->count, 1);
}

void veil_show(struct veils *veils, uint64_t node, pid_t process)
{
	veil_draw(veils, node, -process);
}

static struct veil_entry find(struct veils *veils, uint64_t node)
{
	struct veil_entry *entry;
	int64_t now_ns = clock_now_ns();

	LOCKED(&veils->lock);
	for (entry = veils->entries; entry < veils->entries + VEILS_MAX; entry++) {
		if (entry->node != node)
			continue;
		if (entry->until_ns >= now_ns) {
			entry->until_ns = now_ns + VEIL_NS;
			return *entry;
		}
		forget(veils, entry);
	}
	return (struct veil_entry){0};
}

enum veil veil_look(struct veils *veils, uint64_t node, pid_t thread)
{
	struct veil_entry entry;

	if (node == 0 || atomic_load_explicit(&veils->count, memory_order_relaxed) == 0)
		return VEIL_NONE;
	entry = find(veils, node);
	if (!entry.node)
		return VEIL_NONE;
	if (entry.process < 0)
		return VEIL_SHOWN;
	return entry.process == thread || entry.process == op_process(thread) ? VEIL_MINE
									      : VEIL_OTHERS;
}

void veil_lift(struct veils *veils, uint64_t node)
{
	struct veil_entry *entry;

	if (atomic_load_explicit(&veils->count, memory_order_relaxed) == 0)
		return;
	LOCKED(&veils->lock);
	for (entry = veils->entries; entry < veils->entries + VEILS_MAX; entry++)
		if (entry->node == node)
			forget(veils, entry);
}
