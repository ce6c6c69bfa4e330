/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/local/haproxy_socket.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

/* Connecting to a unix socket waits while the listener's queue is full: SO_SNDTIMEO ends that. */
static int socket_connect(const char *path, int timeout_ms)
{
	struct sockaddr_un where = {.sun_family = AF_UNIX};
	struct timeval limit = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000L};
	int fd, r;

	if (snprintf(where.sun_path, sizeof(where.sun_path), "%s", path) >=
		(int)sizeof(where.sun_path))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&where, sizeof(where)) == 0)
		return fd;
	r = -errno;
	(void)close(fd);
	return r;
}

static int socket_send(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t put = send(fd, data, len, MSG_NOSIGNAL);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		data += put;
		len -= (size_t)put;
	}
	return 0;
}

static int socket_receive(int fd, int64_t deadline_ns, struct buf *answer)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	char chunk[16384];

	for (;;) {
		int64_t left_ms = (deadline_ns - clock_now_ns()) / NS_PER_MILLISECOND;
		ssize_t got;

		if (left_ms <= 0)
			return -ETIMEDOUT;
		if (poll(&ready, 1, (int)left_ms) <= 0)
			continue;
		got = recv(fd, chunk, sizeof(chunk), 0);
		if (got < 0 && errno == EINTR)
			continue;
		/* A reload makes the master close its end hard; the command was taken. */
		if (got < 0 && errno != ECONNRESET)
			return -errno;
		if (got <= 0)
			return 0;
		if (answer)
			buf_add(answer, chunk, (size_t)got);
	}
}

int haproxy_socket_call(const char *path, const char *commands, int timeout_ms, struct buf *answer,
	struct error *reterr)
{
	int64_t deadline_ns = clock_now_ns() + timeout_ms * NS_PER_MILLISECOND;
	_cleanup_close_ int fd = socket_connect(path, timeout_ms);
	_cleanup_buf_ struct buf line = BUF_INIT;
	int r;

	/* In one piece: HAProxy closes as soon as it has carried out all that it has read. */
	buf_puts(&line, commands);
	buf_putc(&line, '\n');
	r = fd < 0 ? fd : line.error ? line.error : socket_send(fd, line.data, line.len);
	if (r == 0) {
		/* The master's socket waits for more commands until it sees the end. */
		(void)shutdown(fd, SHUT_WR);
		r = socket_receive(fd, deadline_ns, answer);
	}
	if (r == 0 && answer && answer->error)
		r = answer->error;
	return r < 0 ? error_errno(reterr, -r, "HAProxy does not answer on %s", path) : 0;
}

pid_t haproxy_socket_peer(const char *path)
{
	_cleanup_close_ int fd = socket_connect(path, 1000);
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (fd < 0)
		return fd;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return -errno;
	return peer.pid;
}
