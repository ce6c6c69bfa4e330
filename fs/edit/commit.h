/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commit - from written bytes to an accepted change, or to a refusal that says why.
 * Promises: all or nothing; a refusal leaves the old value in force and its sentence in last_error.
 * Threads: any; commit_apply waits for the disk.
 * Ownership: data is borrowed during the call.
 */
#ifndef DUPLOFS_FS_EDIT_COMMIT_H
#define DUPLOFS_FS_EDIT_COMMIT_H

#include "fs/tree/context.h"

/* Whether data, all that was written so far, can be accepted: 0; -ENODATA: it is not complete;
 * other errors: whatever follows, it cannot. */
int commit_check(struct fs *fs, const struct ref *ref, const char *data, size_t len,
	const struct caller *caller, struct error *reterr);

/* The same of a ROW_LINE that has no end yet (data is followed by a NUL): 0, or what it can never
 * become. */
int commit_check_begun(struct fs *fs, const struct ref *ref, const char *data, size_t len,
	const struct caller *caller, struct error *reterr);

/* Checks and commits durably. */
int commit_apply(struct fs *fs, const struct ref *ref, const char *data, size_t len,
	const struct caller *caller, struct error *reterr);

/* Renames from, one of ours with a move of its own, over to, another of the same object. */
int commit_move(struct fs *fs, const struct ref *from, const struct ref *to,
	const struct caller *caller, struct error *reterr);

/* Records why something was refused where the user looks: in last_error of the object, or of the
 * one above it; and that it was in the audit. name: what would have been made in the directory ref,
 * NULL: it is ref itself. caller may be NULL: no audit. */
void commit_refuse(struct fs *fs, const struct ref *ref, const char *name,
	const struct caller *caller, int code, const struct error *error);

#endif
