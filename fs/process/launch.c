/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/process/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "fs/process/mount.h"
#include "fs/process/statedir.h"

#define LAUNCH_ANSWERING "answering"

static void launch_answering(void *arg)
{
	int *report = arg;

	(void)file_write_all(*report, LAUNCH_ANSWERING, strlen(LAUNCH_ANSWERING));
	(void)close(*report);
	*report = -1;
}

/* Whoever reads our output must not wait for the daemon to end. */
static void launch_leave_terminal(void)
{
	int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)setsid();
	if (nowhere < 0)
		return;
	(void)dup2(nowhere, STDIN_FILENO);
	(void)dup2(nowhere, STDOUT_FILENO);
	(void)dup2(nowhere, STDERR_FILENO);
	(void)close(nowhere);
}

/* 0, or 1: the cause was told already. */
static int launch_daemon(const struct options *options, const struct holder_service *service,
	int lock_fd, int report)
{
	struct error error = ERROR_INIT;
	int r;

	launch_leave_terminal();
	if (chdir("/") < 0)
		return 1;
	log_open("duplofs", LOG_LEVEL_INFO, true);
	r = holder_mount(options, service, lock_fd, launch_answering, &report, &error);
	if (r == 0)
		return 0;
	if (report >= 0)
		(void)file_write_all(report, error.text, strlen(error.text));
	else
		log_error("%s", error.text);
	return 1;
}

/* The caller's side: waits for the word, then sees for itself. */
static int launch_wait(const struct options *options, pid_t pid, int report, struct error *reterr)
{
	char text[sizeof(reterr->text)];
	struct statfs answer;
	size_t len = 0;
	ssize_t got;

	while (len < sizeof(text) - 1 &&
		(got = read(report, text + len, sizeof(text) - 1 - len)) != 0) {
		if (got < 0 && errno != EINTR)
			break;
		len += got > 0 ? (size_t)got : 0;
	}
	text[len] = '\0';
	if (strcmp(text, LAUNCH_ANSWERING) != 0) {
		(void)waitpid(pid, NULL, 0);
		return error_set(reterr, -EIO, "%s", len ? text : "the holder ended at once");
	}
	if (statfs(options->mountpoint, &answer) < 0)
		return error_errno(reterr, errno, "%s does not answer", options->mountpoint);
	if (answer.f_type != FUSE_SUPER_MAGIC)
		return error_set(reterr, -EIO, "%s was unmounted at once", options->mountpoint);
	return 0;
}

static int launch_background(const struct options *options, const struct holder_service *service,
	int lock_fd, struct error *reterr)
{
	int report[2], r;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) < 0)
		return error_errno(reterr, errno, "cannot make a pipe");
	(void)fflush(NULL);
	pid = fork();
	if (pid == 0) {
		(void)close(report[0]);
		return launch_daemon(options, service, lock_fd, report[1]);
	}
	(void)close(report[1]);
	(void)close(lock_fd);
	r = pid < 0 ? error_errno(reterr, errno, "cannot go into the background")
		    : launch_wait(options, pid, report[0], reterr);
	(void)close(report[0]);
	return r;
}

/* stdin, stdout and stderr must be open, or /dev/fuse would be given one of their numbers. */
static void launch_fill_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		(void)close(fd);
}

static int launch_checked(struct options *options, const struct holder_service *service,
	struct error *reterr)
{
	int lock_fd, r;

	if (geteuid() != 0)
		return error_set(reterr, -EPERM,
			"only root can mount a platform; try sudo duplofs %s", options->mountpoint);
	launch_fill_standard_fds();
	(void)umask(022);
	r = mount_prepare(options->mountpoint, reterr);
	if (r == 0)
		r = statedir_open(options->state, reterr);
	if (r == 0)
		r = statedir_lock(options->state, options->mountpoint, &lock_fd, reterr);
	if (r < 0)
		return r;
	if (!options->foreground)
		return launch_background(options, service, lock_fd, reterr);
	return holder_mount(options, service, lock_fd, NULL, NULL, reterr);
}

int launch(struct options *options, const struct holder_service *service)
{
	struct error error = ERROR_INIT;
	int r = launch_checked(options, service, &error);

	if (r < 0)
		(void)fprintf(stderr, "duplofs: %s\n", error.text);
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
