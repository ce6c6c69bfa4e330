/* SPDX-License-Identifier: Apache-2.0 */
/*
 * depend - which files show something else after a change of an object.
 * Promises: says it once, for the kernel's cache, for who polls and for who watches.
 * Threads: any; pure.
 * Ownership: values only.
 */
#ifndef DUPLOFS_FS_TREE_DEPEND_H
#define DUPLOFS_FS_TREE_DEPEND_H

#include "fs/tree/row.h"

/* The object whose file at this row shows something else; 0: none does. */
int64_t depend_file(const struct row *row, const struct change *change);

/* The object whose directory at this row lists others; 0: none does. */
int64_t depend_listing(const struct row *row, const struct change *change);

#endif
