/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node - inode numbers: row (8 bits), object (28 bits) and sub key (28 bits) in one number.
 * Promises: no table behind it: a node means the same in every process, for ever.
 * Threads: plain values.
 * Ownership: nothing to free.
 */
#ifndef DUPLOFS_FS_TREE_NODE_H
#define DUPLOFS_FS_TREE_NODE_H

#include <stdint.h>

#include "fs/tree/row.h"

#define NODE_ROOT      UINT64_C(1)
#define NODE_KEY_BITS  28
#define NODE_KEY_MAX   ((INT64_C(1) << NODE_KEY_BITS) - 1)
#define NODE_ROW_SHIFT 56

uint64_t node_make(const struct row *row, int64_t object, int64_t sub);
/* Scratch files: 56 bits of key. */
uint64_t node_make_scratch(uint64_t inode);

/* ROW_SCRATCH for a scratch file, 0 for a number that is none of ours. */
uint8_t node_row(uint64_t node);
int64_t node_object(uint64_t node);
int64_t node_sub(uint64_t node);
uint64_t node_scratch(uint64_t node);

#endif
