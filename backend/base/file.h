/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file - whole files at once: read, replace atomically, make directories.
 * Promises: file_write_atomic leaves either the old or the new content, never a half one.
 * Threads: any.
 * Ownership: buf contents are the caller's; fds stay inside. May block on disk.
 */
#ifndef DUPLOFS_BASE_FILE_H
#define DUPLOFS_BASE_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

/* Appends the content of path to buf; -EFBIG above max bytes. */
int file_read(const char *path, size_t max, struct buf *buf, struct error *reterr);

/* Appends what pread(2) gives of at most len bytes at offset; fewer at the file's end. -errno. */
int file_read_at(int fd, size_t offset, size_t len, struct buf *buf);

/* Writes path.tmp, syncs it when durable, and renames it over path. */
int file_write_atomic(const char *path, const void *data, size_t len, mode_t mode, int durable,
	struct error *reterr);

/* mkdir -p with mode for the directories it makes; an existing one is left as it is. */
int file_mkdirs(const char *path, mode_t mode, struct error *reterr);

/* rm -r path, not following links and staying on its file system; -ENOENT counts as success. */
int file_remove_tree(const char *path, struct error *reterr);

/* write(2) until all is out; -errno. */
int file_write_all(int fd, const void *data, size_t len);

#endif
