/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statedir - who uses a state directory: its lock and its pid files.
 * Promises: one platform at a time; the lock lives as long as any process of that platform.
 * Threads: one.
 * Ownership: the lock's fd is inherited by the platform's processes.
 */
#ifndef DUPLOFS_FS_PROCESS_STATEDIR_H
#define DUPLOFS_FS_PROCESS_STATEDIR_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

#define STATEDIR_HOLDER     "holder.pid"
#define STATEDIR_SUPERVISOR "supervisor.pid"
#define STATEDIR_WORKER     "worker.pid"

/* Makes the directory when missing and puts its real path into state (PATH_MAX bytes). */
int statedir_open(char *state, struct error *reterr);

/* Locks it for the platform at mountpoint. -EBUSY with a sentence; one that is about to end is
 * waited for. */
int statedir_lock(const char *state, const char *mountpoint, int *ret_fd, struct error *reterr);

/* What tells this state directory from another one that stands, or stood, at the same path: made
 * when there is none yet. At least 33 bytes. */
int statedir_mark(const char *state, char *mark, size_t size, struct error *reterr);

/* 0: there is none. */
pid_t statedir_read_pid(const char *state, const char *name);

/* What became of the last upgrade, for who has asked for it. -ENOENT: not yet known. */
void statedir_write_answer(const char *state, const char *text);
int statedir_read_answer(const char *state, struct buf *out);
void statedir_forget_answer(const char *state);

void statedir_write_pid(const char *state, const char *name, pid_t pid);
void statedir_remove_pids(const char *state);

#endif
