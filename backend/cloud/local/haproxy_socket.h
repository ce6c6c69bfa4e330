/* SPDX-License-Identifier: Apache-2.0 */
/*
 * haproxy_socket - one exchange with a unix socket of HAProxy: a line of commands, its answer.
 * Promises: a deadline on everything; never raises SIGPIPE.
 * Threads: any, at once.
 * Ownership: the answer is appended to the caller's buf (NULL: dropped).
 */
#ifndef DUPLOFS_CLOUD_LOCAL_HAPROXY_SOCKET_H
#define DUPLOFS_CLOUD_LOCAL_HAPROXY_SOCKET_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

int haproxy_socket_call(const char *path, const char *commands, int timeout_ms, struct buf *answer,
	struct error *reterr);

/* The process that listens there, or -errno. */
pid_t haproxy_socket_peer(const char *path);

#endif
