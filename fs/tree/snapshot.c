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
	uint64_t serial; /* of this content */
	int64_t mtime_ns;
	bool stale, read_stale;
	size_t len;
	char data[];
};

/*
 * A slot for what has the same place; whoever comes last has it. Of its two halves one holds what
 * the kernel counts on, the other what it is being told.
 */
#define SLOTS      1024
#define SLOT_BYTES 4096
#define SLOT_HALF  ((SLOT_BYTES - 4 * sizeof(uint64_t)) / 2)

enum slot_state {
	SLOT_FIRST = 0, /* which half is told */
	SLOT_SECOND = 1,
	SLOT_TELLING = 2, /* the other half may be told as well */
};

struct snapshot_slot {
	uint64_t node; /* 0: nothing, or not yet all of it */
	uint64_t state; /* slot_state */
	uint64_t len[2]; /* above SLOT_HALF: the data is not here */
	char data[2][SLOT_HALF];
};

/* What the request that this thread serves is about to tell. A listing tells of many; what does not
 * fit here counts as not told until it is told again. */
#define TELLING_MAX 256

struct telling {
	uint64_t node, serial;
};

static __thread struct telling telling[TELLING_MAX];
static __thread size_t telling_count;

struct snapshots {
	struct snapshot_slot *slots; /* shared with the next worker; NULL: none */
	struct lock lock;
	struct snapshot_limits limits;
	size_t count, bytes;
	uint64_t serial; /* of the last content */
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

static void slot_store(uint64_t *place, uint64_t value)
{
	__atomic_store_n(place, value, __ATOMIC_SEQ_CST);
}

static void slot_clear(struct snapshots *snapshots, uint64_t node)
{
	struct snapshot_slot *slot = slot_of(snapshots, node);

	if (!slot || slot->node != node)
		return;
	slot_store(&slot->node, 0);
	explicit_bzero(slot->data, sizeof(slot->data));
}

/* The half to read by: while both may be told, the shorter, which is whole by either size; of two
 * equally long ones the newer. */
static unsigned slot_half(const struct snapshot_slot *slot)
{
	unsigned half = slot->state & SLOT_SECOND;

	if (slot->state & SLOT_TELLING && slot->len[!half] <= slot->len[half])
		half = !half;
	return half;
}

/* In this order: who dies in between leaves nothing that is half one and half another. */
static void slot_fill(struct snapshots *snapshots, const struct snapshot *snapshot)
{
	struct snapshot_slot *slot = slot_of(snapshots, snapshot->node);
	unsigned half = 0;

	if (!slot)
		return;
	if (slot->node == snapshot->node) {
		half = slot_half(slot);
		slot_store(&slot->state, half);
		half = !half;
	} else {
		slot_store(&slot->node, 0);
		slot_store(&slot->state, SLOT_FIRST);
	}
	slot->len[half] = snapshot->len;
	if (snapshot->len <= SLOT_HALF)
		memcpy(slot->data[half], snapshot->data, snapshot->len);
	if (slot->node == snapshot->node)
		slot_store(&slot->state, (half ? SLOT_FIRST : SLOT_SECOND) | SLOT_TELLING);
	else
		slot_store(&slot->node, snapshot->node);
}

static bool slot_is_unsettled(struct snapshots *snapshots, uint64_t node)
{
	const struct snapshot_slot *slot = slot_of(snapshots, node);

	return slot && slot->node == node && slot->state & SLOT_TELLING;
}

static void slot_told(struct snapshots *snapshots, uint64_t node)
{
	struct snapshot_slot *slot = slot_of(snapshots, node);

	if (slot && slot->node == node && slot->state & SLOT_TELLING)
		slot_store(&slot->state, slot->state & SLOT_SECOND ? SLOT_FIRST : SLOT_SECOND);
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

static void destroy(struct snapshots *snapshots, struct snapshot *snapshot, bool with_slot)
{
	struct snapshot **slot = bucket(snapshots, snapshot->node);

	while (*slot != snapshot)
		slot = &(*slot)->chain;
	*slot = snapshot->chain;
	if (with_slot)
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
		destroy(snapshots, snapshots->oldest, false);
	lock_done(&snapshots->lock);
	free(snapshots->buckets);
	free(snapshots);
}

uint64_t snapshot_ticket(struct snapshots *snapshots, uint64_t node)
{
	LOCKED(&snapshots->lock);
	return snapshots->tickets[mix(node) % TICKETS];
}

static struct snapshot *make(struct snapshots *snapshots, uint64_t node, const void *data,
	size_t len, int64_t mtime_ns)
{
	struct snapshot *snapshot;

	/* One that does not fit is never kept: then each read renders. */
	if (len > snapshots->limits.bytes / 4)
		return NULL;
	snapshot = malloc(sizeof(*snapshot) + len);
	if (!snapshot)
		return NULL;
	*snapshot = (struct snapshot){.node = node, .mtime_ns = mtime_ns, .len = len};
	if (len > 0)
		memcpy(snapshot->data, data, len);
	return snapshot;
}

static void insert(struct snapshots *snapshots, struct snapshot *snapshot)
{
	struct snapshot **slot = bucket(snapshots, snapshot->node);

	snapshot->chain = *slot;
	*slot = snapshot;
	list_newest(snapshots, snapshot);
	snapshots->count++;
	snapshots->bytes += snapshot->len;
	snapshot->serial = ++snapshots->serial;
	slot_fill(snapshots, snapshot);
	while (snapshots->count > snapshots->limits.count ||
		snapshots->bytes > snapshots->limits.bytes)
		destroy(snapshots, snapshots->oldest, true);
}

static bool is_same(const struct snapshot *snapshot, const void *data, size_t len)
{
	return snapshot->len == len && (len == 0 || memcmp(snapshot->data, data, len) == 0);
}

bool snapshot_put(struct snapshots *snapshots, uint64_t node, uint64_t ticket, const void *data,
	size_t len, int64_t mtime_ns)
{
	struct snapshot *snapshot, *old;
	bool was_read_stale, fresh;

	LOCKED(&snapshots->lock);
	fresh = snapshots->tickets[mix(node) % TICKETS] == ticket;
	old = find(snapshots, node);
	was_read_stale = old && old->read_stale;
	/* A worker that is dead may have told the kernel this time and shown what was before. */
	if (!old)
		mtime_ns += slot_is_unsettled(snapshots, node);
	if (old && is_same(old, data, len)) {
		/* Nothing new is told but the time. */
		old->mtime_ns = mtime_ns;
		old->stale = !fresh;
		old->read_stale = false;
		return was_read_stale;
	}
	snapshot = make(snapshots, node, data, len, mtime_ns);
	if (!snapshot) {
		if (old)
			destroy(snapshots, old, true);
		return was_read_stale;
	}
	if (old)
		destroy(snapshots, old, false);
	snapshot->stale = !fresh;
	insert(snapshots, snapshot);
	return was_read_stale;
}

void snapshot_telling(struct snapshots *snapshots, uint64_t node)
{
	const struct snapshot *snapshot;

	LOCKED(&snapshots->lock);
	snapshot = find(snapshots, node);
	if (snapshot && slot_is_unsettled(snapshots, node) && telling_count < TELLING_MAX)
		telling[telling_count++] = (struct telling){node, snapshot->serial};
}

void snapshots_told(struct snapshots *snapshots)
{
	const struct snapshot *snapshot;

	if (telling_count == 0)
		return;
	LOCKED(&snapshots->lock);
	while (telling_count > 0) {
		const struct telling *told = &telling[--telling_count];

		snapshot = find(snapshots, told->node);
		if (snapshot && snapshot->serial == told->serial)
			slot_told(snapshots, told->node);
	}
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
	unsigned half;

	LOCKED(&snapshots->lock);
	snapshot = find(snapshots, node);
	if (!snapshot) {
		/* Told by an earlier worker. */
		if (!slot || slot->node != node)
			return false;
		half = slot_half(slot);
		if (slot->len[half] > SLOT_HALF)
			return false;
		read_part(slot->data[half], slot->len[half], offset, len, out);
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
		destroy(snapshots, snapshot, true);
	slot_clear(snapshots, node);
}
