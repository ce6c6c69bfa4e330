/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value - the objects that are files themselves: secrets and config values.
 * Promises: a value that was made and not written yet has generation 0 and is seen by no container.
 * Threads: any.
 * Ownership: the ref is the caller's.
 */
#ifndef DUPLOFS_FS_EDIT_VALUE_H
#define DUPLOFS_FS_EDIT_VALUE_H

#include "fs/tree/context.h"

/* Makes the object unless it is there. */
int value_make(struct fs *fs, const struct ref *directory, const char *name, struct ref *ret);

/* Takes away one that was made and never written. */
void value_unmake(struct fs *fs, struct ref *ref);

int value_delete(struct fs *fs, const struct ref *ref, const struct caller *caller,
	struct error *reterr);

#endif
