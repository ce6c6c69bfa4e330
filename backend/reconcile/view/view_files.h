/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view_files - the single files of a view: neighbors/, neighbors.json, hosts.
 * Promises: each file changes as a whole; one that did not change is not touched; what the store no
 *           longer has is removed. Directories 0755, files 0444.
 * Threads: one at a time for all views below one directory; write from any.
 * Ownership: contents are the caller's.
 */
#ifndef DUPLOFS_RECONCILE_VIEW_VIEW_FILES_H
#define DUPLOFS_RECONCILE_VIEW_VIEW_FILES_H

#include "base/buf.h"
#include "base/error.h"
#include "reconcile/view/view_list.h"
#include "store/store.h"

#define VIEW_PATH_MAX 768

/* Makes neighbors/ of the view at path (a directory that exists) anew: begin, add for each of them
 * (a view_lines_fn), end removes all others. */
struct view_files {
	const char *path;
	struct view_list list; /* what was added */
	struct error error;
};
int view_files_begin(struct view_files *files, const char *path, struct error *reterr);
int view_files_add(void *files, const struct view_entry *entry, const struct buf *lines);
int view_files_end(struct view_files *files, struct error *reterr);
void view_files_done(struct view_files *files);
#define _cleanup_view_files_ __attribute__((cleanup(view_files_done)))

/* The same for neighbors/<name> alone, whose content is known already. */
int view_files_neighbor(struct store *store, int64_t service, const char *path, const char *name,
	const struct buf *content, struct error *reterr);

/* Replaces <path>/<name> when its content is another one. */
int view_files_put(const char *path, const char *name, const struct buf *content,
	struct error *reterr);

/* A file with its time, made new at path. */
int view_files_write(const char *path, const struct buf *content, int64_t mtime_ns,
	struct error *reterr);

#endif
