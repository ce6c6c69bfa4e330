/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/local/process.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

int process_start(struct process *process, const char *const *argv, int output_fd,
	struct error *reterr)
{
	pid_t pid;
	int r = child_start(argv, output_fd, &pid, reterr);

	if (r < 0)
		return r;
	process->pidfd = pidfd_open(pid, 0);
	if (process->pidfd < 0) {
		r = error_errno(reterr, errno, "cannot watch %s", argv[0]);
		child_stop(pid, 1000);
		return r;
	}
	process->pid = pid;
	return 0;
}

int process_adopt(struct process *process, pid_t pid, const char *argument)
{
	int fd = pid > 0 ? pidfd_open(pid, 0) : -1;

	if (fd < 0)
		return -ESRCH;
	/* Asked after pidfd_open: the answer is about the process that the pidfd holds. */
	if (!process_runs_with(pid, argument)) {
		(void)close(fd);
		return -ESRCH;
	}
	process->pid = pid;
	process->pidfd = fd;
	return 0;
}

bool process_ended(struct process *process, int timeout_ms)
{
	struct pollfd ready = {.fd = process->pidfd, .events = POLLIN};

	if (process->pid <= 0)
		return true;
	if (poll(&ready, 1, timeout_ms) <= 0)
		return false;
	(void)waitpid(process->pid, NULL, WNOHANG); /* ECHILD when another process started it */
	process_leave(process);
	return true;
}

bool process_signal(const struct process *process, int signal_number)
{
	return process->pid > 0 && pidfd_send_signal(process->pidfd, signal_number, NULL, 0) == 0;
}

void process_stop(struct process *process, int grace_ms)
{
	if (process->pid <= 0)
		return;
	(void)process_signal(process, SIGTERM);
	if (process_ended(process, grace_ms))
		return;
	(void)process_signal(process, SIGKILL);
	if (!process_ended(process, 5000))
		process_leave(process);
}

void process_leave(struct process *process)
{
	if (process->pidfd >= 0)
		(void)close(process->pidfd);
	*process = PROCESS_NONE;
}

bool process_runs_with(pid_t pid, const char *argument)
{
	_cleanup_buf_ struct buf arguments = BUF_INIT;
	const char *at, *end;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	if (file_read(path, 65536, &arguments, NULL) < 0 || arguments.len == 0)
		return false;
	end = arguments.data + arguments.len;
	for (at = arguments.data; at < end; at += strlen(at) + 1)
		if (!argument || strcmp(at, argument) == 0)
			return true;
	return false;
}

size_t process_find(const char *argument, pid_t *pids, size_t max)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	size_t count = 0;

	while (proc && count < max && (entry = readdir(proc)) != NULL) {
		int64_t pid;

		if (text_parse_int(entry->d_name, 1, INT32_MAX, &pid) == 0 &&
			process_runs_with((pid_t)pid, argument))
			pids[count++] = (pid_t)pid;
	}
	if (proc)
		(void)closedir(proc);
	return count;
}

pid_t process_parent(pid_t pid)
{
	_cleanup_buf_ struct buf status = BUF_INIT;
	const char *at;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (file_read(path, 65536, &status, NULL) < 0)
		return 0;
	at = strstr(buf_string(&status), "\nPPid:");
	return at ? (pid_t)strtol(at + strlen("\nPPid:"), NULL, 10) : 0;
}

void process_name(pid_t pid, char *name, size_t size)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	char path[64];

	*name = '\0';
	(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	if (file_read(path, 256, &text, NULL) < 0)
		return;
	(void)snprintf(name, size, "%s", buf_string(&text));
	name[strcspn(name, "\n")] = '\0';
}
