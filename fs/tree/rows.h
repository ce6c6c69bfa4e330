/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rows - all descriptor rows as one tree.
 * Promises: a tree that compiles has no duplicate number or name, a parent for each row, and modes
 *           that agree with the handlers.
 * Threads: rows_compile before any other call; constant afterwards.
 * Ownership: everything is borrowed from the tables.
 */
#ifndef DUPLOFS_FS_TREE_ROWS_H
#define DUPLOFS_FS_TREE_ROWS_H

#include "fs/tree/row.h"

/* Links the rows; the second call does nothing. -EINVAL names the row that is wrong. */
int rows_compile(struct error *reterr);

/* NULL when no row has this number. */
const struct row *row_get(uint8_t number);
const struct row *row_parent(const struct row *row);

/* Last part of the path: "spec.json"; for a row whose name varies NULL. */
const char *row_name(const struct row *row);

/* Children in the order of the tables, to be walked with row_next. */
const struct row *row_first(const struct row *row);
const struct row *row_next(const struct row *row);
const struct row *row_find(const struct row *row, const char *name);

/* The child whose name varies, or NULL. */
const struct row *row_variable(const struct row *row);

bool row_is_dir(const struct row *row);
/* Somebody may write it; what is written to other files is accepted and ignored (see edit.h). */
bool row_is_writable(const struct row *row);

/* Calls fn for each row, in the order of the tables. */
void rows_each(void (*fn)(void *arg, const struct row *row), void *arg);

#endif
