/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launch - from the command line to a mounted file system: checks, lock, into the background.
 * Promises: succeeds in the caller's process only when the file system answers; else nothing stays
 *           behind.
 * Threads: before the first one is started.
 * Ownership: options are completed in place (paths become absolute).
 */
#ifndef DUPLOFS_FS_PROCESS_LAUNCH_H
#define DUPLOFS_FS_PROCESS_LAUNCH_H

#include "fs/process/holder.h"
#include "fs/process/options.h"

/* The exit status of the calling process, with the cause on stderr. In the foreground it returns
 * when the file system is gone; in the background it returns in the daemon too, then. */
int launch(struct options *options, const struct holder_service *service);

#endif
