/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process - one program that we supervise, whether this process started it or an earlier one did.
 * Promises: a recycled pid is never taken for ours: signals go through a pidfd.
 * Threads: a struct process belongs to one thread at a time.
 * Ownership: process_leave forgets the process and lets it run; process_stop ends it.
 */
#ifndef DUPLOFS_CLOUD_LOCAL_PROCESS_H
#define DUPLOFS_CLOUD_LOCAL_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct process {
	pid_t pid; /* 0: none */
	int pidfd; /* readable when it has ended; -1: none */
};

#define PROCESS_NONE                                                                               \
	(struct process)                                                                           \
	{                                                                                          \
		0, -1                                                                              \
	}

/* Starts argv[0] (a path), its output going to output_fd. */
int process_start(struct process *process, const char *const *argv, int output_fd,
	struct error *reterr);

/* Takes over pid when it runs with argument as one of its arguments; else -ESRCH. */
int process_adopt(struct process *process, pid_t pid, const char *argument);

/* Waits at most timeout_ms for the end; true (and *process is none again) when it has ended. */
bool process_ended(struct process *process, int timeout_ms);

/* False when there is no such process. */
bool process_signal(const struct process *process, int signal_number);

/* SIGTERM, SIGKILL after grace_ms; returns when it is gone. */
void process_stop(struct process *process, int grace_ms);
void process_leave(struct process *process);

/* True when pid runs and one of its arguments is argument (NULL: any). False while it is ending. */
bool process_runs_with(pid_t pid, const char *argument);

/* Processes that run with argument; at most max, the number is returned. */
size_t process_find(const char *argument, pid_t *pids, size_t max);

/* The parent of pid, 0 when pid does not run. */
pid_t process_parent(pid_t pid);

/* The name as ps shows it, "" when pid does not run. */
void process_name(pid_t pid, char *name, size_t size);

#endif
