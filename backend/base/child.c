/* SPDX-License-Identifier: Apache-2.0 */
#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

extern char **environ;

static bool child_is_program(char *path, size_t size, const char *dir, size_t len, const char *end,
	const char *program)
{
	int used = snprintf(path, size, "%.*s%s/%s", (int)len, dir, end, program);

	return used > 0 && (size_t)used < size && access(path, X_OK) == 0;
}

int child_find(const char *program, char *path, size_t size)
{
	const char *search = getenv("PATH");
	const char *dir, *end;

	if (!search)
		search = "/usr/local/bin:/usr/bin:/bin";
	for (dir = search; *dir; dir = *end ? end + 1 : end) {
		size_t len = strcspn(dir, ":");

		end = dir + len;
		if (*dir != '/')
			continue;
		if (child_is_program(path, size, dir, len, "", program))
			return 0;
		/* Not on everybody's PATH: the sbin beside a bin. */
		if (len >= 4 && strncmp(end - 4, "/bin", 4) == 0 &&
			child_is_program(path, size, dir, len - 3, "sbin", program))
			return 0;
	}
	return -ENOENT;
}

int child_start(const char *const *argv, int output_fd, pid_t *ret_pid, struct error *reterr)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int r;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawnattr_init(&attributes);
	(void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (output_fd >= 0) {
		(void)posix_spawn_file_actions_adddup2(&actions, output_fd, STDOUT_FILENO);
		(void)posix_spawn_file_actions_adddup2(&actions, output_fd, STDERR_FILENO);
	}
	(void)posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
	(void)posix_spawnattr_setsigmask(&attributes, &none);
	(void)posix_spawnattr_setsigdefault(&attributes, &all);
	(void)posix_spawnattr_setflags(&attributes,
		POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
	r = posix_spawn(ret_pid, argv[0], &actions, &attributes, (char *const *)(uintptr_t)argv,
		environ);
	(void)posix_spawnattr_destroy(&attributes);
	(void)posix_spawn_file_actions_destroy(&actions);
	return r ? error_errno(reterr, r, "cannot start %s", argv[0]) : 0;
}

/* Reads what the child prints until it closes its end or the time is over. */
static int child_collect(int fd, int64_t deadline_ns, struct buf *output)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	char chunk[4096];

	for (;;) {
		int64_t left_ms = (deadline_ns - clock_now_ns()) / NS_PER_MILLISECOND;
		ssize_t got;

		if (left_ms <= 0)
			return -ETIMEDOUT;
		if (poll(&ready, 1, (int)(left_ms < 60000 ? left_ms : 60000)) <= 0)
			continue;
		got = read(fd, chunk, sizeof(chunk));
		if (got <= 0)
			return 0;
		if (output && output->len < 65536)
			buf_add(output, chunk, (size_t)got);
	}
}

static bool child_wait_until(pid_t pid, int64_t deadline_ns, int *ret_status)
{
	int64_t pause_ns = NS_PER_MILLISECOND / 2;

	for (;;) {
		struct timespec pause;
		pid_t got = waitpid(pid, ret_status, WNOHANG);

		if (got == pid || (got < 0 && errno == ECHILD && kill(pid, 0) < 0))
			return true;
		if (clock_now_ns() >= deadline_ns)
			return false;
		pause = clock_timespec(pause_ns);
		(void)nanosleep(&pause, NULL);
		if (pause_ns < 20 * NS_PER_MILLISECOND)
			pause_ns *= 2;
	}
}

int child_run(const char *const *argv, int64_t timeout_ms, struct buf *output, struct error *reterr)
{
	int64_t deadline_ns = clock_now_ns() + timeout_ms * NS_PER_MILLISECOND;
	int status = 0, pipes[2], r;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return error_errno(reterr, errno, "cannot make a pipe");
	r = child_start(argv, pipes[1], &pid, reterr);
	(void)close(pipes[1]);
	if (r < 0) {
		(void)close(pipes[0]);
		return r;
	}
	r = child_collect(pipes[0], deadline_ns, output);
	(void)close(pipes[0]);
	if (r == 0 && child_wait_until(pid, deadline_ns, &status))
		return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, &status, 0);
	return error_set(reterr, -ETIMEDOUT, "%s did not end within %lld ms", argv[0],
		(long long)timeout_ms);
}

void child_stop(pid_t pid, int64_t grace_ms)
{
	int status;

	if (pid <= 0 || kill(pid, SIGTERM) < 0)
		return;
	if (child_wait_until(pid, clock_now_ns() + grace_ms * NS_PER_MILLISECOND, &status))
		return;
	(void)kill(pid, SIGKILL);
	(void)child_wait_until(pid, clock_now_ns() + 1000 * NS_PER_MILLISECOND, &status);
}
