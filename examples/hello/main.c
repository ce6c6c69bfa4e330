/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "hello.h"

#define FINISH_MAX_S   30
#define CRASH_AFTER_MS 3000

struct options options;

static int stop_fd;
static int open_connections;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t all_closed = PTHREAD_COND_INITIALIZER;

static const char *environment(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value && *value ? value : otherwise;
}

static enum fault fault_parse(const char *name)
{
	static const char *const names[] = {"", "exit", "crash", "deaf", "sick", "stubborn"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return (enum fault)i;
	return FAULT_NONE;
}

static void options_read(int argc, char **argv)
{
	static char hostname[256];

	(void)gethostname(hostname, sizeof(hostname) - 1);
	options.port = atoi(argc > 1 ? argv[1] : environment("PORT", "80"));
	options.version = environment("HELLO_VERSION", "0");
	options.replica = environment("DUPLO_ORDINAL", "?");
	options.hostname = hostname;
	options.view_dir = environment("DUPLO_DIR", "/duplo");
	options.fault = fault_parse(environment("HELLO_FAULT", ""));
}

static int listen_on(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 1024) != 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

static void connection_count(int change)
{
	(void)pthread_mutex_lock(&lock);
	open_connections += change;
	if (open_connections == 0)
		(void)pthread_cond_signal(&all_closed);
	(void)pthread_mutex_unlock(&lock);
}

static void *connection_main(void *arg)
{
	int fd = (int)(intptr_t)arg;

	connection_serve(fd, stop_fd);
	(void)close(fd);
	connection_count(-1);
	return NULL;
}

static void connection_accept(int listen_fd)
{
	pthread_t thread;
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	connection_count(1);
	if (pthread_create(&thread, NULL, connection_main, (void *)(intptr_t)fd) == 0) {
		(void)pthread_detach(thread);
		return;
	}
	(void)close(fd);
	connection_count(-1);
}

static int crash_left_ms(const struct timespec *start)
{
	struct timespec now;
	int64_t past_ms;

	if (options.fault != FAULT_CRASH)
		return -1;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	past_ms = (now.tv_sec - start->tv_sec) * 1000 + (now.tv_nsec - start->tv_nsec) / 1000000;
	return past_ms < CRASH_AFTER_MS ? (int)(CRASH_AFTER_MS - past_ms) : 0;
}

/* Accepts until a signal asks to end; what has connected by then is still accepted. */
static void serve(int listen_fd, int signal_fd)
{
	struct pollfd fds[] = {
		{.fd = listen_fd, .events = POLLIN},
		{.fd = signal_fd, .events = POLLIN},
	};
	struct timespec start;

	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	for (;;) {
		int left_ms = crash_left_ms(&start);
		int ready = poll(fds, 2, left_ms);

		if (left_ms == 0) {
			(void)fprintf(stderr, "hello: told to fail: HELLO_FAULT=crash\n");
			_exit(4);
		}
		if (ready > 0 && fds[0].revents)
			connection_accept(listen_fd);
		else if (ready > 0 && fds[1].revents)
			return;
	}
}

static void finish(void)
{
	uint64_t one = 1;
	struct timespec deadline;

	(void)!write(stop_fd, &one, sizeof(one));
	(void)clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += FINISH_MAX_S;
	(void)pthread_mutex_lock(&lock);
	while (open_connections > 0)
		if (pthread_cond_timedwait(&all_closed, &lock, &deadline) == ETIMEDOUT)
			break;
	(void)pthread_mutex_unlock(&lock);
}

int main(int argc, char **argv)
{
	sigset_t signals;
	int listen_fd = -1, signal_fd;

	options_read(argc, argv);
	if (options.fault == FAULT_EXIT) {
		(void)fprintf(stderr, "hello: told to fail: HELLO_FAULT=exit\n");
		return 3;
	}
	(void)sigemptyset(&signals);
	if (options.fault != FAULT_STUBBORN)
		(void)sigaddset(&signals, SIGTERM);
	else
		(void)signal(SIGTERM, SIG_IGN);
	(void)sigaddset(&signals, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
	stop_fd = eventfd(0, EFD_CLOEXEC);
	if (options.fault != FAULT_DEAF) {
		listen_fd = listen_on(options.port);
		if (listen_fd < 0) {
			(void)fprintf(stderr, "hello: cannot listen on port %d: %s\n", options.port,
				strerror(errno));
			return 1;
		}
	}
	(void)printf("hello: version %s, replica %s, port %d\n", options.version, options.replica,
		options.port);
	(void)fflush(stdout);
	serve(listen_fd, signal_fd);
	(void)printf("hello: asked to end\n");
	(void)close(listen_fd);
	finish();
	return 0;
}
