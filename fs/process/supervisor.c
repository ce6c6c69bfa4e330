/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/process/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "fs/process/handoff.h"
#include "fs/process/holder.h"
#include "fs/process/mount.h"
#include "fs/process/signals.h"
#include "fs/process/spawn.h"
#include "fs/process/statedir.h"
#include "fs/process/upgrade.h"

/* A worker that fails before it was ready is followed by another at once this often, then ever
 * later. */
#define SUPERVISOR_FREE_RESTARTS  3
#define SUPERVISOR_RESTART_MIN_MS 20
#define SUPERVISOR_RESTART_MAX_MS 1000

/* How long a detached file system is served to those that still use it, and how long a worker may
 * take to end its work. */
#define SUPERVISOR_DETACHED_MS 10000
#define SUPERVISOR_ENDING_MS   20000

/* A holder that ends without being killed is followed by another so much later. */
#define SUPERVISOR_HOLDER_MS 1000

/* How long a new program may take to say whether it can take over. */
#define SUPERVISOR_TRIAL_MS 20000

enum supervisor_phase {
	SUPERVISOR_SERVES,
	SUPERVISOR_DETACHED, /* out of the tree, still used by somebody */
	SUPERVISOR_ENDING, /* the worker was told to end */
	SUPERVISOR_OVER,
};

/* Who has asked us to stop. Somebody's second request does not wait for users of the mount; a
 * signal to every process of the platform is one request of each. */
enum supervisor_asker {
	SUPERVISOR_BY_SIGNAL,
	SUPERVISOR_BY_HOLDER,
	SUPERVISOR_ASKERS,
};

struct supervisor {
	const struct options *options;
	struct options_fds fds; /* fuse, handoff, lock, alive, watch */
	struct handoff *handoff;
	int stop_requests[SUPERVISOR_ASKERS];
	enum supervisor_phase phase;
	int64_t phase_end_ns;
	int signals;
	pid_t worker; /* 0: none */
	int worker_fd; /* pidfd */
	int report; /* what the worker says about its start; -1: has said it */
	bool ready; /* this worker serves */
	bool upgrading; /* who asked for it waits for the first worker of this program */
	int failures; /* workers in a row that ended before they were ready */
	int64_t restart_ns;
	int holder_fd; /* pidfd; -1: none lives */
	int64_t holder_ns; /* when to start one */
	int trial_fd, trial_report; /* of a new program that is being tried; -1: none */
	int64_t trial_end_ns;
	struct error error; /* why no worker starts */
};

static int64_t supervisor_in_ms(int64_t ms)
{
	return clock_now_ns() + ms * NS_PER_MILLISECOND;
}

static void supervisor_enter(struct supervisor *supervisor, enum supervisor_phase phase,
	int64_t limit_ms)
{
	supervisor->phase = phase;
	supervisor->phase_end_ns = limit_ms ? supervisor_in_ms(limit_ms) : CLOCK_FOREVER;
}

static void supervisor_schedule(struct supervisor *supervisor)
{
	int64_t delay_ms = SUPERVISOR_RESTART_MIN_MS;
	int i;

	supervisor->restart_ns = clock_now_ns();
	if (supervisor->failures <= SUPERVISOR_FREE_RESTARTS)
		return;
	for (i = SUPERVISOR_FREE_RESTARTS + 1; i < supervisor->failures; i++)
		if (delay_ms < SUPERVISOR_RESTART_MAX_MS)
			delay_ms *= 2;
	if (delay_ms > SUPERVISOR_RESTART_MAX_MS)
		delay_ms = SUPERVISOR_RESTART_MAX_MS;
	supervisor->restart_ns = supervisor_in_ms(delay_ms);
}

static void supervisor_start_worker(struct supervisor *supervisor)
{
	struct options_fds fds = supervisor->fds;
	struct error error = ERROR_INIT;
	int report[2] = {-1, -1};
	int r;

	supervisor->restart_ns = CLOCK_FOREVER;
	supervisor->ready = false;
	fds.peer = pidfd_open(getpid(), 0);
	if (fds.peer < 0 || pipe2(report, O_CLOEXEC | O_NONBLOCK) < 0) {
		r = error_errno(&error, errno, "cannot prepare a worker");
	} else {
		fds.report = report[1];
		r = spawn_self(supervisor->options, OPTIONS_WORKER, &fds, &supervisor->worker,
			&supervisor->worker_fd, &error);
		(void)close(report[1]);
	}
	if (fds.peer >= 0)
		(void)close(fds.peer);
	if (r == 0) {
		supervisor->report = report[0];
		statedir_write_pid(supervisor->options->state, STATEDIR_WORKER, supervisor->worker);
		return;
	}
	if (report[0] >= 0)
		(void)close(report[0]);
	log_error("%s", error.text);
	supervisor->failures++;
	supervisor_schedule(supervisor);
}

