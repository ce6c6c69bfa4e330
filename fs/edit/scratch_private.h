/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scratch_private - what the parts of scratch share.
 * Promises: none to others.
 * Threads: struct scratch's lock guards its table and what changes names.
 * Ownership: of struct scratch.
 */
#ifndef DUPLOFS_FS_EDIT_SCRATCH_PRIVATE_H
#define DUPLOFS_FS_EDIT_SCRATCH_PRIVATE_H

#include "base/lock.h"
#include "fs/tree/node.h"
#include "fs/edit/scratch.h"
#include "fs/edit/scratch_table.h"

#define SCRATCH_NAME_SIZE 20
#define SCRATCH_PATH_SIZE 288 /* 16 digits, a slash, a name of 255 bytes */

struct scratch {
	int data_fd, names_fd;
	struct lock lock;
	struct scratch_table table;
};

void scratch_data_name(uint64_t inode, char *name);
void scratch_dress(struct stat *st);

/* Takes stock of what an earlier worker left. */
void scratch_inherit(struct scratch *scratch);
/* Remembers which process made a file. */
void scratch_set_maker(struct scratch *scratch, const char *data, const char *pid);
/* Whether a directory belongs to what hangs together and is kept longer. */
bool scratch_is_kept(struct scratch *scratch, uint64_t directory);
/* Removes the data when it has no name any more. Locked. */
void scratch_drop(struct scratch *scratch, uint64_t inode);

#endif
