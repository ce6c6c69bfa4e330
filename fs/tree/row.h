/* SPDX-License-Identifier: Apache-2.0 */
/*
 * row - one descriptor a virtual file or directory. Lookup, readdir, getattr, open flags,
 *       invalidation and the table in the manual derive from it.
 * Promises: a row's number is part of inode numbers and never changes its meaning.
 * Threads: constant after rows_compile; handlers run on any serving thread.
 * Ownership: handlers append to the caller's content and keep nothing that they were given.
 */
#ifndef DUPLOFS_FS_TREE_ROW_H
#define DUPLOFS_FS_TREE_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "store/inquiry.h"
#include "store/store.h"

struct fs;
struct ref;

/* Rows that code refers to by name; all others only need a number of their own. */
enum row_number {
	ROW_SCRATCH = 255, /* node: the row and the inode number of the file in the tmpfs */
	ROW_ROOT = 1, /* node: FUSE_ROOT_ID */
	ROW_TENANT = 20,
	ROW_SERVICES = 21,
	ROW_SECRETS = 22,
	ROW_SECRET = 23,
	ROW_TENANT_CONFIGS = 24,
	ROW_TENANT_CONFIG = 25,
	ROW_NEIGHBORS = 26,
	ROW_SERVICE = 50,
	ROW_SERVICE_SPEC = 51,
	ROW_SERVICE_CONFIGS = 52,
	ROW_SERVICE_CONFIG = 53,
	ROW_INSTANCES = 54,
	ROW_INSTANCE = 55,
	ROW_LOGS = 56,
	ROW_LOG = 57,
	ROW_HISTORY = 58,
	ROW_SERVICE_ROLLOUT = 70,
	ROW_SERVICE_NEXT = 101,
	ROW_SERVICE_PLAN = 102,
	ROW_AUDIT = 103,
	ROW_HOSTS = 150,
	ROW_HOST = 151,
	ROW_RESOURCES = 220,
	ROW_RESOURCE = 221,
};

enum row_flags {
	ROW_DIR = 1,
	ROW_TEXTS = 2, /* render needs the object's texts */
	ROW_VOLATILE = 4, /* depends on more than its object: no timeout in the kernel */
	ROW_DIRECT = 8, /* read straight from the handler: grows, or blocks */
	ROW_SECRETIVE = 16, /* content is wiped after use, mode never opens to the group */
	ROW_LINE = 32, /* a single value: one line */
	ROW_DOCUMENT = 64, /* says itself when it is complete: judged while it is written */
	ROW_SCRATCHY = 128, /* directory in which editors may keep files of their own */
	ROW_PRIVATE = 256, /* the administrator's: never the tenant's owner and mode */
	ROW_POLLED = 512, /* poll(2) tells of changes */
	ROW_WAITS = 1024, /* a read blocks until the object has settled */
	ROW_UNLINK_CLEARS = 2048, /* unlinking writes the empty value */
	ROW_VALUE = 4096, /* the object is the file: unlink deletes it, create makes it */
	ROW_OBJECT = 8192, /* the directory is an object: mkdir makes, rmdir deletes it */
	/* Nobody\'s wish is in it: what a copy brings back in is taken as a scratch file. */
	ROW_DERIVED = 16384,
};

struct content {
	struct buf text;
	int64_t mtime_ns; /* raised by a renderer that knows better than its row's depends */
};

void content_done(struct content *content);
#define _cleanup_content_ __attribute__((cleanup(content_done)))
#define CONTENT_INIT                                                                               \
	(struct content)                                                                           \
	{                                                                                          \
		BUF_INIT, 0                                                                        \
	}

/* What was written, on its way into the store. Bytes are followed by a NUL that is not counted. */
struct draft {
	struct fs *fs;
	const struct ref *ref;
	const char *data;
	size_t len; /* ROW_LINE: without the newline */
	const struct caller *caller; /* who writes; NULL: not known yet, or the platform */
};

