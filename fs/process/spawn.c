/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/process/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/cleanup.h"

#define SPAWN_ARGUMENTS_MAX 12
#define SPAWN_FDS           7

extern char **environ;

struct spawn_arguments {
	char fds[96];
	struct buf list;
	const char *argv[SPAWN_ARGUMENTS_MAX];
};

static void spawn_fds(const struct options_fds *fds, int ret[SPAWN_FDS])
{
	ret[0] = fds->fuse;
	ret[1] = fds->handoff;
	ret[2] = fds->lock;
	ret[3] = fds->peer;
	ret[4] = fds->report;
	ret[5] = fds->alive;
	ret[6] = fds->watch;
}

static int spawn_arguments(struct spawn_arguments *arguments, const struct options *options,
	const char *role, const struct options_fds *fds, struct error *reterr)
{
	const char **at = arguments->argv;

	(void)snprintf(arguments->fds, sizeof(arguments->fds), "--fds=%d,%d,%d,%d,%d,%d,%d",
		fds->fuse, fds->handoff, fds->lock, fds->peer, fds->report, fds->alive, fds->watch);
	arguments->list = BUF_INIT;
	options_print(options, &arguments->list);
	if (arguments->list.error)
		return error_oom(reterr);
	*at++ = "duplofs";
	*at++ = role;
	*at++ = arguments->fds;
	if (options->foreground)
		*at++ = options->debug ? "-d" : "-f";
	*at++ = "-o";
	*at++ = buf_string(&arguments->list);
	*at++ = "--";
	*at++ = options->source;
	*at++ = options->mountpoint;
	*at = NULL;
	return 0;
}

static void spawn_attributes(posix_spawnattr_t *attributes)
{
	sigset_t none, all;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	(void)posix_spawnattr_init(attributes);
	(void)posix_spawnattr_setsigmask(attributes, &none);
	(void)posix_spawnattr_setsigdefault(attributes, &all);
	(void)posix_spawnattr_setflags(attributes,
		POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
}

static int spawn_start(const char *path, struct spawn_arguments *arguments,
	const struct options_fds *fds, pid_t *ret_pid, struct error *reterr)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int numbers[SPAWN_FDS], i, r;

	spawn_fds(fds, numbers);
	(void)posix_spawn_file_actions_init(&actions);
	/* Onto itself: takes the close-on-exec flag off in the child alone. */
	for (i = 0; i < SPAWN_FDS; i++)
		if (numbers[i] >= 0)
			(void)posix_spawn_file_actions_adddup2(&actions, numbers[i], numbers[i]);
	spawn_attributes(&attributes);
	r = posix_spawn(ret_pid, path, &actions, &attributes,
		(char *const *)(uintptr_t)arguments->argv, environ);
	(void)posix_spawnattr_destroy(&attributes);
	(void)posix_spawn_file_actions_destroy(&actions);
	return r ? error_errno(reterr, r, "cannot start %s", path) : 0;
}

static const char *spawn_role(enum options_action role)
{
	switch (role) {
	case OPTIONS_HOLDER:
		return "--as=holder";
	case OPTIONS_SUCCESSOR:
		return "--as=successor";
	case OPTIONS_WORKER:
		return "--as=worker";
	case OPTIONS_TRIAL:
		return "--as=trial";
	default:
		return "--as=supervisor";
	}
}

/* The file that this program was started from; another one may be there by now. */
static int spawn_find(char path[PATH_MAX], struct error *reterr)
{
	static const char deleted[] = " (deleted)";
	ssize_t len = readlink("/proc/self/exe", path, PATH_MAX - 1);

	if (len < 0)
		return error_errno(reterr, errno, "cannot find this program");
	path[len] = '\0';
	/* The kernel says so once the file was replaced, which is why we are here. */
	if ((size_t)len > sizeof(deleted) && strcmp(path + len - sizeof(deleted) + 1, deleted) == 0)
		path[(size_t)len - sizeof(deleted) + 1] = '\0';
	return 0;
}

int spawn_self(const struct options *options, enum options_action role,
	const struct options_fds *fds, pid_t *ret_pid, int *ret_pidfd, struct error *reterr)
{
	char path[PATH_MAX] = "/proc/self/exe";
	struct spawn_arguments arguments;
	int pidfd;
	int r = spawn_arguments(&arguments, options, spawn_role(role), fds, reterr);
	pid_t pid;

	if (r == 0 && role == OPTIONS_TRIAL)
		r = spawn_find(path, reterr);
	if (r == 0)
		r = spawn_start(path, &arguments, fds, &pid, reterr);
	buf_done(&arguments.list);
	if (r < 0)
		return r;
	pidfd = pidfd_open(pid, 0);
	if (pidfd < 0) {
		r = error_errno(reterr, errno, "cannot watch process %d", (int)pid);
		(void)kill(pid, SIGKILL);
		return r;
	}
	*ret_pid = pid;
	*ret_pidfd = pidfd;
	return 0;
}

static void spawn_set_flags(const int numbers[SPAWN_FDS], int flags)
{
	int i;

	for (i = 0; i < SPAWN_FDS; i++)
		if (numbers[i] >= 0)
			(void)fcntl(numbers[i], F_SETFD, flags);
}

void spawn_seal(const struct options_fds *fds)
{
	int numbers[SPAWN_FDS];

	spawn_fds(fds, numbers);
	spawn_set_flags(numbers, FD_CLOEXEC);
}

int spawn_exec(const struct options *options, enum options_action role,
	const struct options_fds *fds, struct error *reterr)
{
	struct spawn_arguments arguments;
	char path[PATH_MAX];
	int numbers[SPAWN_FDS], r;

	r = spawn_find(path, reterr);
	if (r < 0)
		return r;
	r = spawn_arguments(&arguments, options, spawn_role(role), fds, reterr);
	if (r == 0) {
		spawn_fds(fds, numbers);
		spawn_set_flags(numbers, 0);
		(void)execve(path, (char *const *)(uintptr_t)arguments.argv, environ);
		r = error_errno(reterr, errno, "cannot start %s", path);
		spawn_set_flags(numbers, FD_CLOEXEC);
	}
	buf_done(&arguments.list);
	return r;
}

int spawn_has_ended(int pidfd)
{
	struct pollfd ended = {.fd = pidfd, .events = POLLIN};

	return poll(&ended, 1, 0) > 0;
}
