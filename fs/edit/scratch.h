/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scratch - files that programs make beside ours while they save: temporary, backup, swap, lock.
 * Promises: they live in the tmpfs only, found again by any worker without a table: the data is
 *           data/<inode>, a name is a hard link <directory node>/<name> to it. Bounded per user;
 *           gone some minutes after their last use, unless open or their maker lives.
 * Threads: any.
 * Ownership: the tmpfs owns everything; stats are filled in with our node as st_ino.
 */
#ifndef DUPLOFS_FS_EDIT_SCRATCH_H
#define DUPLOFS_FS_EDIT_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/error.h"
#include "store/store.h"

#define SCRATCH_FILE_MAX  (64 * 1024 * 1024) /* bytes of one */
#define SCRATCH_USER_MAX  (128 * 1024 * 1024) /* bytes of all of one user */
#define SCRATCH_COUNT_MAX 8192 /* files of one user */

/* Marks in the mode of what is to be made; nobody sees them. */
#define SCRATCH_KEPT_DIR  S_ISUID
#define SCRATCH_KEPT_FILE S_ISVTX

struct scratch;

int scratch_new(struct scratch **ret, const char *dir, struct error *reterr);
void scratch_free(struct scratch *scratch);

/* directory: any node; -ENOENT. */
int scratch_find(struct scratch *scratch, uint64_t directory, const char *name, struct stat *ret);
/* -ESTALE: gone. A file without a name can still be used by who has it open. */
int scratch_stat(struct scratch *scratch, uint64_t node, struct stat *ret);

/* mode with S_IFREG or S_IFDIR, and a mark: it, and what is in it, is kept for a day.
 * -EEXIST, -EDQUOT. */
int scratch_create(struct scratch *scratch, uint64_t directory, const char *name, mode_t mode,
	const struct caller *caller, struct stat *ret);
/* -EISDIR, -ENOTDIR, -ENOTEMPTY as the system calls. */
int scratch_unlink(struct scratch *scratch, uint64_t directory, const char *name);
int scratch_rmdir(struct scratch *scratch, uint64_t directory, const char *name);
int scratch_rename(struct scratch *scratch, uint64_t directory, const char *name,
	uint64_t new_directory, const char *new_name, unsigned flags);

/* Counts opens, so that a file without a name goes with its last one. */
void scratch_opened(struct scratch *scratch, uint64_t node);
void scratch_released(struct scratch *scratch, uint64_t node);

int scratch_read(struct scratch *scratch, uint64_t node, size_t offset, size_t len,
	struct buf *out);
/* -EFBIG, -EDQUOT. */
int scratch_write(struct scratch *scratch, uint64_t node, size_t offset, const void *data,
	size_t len);
/* to_set: FUSE_SET_ATTR_ flags. */
int scratch_setattr(struct scratch *scratch, uint64_t node, const struct stat *attr, int to_set);

/* Names of a directory in order of their nodes, after one. 0 to go on, 1 to stop. */
typedef int (*scratch_fn)(void *arg, const char *name, const struct stat *st);
int scratch_list(struct scratch *scratch, uint64_t directory, uint64_t after, scratch_fn fn,
	void *arg);

/* Removes what has not been used for age_s. Returns how many are left. */
size_t scratch_sweep(struct scratch *scratch, int64_t age_s);

/* A name of the kind that editors and tools give to their temporary and backup files. */
bool scratch_is_temporary(const char *name);

#endif
