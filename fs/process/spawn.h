/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spawn - starts this program anew in another role.
 * Promises: the new process has a session of its own, a clean signal mask and only the fds named.
 * Threads: any.
 * Ownership: the caller closes the pidfd, and reaps the child through it.
 */
#ifndef DUPLOFS_FS_PROCESS_SPAWN_H
#define DUPLOFS_FS_PROCESS_SPAWN_H

#include <sys/types.h>

#include "base/error.h"
#include "fs/process/options.h"

/* role: OPTIONS_HOLDER, OPTIONS_SUPERVISOR or OPTIONS_WORKER, or OPTIONS_TRIAL of the program that
 * is now at this one's path; fds that are -1 are not passed on. */
int spawn_self(const struct options *options, enum options_action role,
	const struct options_fds *fds, pid_t *ret_pid, int *ret_pidfd, struct error *reterr);

/* Replaces this process by the program that is now at its path, as OPTIONS_HOLDER, or as
 * OPTIONS_SUCCESSOR of a supervisor. Blocked signals stay so. Returns only when that fails. */
int spawn_exec(const struct options *options, enum options_action role,
	const struct options_fds *fds, struct error *reterr);

/* What was passed on to this process goes no further by accident. */
void spawn_seal(const struct options_fds *fds);

/* True when the process has ended. */
int spawn_has_ended(int pidfd);

#endif