static void supervisor_settle(struct supervisor *supervisor)
{
	atomic_store(&supervisor->handoff->settled, true);
	(void)holder_say(supervisor->fds.alive, HOLDER_ANSWERING, NULL);
}

/* The worker says that it serves, or why it cannot; or it has closed the pipe. */
static void supervisor_read_report(struct supervisor *supervisor)
{
	char text[sizeof(supervisor->error.text)];
	ssize_t got;

	if (supervisor->report < 0)
		return;
	got = read(supervisor->report, text, sizeof(text) - 1);
	if (got < 0)
		return;
	(void)close(supervisor->report);
	supervisor->report = -1;
	text[got] = '\0';
	if (strcmp(text, "ready") != 0) {
		if (got > 0)
			(void)error_set(&supervisor->error, -EIO, "%s", text);
		return;
	}
	supervisor->ready = true;
	supervisor->failures = 0;
	supervisor_settle(supervisor);
	if (supervisor->upgrading) {
		statedir_write_answer(supervisor->options->state, UPGRADE_FINE);
		(void)holder_say(supervisor->fds.alive, HOLDER_RENEW, NULL);
	}
	supervisor->upgrading = false;
}

enum supervisor_cause {
	SUPERVISOR_ENDED, /* in order, or nobody knows */
	SUPERVISOR_KILLED, /* by somebody */
	SUPERVISOR_CRASHED, /* of a fault of its own */
};

static enum supervisor_cause supervisor_reap(const struct supervisor *supervisor)
{
	siginfo_t info = {0};

	/* Not our child when it was the worker that started us. */
	if (waitid(P_PIDFD, (id_t)supervisor->worker_fd, &info, WEXITED | WNOHANG) < 0)
		return SUPERVISOR_ENDED;
	if (info.si_code == CLD_EXITED)
		return info.si_status == EXIT_SUCCESS ? SUPERVISOR_ENDED : SUPERVISOR_CRASHED;
	if (info.si_code != CLD_KILLED && info.si_code != CLD_DUMPED)
		return SUPERVISOR_ENDED;
	log_warning("the worker (process %d) was ended by signal %d%s", (int)supervisor->worker,
		info.si_status, info.si_code == CLD_DUMPED ? " (core dumped)" : "");
	switch (info.si_status) {
	case SIGSEGV:
	case SIGBUS:
	case SIGABRT:
	case SIGILL:
	case SIGFPE:
		return SUPERVISOR_CRASHED;
	default:
		return SUPERVISOR_KILLED;
	}
}

static void supervisor_worker_ended(struct supervisor *supervisor)
{
	enum supervisor_cause cause;

	supervisor_read_report(supervisor);
	cause = supervisor_reap(supervisor);
	if (cause == SUPERVISOR_CRASHED)
		inflight_crashed(&supervisor->handoff->inflight);
	else
		inflight_reset(&supervisor->handoff->inflight);
	(void)close(supervisor->worker_fd);
	if (supervisor->report >= 0)
		(void)close(supervisor->report);
	supervisor->worker = 0;
	supervisor->worker_fd = supervisor->report = -1;
	if (supervisor->phase == SUPERVISOR_ENDING || mount_has_ended(supervisor->fds.fuse)) {
		supervisor->phase = SUPERVISOR_OVER;
		return;
	}
	if (!atomic_load(&supervisor->handoff->settled)) {
		(void)holder_say(supervisor->fds.alive, HOLDER_FAILED,
			supervisor->error.code ? supervisor->error.text
					       : "the worker ended at once");
		supervisor->phase = SUPERVISOR_OVER;
		return;
	}
	if (!supervisor->ready && cause != SUPERVISOR_KILLED) {
		supervisor->failures++;
		log_error("a worker could not start: %s", supervisor->error.text);
	}
	supervisor_schedule(supervisor);
}

