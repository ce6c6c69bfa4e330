/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime - the platform's directory in memory: drafts, scratch files, sockets, container views.
 * Promises: a tmpfs of its own that is never swapped where the kernel can promise that; it outlives
 *           every process of ours for as long as a container looks at it, and is then used again.
 * Threads: one.
 * Ownership: the holder's.
 */
#ifndef DUPLOFS_FS_PROCESS_RUNTIME_H
#define DUPLOFS_FS_PROCESS_RUNTIME_H

#include "base/error.h"

/* Writes the path for a state directory (absolute, resolved) into path (PATH_MAX bytes). */
void runtime_path(char *path, const char *state);

/* Nobody else of this path, whose state directory may have been replaced meanwhile: who is about to
 * end is waited for. The claim is the calling process's, until it closes the fd or ends. -EBUSY. */
int runtime_claim(const char *path, int *ret_fd, struct error *reterr);

/* mark: of the state directory. What one with another mark has left at this path goes on being
 * shown to its containers, and to nobody else: what is opened here is new. */
int runtime_open(const char *path, const char *mark, struct error *reterr);

/* Takes it away, unless it is shown elsewhere. */
void runtime_close(const char *path);

/* Last of all, while it is claimed. */
void runtime_unclaim(const char *path);

#endif
