/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/tree/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "fs/tree/shared.h"

#define TICKETS 1024 /* counters of staleness; nodes that share one only render more often */

struct snapshot {
	uint64_t node;
	struct snapshot *chain; /* same bucket */
	struct snapshot *newer, *older; /* by last use */
	int64_t mtime_ns;
	bool stale, read_stale;
	size_t len;
	char data[];
};

/* A slot for what has the same place; whoever comes last has it. */
#define SLOTS      2048
#define SLOT_BYTES 2048

struct snapshot_slot {
	uint64_t node; /* 0: nothing, or not yet all of it */
	uint64_t len;
	char data[SLOT_BYTES - 2 * sizeof(uint64_t)];
};

struct snapshots {
	struct snapshot_slot *slots; /* shared with the next worker; NULL: none */
	struct lock lock;
	struct snapshot_limits limits;
	size_t count, bytes;
	struct snapshot *newest, *oldest;
	uint64_t tickets[TICKETS];
	size_t bucket_mask;
	struct snapshot **buckets;
};

int snapshots_new(struct snapshots **ret, const struct snapshot_limits *limits, const char *path,
	struct error *reterr)
{
	struct snapshots *snapshots = calloc(1, sizeof(*snapshots));
	void *slots = NULL;
	size_t buckets = 1;
	int r = 0;

	if (!snapshots)
		return error_oom(reterr);
	if (path)
		r = shared_map(path, SLOTS * sizeof(struct snapshot_slot), &slots, reterr);
	if (r < 0) {
		free(snapshots);
		return r;
	}
	snapshots->slots = slots;
	while (buckets < limits->count)
		buckets *= 2;
	snapshots->buckets = calloc(buckets, sizeof(struct snapshot *));
	if (!snapshots->buckets) {
		shared_unmap(slots, SLOTS * sizeof(struct snapshot_slot));
		free(snapshots);
		return error_oom(reterr);
	}
	snapshots->bucket_mask = buckets - 1;
	snapshots->limits = *limits;
	lock_init(&snapshots->lock, LOCK_SNAPSHOT);
	*ret = snapshots;
	return 0;
}

static size_t mix(uint64_t node)
{
	node ^= node >> 33;
	node *= UINT64_C(0xff51afd7ed558ccd);
	node ^= node >> 33;
	return (size_t)node;
}

static struct snapshot **bucket(struct snapshots *snapshots, uint64_t node)
{
	return &snapshots->buckets[mix(node) & snapshots->bucket_mask];
}

static struct snapshot *find(struct snapshots *snapshots, uint64_t node)
{
	struct snapshot *at = *bucket(snapshots, node);

	while (at && at->node != node)
		at = at->chain;
	return at;
}

/* ---- what the next worker finds ---- */

static struct snapshot_slot *slot_of(struct snapshots *snapshots, uint64_t node)
{
	return snapshots->slots ? &snapshots->slots[mix(node) % SLOTS] : NULL;
}

static void slot_clear(struct snapshots *snapshots, uint64_t node)
{
	struct snapshot_slot *slot = slot_of(snapshots, node);

	if (!slot || __atomic_load_n(&slot->node, __ATOMIC_RELAXED) != node)
		return;
	__atomic_store_n(&slot->node, 0, __ATOMIC_RELEASE);
	explicit_bzero(slot->data, sizeof(slot->data));
}

static void slot_fill(struct snapshots *snapshots, const struct snapshot *snapshot)
{
	struct snapshot_slot *slot = slot_of(snapshots, snapshot->node);

	if (!slot)
		return;
	/* In this order: a half one has no owner. */
	__atomic_store_n(&slot->node, 0, __ATOMIC_SEQ_CST);
	if (snapshot->len > sizeof(slot->data))
		return;
	slot->len = snapshot->len;
	memcpy(slot->data, snapshot->data, snapshot->len);
	__atomic_store_n(&slot->node, snapshot->node, __ATOMIC_SEQ_CST);
}

void snapshots_inherited(struct snapshots *snapshots, void (*fn)(void *arg, uint64_t node),
	void *arg)
{
	size_t i;

	for (i = 0; snapshots->slots && i < SLOTS; i++)
		if (snapshots->slots[i].node)
			fn(arg, snapshots->slots[i].node);
}

/* ---- the list ---- */

static void unlist(struct snapshots *snapshots, struct snapshot *snapshot)
{
	*(snapshot->newer ? &snapshot->newer->older : &snapshots->newest) = snapshot->older;
	*(snapshot->older ? &snapshot->older->newer : &snapshots->oldest) = snapshot->newer;
}

static void list_newest(struct snapshots *snapshots, struct snapshot *snapshot)
{
	snapshot->newer = NULL;
	snapshot->older = snapshots->newest;
	*(snapshots->newest ? &snapshots->newest->newer : &snapshots->oldest) = snapshot;
	snapshots->newest = snapshot;
}

