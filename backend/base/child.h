/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child - programs that we run: start with an argument vector (never a shell), wait, stop by pid.
 * Promises: the child gets a clean signal mask, its own session and only the fds it is given.
 * Threads: any; the caller must not wait(2) for pids it did not start.
 * Ownership: the caller waits for what it started, or leaves it to adoption (see cloud/local).
 */
#ifndef DUPLOFS_BASE_CHILD_H
#define DUPLOFS_BASE_CHILD_H

#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

/* Finds program on PATH, or in the sbin beside a bin on PATH, and writes its path; -ENOENT. */
int child_find(const char *program, char *path, size_t size);

/* Starts argv[0] (a path) with stdin from /dev/null; stdout and stderr go to output_fd (-1: where
 * ours go). */
int child_start(const char *const *argv, int output_fd, pid_t *ret_pid, struct error *reterr);

/* Runs argv[0] to its end, at most timeout_ms, collecting up to 64 KiB of output. Returns the exit
 * status (0-255), or a negative errno (-ETIMEDOUT: killed). */
int child_run(const char *const *argv, int64_t timeout_ms, struct buf *output,
	struct error *reterr);

/* SIGTERM, then SIGKILL after grace_ms; works for children and for adopted processes. */
void child_stop(pid_t pid, int64_t grace_ms);

#endif
