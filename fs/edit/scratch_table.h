/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scratch_table - what scratch remembers in memory only: who uses how much, and what is open.
 * Promises: can be rebuilt from the tmpfs, but for the opens; those of an earlier worker are
 *           unknown.
 * Threads: none of its own; scratch's lock guards it.
 * Ownership: the table owns its entries.
 */
#ifndef DUPLOFS_FS_EDIT_SCRATCH_TABLE_H
#define DUPLOFS_FS_EDIT_SCRATCH_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct scratch_user {
	struct scratch_user *next;
	uid_t uid;
	int64_t files, bytes;
};

struct scratch_open {
	struct scratch_open *next;
	uint64_t inode;
	int count;
	bool inherited; /* was there before this process: may be open without us knowing */
};

#define SCRATCH_BUCKETS 1024

struct scratch_table {
	struct scratch_user *users;
	struct scratch_open *opens[SCRATCH_BUCKETS];
};

/* Adds to what uid uses; -EDQUOT when that would be too much (taking away always succeeds). */
int scratch_table_charge(struct scratch_table *table, uid_t uid, int64_t files, int64_t bytes);

int scratch_table_open(struct scratch_table *table, uint64_t inode);
void scratch_table_inherit(struct scratch_table *table, uint64_t inode);
/* True when nobody has it open any more. */
bool scratch_table_close(struct scratch_table *table, uint64_t inode);
bool scratch_table_is_open(const struct scratch_table *table, uint64_t inode);
bool scratch_table_is_inherited(const struct scratch_table *table, uint64_t inode);
void scratch_table_forget(struct scratch_table *table, uint64_t inode);
void scratch_table_done(struct scratch_table *table);

#endif
