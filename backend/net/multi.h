/* SPDX-License-Identifier: Apache-2.0 */
/*
 * multi - a libcurl multi handle on epoll: a wake-up costs what became ready, not what is open.
 * Promises: multi_run returns when something happened, when libcurl's own time has come, or after
 *           wait_ms.
 * Threads: all but multi_wake belong to one thread; multi_wake is for any.
 * Ownership: multi_done frees; every easy handle must have been removed.
 */
#ifndef DUPLOFS_NET_MULTI_H
#define DUPLOFS_NET_MULTI_H

#include <curl/curl.h>
#include <stdint.h>

#include "base/error.h"

struct multi {
	CURLM *curl;
	int epoll_fd, wake_fd;
	int64_t due_ns; /* when libcurl wants to look at its timers */
};

int multi_init(struct multi *multi, struct error *reterr);
void multi_done(struct multi *multi);
void multi_wake(struct multi *multi);

/* Waits, and lets libcurl work on what is ready: its callbacks run in here. */
void multi_run(struct multi *multi, int wait_ms);

#endif
