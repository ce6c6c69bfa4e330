/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replace - a directory of secrets or config values becomes, in one change, what a staged directory
 *           holds: mv -T config.next config.
 * Promises: all of it or nothing; what is not in the staged directory is gone afterwards, what is
 *           the same is not touched. Editors' temporary and backup files are left out.
 * Threads: any.
 * Ownership: contents are wiped from memory.
 */
#ifndef DUPLOFS_FS_EDIT_REPLACE_H
#define DUPLOFS_FS_EDIT_REPLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "fs/tree/context.h"

#define REPLACE_BYTES_MAX (32 * 1024 * 1024) /* of all values together */

/* A directory whose files are values. */
bool replace_is_values(const struct row *row);

/* staged: a scratch directory's node. -EPERM: to is no directory of values; -EISDIR, -EINVAL,
 * -EFBIG: what is wrong in the staged directory. */
int replace_values(struct fs *fs, uint64_t staged, const struct ref *to,
	const struct caller *caller, struct error *reterr);

/* Unlinks all files in a scratch directory. */
void replace_clear(struct fs *fs, uint64_t staged);

#endif
