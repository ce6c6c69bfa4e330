/* SPDX-License-Identifier: Apache-2.0 */
/*
 * context - what all operations share, and the node that one of them is about.
 * Promises: a ref holds a consistent copy of its object; nothing in it follows later changes.
 * Threads: struct fs is constant after fs_attach, its parts have locks of their own; a ref belongs
 *          to one thread.
 * Ownership: ref_done frees the object's texts.
 */
#ifndef DUPLOFS_FS_TREE_CONTEXT_H
#define DUPLOFS_FS_TREE_CONTEXT_H

#include <stdint.h>
#include <sys/stat.h>

#include "fs/fs.h"
#include "fs/tree/node.h"
#include "fs/tree/row.h"
#include "fs/tree/rows.h"

struct announcer;
struct cuts;
struct edits;
struct notifier;
struct polls;
struct removed;
struct scratch;
struct snapshots;
struct sweeper;
struct veils;
struct waiters;

struct fs {
	struct store *store;
	char *runtime_dir;
	char *state_dir;
	char *logs_dir;
	char *inquiry_dir;
	uint64_t mount_hash; /* tells requests of this mount from those of others */
	char *cloud;
	int64_t started_ns; /* wall clock */
	struct notifier *notifier; /* NULL before fs_attach */
	struct snapshots *snapshots;
	struct edits *edits;
	struct scratch *scratch;
	struct veils *veils;
	struct cuts *cuts;
	struct removed *removed;
	struct waiters *waiters;
	struct polls *polls;
	struct sweeper *sweeper;
	struct announcer *announcer; /* NULL: nobody knows where it is mounted */
};

struct ref {
	const struct row *row;
	uint64_t node;
	int64_t sub;
	bool texts; /* object has its texts */
	uint64_t epoch; /* of owners, before the object was looked at: see snapshot_epoch */
	struct object object;
};

void ref_done(struct ref *ref);
#define _cleanup_ref_ __attribute__((cleanup(ref_done)))
#define REF_INIT                                                                                   \
	(struct ref)                                                                               \
	{                                                                                          \
		0                                                                                  \
	}

/* Looks at the object behind a node. -ESTALE: it is gone (the kernel then walks the path anew). */
int ref_open(struct fs *fs, uint64_t node, struct ref *ret);

/* The child of a directory; -ENOENT. Scratch files are none of its business. */
int ref_child(struct fs *fs, const struct ref *directory, const char *name, struct ref *ret);
/* The same for a file that is not there until it is written. */
int ref_unwritten(struct fs *fs, const struct ref *directory, const char *name, struct ref *ret);

/* Gets the object's texts when they are not there yet. */
int ref_load(struct fs *fs, struct ref *ref);
/* Gets the object again, with what the row needs of it. */
int ref_reload(struct fs *fs, struct ref *ref);

/* The child of a directory that entry speaks of; its object is looked up unless given. */
int ref_entry(struct fs *fs, const struct ref *directory, const struct row *row,
	const struct entry *entry, const struct object *object, struct ref *ret);

/* Node of the directory above. */
uint64_t ref_parent(const struct ref *ref);

/* When what the row depends on last changed. */
int64_t ref_mtime_ns(const struct ref *ref);

/* Everything but the content: type, mode, owner, times. */
void ref_stat(const struct ref *ref, int64_t size, int64_t mtime_ns, struct stat *ret);

#endif
