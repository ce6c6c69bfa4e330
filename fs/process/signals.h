/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signals - the signals that holder and supervisor take: to end, to upgrade.
 * Promises: from then on they come through the fd alone; a broken pipe is an error of write(2).
 * Threads: before the first one is started.
 * Ownership: the fd is the caller's.
 */
#ifndef DUPLOFS_FS_PROCESS_SIGNALS_H
#define DUPLOFS_FS_PROCESS_SIGNALS_H

#include "base/error.h"

/* A signalfd for SIGTERM, SIGINT, SIGHUP and SIGUSR2, or -errno. */
int signals_open(struct error *reterr);

#endif
