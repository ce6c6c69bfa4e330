/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot - the contents whose sizes the kernel was last told, so that what is read always fits
 *            the size that was promised.
 * Promises: bounded in number and bytes; the oldest go first, wiped. A stale content is still
 *           served to who reads with the old size, and rendered anew for who asks for the size.
 *           The next worker knows of which nodes the kernel was told, and takes that back before
 *           it serves: nothing is read by a size whose content died with a worker.
 * Threads: any.
 * Ownership: contents are copied in and out.
 */
#ifndef DUPLOFS_FS_TREE_SNAPSHOT_H
#define DUPLOFS_FS_TREE_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/error.h"

struct snapshots;

struct snapshot_limits {
	size_t count, bytes;
};

/* path: where it is kept for the next worker what the kernel was told of; NULL: nowhere. */
int snapshots_new(struct snapshots **ret, const struct snapshot_limits *limits, const char *path,
	struct error *reterr);
void snapshots_free(struct snapshots *snapshots);

/* Taken before a content is rendered and given back with it: tells whether it went stale
 * meanwhile. */
uint64_t snapshot_ticket(struct snapshots *snapshots, uint64_t node);

/* Keeps data as the content of node. True when an older one was read after it had gone stale: the
 * kernel may hold pages of it and must be told. */
bool snapshot_put(struct snapshots *snapshots, uint64_t node, uint64_t ticket, const void *data,
	size_t len, int64_t mtime_ns);

/* Size and time of a content that is not stale. */
bool snapshot_stat(struct snapshots *snapshots, uint64_t node, size_t *ret_len,
	int64_t *ret_mtime_ns);

/* The stamp of a content (see row.h), and whether it is still that. */
void snapshot_set_stamp(struct snapshots *snapshots, uint64_t node, uint64_t stamp);
bool snapshot_has_stamp(struct snapshots *snapshots, uint64_t node, uint64_t stamp);
/* Somebody opens it: whether somebody has before, so that the kernel's pages are of it. */
bool snapshot_show(struct snapshots *snapshots, uint64_t node);

/* All attributes of a node whose content is not stale, without a look into the store. epoch: taken
 * before what st says was read; owners that changed since make it worthless. */
uint64_t snapshot_epoch(struct snapshots *snapshots);
void snapshot_keep_attr(struct snapshots *snapshots, uint64_t node, uint64_t epoch,
	const struct stat *st);
bool snapshot_attr(struct snapshots *snapshots, uint64_t node, struct stat *ret);

/* Some object has another owner or mode. */
void snapshots_new_owner(struct snapshots *snapshots);

/* Appends up to len bytes from offset of the content, stale or not. False: there is none. */
bool snapshot_read(struct snapshots *snapshots, uint64_t node, size_t offset, size_t len,
	struct buf *out);

/* The kernel is about to be told of the node's size. */
void snapshot_told(struct snapshots *snapshots, uint64_t node);

/* Calls fn for each node of which earlier workers have told the kernel. */
void snapshots_inherited(struct snapshots *snapshots, void (*fn)(void *arg, uint64_t node),
	void *arg);

/* The kernel counts on none of that any more. */
void snapshots_renewed(struct snapshots *snapshots);

void snapshot_stale(struct snapshots *snapshots, uint64_t node);
void snapshot_drop(struct snapshots *snapshots, uint64_t node);

#endif
