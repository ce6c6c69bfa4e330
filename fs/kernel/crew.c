/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/kernel/crew.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/thread.h"

#define CREW_IDLE_NS     (10 * NS_PER_SECOND)
#define CREW_READERS_MAX 4

/* For how long after requests were seen to queue more than one thread reads. */
#define CREW_BUSY_NS  (20 * NS_PER_MILLISECOND)
#define CREW_ASK_EACH 4

/* How often a thread that stands by looks whether the only reader is stuck, and how long after the
 * last request it stops to look. */
#define CREW_WATCH_NS (5 * NS_PER_MILLISECOND)
#define CREW_QUIET_NS (NS_PER_SECOND)

/* Only to end a read(2); nobody else uses it. */
#define CREW_WAKE_SIGNAL (SIGRTMIN + 4)

enum crew_place {
	CREW_EMPTY,
	CREW_LIVE,
	CREW_OVER, /* the thread has ended and wants to be joined */
};

struct crew_thread {
	struct crew *crew;
	int number;
	enum crew_place place;
	pthread_t thread;
};

struct crew {
	struct crew_options options;
	struct lock lock;
	struct cond called; /* wakes has grown, or stopping */
	struct cond ended; /* a thread has ended, or result is set */
	int readers_max;
	int reading; /* threads in read(2), or about to be */
	int parked; /* threads that wait for called */
	int wakes; /* how many of those are to read */
	bool watched; /* one of those looks after the only reader */
	unsigned alone; /* requests that were read with nobody else reading */
	int64_t alone_ns; /* since when the only reader serves; 0: somebody reads */
	int64_t last_ns; /* when the last request was read */
	int64_t busy_until_ns; /* requests have queued: until then more than one reads */
	int live;
	int result; /* 1: goes on */
	bool stopping;
	struct crew_thread threads[CREW_THREADS_MAX];
};

static void crew_wake(int number)
{
	(void)number;
}

static void crew_end(struct crew *crew, int result)
{
	if (crew->result == 1)
		crew->result = result;
	crew->stopping = true;
	cond_broadcast(&crew->called);
	cond_broadcast(&crew->ended);
}

static void *crew_run(void *arg);

/* Locked; has a new thread read, unless all places are taken. */
static int crew_recruit(struct crew *crew, struct error *reterr)
{
	int i, r;

	for (i = 0; i < CREW_THREADS_MAX && crew->threads[i].place == CREW_LIVE; i++)
		;
	if (i == CREW_THREADS_MAX)
		return 0;
	if (crew->threads[i].place == CREW_OVER)
		thread_join(crew->threads[i].thread);
	crew->threads[i] = (struct crew_thread){.crew = crew, .number = i};
	r = thread_start(&crew->threads[i].thread, "serve", crew_run, &crew->threads[i], reterr);
	if (r < 0)
		return r;
	crew->threads[i].place = CREW_LIVE;
	crew->live++;
	crew->reading++;
	return 0;
}

/* Locked; how many threads should wait for a request now. */
static int crew_wanted(const struct crew *crew)
{
	return clock_now_ns() < crew->busy_until_ns ? crew->readers_max : 1;
}

/* Locked; have one more wait for the next request. */
static void crew_call(struct crew *crew)
{
	if (crew->parked > 0) {
		crew->wakes++;
		cond_signal(&crew->called);
	} else {
		(void)crew_recruit(crew, NULL);
	}
}

/* Locked; waits a turn. True: for the next one, too, false: the thread may end. */
static bool crew_stand_by(struct crew *crew, int64_t idle_ns)
{
	bool watches = !crew->watched && clock_now_ns() - crew->last_ns < CREW_QUIET_NS;
	int64_t now_ns;

	if (!watches) {
		/* One stays: the reader wakes it when there is something to look after. */
		if (crew->live <= crew->readers_max)
			idle_ns = CLOCK_FOREVER;
		return cond_wait_until(&crew->called, &crew->lock, idle_ns);
	}
	crew->watched = true;
	(void)cond_wait_until(&crew->called, &crew->lock, clock_now_ns() + CREW_WATCH_NS);
	crew->watched = false;
	now_ns = clock_now_ns();
	if (crew->alone_ns && now_ns - crew->alone_ns >= CREW_WATCH_NS && crew->wakes == 0) {
		crew->alone_ns = 0;
		crew->wakes++;
	}
	return true;
}

/* Becomes a reader when one is lacking, now or within the idle time; false: end the thread. */
static bool crew_enter(struct crew *crew)
{
	int64_t idle_ns;
	bool stays = true;

	LOCKED(&crew->lock);
	if (!crew->stopping && crew->reading + crew->wakes >= crew_wanted(crew)) {
		idle_ns = clock_now_ns() + CREW_IDLE_NS;
		crew->parked++;
		while (!crew->stopping && crew->wakes == 0 && stays)
			stays = crew_stand_by(crew, idle_ns);
		crew->parked--;
		if (!crew->stopping && crew->wakes == 0)
			return false;
		if (crew->wakes > 0)
			crew->wakes--;
	}
	if (crew->stopping)
		return false;
	crew->reading++;
	crew->alone_ns = 0;
	return true;
}

static bool crew_is_queued(const struct crew *crew)
{
	struct pollfd ready = {.fd = crew->options.fd, .events = POLLIN};

	return poll(&ready, 1, 0) > 0;
}

