/* SPDX-License-Identifier: Apache-2.0 */
/* A socket stands in for the kernel: it takes messages as /dev/fuse does, one a write, and can be
 * made to take none for as long as it suits us. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/thread.h"
#include "fs/kernel/herald.h"

#define DEADLINE_MS 20000

static int kernel, fuse_fd;
static struct herald *herald;

static int start(void **arg)
{
	int sockets[2], small = 1;

	(void)arg;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
	kernel = sockets[0];
	fuse_fd = sockets[1];
	/* A few messages, and the next write blocks. */
	assert_int_equal(setsockopt(fuse_fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
	assert_int_equal(herald_new(&herald, fuse_fd, NULL), 0);
	return 0;
}

static int stop(void **arg)
{
	(void)arg;
	herald_free(herald);
	(void)close(kernel);
	(void)close(fuse_fd);
	return 0;
}

/* The number in the next message; -1: none within the time. */
static int take(int wait_ms)
{
	struct pollfd ready = {.fd = kernel, .events = POLLIN};
	char text[HERALD_MESSAGE_MAX];
	ssize_t got;

	if (poll(&ready, 1, wait_ms) <= 0)
		return -1;
	got = recv(kernel, text, sizeof(text) - 1, 0);
	if (got <= 0)
		return -1;
	text[got] = '\0';
	return (int)strtol(text, NULL, 10);
}

static void send_number(int number)
{
	char text[16];

	herald_send(herald, text, (size_t)snprintf(text, sizeof(text), "%d", number));
}

/* The process that writes for us: our only child. */
static pid_t child(void)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	assert_int_equal(file_read(path, 256, &text, NULL), 0);
	return (pid_t)strtol(buf_string(&text), NULL, 10);
}

static void *drain(void *arg)
{
	int *numbers = arg, i;

	for (i = 0; i < 1000; i++)
		numbers[i] = take(DEADLINE_MS);
	return NULL;
}

static void test_in_order(void **arg)
{
	int numbers[1000], i;
	pthread_t thread;

	(void)arg;
	assert_int_equal(thread_start(&thread, "drain", drain, numbers, NULL), 0);
	for (i = 0; i < 1000; i++)
		send_number(i);
	herald_sync(herald);
	thread_join(thread);
	for (i = 0; i < 1000; i++)
		assert_int_equal(numbers[i], i);
	assert_int_equal(take(0), -1);
}

static void *wait_for_sync(void *arg)
{
	herald_sync(herald);
	*(bool *)arg = true;
	return NULL;
}

/* Nothing is lost when the process is killed; what it had not told us it had done is done again. */
static void test_killed(void **arg)
{
	int i, number, last = -1;
	bool synced = false;
	pthread_t thread;
	pid_t pid;

	(void)arg;
	for (i = 0; i < 20; i++)
		send_number(i);
	pid = child();
	assert_true(pid > 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	for (; i < 40; i++)
		send_number(i);
	assert_int_equal(thread_start(&thread, "sync", wait_for_sync, &synced, NULL), 0);
	while (last < 39) {
		number = take(DEADLINE_MS);
		assert_true(number >= 0 && number <= last + 1);
		last = number > last ? number : last;
	}
	thread_join(thread);
	assert_true(synced);
}

/* The kernel takes nothing, for somebody holds a lock: who waits is let go, the rest is still
 * said. */
static void test_abandoned(void **arg)
{
	bool synced = false;
	pthread_t thread;
	int i, first, expected;

	(void)arg;
	for (i = 0; i < 40; i++)
		send_number(i);
	assert_int_equal(thread_start(&thread, "sync", wait_for_sync, &synced, NULL), 0);
	herald_abandon(herald);
	thread_join(thread);
	assert_true(synced);
	/* More than fit anywhere: never blocks. */
	for (; i < 5000; i++)
		send_number(i);
	herald_sync(herald);
	herald_free(herald);
	herald = NULL;
	first = take(DEADLINE_MS);
	assert_int_equal(first, 0);
	for (expected = 1; expected < 40; expected++)
		assert_int_equal(take(DEADLINE_MS), expected);
}

/* Nothing that was open here may be kept open there. */
static void test_holds_nothing_else(void **arg)
{
	char path[64], target[256];
	int fd, count = 0;

	(void)arg;
	send_number(1);
	assert_int_equal(take(DEADLINE_MS), 1);
	for (fd = 0; fd < 64; fd++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)child(), fd);
		count += readlink(path, target, sizeof(target)) > 0;
	}
	assert_true(count <= 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_in_order),
		TEST(test_killed),
		TEST(test_abandoned),
		TEST(test_holds_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
