/* SPDX-License-Identifier: Apache-2.0 */
/*
 * history - the directory of every spec of an object that was accepted: a file a generation.
 * Promises: each is a handler as row.h wants it.
 * Threads: any.
 * Ownership: as row.h says.
 */
#ifndef DUPLOFS_FS_FILES_HISTORY_H
#define DUPLOFS_FS_FILES_HISTORY_H

#include <sys/stat.h>

#include "fs/tree/context.h"

int history_find(struct fs *fs, const struct ref *ref, const char *name, struct entry *ret);
int history_list(struct fs *fs, const struct ref *ref, int64_t after, entry_fn fn, void *arg);
int history_render(struct fs *fs, const struct ref *ref, struct content *content);
int history_measure(struct fs *fs, const struct ref *ref, int64_t *ret_size, int64_t *ret_mtime_ns);
int history_owner(struct fs *fs, const struct ref *ref, struct stat *st);

#endif
