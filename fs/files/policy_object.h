/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_object - documents of the administrator's that are objects of their own, made by the
 *                 first write.
 * Promises: the text is kept as it was written, ended by a newline; the same again changes nothing.
 * Threads: as row.h says.
 * Ownership: as row.h says.
 */
#ifndef DUPLOFS_FS_FILES_POLICY_OBJECT_H
#define DUPLOFS_FS_FILES_POLICY_OBJECT_H

#include "fs/tree/context.h"

/* Its text, empty where there is none, and its time into content. */
int policy_object_render(struct fs *fs, const char *name, struct content *content);

/* What draft says, which was checked, becomes the document of that name. */
int policy_object_apply(struct txn *txn, const char *name, const struct draft *draft,
	struct error *reterr);

#endif
