/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel - the kernel's side of /dev/fuse, over a pair of sockets: a worker's whole file system
 *          without a mount, asked one request at a time.
 * Promises: each call returns what the worker replied; a worker that does not reply within a minute
 *           ends the program. What the real kernel never sends (a name with a slash, a request of a
 *           false size) is not sent.
 * Threads: one.
 * Ownership: kernel_free ends the worker and removes its directory.
 */
#ifndef DUPLOFS_TESTS_KERNEL_H
#define DUPLOFS_TESTS_KERNEL_H

#include <linux/fuse.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "store/store.h"

struct kernel;

/* Ends the program with a sentence: a fuzzer takes that for a finding. */
void kernel_die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			kernel_die("%s:%d: %s", __FILE__, __LINE__, #condition);                   \
	} while (0)

/* The same of what a call has returned in r. */
#define MUST_R(condition)                                                                          \
	do {                                                                                       \
		if (!(condition))                                                                  \
			kernel_die("%s:%d: %s, and r is %d", __FILE__, __LINE__, #condition, r);   \
	} while (0)

/* A new platform in a directory of its own, in memory. */
struct kernel *kernel_new(void);
void kernel_free(struct kernel *kernel);

struct store *kernel_store(struct kernel *kernel);
/* What the worker's operations have as their userdata. */
struct fs;
struct fs *kernel_fs(struct kernel *kernel);

/* Ends the worker and starts another; the mount, the handles and the store go on. */
void kernel_restart(struct kernel *kernel);

/* From now on the kernel asks the worker twice for everything that changes something, the second
 * time as if the first one had died before it could reply; the second answer counts. */
void kernel_ask_twice(struct kernel *kernel, bool twice);

/* 0 or the worker's errno, negative. */
int kernel_lookup(struct kernel *kernel, uint64_t directory, const char *name,
	struct fuse_entry_out *ret);
int kernel_getattr(struct kernel *kernel, uint64_t node, struct fuse_attr *ret);
int kernel_truncate(struct kernel *kernel, uint64_t node, uint64_t handle, uint64_t size);
int kernel_chmod(struct kernel *kernel, uint64_t node, unsigned mode);
int kernel_open(struct kernel *kernel, uint64_t node, int flags, struct fuse_open_out *ret);
int kernel_create(struct kernel *kernel, uint64_t directory, const char *name, int flags,
	struct fuse_entry_out *ret, struct fuse_open_out *ret_open);
/* Never blocks: reads as with O_NONBLOCK. */
int kernel_read(struct kernel *kernel, uint64_t node, uint64_t handle, uint64_t offset,
	uint32_t size, struct buf *out);
int kernel_write(struct kernel *kernel, uint64_t node, uint64_t handle, uint64_t offset,
	const void *data, uint32_t size);
int kernel_flush(struct kernel *kernel, uint64_t node, uint64_t handle);
int kernel_fsync(struct kernel *kernel, uint64_t node, uint64_t handle);
int kernel_release(struct kernel *kernel, uint64_t node, uint64_t handle);
int kernel_mkdir(struct kernel *kernel, uint64_t directory, const char *name,
	struct fuse_entry_out *ret);
int kernel_unlink(struct kernel *kernel, uint64_t directory, const char *name);
int kernel_rmdir(struct kernel *kernel, uint64_t directory, const char *name);
int kernel_rename(struct kernel *kernel, uint64_t directory, const char *name,
	uint64_t new_directory, const char *new_name, uint32_t flags);
int kernel_statfs(struct kernel *kernel, uint64_t node);

/* All entries of a directory; plus: with their attributes. fn returns 0 to go on. */
typedef int (*kernel_entry_fn)(void *arg, const char *name, uint64_t node,
	const struct fuse_entry_out *entry);
int kernel_readdir(struct kernel *kernel, uint64_t node, bool plus, kernel_entry_fn fn, void *arg);

#endif
