/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/process/signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "base/cleanup.h"

int signals_open(struct error *reterr)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR2};
	sigset_t signals;
	int fd;

	(void)sigemptyset(&signals);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		(void)sigaddset(&signals, numbers[i]);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &signals, SFD_CLOEXEC);
	return fd < 0 ? error_errno(reterr, errno, "cannot watch for signals") : fd;
}
