/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/kernel/crew.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/thread.h"

#define CREW_IDLE_NS     (10 * NS_PER_SECOND)
#define CREW_READERS_MAX 4

/* For how long after requests were seen to queue more than one thread reads. To ask costs a system
 * call: those who queue do so for longer than a few requests. */
#define CREW_BUSY_NS  (20 * NS_PER_MILLISECOND)
#define CREW_ASK_EACH 16

/* How often a thread looks whether the only reader is stuck: less often the longer it is not, as
 * each look wakes a processor. When for so long nothing has lingered it stops to look. */
#define CREW_WATCH_NS     (5 * NS_PER_MILLISECOND)
#define CREW_WATCH_MAX_NS (20 * NS_PER_MILLISECOND)
#define CREW_QUIET_NS     (NS_PER_SECOND)

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
	bool alone; /* it serves and is still counted as the reader */
	uint64_t turn; /* what it serves lingers, as this; 0: it does not */
};

struct crew {
	struct crew_options options;
	struct lock lock;
	struct cond called; /* wakes has grown, or stopping */
	struct cond ended; /* a thread has ended, or result is set */
	int readers_max;
	/* Threads in read(2) or about to be there, those that serve alone, and wakes. */
	_Atomic int readers;
	int parked; /* threads that wait for called */
	int wakes; /* how many of those are to read */
	_Atomic bool watched; /* one of those looks after what lingers */
	bool watch_wanted; /* one of those shall */
	_Atomic uint64_t lingering; /* the turn that lingers, its thread the only reader; 0: none */
	_Atomic uint64_t turns; /* how many have; of the only reader */
	unsigned asked; /* requests since the queue was looked at; of the only reader */
	_Atomic int64_t busy_until_ns; /* requests have queued: until then more than one reads */
	int live;
	int result; /* 1: goes on */
	_Atomic bool stopping;
	struct crew_thread threads[CREW_THREADS_MAX];
};

static __thread struct crew_thread *crew_self;

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
	/* Before it runs: it may read, and look whether it is alone, at once. */
	crew->readers++;
	r = thread_start(&crew->threads[i].thread, "serve", crew_run, &crew->threads[i], reterr);
	if (r < 0) {
		crew->readers--;
		return r;
	}
	crew->threads[i].place = CREW_LIVE;
	crew->live++;
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
		crew->readers++;
		cond_signal(&crew->called);
	} else {
		(void)crew_recruit(crew, NULL);
	}
}

/* ---- what lingers ---- */

/* Locked; have one look after what lingers. */
static void crew_have_watched(struct crew *crew)
{
	crew->watch_wanted = true;
	if (crew->parked > 0)
		cond_signal(&crew->called);
	else
		(void)crew_recruit(crew, NULL);
}

void crew_linger(void)
{
	struct crew_thread *thread = crew_self;
	struct crew *crew;

	if (!thread || !thread->alone || thread->turn)
		return;
	crew = thread->crew;
	thread->turn = crew->turns + 1;
	atomic_store_explicit(&crew->turns, thread->turn, memory_order_relaxed);
	/* Who stops to watch says so and then looks here: one of the two sees the other. */
	atomic_store(&crew->lingering, thread->turn);
	if (atomic_load(&crew->watched))
		return;
	LOCKED(&crew->lock);
	if (!crew->watched)
		crew_have_watched(crew);
}

/* Whether the calling thread is still the reader: what lingered for too long is not any more. */
static bool crew_end_linger(struct crew_thread *thread)
{
	uint64_t turn = thread->turn;

	thread->turn = 0;
	return turn == 0 || atomic_compare_exchange_strong(&thread->crew->lingering, &turn, 0);
}

/* Locked; looks after what lingers, and takes the place of the reader that is stuck; until called
 * to read, or until nothing lingers any more. */
static void crew_watch(struct crew *crew)
{
	int64_t period_ns = CREW_WATCH_NS, quiet_ns = 0;

	crew->watch_wanted = false;
	atomic_store(&crew->watched, true);
	while (!crew->stopping && crew->wakes == 0 && quiet_ns < CREW_QUIET_NS) {
		uint64_t turns = crew->turns, turn = atomic_load(&crew->lingering);

		if (cond_wait_until(&crew->called, &crew->lock, clock_now_ns() + period_ns))
			continue;
		if (turn && crew->wakes == 0 &&
			atomic_compare_exchange_strong(&crew->lingering, &turn, 0)) {
			crew->wakes++;
			break;
		}
		quiet_ns = crew->turns == turns ? quiet_ns + period_ns : 0;
		if (period_ns < CREW_WATCH_MAX_NS)
			period_ns *= 2;
	}
	atomic_store(&crew->watched, false);
}