/* One child of a directory with children of its own making. */
struct entry {
	const char *name; /* borrowed during the call */
	int64_t object, sub;
	int64_t place; /* in the directory; 0: sub says it */
};
/* 0 to go on, 1 to stop. */
typedef int (*entry_fn)(void *arg, const struct entry *entry);

struct row {
	uint8_t number;
	const char *path; /* "{tenant}/services"; a name in braces stands for a child of its kind */
	mode_t mode; /* permission bits, before the tenant's own are applied */
	unsigned flags;
	enum kind kind; /* of the object in its nodes */
	unsigned depends; /* CHANGE_ flags of that object that change the content */
	size_t limit; /* bytes that may be written */
	const char *field; /* of the spec, for a view */
	enum inquiry_type asks; /* its content is the reconciler's answer to this */

	/* Appends the content. */
	int (*render)(struct fs *fs, const struct ref *ref, struct content *content);
	/* Of what is volatile: another number whenever the content may be another, cheaply. As long
	 * as it is the same the content is kept, here and in the kernel. */
	int (*stamp)(struct fs *fs, const struct ref *ref, uint64_t *ret);
	/* Size of the content, where that is cheaper than to render; *ret_mtime_ns has its
	 * default. */
	int (*measure)(struct fs *fs, const struct ref *ref, int64_t *ret_size,
		int64_t *ret_mtime_ns);
	/* A part of the content, where all of it may be too much (ROW_DIRECT). */
	int (*read)(struct fs *fs, const struct ref *ref, size_t offset, size_t len,
		struct buf *out);
	/* Looks at what was written, outside any transaction: -ENODATA: not complete yet. */
	int (*check)(const struct draft *draft, struct error *reterr);
	/* ROW_LINE: whether a right value may begin like this; NULL: with anything. What cannot is
	 * refused as soon as it is written. */
	bool (*begins)(const struct row *row, const char *text);
	/* Puts it into the store. */
	int (*apply)(struct txn *txn, const struct draft *draft, struct error *reterr);

	/* ROW_OBJECT: whether the object may go, beside what the store knows. NULL: it may. */
	int (*leave)(struct txn *txn, const struct object *object, struct error *reterr);

	/* Renames it over another file of the same object, which takes what draft would have
	 * written: both or none. */
	int (*move)(struct txn *txn, const struct draft *draft, struct error *reterr);
	/* Whether there is such a file now: 1, 0 or a negative errno. NULL: always. Writing makes
	 * it. Its sub is another each time that it comes: what still leads to the one before is
	 * stale. */
	int (*present)(struct fs *fs, int64_t object, int64_t *ret_sub);
	/* Changes owner and mode, where they are not as the tenant's are. */
	int (*owner)(struct fs *fs, const struct ref *ref, struct stat *st);

	/* Directories whose children are not objects of child_kind: by name, and in order of cookie
	 * (the entry's place, or sub), after the given one. With child_kind list alone may be set:
	 * the same children in another order. */
	enum kind child_kind;
	int (*find)(struct fs *fs, const struct ref *ref, const char *name, struct entry *ret);
	int (*list)(struct fs *fs, const struct ref *ref, int64_t after, entry_fn fn, void *arg);

	const char *help;
};

/* The tables, each ended by a row without a path. */
extern const struct row rows_platform[];
extern const struct row rows_policy[];
extern const struct row rows_metrics[];
extern const struct row rows_tenant[];
extern const struct row rows_service[];
extern const struct row rows_instance[];
extern const struct row rows_logs[];
extern const struct row rows_host[];
extern const struct row rows_resource[];
extern const struct row rows_value[];
extern const struct row rows_view[];
extern const struct row rows_prices[];
extern const struct row rows_dashboards[];
extern const struct row rows_billing[];
extern const struct row rows_billing_all[];
extern const struct row rows_next[];
extern const struct row rows_group[];

#endif
