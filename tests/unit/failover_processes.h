/* SPDX-License-Identifier: Apache-2.0 */
/*
 * failover_processes - the processes of the platform under test, by the pid files in its state
 *                      directory.
 * Promises: what waits has a deadline, after which the test has failed.
 * Threads: the test's main thread.
 * Ownership: borrows the state directory's path for good.
 */
#ifndef DUPLOFS_TESTS_FAILOVER_PROCESSES_H
#define DUPLOFS_TESTS_FAILOVER_PROCESSES_H

#include <stdbool.h>
#include <sys/types.h>

#define HOLDER     1U
#define SUPERVISOR 2U
#define WORKER     4U
#define ROLES      3

extern const char *const process_roles[ROLES]; /* names, in the order of the bits */

void processes_of(const char *state_dir);

/* 0: there is none. */
pid_t process_pid(const char *role);
bool process_is_alive(pid_t pid);
void process_wait_dead(pid_t pid);

/* Another one than old has the role; its pid. */
pid_t process_wait_other(const char *role, pid_t old);

/* SIGKILL at once: stopped first, none of them sees another die. before: the pids of all. */
void process_kill(unsigned victims, pid_t before[ROLES]);

/* Sends a signal by which another one will have the role; its pid. */
pid_t process_replace(const char *role, int number);

#endif
