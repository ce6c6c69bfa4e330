/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thread - starts named threads with all signals blocked.
 * Promises: the thread runs with every signal blocked, so that only the main thread sees them.
 * Threads: any.
 * Ownership: the caller joins what it started.
 */
#ifndef DUPLOFS_BASE_THREAD_H
#define DUPLOFS_BASE_THREAD_H

#include <pthread.h>

#include "base/error.h"

/* name: at most 15 bytes, as ps -L and gdb show it. Returns 0 or a negative errno. */
int thread_start(pthread_t *ret, const char *name, void *(*run)(void *), void *arg,
	struct error *reterr);

void thread_join(pthread_t thread);

#endif