static void supervisor_signal_worker(const struct supervisor *supervisor, int number)
{
	if (supervisor->worker_fd >= 0)
		(void)pidfd_send_signal(supervisor->worker_fd, number, NULL, 0);
}

/* The worker ends for good, whatever still uses the file system. */
static void supervisor_end(struct supervisor *supervisor)
{
	atomic_store(&supervisor->handoff->ending, true);
	if (supervisor->worker == 0) {
		supervisor->phase = SUPERVISOR_OVER;
		return;
	}
	supervisor_enter(supervisor, SUPERVISOR_ENDING, SUPERVISOR_ENDING_MS);
	supervisor_signal_worker(supervisor, SIGTERM);
}

static void supervisor_stop(struct supervisor *supervisor, enum supervisor_asker asker)
{
	const char *place = supervisor->options->mountpoint;
	struct error error = ERROR_INIT;
	int r;

	if (++supervisor->stop_requests[asker] > 1) {
		supervisor_end(supervisor);
		return;
	}
	if (supervisor->phase != SUPERVISOR_SERVES)
		return;
	r = mount_remove(place, false, &error);
	if (r < 0) {
		log_warning("%s: it is out of the tree now and ends with its last user, or in %d s",
			error.text, SUPERVISOR_DETACHED_MS / 1000);
		if (mount_remove(place, true, &error) < 0)
			log_error("%s", error.text);
	}
	atomic_store(&supervisor->handoff->stopping, true);
	/* With the last user the worker sees the end of the connection and ends. */
	supervisor_enter(supervisor, SUPERVISOR_DETACHED, SUPERVISOR_DETACHED_MS);
}

static void supervisor_refuse(struct supervisor *supervisor, const char *why)
{
	log_error("not upgraded: %s", why);
	statedir_write_answer(supervisor->options->state, why);
}

/* The new program is tried first: it says whether it can go on with what is there. */
static void supervisor_try_upgrade(struct supervisor *supervisor)
{
	struct options_fds fds = OPTIONS_FDS_NONE;
	struct error error = ERROR_INIT;
	int report[2];
	pid_t pid;

	if (supervisor->phase != SUPERVISOR_SERVES || supervisor->worker == 0 ||
		!supervisor->ready) {
		supervisor_refuse(supervisor, "no worker serves just now; try again");
		return;
	}
	if (supervisor->trial_fd >= 0)
		return; /* on its way already */
	if (pipe2(report, O_CLOEXEC | O_NONBLOCK) < 0) {
		supervisor_refuse(supervisor, "cannot make a pipe");
		return;
	}
	fds.handoff = supervisor->fds.handoff;
	fds.report = report[1];
	if (spawn_self(supervisor->options, OPTIONS_TRIAL, &fds, &pid, &supervisor->trial_fd,
		    &error) < 0) {
		supervisor->trial_fd = -1;
		(void)close(report[0]);
		supervisor_refuse(supervisor, error.text);
	} else {
		supervisor->trial_report = report[0];
		supervisor->trial_end_ns = supervisor_in_ms(SUPERVISOR_TRIAL_MS);
	}
	(void)close(report[1]);
}

static void supervisor_upgrade(struct supervisor *supervisor)
{
	struct options_fds fds = supervisor->fds;
	struct error error = ERROR_INIT;

	fds.peer = supervisor->worker_fd;
	fds.report = -1;
	(void)spawn_exec(supervisor->options, OPTIONS_SUCCESSOR, &fds, &error);
	supervisor_refuse(supervisor, error.text);
}

static void supervisor_trial_ended(struct supervisor *supervisor)
{
	char text[sizeof(supervisor->error.text)] = "";
	siginfo_t info = {0};
	ssize_t got = read(supervisor->trial_report, text, sizeof(text) - 1);

	text[got > 0 ? got : 0] = '\0';
	(void)waitid(P_PIDFD, (id_t)supervisor->trial_fd, &info, WEXITED | WNOHANG);
	(void)close(supervisor->trial_fd);
	(void)close(supervisor->trial_report);
	supervisor->trial_fd = supervisor->trial_report = -1;
	supervisor->trial_end_ns = CLOCK_FOREVER;
	if (strcmp(text, UPGRADE_FINE) != 0) {
		if (!text[0])
			(void)snprintf(text, sizeof(text),
				"the new program does not run (it ended with %s %d)",
				info.si_code == CLD_EXITED ? "status" : "signal", info.si_status);
		supervisor_refuse(supervisor, text);
	} else if (supervisor->worker == 0 || !supervisor->ready ||
		   supervisor->phase != SUPERVISOR_SERVES) {
		supervisor_refuse(supervisor, "no worker serves just now; try again");
	} else {
		supervisor_upgrade(supervisor);
	}
}

