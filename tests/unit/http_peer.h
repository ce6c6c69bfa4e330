/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_peer - a small HTTP server inside a test that can misbehave, chosen by the request's path.
 * Promises: listens on a free port of 127.0.0.1, or on a unix socket; serves any number at once.
 * Threads: one a connection; counters may be read at any time.
 * Ownership: peer_stop ends all connections and threads.
 *
 * /ok            200 "ok", kept alive        /status/N      that status, body "no"
 * /echo          method, path, body          /bytes/N       N bytes of 'x'
 * /hang          never answers               /drip          a byte of header every 20 ms, for ever
 * /headers       headers without end         /garbage       not HTTP
 * /reset         RST before an answer        /half          closes in the middle of the body
 * /stale         200, then closes although it promised to keep the connection
 * /stream/N      N chunks "tick\n", then waits until peer_release, then ends the answer
 * /trickle       a chunk every 20 ms, for ever
 * /early         103, 100, then 204          /early-and-no-more  100, then closes
 * /interim       103 without end             /curt          a status line, then closes
 * /long-status   a status of four digits
 */
#ifndef DUPLOFS_TESTS_HTTP_PEER_H
#define DUPLOFS_TESTS_HTTP_PEER_H

#include <stdatomic.h>
#include <stdbool.h>

struct peer {
	int listen_fd, stop_fd, release_fd;
	int port;
	char url[64]; /* "http://127.0.0.1:1234" */
	atomic_int connections, requests, open;
	unsigned long thread;
};

/* socket_path: NULL for TCP. */
int peer_start(struct peer *peer, const char *socket_path);
void peer_release(struct peer *peer);
void peer_stop(struct peer *peer);

#endif
