/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upgrade - puts the program that is now on disk in the place of the one that runs, without a call
 *           of anybody's failing.
 * Promises: a program that does not run, or cannot use what the running one has made, is refused in
 *           one sentence, and nothing has changed.
 * Threads: one.
 * Ownership: borrows the options.
 */
#ifndef DUPLOFS_FS_PROCESS_UPGRADE_H
#define DUPLOFS_FS_PROCESS_UPGRADE_H

#include "base/error.h"
#include "fs/process/options.h"

/* Asks the supervisor of the platform at options->mountpoint, and waits for what becomes of it. */
int upgrade_ask(const struct options *options, struct error *reterr);

/* Run by a supervisor as the new program: says on fds.report whether it could take over. probe: can
 * it use what is in the state directory? */
int upgrade_try(const struct options *options,
	int (*probe)(const char *state, struct error *reterr));

#define UPGRADE_FINE "fine"

#endif
