/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launch - from the command line to a mounted file system: checks, lock, into the background.
 * Promises: returns 0 in the caller's process only when the file system answers; else nothing stays
 *           behind and reterr says why.
 * Threads: before the first one is started.
 * Ownership: options are completed in place (paths become absolute).
 */
#ifndef DUPLOFS_FS_LAUNCH_H
#define DUPLOFS_FS_LAUNCH_H

#include "base/error.h"
#include "fs/options.h"
#include "fs/supervisor.h"

/* In the foreground: until the file system is gone. */
int launch(struct options *options, const struct supervisor_service *service, struct error *reterr);

#endif
