/* SPDX-License-Identifier: Apache-2.0 */
/*
 * draft - the content of an edit beside the content that is in force.
 * Promises: who does not begin anew changes a copy of what was in force when it began; nobody else
 *           sees the copy before it is accepted.
 * Threads: any; an edit is locked by edit_open.
 * Ownership: nothing is kept.
 */
#ifndef DUPLOFS_FS_EDIT_DRAFT_H
#define DUPLOFS_FS_EDIT_DRAFT_H

#include "fs/edit/edit.h"
#include "fs/tree/context.h"

/* Before a write at offset: puts what is in force into a draft that has nothing of its own yet. */
int draft_load(struct fs *fs, struct ref *ref, struct edit *edit, size_t offset);

/* Cuts or extends a draft. To nothing it only begins anew: that alone is no change. */
int draft_truncate(struct fs *fs, struct ref *ref, uint64_t handle, uint64_t size);

/* The same of a file that nobody has opened for it (truncate(2)), at once. */
int draft_truncate_file(struct fs *fs, struct ref *ref, uint64_t size, const struct caller *caller);

#endif
