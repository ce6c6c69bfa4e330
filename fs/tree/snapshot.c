/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/tree/snapshot.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/lock.h"
#include "fs/tree/shared.h"

#define TICKETS 1024 /* counters of staleness; nodes that share one only render more often */

struct snapshot {
	uint64_t node;
	struct snapshot *chain; /* same bucket */
	struct snapshot *newer, *older; /* by last use */
	int64_t mtime_ns;
	bool stale, read_stale;
	bool stamped, shown;
	uint64_t stamp;
	uint64_t epoch; /* of attr; 0: none */
	struct stat attr;
	size_t len;
	char data[];
};

/* Nodes of which the kernel was told, in memory that the next worker finds. Of those that share a
 * place the last ones are known. */
#define TOLD_PLACES 4096
#define TOLD_SHARED 4

struct told {
	_Atomic uint64_t nodes[TOLD_PLACES][TOLD_SHARED]; /* 0: free */
};

struct snapshots {
	struct told *told; /* shared with the next worker; NULL: none */
	struct lock lock;
	struct snapshot_limits limits;
	size_t count, bytes;
	struct snapshot *newest, *oldest;
	uint64_t tickets[TICKETS];
	uint64_t epoch; /* grows when somebody has a new owner */
	size_t bucket_mask;
	struct snapshot **buckets;
};

int snapshots_new(struct snapshots **ret, const struct snapshot_limits *limits, const char *path,
	struct error *reterr)
{
	struct snapshots *snapshots = calloc(1, sizeof(*snapshots));
	void *told = NULL;
	size_t buckets = 1;
	int r = 0;

	if (!snapshots)
		return error_oom(reterr);
	if (path)
		r = shared_map(path, sizeof(struct told), &told, reterr);
	if (r < 0) {
		free(snapshots);
		return r;
	}
	snapshots->told = told;
	snapshots->epoch = 1;
	while (buckets < limits->count)
		buckets *= 2;
	snapshots->buckets = calloc(buckets, sizeof(struct snapshot *));
	if (!snapshots->buckets) {
		shared_unmap(told, sizeof(struct told));
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

void snapshot_told(struct snapshots *snapshots, uint64_t node)
{
	_Atomic uint64_t *place;

	if (!snapshots->told)
		return;
	place = snapshots->told->nodes[mix(node) % TOLD_PLACES];
	for (size_t i = 0; i < TOLD_SHARED; i++) {
		uint64_t there = 0;

		if (atomic_load_explicit(&place[i], memory_order_relaxed) == node ||
			atomic_compare_exchange_strong(&place[i], &there, node))
			return;
	}
	atomic_store(&place[mix(node) / TOLD_PLACES % TOLD_SHARED], node);
}

static uint64_t *told_first(struct snapshots *snapshots)
{
	return (uint64_t *)snapshots->told;
}

void snapshots_inherited(struct snapshots *snapshots, void (*fn)(void *arg, uint64_t node),
	void *arg)
{
	for (size_t i = 0; snapshots->told && i < TOLD_PLACES * TOLD_SHARED; i++)
		if (told_first(snapshots)[i])
			fn(arg, told_first(snapshots)[i]);
}

void snapshots_renewed(struct snapshots *snapshots)
{
	if (snapshots->told)
		memset(snapshots->told, 0, sizeof(*snapshots->told));
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
	shared_unmap(TAKE(snapshots->told), sizeof(struct told));
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

void snapshot_set_stamp(struct snapshots *snapshots, uint64_t node, uint64_t stamp)
{
	struct snapshot *snapshot;

	LOCKED(&snapshots->lock);
	snapshot = find(snapshots, node);
	if (!snapshot)
		return;
	snapshot->stamped = true;
	snapshot->stamp = stamp;
}

bool snapshot_has_stamp(struct snapshots *snapshots, uint64_t node, uint64_t stamp)
{
	const struct snapshot *snapshot;

	LOCKED(&snapshots->lock);
	snapshot = find(snapshots, node);
	return snapshot && snapshot->stamped && snapshot->stamp == stamp;
}

bool snapshot_show(struct snapshots *snapshots, uint64_t node)
{
	struct snapshot *snapshot;
	bool before;

	LOCKED(&snapshots->lock);
	snapshot = find(snapshots, node);
	before = snapshot && snapshot->shown;
	if (snapshot)
		snapshot->shown = true;
	return before;
}

uint64_t snapshot_epoch(struct snapshots *snapshots)
{
	LOCKED(&snapshots->lock);
	return snapshots->epoch;
}

void snapshot_keep_attr(struct snapshots *snapshots, uint64_t node, uint64_t epoch,
	const struct stat *st)
{
	struct snapshot *snapshot;

	LOCKED(&snapshots->lock);
	snapshot = find(snapshots, node);
	/* Another size or time is that of an older or a newer content. */
	if (!snapshot || snapshot->stale || (size_t)st->st_size != snapshot->len ||
		clock_of_timespec(&st->st_mtim) != snapshot->mtime_ns)
		return;
	snapshot->attr = *st;
	snapshot->epoch = epoch;
}

bool snapshot_attr(struct snapshots *snapshots, uint64_t node, struct stat *ret)
{
	struct snapshot *snapshot;

	LOCKED(&snapshots->lock);
	snapshot = find(snapshots, node);
	if (!snapshot || snapshot->stale || snapshot->epoch != snapshots->epoch)
		return false;
	unlist(snapshots, snapshot);
	list_newest(snapshots, snapshot);
	*ret = snapshot->attr;
	return true;
}

void snapshots_new_owner(struct snapshots *snapshots)
{
	LOCKED(&snapshots->lock);
	snapshots->epoch++;
}

static void read_part(const char *data, size_t size, size_t offset, size_t len, struct buf *out)
{
	if (offset < size)
		buf_add(out, data + offset, len < size - offset ? len : size - offset);
}

bool snapshot_read(struct snapshots *snapshots, uint64_t node, size_t offset, size_t len,
	struct buf *out)
{
	struct snapshot *snapshot;

	LOCKED(&snapshots->lock);
	snapshot = find(snapshots, node);
	if (!snapshot)
		return false;
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
}
