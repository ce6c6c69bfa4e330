/* SPDX-License-Identifier: Apache-2.0 */
#include "net/multi.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"

#define EVENTS_MAX 64

/* libcurl tells what it waits for on a socket. A number may come again for another socket before
 * the old one was taken out, so both ways are tried. */
static int multi_on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
	struct multi *multi = arg;
	struct epoll_event event = {.data.fd = fd};

	(void)easy;
	(void)unused;
	if (what == CURL_POLL_REMOVE) {
		(void)epoll_ctl(multi->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	event.events = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
		       (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
	if (epoll_ctl(multi->epoll_fd, EPOLL_CTL_MOD, fd, &event) == 0 ||
		epoll_ctl(multi->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0)
		return 0;
	return -1;
}

static int multi_on_timer(CURLM *curl, long wait_ms, void *arg)
{
	struct multi *multi = arg;

	(void)curl;
	multi->due_ns = wait_ms < 0 ? CLOCK_FOREVER : clock_now_ns() + wait_ms * NS_PER_MILLISECOND;
	return 0;
}

int multi_init(struct multi *multi, struct error *reterr)
{
	struct epoll_event event = {.events = EPOLLIN};

	*multi = (struct multi){.epoll_fd = -1, .wake_fd = -1, .due_ns = CLOCK_FOREVER};
	multi->curl = curl_multi_init();
	if (!multi->curl)
		return error_oom(reterr);
	multi->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	multi->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	event.data.fd = multi->wake_fd;
	if (multi->epoll_fd < 0 || multi->wake_fd < 0 ||
		epoll_ctl(multi->epoll_fd, EPOLL_CTL_ADD, multi->wake_fd, &event) < 0) {
		(void)error_errno(reterr, errno, "no descriptors for the stream loop");
		multi_done(multi);
		return -EMFILE;
	}
	(void)curl_multi_setopt(multi->curl, CURLMOPT_SOCKETFUNCTION, multi_on_socket);
	(void)curl_multi_setopt(multi->curl, CURLMOPT_SOCKETDATA, multi);
	(void)curl_multi_setopt(multi->curl, CURLMOPT_TIMERFUNCTION, multi_on_timer);
	(void)curl_multi_setopt(multi->curl, CURLMOPT_TIMERDATA, multi);
	return 0;
}

void multi_done(struct multi *multi)
{
	if (multi->curl)
		(void)curl_multi_cleanup(multi->curl);
	if (multi->epoll_fd >= 0)
		(void)close(multi->epoll_fd);
	if (multi->wake_fd >= 0)
		(void)close(multi->wake_fd);
	*multi = (struct multi){.epoll_fd = -1, .wake_fd = -1};
}

void multi_wake(struct multi *multi)
{
	(void)eventfd_write(multi->wake_fd, 1);
}

static int multi_wait_ms(const struct multi *multi, int wait_ms)
{
	int64_t left_ns =
		multi->due_ns == CLOCK_FOREVER ? CLOCK_FOREVER : multi->due_ns - clock_now_ns();

	if (left_ns <= 0)
		return 0;
	return left_ns < wait_ms * NS_PER_MILLISECOND
		       ? (int)((left_ns + NS_PER_MILLISECOND - 1) / NS_PER_MILLISECOND)
		       : wait_ms;
}

static int multi_readiness(uint32_t events)
{
	return (events & EPOLLIN ? CURL_CSELECT_IN : 0) |
	       (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
	       (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
}

void multi_run(struct multi *multi, int wait_ms)
{
	struct epoll_event events[EVENTS_MAX];
	eventfd_t ignored;
	int count, running;

	count = epoll_wait(multi->epoll_fd, events, EVENTS_MAX, multi_wait_ms(multi, wait_ms));
	for (int i = 0; i < count; i++) {
		if (events[i].data.fd == multi->wake_fd)
			(void)eventfd_read(multi->wake_fd, &ignored);
		else
			(void)curl_multi_socket_action(multi->curl, events[i].data.fd,
				multi_readiness(events[i].events), &running);
	}
	if (multi->due_ns <= clock_now_ns()) {
		multi->due_ns = CLOCK_FOREVER;
		(void)curl_multi_socket_action(multi->curl, CURL_SOCKET_TIMEOUT, 0, &running);
	}
}
