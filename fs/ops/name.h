/* SPDX-License-Identifier: Apache-2.0 */
/*
 * name - what a name that is not there yet would be in a directory.
 * Promises: a misspelt name of ours is refused with the right one, never taken for a scratch file.
 * Threads: any; pure.
 * Ownership: nothing to free.
 */
#ifndef DUPLOFS_FS_OPS_NAME_H
#define DUPLOFS_FS_OPS_NAME_H

#include "fs/tree/context.h"

enum name_class {
	NAME_VALUE, /* an object of the directory's kind */
	NAME_FILE, /* one of ours that is not there until it is written */
	NAME_SCRATCH, /* a file of an editor's own */
	NAME_REFUSED,
};

enum name_class name_classify(const struct ref *directory, const char *name, struct error *reterr);

#endif
