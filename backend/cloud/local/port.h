/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port - can an address and port be listened on, and if not, which program has it?
 * Promises: port_probe leaves nothing open. The owner is found by best effort, in /proc.
 * Threads: any; may read many files of /proc, never blocks on a network.
 * Ownership: values only.
 */
#ifndef DUPLOFS_CLOUD_LOCAL_PORT_H
#define DUPLOFS_CLOUD_LOCAL_PORT_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

/* Tries to listen on address:port with type SOCK_STREAM or SOCK_DGRAM. -EADDRINUSE with a sentence
 * that names the port and, when it can be found, the program; other errors as bind(2) gives them.
 * A port held by a process that was started with ours as one of its arguments counts as free. */
int port_probe(const char *address, int port, int type, const char *ours, struct error *reterr);

/* Waits until no one listens there; false when the time is over. */
bool port_await_release(const char *address, int port, int timeout_ms);

/* The process that listens on address:port, or that port of all addresses. -ENOENT: not found. */
int port_owner(const char *address, int port, int type, pid_t *ret_pid, char ret_name[32]);

#endif