static void supervisor_take_signal(struct supervisor *supervisor)
{
	struct signalfd_siginfo info;

	if (read(supervisor->signals, &info, sizeof(info)) != sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGUSR2:
		supervisor_try_upgrade(supervisor);
		break;
	case SIGHUP:
		/* The terminal is gone: that ends what runs in front of it only. */
		if (!supervisor->options->foreground)
			break;
		__attribute__((fallthrough));
	default:
		supervisor_stop(supervisor, SUPERVISOR_BY_SIGNAL);
	}
}

static void supervisor_take_word(struct supervisor *supervisor)
{
	char text[HOLDER_WORD_MAX];

	switch (holder_hear(supervisor->fds.alive, text)) {
	case HOLDER_STOP:
		supervisor_stop(supervisor, SUPERVISOR_BY_HOLDER);
		break;
	case HOLDER_UPGRADE:
		supervisor_try_upgrade(supervisor);
		break;
	default:
		break;
	}
}

/* Looks after the one that lives; else starts one. */
static void supervisor_find_holder(struct supervisor *supervisor)
{
	struct options_fds fds = supervisor->fds;
	struct error error = ERROR_INIT;
	pid_t pid;

	supervisor->holder_ns = CLOCK_FOREVER;
	supervisor->holder_fd = holder_find(supervisor->fds.handoff, &pid);
	if (supervisor->holder_fd < 0) {
		fds.alive = -1;
		if (spawn_self(supervisor->options, OPTIONS_HOLDER, &fds, &pid,
			    &supervisor->holder_fd, &error) < 0) {
			log_error("no holder can be started: %s", error.text);
			supervisor->holder_fd = -1;
			supervisor->holder_ns = supervisor_in_ms(SUPERVISOR_HOLDER_MS);
			return;
		}
		log_warning("the holder has died; process %d takes its place", (int)pid);
	}
	statedir_write_pid(supervisor->options->state, STATEDIR_HOLDER, pid);
}

static void supervisor_holder_ended(struct supervisor *supervisor)
{
	siginfo_t info = {0};

	/* It is our child only when we have started it. */
	(void)waitid(P_PIDFD, (id_t)supervisor->holder_fd, &info, WEXITED | WNOHANG);
	(void)close(supervisor->holder_fd);
	supervisor->holder_fd = -1;
	if (info.si_code == CLD_EXITED)
		supervisor->holder_ns = supervisor_in_ms(SUPERVISOR_HOLDER_MS);
	else
		supervisor_find_holder(supervisor);
}

static void supervisor_time_out(struct supervisor *supervisor)
{
	if (clock_now_ns() >= supervisor->restart_ns && supervisor->worker == 0)
		supervisor_start_worker(supervisor);
	if (clock_now_ns() >= supervisor->trial_end_ns && supervisor->trial_fd >= 0) {
		/* Its end is seen as any other. */
		supervisor->trial_end_ns = CLOCK_FOREVER;
		(void)pidfd_send_signal(supervisor->trial_fd, SIGKILL, NULL, 0);
	}
	if (clock_now_ns() >= supervisor->holder_ns)
		supervisor_find_holder(supervisor);
	if (clock_now_ns() < supervisor->phase_end_ns)
		return;
	if (supervisor->phase == SUPERVISOR_DETACHED) {
		supervisor_end(supervisor);
		return;
	}
	supervisor->phase_end_ns = CLOCK_FOREVER;
	supervisor_signal_worker(supervisor, SIGKILL);
}

static int supervisor_timeout_ms(const struct supervisor *supervisor)
{
	int64_t next_ns = supervisor->phase_end_ns, left_ms;

	if (supervisor->worker == 0 && supervisor->restart_ns < next_ns)
		next_ns = supervisor->restart_ns;
	if (supervisor->trial_end_ns < next_ns)
		next_ns = supervisor->trial_end_ns;
	if (supervisor->holder_ns < next_ns)
		next_ns = supervisor->holder_ns;
	if (next_ns == CLOCK_FOREVER)
		return -1;
	left_ms = (next_ns - clock_now_ns() + NS_PER_MILLISECOND - 1) / NS_PER_MILLISECOND;
	return left_ms < 0 ? 0 : (int)left_ms;
}

