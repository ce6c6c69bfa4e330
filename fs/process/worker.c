/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/process/worker.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/thread.h"
#include "fs/process/handoff.h"
#include "fs/process/runtime.h"
#include "fs/kernel/session.h"
#include "fs/process/spawn.h"

enum worker_work {
	WORKER_IDLE, /* nothing was started */
	WORKER_STARTING,
	WORKER_STARTED,
	WORKER_STOPPING,
	WORKER_STOPPED,
};

struct worker {
	const struct options *options;
	const struct worker_service *service;
	struct handoff *handoff;
	struct session *session;
	void *arg; /* of the service's calls */
	int supervisor; /* pidfd */
	int signals;
	int watched; /* eventfd: ends the watch */
	struct lock lock;
	struct cond changed;
	enum worker_work work;
	bool leaving; /* leave_thread was started */
	bool over; /* nothing is served any more */
	pthread_t watch_thread, leave_thread;
};

static void worker_report(struct worker *worker, const char *text)
{
	int fd = worker->options->fds.report;

	if (fd >= 0)
		(void)file_write_all(fd, text, strlen(text));
}

/* The supervisor is dead: start another one, which watches us in turn. */
static void worker_replace_supervisor(struct worker *worker)
{
	struct options_fds fds = worker->options->fds;
	struct error error = ERROR_INIT;
	int pidfd, r;
	pid_t pid;

	fds.report = -1;
	fds.peer = pidfd_open(getpid(), 0);
	/* A child only when it was us who started it; reaping somebody else's does nothing. */
	(void)waitid(P_PIDFD, (id_t)worker->supervisor, &(siginfo_t){0}, WEXITED | WNOHANG);
	r = spawn_self(worker->options, OPTIONS_SUPERVISOR, &fds, &pid, &pidfd, &error);
	if (fds.peer >= 0)
		(void)close(fds.peer);
	if (r < 0) {
		log_error("the supervisor has died, and no other can be started: %s", error.text);
		return;
	}
	log_warning("the supervisor has died; process %d takes its place", (int)pid);
	(void)close(worker->supervisor);
	worker->supervisor = pidfd;
}

static void worker_set_work(struct worker *worker, enum worker_work work)
{
	LOCKED(&worker->lock);
	worker->work = work;
	cond_broadcast(&worker->changed);
}

/* Ends the platform's work once; waits for a start or a stop that is under way. */
static void worker_stop_work(struct worker *worker, bool keep)
{
	bool ours;

	lock_acquire(&worker->lock);
	while (worker->work == WORKER_STARTING || worker->work == WORKER_STOPPING)
		cond_wait(&worker->changed, &worker->lock);
	ours = worker->work == WORKER_STARTED;
	worker->work = WORKER_STOPPING;
	lock_release(&worker->lock);
	if (ours && worker->service->stop)
		worker->service->stop(worker->arg, keep);
	worker_set_work(worker, WORKER_STOPPED);
}

/* A successor is wanted: end the work while files are still served, then serve no more. */
static void *worker_leave(void *arg)
{
	struct worker *worker = arg;

	worker_stop_work(worker, !atomic_load(&worker->handoff->ending));
	session_stop(worker->session);
	return NULL;
}

static void worker_take_signal(struct worker *worker)
{
	struct signalfd_siginfo info;

	if (read(worker->signals, &info, sizeof(info)) != sizeof(info))
		return;
	LOCKED(&worker->lock);
	if (!worker->leaving && !worker->over)
		worker->leaving = thread_start(&worker->leave_thread, "leave", worker_leave, worker,
					  NULL) == 0;
}

static void *worker_watch(void *arg)
{
	struct worker *worker = arg;

	for (;;) {
		struct pollfd ready[] = {
			{.fd = worker->watched, .events = POLLIN},
			{.fd = worker->signals, .events = POLLIN},
			{.fd = worker->supervisor, .events = POLLIN},
		};

		if (poll(ready, ARRAY_SIZE(ready), -1) < 0)
			continue;
		if (ready[2].revents)
			worker_replace_supervisor(worker);
		if (ready[1].revents)
			worker_take_signal(worker);
		if (ready[0].revents)
			return NULL;
	}
}

