/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crew - threads that read requests from one fd and serve them: one while requests are quick and
 *        come one by one, more while they pile up or block, none too many.
 * Promises: as long as fewer than CREW_THREADS_MAX requests are being served, a thread waits for
 *           the next one, or will within 40 ms when what is said to be quick is not. Buffers
 *           are resident and locked: no read ever faults.
 * Threads: crew_stop from any, crew_linger from serve; all else from one.
 * Ownership: the fd stays the caller's and outlives the crew.
 */
#ifndef DUPLOFS_FS_KERNEL_CREW_H
#define DUPLOFS_FS_KERNEL_CREW_H

#include <stddef.h>

#include "base/error.h"

#define CREW_THREADS_MAX 64

struct crew;

/* How long a request may take. */
enum crew_pace {
	CREW_SLOW, /* maybe for ever: somebody else must wait for the next one meanwhile */
	CREW_QUICK, /* microseconds as a rule; looked after from the start, as by crew_linger */
	/* Served from memory, or crew_linger is called first: nobody is woken. */
	CREW_INSTANT,
	/* Instant, and nobody waits for the answer: who asked goes on at once, so that what is
	 * queued behind it does not mean that more threads are needed. */
	CREW_ASIDE,
};

struct crew_options {
	int fd;
	size_t buffer_size;
	/* thread: 0 to CREW_THREADS_MAX - 1, one call at a time for each. */
	void (*serve)(void *arg, int thread, void *request, size_t size);
	enum crew_pace (*pace)(const void *request); /* NULL: all are slow */
	void *arg;
};

int crew_new(struct crew **ret, const struct crew_options *options, struct error *reterr);

/* Begins to read and serve. */
int crew_start(struct crew *crew, struct error *reterr);

/* What the calling thread serves may take longer than an instant: from now on it is looked after,
 * and somebody else waits for the next request when it takes some milliseconds. Costs next to
 * nothing when said again; does nothing in a thread that serves nothing. */
void crew_linger(void);

/* Waits for the end of the connection (0: ENODEV), for crew_stop (-EINTR) or for an error. */
int crew_wait(struct crew *crew);

/* Nothing more is read, or served when it was read already. */
void crew_stop(struct crew *crew);

/* Stops and waits for what is being served. -ETIMEDOUT after grace_ms: the crew must not be
 * freed. */
int crew_finish(struct crew *crew, int grace_ms);
void crew_free(struct crew *crew);

#endif
