/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shared - memory that outlives a worker: a file of the tmpfs, mapped.
 * Promises: what a worker has stored is there for the next one, whatever ended the first.
 * Threads: any.
 * Ownership: shared_unmap gives the mapping back; the file stays.
 */
#ifndef DUPLOFS_FS_TREE_SHARED_H
#define DUPLOFS_FS_TREE_SHARED_H

#include <stddef.h>

#include "base/error.h"

/* Maps size bytes of path, zeroed when they are new. */
int shared_map(const char *path, size_t size, void **ret, struct error *reterr);
void shared_unmap(void *memory, size_t size);

#endif