/* The crew serves: whoever waits for the mount may go on; the work behind it begins now. */
static void worker_ready(void *arg)
{
	struct worker *worker = arg;
	struct error error = ERROR_INIT;
	bool wanted;
	int r = 0;

	worker_report(worker, "ready");
	lock_acquire(&worker->lock);
	wanted = worker->work == WORKER_IDLE;
	if (wanted)
		worker->work = WORKER_STARTING;
	lock_release(&worker->lock);
	if (!wanted)
		return;
	if (worker->service->start)
		r = worker->service->start(worker->arg, &error);
	if (r < 0)
		log_error("files are served, but nothing else works: %s", error.text);
	worker_set_work(worker, r < 0 ? WORKER_STOPPED : WORKER_STARTED);
}

static int worker_init(struct worker *worker, struct error *reterr)
{
	sigset_t signals;

	spawn_seal(&worker->options->fds);
	worker->supervisor = worker->options->fds.peer;
	lock_init(&worker->lock, LOCK_SUPERVISOR);
	cond_init(&worker->changed);
	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)sigaddset(&signals, SIGHUP);
	(void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	worker->signals = signalfd(-1, &signals, SFD_CLOEXEC);
	worker->watched = eventfd(0, EFD_CLOEXEC);
	if (worker->signals < 0 || worker->watched < 0)
		return error_errno(reterr, errno, "cannot watch for signals");
	return handoff_open(&worker->handoff, worker->options->fds.handoff, reterr);
}

#define MAPPED_SIZE (128 * 1024)

/* Secrets pass through here: no core dump, wherever those go, and no swap. What cannot be had does
 * not keep us from serving.
 * Of memory that is locked malloc gives back nothing but what it has mapped for one block alone:
 * all that is large shall be, also when larger ones were freed before. */
static void worker_guard_memory(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, MAPPED_SIZE);
	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
}

static int worker_open(struct worker *worker, struct error *reterr)
{
	const struct worker_service *service = worker->service;
	char runtime[PATH_MAX];
	struct worker_context context = {
		.options = worker->options,
		.runtime = runtime,
		.mount = worker->handoff->mount,
	};
	struct session_options session = {
		.fuse_fd = worker->options->fds.fuse,
		.request = &worker->handoff->request,
		.reply = &worker->handoff->reply,
		.operations = service->operations,
		.operations_size = service->operations_size,
		.inflight = &worker->handoff->inflight,
	};
	int r;

	runtime_path(runtime, worker->options->state);
	r = service->open(&context, &worker->arg, &session.userdata, reterr);
	if (r < 0)
		return r;
	r = session_new(&worker->session, &session, reterr);
	if (r == 0 && service->attach)
		r = service->attach(worker->arg, session_fuse(worker->session), reterr);
	if (r == 0)
		r = thread_start(&worker->watch_thread, "watch", worker_watch, worker, reterr);
	return r;
}

static void worker_end_leave(struct worker *worker)
{
	bool leaving;

	lock_acquire(&worker->lock);
	worker->over = true;
	leaving = worker->leaving;
	lock_release(&worker->lock);
	if (leaving)
		thread_join(worker->leave_thread);
}

/* The connection lives while one of us two does: never go before the other is there. */
static void worker_end_watch(struct worker *worker)
{
	(void)eventfd_write(worker->watched, 1);
	thread_join(worker->watch_thread);
	if (spawn_has_ended(worker->supervisor))
		worker_replace_supervisor(worker);
}

static int worker_serve(struct worker *worker)
{
	struct error error = ERROR_INIT;
	int r = session_run(worker->session, worker_ready, worker, &error);

	if (r < 0 && r != -EINTR)
		log_error("%s", error.text);
	worker_end_leave(worker);
	worker_stop_work(worker, r < 0 && !atomic_load(&worker->handoff->ending));
	if (r != -ETIMEDOUT) {
		if (worker->service->detach)
			worker->service->detach(worker->arg);
		session_free(worker->session);
		if (worker->service->close)
			worker->service->close(worker->arg);
	}
	worker_end_watch(worker);
	if (r == -ETIMEDOUT)
		_exit(EXIT_FAILURE);
	return r == 0 || r == -EINTR ? EXIT_SUCCESS : EXIT_FAILURE;
}

int worker_run(const struct options *options, const struct worker_service *service)
{
	static struct worker worker;
	struct error error = ERROR_INIT;
	int r;

	worker.options = options;
	worker.service = service;
	(void)prctl(PR_SET_NAME, "duplofs-worker");
	worker_guard_memory();
	r = worker_init(&worker, &error);
	if (r == 0)
		r = worker_open(&worker, &error);
	if (r == 0)
		return worker_serve(&worker);
	worker_report(&worker, error.text);
	return EXIT_FAILURE;
}
