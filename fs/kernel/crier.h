/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crier - a small process of its own that makes inotify(7) speak of what the platform changes.
 * Promises: the kernel tells watchers only of what is done through the mount, so this does there
 *           what changes nothing: it cuts a file (IN_MODIFY), sets the times of a directory
 *           (IN_ATTRIB); neither has an effect here. It waits for answers that a worker gives; a
 *           worker that waited itself could not die. The mount can be unmounted at any time.
 * Threads: one at a time.
 * Ownership: paths are copied. The process ends with the crier, or with whoever made it.
 */
#ifndef DUPLOFS_FS_KERNEL_CRIER_H
#define DUPLOFS_FS_KERNEL_CRIER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

struct crier;

/* device: of the mounted file system; nothing is done where another one is found at mountpoint. */
int crier_new(struct crier **ret, const char *mountpoint, dev_t device, struct error *reterr);
void crier_free(struct crier *crier);

/* path: from the mount point. -EAGAIN: it has too much to do, ask again later; -EPIPE: it has
 * ended. */
int crier_call(struct crier *crier, const char *path, bool directory);

#endif
