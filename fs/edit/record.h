/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record - what the audit will say of one operation of a user's.
 * Promises: never a value: only who, with which program, what, and where.
 * Threads: any; reads /proc.
 * Ownership: a record is used in place, and the caller in it lives as long as it does.
 */
#ifndef DUPLOFS_FS_EDIT_RECORD_H
#define DUPLOFS_FS_EDIT_RECORD_H

#include "fs/tree/context.h"

struct record {
	struct caller caller; /* with audit */
	struct audit audit;
	struct buf path;
	char program[64];
};

void record_done(struct record *record);
#define _cleanup_record_ __attribute__((cleanup(record_done)))
#define RECORD_INIT                                                                                \
	(struct record)                                                                            \
	{                                                                                          \
		0                                                                                  \
	}

/* name: of what is about to be made in the directory ref; NULL: ref itself. caller NULL: no audit.
 */
void record_fill(struct record *record, struct fs *fs, const struct caller *caller,
	const struct ref *ref, const char *name);

#endif
