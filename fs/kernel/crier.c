/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/kernel/crier.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"

#define PATH_BYTES 1024 /* three names and what stands between them */

struct crier {
	int socket;
	pid_t pid;
	dev_t device;
	char mountpoint[PATH_MAX];
};

struct call {
	bool directory;
	char path[PATH_BYTES];
};

/* Into the root of the file system, by a mount of our own that nobody else sees: the one that
 * people know may be unmounted meanwhile. -ENODEV: something else is there. */
static int enter(const struct crier *crier)
{
	struct stat st;
	int fd = open_tree(AT_FDCWD, crier->mountpoint, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || st.st_dev != crier->device || fchdir(fd) < 0) {
		(void)close(fd);
		return -ENODEV;
	}
	return fd;
}

/* What is served is never changed by this: files are cut only through an open draft, and have the
 * times of their content. */
static void cry(const struct call *call)
{
	if (call->directory)
		(void)utimensat(AT_FDCWD, call->path, NULL, AT_SYMLINK_NOFOLLOW);
	else
		(void)!truncate(call->path, 0);
}

/* The process: forked from one with threads, so nothing but system calls. */
static void serve(int socket, const struct crier *crier)
{
	struct call call;
	int root;

	(void)prctl(PR_SET_NAME, "duplofs-crier");
	/* Nothing else of the worker's is to live on with us. */
	if (dup2(socket, STDIN_FILENO) < 0)
		return;
	(void)close_range(STDOUT_FILENO, ~0U, 0);
	while (recv(STDIN_FILENO, &call, sizeof(call), 0) == sizeof(call)) {
		root = enter(crier);
		if (root < 0)
			continue;
		do
			cry(&call);
		while (recv(STDIN_FILENO, &call, sizeof(call), MSG_DONTWAIT) == sizeof(call));
		(void)!chdir("/");
		(void)close(root);
	}
}

int crier_new(struct crier **ret, const char *mountpoint, dev_t device, struct error *reterr)
{
	struct crier *crier = calloc(1, sizeof(*crier));
	int sockets[2], r;

	if (!crier)
		return error_oom(reterr);
	crier->device = device;
	if (!text_copy(crier->mountpoint, sizeof(crier->mountpoint), mountpoint) ||
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0) {
		free(crier);
		return error_set(reterr, -EMFILE, "cannot speak to a process for watchers");
	}
	crier->pid = _Fork();
	if (crier->pid == 0) {
		serve(sockets[1], crier);
		_exit(0);
	}
	r = crier->pid < 0 ? -errno : 0;
	(void)close(sockets[1]);
	if (r < 0) {
		(void)close(sockets[0]);
		free(crier);
		return error_errno(reterr, -r, "cannot start a process for watchers");
	}
	crier->socket = sockets[0];
	*ret = crier;
	return 0;
}

void crier_free(struct crier *crier)
{
	if (!crier)
		return;
	(void)close(crier->socket);
	/* It may wait for an answer of the next worker: whoever inherits it reaps it then. */
	(void)waitpid(crier->pid, NULL, WNOHANG);
	free(crier);
}

int crier_call(struct crier *crier, const char *path, bool directory)
{
	struct call call = {.directory = directory};

	if (!text_copy(call.path, sizeof(call.path), path))
		return -ENAMETOOLONG;
	if (send(crier->socket, &call, sizeof(call), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
		return 0;
	return errno == EAGAIN || errno == EINTR ? -EAGAIN : -EPIPE;
}
