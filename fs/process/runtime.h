/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime - the platform's directory in memory: drafts, scratch files, sockets, container views.
 * Promises: a tmpfs of its own that is never swapped where the kernel can promise that; it outlives
 *           every process of ours for as long as a container looks at it, and is then used again.
 * Threads: one.
 * Ownership: the supervisor's.
 */
#ifndef DUPLOFS_FS_PROCESS_RUNTIME_H
#define DUPLOFS_FS_PROCESS_RUNTIME_H

#include "base/error.h"

/* Writes the path for a state directory (absolute, resolved) into path (PATH_MAX bytes). */
void runtime_path(char *path, const char *state);

int runtime_open(const char *path, struct error *reterr);

/* Takes it away, unless it is shown elsewhere. */
void runtime_close(const char *path);

#endif
