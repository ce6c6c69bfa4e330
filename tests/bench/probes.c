/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What 10,000 health probes at an interval of 5 s cost: processor time of the prober's process,
 * while the peer that answers runs in another. Beside it the same number of bare exchanges
 * (connect, send, receive, close; no timeouts, no schedule).
 *   probes [PROBES [INTERVAL_MS [SECONDS]]]
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "net/prober.h"

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
static atomic_int healthy;

static int64_t used_ns(void)
{
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * NS_PER_SECOND +
	       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
}

static void wait_ms(int64_t ms)
{
	struct timespec until = clock_timespec(clock_now_ns() + ms * NS_PER_MILLISECOND);

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

/* Answers whoever sends; closes when the other side does. */
static void serve(int listen_fd)
{
	struct epoll_event event = {.events = EPOLLIN}, events[256];
	int epoll_fd = epoll_create1(0), count, fd;
	char data[4096];

	event.data.fd = listen_fd;
	(void)epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listen_fd, &event);
	while ((count = epoll_wait(epoll_fd, events, 256, -1)) >= 0 || errno == EINTR) {
		for (int i = 0; i < count; i++) {
			fd = events[i].data.fd;
			if (fd == listen_fd) {
				fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK);
				event.data.fd = fd;
				(void)epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
			} else if (recv(fd, data, sizeof(data), 0) > 0) {
				(void)send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL);
				(void)shutdown(fd, SHUT_WR);
			} else {
				(void)close(fd);
			}
		}
	}
}

static int start_peer(int *ret_port, pid_t *ret_pid)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		listen(fd, 4096) < 0 || getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		return -errno;
	*ret_port = ntohs(address.sin_port);
	*ret_pid = fork();
	if (*ret_pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(fd);
		_exit(0);
	}
	(void)close(fd);
	return *ret_pid < 0 ? -errno : 0;
}

static void address_of(int i, char text[32])
{
	(void)snprintf(text, 32, "127.%d.%d.%d", 1 + (i >> 16), i >> 8 & 0xff, i & 0xff);
}

static void on_health(void *arg, int64_t key, enum probe_health health, const char *why)
{
	(void)arg;
	(void)key;
	(void)why;
	atomic_fetch_add(&healthy, health == PROBE_HEALTHY ? 1 : -1);
}

/* Processor time a second of schedule, in ns, of count probes; negative when they do not get
 * healthy. */
static int64_t measure_prober(int count, int interval_ms, int seconds, int port, const char *path)
{
	struct probe probe = {.port = port,
		.path = path,
		.interval_ms = interval_ms,
		.timeout_ms = 2000,
		.healthy_threshold = 2,
		.unhealthy_threshold = 3};
	struct prober *prober = NULL;
	int64_t begun_ns, deadline_ns = clock_now_ns() + 60 * NS_PER_SECOND;
	char address[32];

	atomic_store(&healthy, 0);
	if (prober_new(&prober, on_health, NULL, NULL, NULL) < 0)
		return -1;
	probe.address = address;
	for (int i = 0; i < count; i++) {
		address_of(i, address);
		if (prober_set(prober, i, &probe, NULL) < 0)
			return -1;
	}
	while (atomic_load(&healthy) < count && clock_now_ns() < deadline_ns)
		wait_ms(20);
	wait_ms(interval_ms);
	begun_ns = used_ns();
	wait_ms((int64_t)seconds * 1000);
	begun_ns = (used_ns() - begun_ns) / seconds;
	if (atomic_load(&healthy) < count)
		begun_ns = -1;
	prober_free(prober);
	return begun_ns;
}

/* The same for as many bare exchanges as the schedule has in a second. */
static int64_t measure_bare(int count, int interval_ms, int port, int http)
{
	static const char request[] = "GET /ok HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	const struct linger reset = {1, 0};
	int64_t begun_ns = used_ns(), exchanges = (int64_t)count * 1000 / interval_ms;
	char text[32], data[4096];

	for (int i = 0; i < exchanges; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		address_of(i, text);
		(void)inet_pton(AF_INET, text, &address.sin_addr);
		if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
			return -1;
		if (http) {
			(void)send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL);
			(void)recv(fd, data, sizeof(data), 0);
		} else {
			(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		}
		(void)close(fd);
	}
	return used_ns() - begun_ns;
}

static int report(const char *name, int count, int interval_ms, int seconds, int port, int http)
{
	int64_t prober_ns = measure_prober(count, interval_ms, seconds, port, http ? "/ok" : NULL);
	int64_t bare_ns = measure_bare(count, interval_ms, port, http);

	if (prober_ns < 0 || bare_ns <= 0) {
		printf("%s: not all got healthy\n", name);
		return 1;
	}
	printf("%s: %d probes at %d ms cost %.1f %% of one core; %.2f times the bare exchanges\n",
		name, count, interval_ms, (double)prober_ns / 1e7,
		(double)prober_ns / (double)bare_ns);
	return prober_ns * 5 > NS_PER_SECOND;
}

int main(int argc, char **argv)
{
	int64_t count = 10000, interval_ms = 5000, seconds = 10;
	int port = 0, bad;
	pid_t peer = 0;

	if ((argc > 1 && text_parse_int(argv[1], 1, 1 << 20, &count) < 0) ||
		(argc > 2 && text_parse_int(argv[2], 1, 60000, &interval_ms) < 0) ||
		(argc > 3 && text_parse_int(argv[3], 1, 600, &seconds) < 0) ||
		start_peer(&port, &peer) < 0) {
		(void)fprintf(stderr, "usage: probes [PROBES [INTERVAL_MS [SECONDS]]]\n");
		return 2;
	}
	bad = report("HTTP", (int)count, (int)interval_ms, (int)seconds, port, 1);
	bad |= report("TCP", (int)count, (int)interval_ms, (int)seconds, port, 0);
	(void)kill(peer, SIGKILL);
	(void)waitpid(peer, NULL, 0);
	return bad;
}