static void destroy(struct snapshots *snapshots, struct snapshot *snapshot)
{
	struct snapshot **slot = bucket(snapshots, snapshot->node);

	while (*slot != snapshot)
		slot = &(*slot)->chain;
	*slot = snapshot->chain;
	slot_clear(snapshots, snapshot->node);
	unlist(snapshots, snapshot);
	snapshots->count--;
	snapshots->bytes -= snapshot->len;
	explicit_bzero(snapshot->data, snapshot->len);
	free(snapshot);
}

void snapshots_free(struct snapshots *snapshots)
{
	if (!snapshots)
		return;
	/* The next worker wants them. */
	shared_unmap(TAKE(snapshots->slots), SLOTS * sizeof(struct snapshot_slot));
	while (snapshots->oldest)
		destroy(snapshots, snapshots->oldest);
	lock_done(&snapshots->lock);
	free(snapshots->buckets);
	free(snapshots);
}

uint64_t snapshot_ticket(struct snapshots *snapshots, uint64_t node)
{
	LOCKED(&snapshots->lock);
	return snapshots->tickets[mix(node) % TICKETS];
}

static void insert(struct snapshots *snapshots, struct snapshot *snapshot)
{
	struct snapshot **slot = bucket(snapshots, snapshot->node);

	snapshot->chain = *slot;
	*slot = snapshot;
	list_newest(snapshots, snapshot);
	snapshots->count++;
	snapshots->bytes += snapshot->len;
	slot_fill(snapshots, snapshot);
	while (snapshots->count > snapshots->limits.count ||
		snapshots->bytes > snapshots->limits.bytes)
		destroy(snapshots, snapshots->oldest);
}

bool snapshot_put(struct snapshots *snapshots, uint64_t node, uint64_t ticket, const void *data,
	size_t len, int64_t mtime_ns)
{
	struct snapshot *snapshot = NULL, *old;
	bool was_read_stale = false;

	/* One that does not fit is never kept: then each read renders. */
	if (len <= snapshots->limits.bytes / 4)
		snapshot = malloc(sizeof(*snapshot) + len);
	if (snapshot) {
		*snapshot = (struct snapshot){.node = node, .mtime_ns = mtime_ns, .len = len};
		if (len > 0)
			memcpy(snapshot->data, data, len);
	}
	LOCKED(&snapshots->lock);
	old = find(snapshots, node);
	if (old) {
		was_read_stale = old->read_stale;
		destroy(snapshots, old);
	}
	if (snapshot) {
		snapshot->stale = snapshots->tickets[mix(node) % TICKETS] != ticket;
		insert(snapshots, snapshot);
	}
	return was_read_stale;
}

bool snapshot_stat(struct snapshots *snapshots, uint64_t node, size_t *ret_len,
	int64_t *ret_mtime_ns)
{
	struct snapshot *snapshot;

	LOCKED(&snapshots->lock);
	snapshot = find(snapshots, node);
	if (!snapshot || snapshot->stale)
		return false;
	unlist(snapshots, snapshot);
	list_newest(snapshots, snapshot);
	*ret_len = snapshot->len;
	*ret_mtime_ns = snapshot->mtime_ns;
	return true;
}

static void read_part(const char *data, size_t size, size_t offset, size_t len, struct buf *out)
{
	if (offset < size)
		buf_add(out, data + offset, len < size - offset ? len : size - offset);
}

bool snapshot_read(struct snapshots *snapshots, uint64_t node, size_t offset, size_t len,
	struct buf *out)
{
	struct snapshot_slot *slot = slot_of(snapshots, node);
	struct snapshot *snapshot;

	LOCKED(&snapshots->lock);
	snapshot = find(snapshots, node);
	if (!snapshot) {
		/* Told by an earlier worker. */
		if (!slot || slot->node != node || slot->len > sizeof(slot->data))
			return false;
		read_part(slot->data, slot->len, offset, len, out);
		return true;
	}
	if (snapshot->stale)
		snapshot->read_stale = true;
	unlist(snapshots, snapshot);
	list_newest(snapshots, snapshot);
	read_part(snapshot->data, snapshot->len, offset, len, out);
	return true;
}

void snapshot_stale(struct snapshots *snapshots, uint64_t node)
{
	struct snapshot *snapshot;

	LOCKED(&snapshots->lock);
	snapshots->tickets[mix(node) % TICKETS]++;
	snapshot = find(snapshots, node);
	if (snapshot)
		snapshot->stale = true;
}

void snapshot_drop(struct snapshots *snapshots, uint64_t node)
{
	struct snapshot *snapshot;

	LOCKED(&snapshots->lock);
	snapshots->tickets[mix(node) % TICKETS]++;
	snapshot = find(snapshots, node);
	if (snapshot)
		destroy(snapshots, snapshot);
	slot_clear(snapshots, node);
}
