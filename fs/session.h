/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session - the conversation with the kernel over an open /dev/fuse: takes over a mounted
 *           connection, reads requests, hands them to libfuse's low-level operations.
 * Promises: works on a connection whose FUSE_INIT was answered by the supervisor; requests that a
 *           dead worker had read are asked for again and served. More threads serve while requests
 *           block, few when they do not.
 * Threads: session_run from one thread; session_stop from any, also a signal handler's.
 * Ownership: the fd stays the caller's; operations and userdata outlive the session.
 */
#ifndef DUPLOFS_FS_SESSION_H
#define DUPLOFS_FS_SESSION_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct fuse_conn_info;
struct fuse_lowlevel_ops;
struct fuse_session;
struct session;

/* What we ask the kernel for. The one place: called by the operations' init, in the supervisor (which
 * answers FUSE_INIT) and in each worker (which replays it), so both agree. */
void session_configure(struct fuse_conn_info *connection);

/* init: the FUSE_INIT request as the supervisor read it. */
int session_new(struct session **ret, int fuse_fd, const void *init, size_t init_size,
	const struct fuse_lowlevel_ops *operations, size_t operations_size, void *userdata,
	struct error *reterr);

struct fuse_session *session_fuse(struct session *session);

/* Serves until the file system is unmounted (0) or session_stop (-EINTR). */
int session_run(struct session *session, struct error *reterr);
void session_stop(struct session *session);
void session_free(struct session *session);

/* Identity of the request that the calling thread serves, the same when the kernel sends it again to
 * another worker; 0 outside a request. For store's struct caller. */
uint64_t session_token(void);

#endif
