/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view_files - writes one view as plain files: secrets/, config/, neighbors/, self.json.
 * Promises: each file changes as a whole; one that did not change is not touched; what the store no
 *           longer has is removed. Directories 0755, files 0444.
 * Threads: one at a time for all views below one directory.
 * Ownership: plain secrets are wiped from memory after they were written.
 */
#ifndef DUPLOFS_RECONCILE_VIEW_FILES_H
#define DUPLOFS_RECONCILE_VIEW_FILES_H

#include "base/buf.h"
#include "base/error.h"
#include "store/store.h"

#define VIEW_PATH_MAX 768

/* Makes all below path (a directory that exists) as the store has it. *ret_news: a secret or config
 * value is another one now; never so for a view that is made for the first time. */
int view_files_sync(struct store *store, int64_t service, const char *path, bool *ret_news,
	struct error *reterr);

/* The same for neighbors/<name> alone, whose content is known already. */
int view_files_neighbor(struct store *store, int64_t service, const char *path, const char *name,
	const struct buf *content, struct error *reterr);

#endif
