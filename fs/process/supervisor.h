/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervisor - mounts, holds the connection to the kernel, and keeps a worker serving it.
 * Promises: a worker that dies is followed by another, and no caller of the file system notices;
 *           the supervisor itself may die: the worker starts it anew. Gives up only when the first
 *           worker cannot start.
 * Threads: one, the process's main thread, with its signals.
 * Ownership: borrows the options; takes the lock's fd.
 */
#ifndef DUPLOFS_FS_PROCESS_SUPERVISOR_H
#define DUPLOFS_FS_PROCESS_SUPERVISOR_H

#include <stddef.h>

#include "base/error.h"
#include "fs/process/options.h"

struct fuse_lowlevel_ops;

struct supervisor_service {
	const struct fuse_lowlevel_ops *operations; /* those that the workers will serve */
	size_t operations_size;
};

/* Mounts and runs until the file system is gone. answering (may be NULL) is called once, when it
 * answers. */
int supervisor_mount(const struct options *options, const struct supervisor_service *service,
	int lock_fd, void (*answering)(void *arg), void *arg, struct error *reterr);

/* Goes on with what options->fds name; OPTIONS_SUCCESSOR renews the worker. */
int supervisor_adopt(const struct options *options, struct error *reterr);

#endif
