/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervisor - keeps a worker serving the mount, and a holder holding it; takes requests to stop
 *              and to upgrade.
 * Promises: a worker that dies is followed by another, and no caller of the file system notices;
 *           the supervisor itself may die: the worker starts it anew, or, when that is dead too,
 *           the holder. Gives up only when the first worker cannot start.
 * Threads: one, the process's main thread, with its signals.
 * Ownership: borrows the options.
 */
#ifndef DUPLOFS_FS_PROCESS_SUPERVISOR_H
#define DUPLOFS_FS_PROCESS_SUPERVISOR_H

#include "base/error.h"
#include "fs/process/options.h"

/* Goes on with what options->fds name, until the file system is gone; OPTIONS_SUCCESSOR renews the
 * worker and the holder. */
int supervisor_run(const struct options *options, struct error *reterr);

#endif
