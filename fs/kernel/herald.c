/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/kernel/herald.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/log.h"

#define HERALD_WINDOW 64 /* messages on their way */

struct herald_message {
	size_t size;
	unsigned char data[HERALD_MESSAGE_MAX];
};

struct herald {
	int fuse_fd;
	int socket; /* -1: no process; messages are written here and now */
	pid_t pid;
	struct lock lock; /* guards the socket's number against a change while it is shut down */
	atomic_bool abandoned;
	size_t first, count; /* not yet acknowledged */
	struct herald_message window[HERALD_WINDOW];
};

/* The process: forked from one with threads, so nothing but system calls. Each message is answered
 * with a byte when the kernel has taken it, whatever it said: it may know nothing of that inode. */
static void herald_serve(int socket, int fuse_fd)
{
	unsigned char data[HERALD_MESSAGE_MAX];
	ssize_t got, put;

	(void)prctl(PR_SET_NAME, "duplofs-herald");
	/* Nothing else of the worker's is to live on with us. */
	if (dup2(socket, STDIN_FILENO) < 0 || dup2(fuse_fd, STDOUT_FILENO) < 0)
		return;
	(void)close_range(STDERR_FILENO, ~0U, 0);
	while ((got = recv(STDIN_FILENO, data, sizeof(data), 0)) > 0) {
		do
			put = write(STDOUT_FILENO, data, (size_t)got);
		while (put < 0 && errno == EINTR);
		(void)send(STDIN_FILENO, "", 1, MSG_NOSIGNAL);
	}
}

static int herald_start(struct herald *herald)
{
	int sockets[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return -errno;
	pid = _Fork();
	if (pid == 0) {
		herald_serve(sockets[1], herald->fuse_fd);
		_exit(0);
	}
	(void)close(sockets[1]);
	if (pid < 0) {
		(void)close(sockets[0]);
		return -errno;
	}
	herald->socket = sockets[0];
	herald->pid = pid;
	return 0;
}

static void herald_stop(struct herald *herald)
{
	if (herald->socket < 0)
		return;
	(void)close(herald->socket);
	herald->socket = -1;
	/* It may live on for a while: whoever inherits it reaps it then. */
	(void)waitpid(herald->pid, NULL, WNOHANG);
}

static bool herald_post(const struct herald *herald, const struct herald_message *message)
{
	/* The window fits into the socket; once abandoned, what does not fit is lost. */
	int flags = MSG_NOSIGNAL | (atomic_load(&herald->abandoned) ? MSG_DONTWAIT : 0);

	return herald->socket >= 0 &&
	       send(herald->socket, message->data, message->size, flags) >= 0;
}

/* The process is gone: another one gets all that may not have arrived. */
static void herald_restart(struct herald *herald)
{
	size_t i;
	int r;

	lock_acquire(&herald->lock);
	herald_stop(herald);
	r = herald_start(herald);
	lock_release(&herald->lock);
	if (r < 0)
		log_error("no process to invalidate the kernel's cache: %s", strerror(-r));
	for (i = 0; i < herald->count; i++) {
		const struct herald_message *message =
			&herald->window[(herald->first + i) % HERALD_WINDOW];

		if (!herald_post(herald, message) &&
			write(herald->fuse_fd, message->data, message->size) < 0)
			log_debug("cannot invalidate: %s", strerror(errno));
	}
	if (herald->socket < 0)
		herald->count = 0;
}

static void herald_await(struct herald *herald)
{
	ssize_t got;
	char byte;

	while (herald->count > 0 && !atomic_load(&herald->abandoned)) {
		got = recv(herald->socket, &byte, 1, 0);
		if (got == 1) {
			herald->first = (herald->first + 1) % HERALD_WINDOW;
			herald->count--;
			return;
		}
		if ((got < 0 && errno == EINTR) || atomic_load(&herald->abandoned))
			continue;
		herald_restart(herald);
	}
}

void herald_send(struct herald *herald, const void *data, size_t size)
{
	struct herald_message *message;

	if (size > sizeof(message->data))
		return;
	if (herald->count == HERALD_WINDOW)
		herald_await(herald);
	if (herald->count == HERALD_WINDOW) {
		/* Abandoned: nothing is answered any more, nor sent again. */
		herald->first = (herald->first + 1) % HERALD_WINDOW;
		herald->count--;
	}
	message = &herald->window[(herald->first + herald->count) % HERALD_WINDOW];
	memcpy(message->data, data, size);
	message->size = size;
	herald->count++;
	if (!herald_post(herald, message) && !atomic_load(&herald->abandoned))
		herald_restart(herald);
}

void herald_sync(struct herald *herald)
{
	while (herald->count > 0 && !atomic_load(&herald->abandoned))
		herald_await(herald);
}

void herald_abandon(struct herald *herald)
{
	LOCKED(&herald->lock);
	atomic_store(&herald->abandoned, true);
	/* Only our reading ends: the process gets what is on its way to it. */
	(void)shutdown(herald->socket, SHUT_RD);
}

int herald_new(struct herald **ret, int fuse_fd, struct error *reterr)
{
	struct herald *herald = calloc(1, sizeof(*herald));
	int r;

	if (!herald)
		return error_oom(reterr);
	herald->fuse_fd = fuse_fd;
	herald->socket = -1;
	lock_init(&herald->lock, LOCK_LEAF);
	r = herald_start(herald);
	if (r < 0) {
		lock_done(&herald->lock);
		free(herald);
		return error_errno(reterr, -r, "cannot start a process for notifications");
	}
	*ret = herald;
	return 0;
}

void herald_free(struct herald *herald)
{
	if (!herald)
		return;
	herald_stop(herald);
	lock_done(&herald->lock);
	free(herald);
}