/* Locked; nobody waits for the next request while this one is served. */
static void crew_leave_alone(struct crew *crew, const void *request)
{
	int64_t now_ns = clock_now_ns();
	enum crew_pace pace = crew->options.pace ? crew->options.pace(request) : CREW_SLOW;

	crew->last_ns = now_ns;
	/* To ask costs a system call: those who queue do so for longer than a few requests. */
	if (pace == CREW_QUICK && ++crew->alone % CREW_ASK_EACH == 0 && crew_is_queued(crew)) {
		crew->busy_until_ns = now_ns + CREW_BUSY_NS;
		pace = CREW_SLOW;
	}
	if (pace == CREW_SLOW) {
		crew_call(crew);
		return;
	}
	crew->alone_ns = now_ns;
	if (crew->watched)
		return;
	if (crew->parked > 0)
		cond_signal(&crew->called);
	else
		(void)crew_recruit(crew, NULL);
}

/* After read(2) gave got, or failed with errnum; true: serve what was read. */
static bool crew_leave(struct crew *crew, const void *request, ssize_t got, int errnum)
{
	LOCKED(&crew->lock);
	crew->reading--;
	if (got < 0) {
		/* ENOENT: the request was taken back while it was being read. */
		if (errnum != EINTR && errnum != EAGAIN && errnum != ENOENT)
			crew_end(crew, errnum == ENODEV ? 0 : -errnum);
		return false;
	}
	if (got == 0 || crew->stopping)
		return false;
	/* Everybody is busy, maybe for long. */
	if (crew->reading + crew->wakes == 0)
		crew_leave_alone(crew, request);
	return true;
}

static void crew_loop(struct crew_thread *thread, void *buffer)
{
	struct crew *crew = thread->crew;

	do {
		ssize_t got = read(crew->options.fd, buffer, crew->options.buffer_size);

		if (crew_leave(crew, buffer, got, errno))
			crew->options.serve(crew->options.arg, thread->number, buffer, (size_t)got);
	} while (crew_enter(crew));
}

static void *crew_run(void *arg)
{
	struct crew_thread *thread = arg;
	struct crew *crew = thread->crew;
	size_t size = crew->options.buffer_size;
	sigset_t wake;
	void *buffer;

	(void)sigemptyset(&wake);
	(void)sigaddset(&wake, CREW_WAKE_SIGNAL);
	(void)pthread_sigmask(SIG_UNBLOCK, &wake, NULL);
	/* A page fault of a process that is being killed, in the kernel's copy of a request, fails
	 * that request: the memory has to be there. Locking is refused only by a low
	 * RLIMIT_MEMLOCK. */
	buffer = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (buffer != MAP_FAILED) {
		(void)mlock(buffer, size);
		(void)madvise(buffer, size, MADV_DONTDUMP);
		crew_loop(thread, buffer);
		(void)munmap(buffer, size);
	}
	lock_acquire(&crew->lock);
	if (buffer == MAP_FAILED) {
		crew->reading--;
		if (crew->live == 1)
			crew_end(crew, -ENOMEM);
	}
	thread->place = CREW_OVER;
	crew->live--;
	cond_broadcast(&crew->ended);
	lock_release(&crew->lock);
	return NULL;
}

static int crew_readers_max(void)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	return processors < 2                  ? 2
	       : processors > CREW_READERS_MAX ? CREW_READERS_MAX
					       : (int)processors;
}

int crew_new(struct crew **ret, const struct crew_options *options, struct error *reterr)
{
	struct sigaction wake = {.sa_handler = crew_wake};
	struct crew *crew = calloc(1, sizeof(*crew));

	if (!crew)
		return error_oom(reterr);
	crew->options = *options;
	crew->result = 1;
	crew->readers_max = crew_readers_max();
	lock_init(&crew->lock, LOCK_SESSION);
	cond_init(&crew->called);
	cond_init(&crew->ended);
	(void)sigaction(CREW_WAKE_SIGNAL, &wake, NULL);
	*ret = crew;
	return 0;
}

int crew_start(struct crew *crew, struct error *reterr)
{
	int i, r = 0;

	LOCKED(&crew->lock);
	for (i = 0; i < crew->readers_max && r == 0 && !crew->stopping; i++)
		r = crew_recruit(crew, reterr);
	return r;
}

int crew_wait(struct crew *crew)
{
	LOCKED(&crew->lock);
	while (crew->result == 1)
		cond_wait(&crew->ended, &crew->lock);
	return crew->result;
}

void crew_stop(struct crew *crew)
{
	LOCKED(&crew->lock);
	crew_end(crew, -EINTR);
}

/* Locked. A thread that is just about to call read(2) misses the signal: it is sent again. */
static void crew_kick(struct crew *crew)
{
	int i;

	for (i = 0; i < CREW_THREADS_MAX; i++)
		if (crew->threads[i].place == CREW_LIVE)
			(void)pthread_kill(crew->threads[i].thread, CREW_WAKE_SIGNAL);
}

int crew_finish(struct crew *crew, int grace_ms)
{
	int64_t deadline_ns = clock_now_ns() + grace_ms * NS_PER_MILLISECOND;
	int64_t kick_ns = NS_PER_MILLISECOND / 4;

	LOCKED(&crew->lock);
	crew_end(crew, -EINTR);
	while (crew->live > 0 && clock_now_ns() < deadline_ns) {
		crew_kick(crew);
		(void)cond_wait_until(&crew->ended, &crew->lock, clock_now_ns() + kick_ns);
		kick_ns = kick_ns < 50 * NS_PER_MILLISECOND ? kick_ns * 2 : kick_ns;
	}
	return crew->live > 0 ? -ETIMEDOUT : 0;
}

void crew_free(struct crew *crew)
{
	int i;

	if (!crew)
		return;
	for (i = 0; i < CREW_THREADS_MAX; i++)
		if (crew->threads[i].place == CREW_OVER)
			thread_join(crew->threads[i].thread);
	cond_done(&crew->called);
	cond_done(&crew->ended);
	lock_done(&crew->lock);
	free(crew);
}
