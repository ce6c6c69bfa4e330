/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session - the conversation with the kernel over an open /dev/fuse: takes over a mounted
 *           connection, reads requests, hands them to libfuse's low-level operations.
 * Promises: works on a connection whose FUSE_INIT was answered by the supervisor; requests that a
 *           dead worker had read are asked for again and served. More threads serve while requests
 *           block, few when they do not.
 * Threads: session_run from one thread; session_stop from any, once session_new has returned.
 * Ownership: the fd stays the caller's; operations, userdata and inflight outlive the session.
 */
#ifndef DUPLOFS_FS_KERNEL_SESSION_H
#define DUPLOFS_FS_KERNEL_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct fuse_conn_info;
struct fuse_lowlevel_ops;
struct fuse_session;
struct inflight;
struct session;

/* A FUSE_INIT request, or the answer to it. */
struct session_init {
	size_t size;
	unsigned char data[256];
};

/* What we ask the kernel for. The one place: called by the operations' init, in the supervisor
 * (which answers FUSE_INIT) and in each worker (which replays it), so both agree. */
void session_configure(struct fuse_conn_info *connection);

/* Reads FUSE_INIT from a fresh mount and answers it as a session with these operations would. Both
 * messages are what every later session_new on this connection needs. */
int session_greet(int fuse_fd, const struct fuse_lowlevel_ops *operations, size_t operations_size,
	struct session_init *ret_request, struct session_init *ret_reply, struct error *reterr);

struct session_options {
	int fuse_fd;
	const struct session_init *request, *reply; /* as session_greet gave them */
	const struct fuse_lowlevel_ops *operations;
	size_t operations_size;
	void *userdata;
	struct inflight *inflight; /* where to say what is being served; may be NULL */
};

int session_new(struct session **ret, const struct session_options *options, struct error *reterr);

struct fuse_session *session_fuse(struct session *session);

/* Asks for what a dead worker left and serves until the file system is unmounted (0) or
 * session_stop (-EINTR: what was being served is done, everything else is left to the next worker;
 * from then on replies go nowhere). -ETIMEDOUT: stopped, but a request is still being served: the
 * session must not be freed. ready (may be NULL) is called when threads serve. */
int session_run(struct session *session, void (*ready)(void *arg), void *arg, struct error *reterr);
void session_stop(struct session *session);
void session_free(struct session *session);

/* Identity of the request that the calling thread serves, the same when the kernel sends it again
 * to another worker; 0 outside a request. For store's struct caller. */
uint64_t session_token(void);

/* The calling thread is done with what can be answered from memory: the request that it serves may
 * take longer. To be called once a GETATTR, OPEN or RELEASE looks any further. */
void session_linger(void);

/* Whether the request that the calling thread serves was read by a worker that is dead. */
bool session_resent(void);

#endif
