/* SPDX-License-Identifier: Apache-2.0 */
/*
 * failover_clients - programs that use the fixture's file system while its processes are killed:
 *                    each works on names of its own, checks what it reads and counts.
 * Promises: clients_stop fails the test when any call failed or gave a wrong byte.
 * Threads: one test at a time.
 * Ownership: the clients are child processes, ended by clients_stop or clients_end.
 */
#ifndef DUPLOFS_TESTS_FAILOVER_CLIENTS_H
#define DUPLOFS_TESTS_FAILOVER_CLIENTS_H

#include "base/clock.h"

#define DEADLINE_NS (20 * NS_PER_SECOND)

struct fixture;

void pause_ms(int ms);
void clients_start(const char *mnt);

/* Every client gets through a whole round: nobody hangs. */
void clients_progress(void);
void clients_stop(const struct fixture *fixture, const char *what);

/* Ends them without a word on what they have seen. */
void clients_end(void);

#endif