/* ---- a thread's turn ---- */

/* Locked; waits a turn. True: for the next one, too, false: the thread may end. */
static bool crew_stand_by(struct crew *crew, int64_t idle_ns)
{
	if (!crew->watched && (crew->watch_wanted || atomic_load(&crew->lingering))) {
		crew_watch(crew);
		return true;
	}
	/* One stays: the reader wakes it when there is something to look after. */
	if (crew->live <= crew->readers_max)
		idle_ns = CLOCK_FOREVER;
	return cond_wait_until(&crew->called, &crew->lock, idle_ns);
}

/* Locked; waits until called to read. False: the thread may end. */
static bool crew_park(struct crew *crew)
{
	int64_t idle_ns = clock_now_ns() + CREW_IDLE_NS;
	bool stays = true;

	crew->parked++;
	while (!crew->stopping && crew->wakes == 0 && stays)
		stays = crew_stand_by(crew, idle_ns);
	crew->parked--;
	if (crew->stopping || crew->wakes == 0)
		return false;
	crew->wakes--;
	return true;
}

/* Becomes a reader when one is lacking, now or within the idle time; false: end the thread. */
static bool crew_enter(struct crew *crew)
{
	LOCKED(&crew->lock);
	if (crew->stopping)
		return false;
	if (crew->readers < crew_wanted(crew))
		crew->readers++;
	else if (!crew_park(crew))
		return false;
	if (!crew->watched && atomic_load(&crew->lingering))
		crew_have_watched(crew);
	return true;
}

static bool crew_is_queued(const struct crew *crew)
{
	struct pollfd ready = {.fd = crew->options.fd, .events = POLLIN};

	return poll(&ready, 1, 0) > 0;
}

/* Whether the calling thread can serve a request and nobody needs to wait for the next one. */
static bool crew_is_enough(struct crew *crew, enum crew_pace pace)
{
	if (pace == CREW_SLOW || crew->readers != 1 || crew->stopping)
		return false;
	if (pace == CREW_ASIDE || ++crew->asked < CREW_ASK_EACH)
		return true;
	crew->asked = 0;
	if (!crew_is_queued(crew))
		return true;
	crew->busy_until_ns = clock_now_ns() + CREW_BUSY_NS;
	return false;
}

/* Whether the calling thread is still a reader afterwards. */
static bool crew_serve_alone(struct crew_thread *thread, enum crew_pace pace, void *request,
	size_t size)
{
	const struct crew_options *options = &thread->crew->options;

	thread->alone = true;
	if (pace == CREW_QUICK)
		crew_linger();
	options->serve(options->arg, thread->number, request, size);
	thread->alone = false;
	return crew_end_linger(thread);
}

/* After read(2) gave got, or failed with errnum; true: serve what was read. */
static bool crew_leave(struct crew *crew, ssize_t got, int errnum)
{
	LOCKED(&crew->lock);
	crew->readers--;
	if (got < 0) {
		/* ENOENT: the request was taken back while it was being read. */
		if (errnum != EINTR && errnum != EAGAIN && errnum != ENOENT)
			crew_end(crew, errnum == ENODEV ? 0 : -errnum);
		return false;
	}
	if (got == 0 || crew->stopping)
		return false;
	/* Everybody is busy, maybe for long: who lingers is counted and does not read. */
	if (crew->readers == (atomic_load(&crew->lingering) ? 1 : 0))
		crew_call(crew);
	return true;
}

/* Whether the thread is a reader still, after it has served what was read. */
static bool crew_take(struct crew_thread *thread, void *request, ssize_t got, int errnum)
{
	struct crew *crew = thread->crew;
	const struct crew_options *options = &crew->options;
	enum crew_pace pace = got > 0 && options->pace ? options->pace(request) : CREW_SLOW;

	if (crew_is_enough(crew, pace))
		return crew_serve_alone(thread, pace, request, (size_t)got);
	if (crew_leave(crew, got, errnum))
		options->serve(options->arg, thread->number, request, (size_t)got);
	return false;
}

static void crew_loop(struct crew_thread *thread, void *buffer)
{
	const struct crew_options *options = &thread->crew->options;
	ssize_t got;

	do
		/* Not by read(), which is a point of cancellation: that costs two locked
		 * instructions each time. */
		got = syscall(SYS_read, options->fd, buffer, options->buffer_size);
	while (crew_take(thread, buffer, got, errno) || crew_enter(thread->crew));
}

static void *crew_run(void *arg)
{
	struct crew_thread *thread = arg;
	struct crew *crew = thread->crew;
	size_t size = crew->options.buffer_size;
	sigset_t wake;
	void *buffer;

	crew_self = thread;
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
		crew->readers--;
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