static void supervisor_loop(struct supervisor *supervisor)
{
	while (supervisor->phase != SUPERVISOR_OVER) {
		struct pollfd ready[] = {
			{.fd = supervisor->worker_fd, .events = POLLIN},
			{.fd = supervisor->signals, .events = POLLIN},
			{.fd = supervisor->report, .events = POLLIN},
			{.fd = supervisor->trial_fd, .events = POLLIN},
			{.fd = supervisor->holder_fd, .events = POLLIN},
			{.fd = supervisor->fds.alive, .events = POLLIN},
		};

		if (poll(ready, ARRAY_SIZE(ready), supervisor_timeout_ms(supervisor)) < 0)
			continue;
		if (ready[2].revents)
			supervisor_read_report(supervisor);
		if (ready[0].revents)
			supervisor_worker_ended(supervisor);
		if (ready[3].revents)
			supervisor_trial_ended(supervisor);
		if (ready[4].revents)
			supervisor_holder_ended(supervisor);
		if (ready[1].revents)
			supervisor_take_signal(supervisor);
		if (ready[5].revents)
			supervisor_take_word(supervisor);
		supervisor_time_out(supervisor);
	}
}

static int supervisor_init(struct supervisor *supervisor, const struct options *options,
	struct error *reterr)
{
	*supervisor = (struct supervisor){
		.options = options,
		.fds = options->fds,
		.phase_end_ns = CLOCK_FOREVER,
		.restart_ns = CLOCK_FOREVER,
		.worker_fd = options->fds.peer,
		.report = -1,
		.holder_fd = -1,
		.holder_ns = CLOCK_FOREVER,
		.trial_fd = -1,
		.trial_report = -1,
		.trial_end_ns = CLOCK_FOREVER,
	};
	supervisor->fds.peer = -1;
	spawn_seal(&options->fds);
	(void)prctl(PR_SET_NAME, "duplofs");
	supervisor->signals = signals_open(reterr);
	if (supervisor->signals < 0)
		return supervisor->signals;
	statedir_write_pid(options->state, STATEDIR_SUPERVISOR, getpid());
	return handoff_open(&supervisor->handoff, options->fds.handoff, reterr);
}

/* The pid behind a pidfd, from /proc/self/fdinfo. */
static pid_t supervisor_pid_of(int pidfd)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	char path[64], *line;
	int pid = 0;

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	if (file_read(path, 4096, &text, NULL) < 0)
		return 0;
	line = text.data ? strstr(text.data, "\nPid:") : NULL;
	if (line)
		pid = (int)strtol(line + 5, NULL, 10);
	return pid;
}

/* With the worker that it names, or without one. */
static void supervisor_take_over(struct supervisor *supervisor)
{
	struct handoff *handoff = supervisor->handoff;

	supervisor_find_holder(supervisor);
	if (supervisor->worker_fd >= 0) {
		supervisor->worker = supervisor_pid_of(supervisor->worker_fd);
		supervisor->ready = true;
		supervisor_settle(supervisor);
	} else {
		/* Nobody knows how the last one has ended. */
		inflight_reset(&handoff->inflight);
		supervisor->restart_ns = clock_now_ns();
		if (atomic_load(&handoff->ending) || mount_has_ended(supervisor->fds.fuse))
			supervisor->phase = SUPERVISOR_OVER;
	}
	if (supervisor->phase == SUPERVISOR_SERVES && atomic_load(&handoff->stopping))
		supervisor_enter(supervisor, SUPERVISOR_DETACHED, SUPERVISOR_DETACHED_MS);
	supervisor->upgrading = supervisor->options->action == OPTIONS_SUCCESSOR;
	if (supervisor->upgrading)
		supervisor_signal_worker(supervisor, SIGTERM);
}

int supervisor_run(const struct options *options, struct error *reterr)
{
	struct supervisor supervisor;
	int r = supervisor_init(&supervisor, options, reterr);

	if (r < 0)
		return r;
	supervisor_take_over(&supervisor);
	supervisor_loop(&supervisor);
	atomic_store(&supervisor.handoff->ending, true);
	/* It cleans up after us. */
	supervisor_find_holder(&supervisor);
	return 0;
}
