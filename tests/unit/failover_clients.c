/* SPDX-License-Identifier: Apache-2.0 */
#include "failover_clients.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "failover_fixture.h"

#define CLIENTS 4

void pause_ms(int ms)
{
	struct timespec pause = clock_timespec(ms * NS_PER_MILLISECOND);

	(void)nanosleep(&pause, NULL);
}

struct client {
	_Atomic uint64_t calls, rounds, failed, wrong;
	_Atomic int64_t worst_ns;
	char cause[128];
};

static struct clients {
	_Atomic bool stop;
	struct client each[CLIENTS];
	pid_t pids[CLIENTS];
} * clients;

static void client_count(struct client *client, const char *what, bool good, int64_t since_ns)
{
	int64_t took_ns = clock_now_ns() - since_ns;

	client->calls++;
	if (took_ns > client->worst_ns)
		client->worst_ns = took_ns;
	if (good)
		return;
	if (client->failed++ == 0)
		(void)snprintf(client->cause, sizeof(client->cause), "%s: %s", what,
			strerror(errno));
}

#define CALL(client, what, expression)                                                             \
	({                                                                                         \
		int64_t since_ns_ = clock_now_ns();                                                \
		__auto_type got_ = (expression);                                                   \
		client_count(client, what, got_ >= 0, since_ns_);                                  \
		got_;                                                                              \
	})

static void client_round(struct client *client, const char *path, int held, uint64_t number)
{
	char text[64], got[64] = {0};
	size_t len = (size_t)snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	struct stat st;
	int fd = CALL(client, "create", open(path, O_RDWR | O_CREAT | O_EXCL, 0644));

	(void)CALL(client, "write", write(fd, text, len));
	(void)CALL(client, "read", pread(fd, got, sizeof(got) - 1, 0));
	if (strcmp(got, text) != 0)
		client->wrong++;
	(void)CALL(client, "close", close(fd));
	if (CALL(client, "stat", stat(path, &st)) == 0 && st.st_size != (off_t)len)
		client->wrong++;
	(void)CALL(client, "unlink", unlink(path));
	if (CALL(client, "held", pread(held, got, 5, 0)) != 4 || memcmp(got, "held", 4) != 0)
		client->wrong++;
	client->rounds++;
}

static void client_run(const char *mnt, int number)
{
	struct client *client = &clients->each[number];
	char path[PATH_MAX + 32];
	uint64_t round = 0;
	int held;

	(void)snprintf(path, sizeof(path), "%s/f%d", mnt, 900 + number);
	held = open(path, O_RDWR | O_CREAT, 0644);
	client_count(client, "hold", write(held, "held", 4) == 4, clock_now_ns());
	while (!clients->stop) {
		(void)snprintf(path, sizeof(path), "%s/f%d", mnt,
			number * 100 + (int)(round % 100));
		client_round(client, path, held, round++);
	}
	_exit(0);
}

void clients_start(const char *mnt)
{
	pid_t pid;
	int i;

	clients = mmap(NULL, sizeof(*clients), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		-1, 0);
	assert_true(clients != MAP_FAILED);
	for (i = 0; i < CLIENTS; i++) {
		/* The memory is shared: the child must not write its 0 there. */
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			client_run(mnt, i);
		clients->pids[i] = pid;
	}
}

/* Every client gets through a whole round: nobody hangs. */
void clients_progress(void)
{
	int64_t deadline_ns = clock_now_ns() + DEADLINE_NS;
	uint64_t seen;
	int i;

	for (i = 0; i < CLIENTS; i++)
		for (seen = clients->each[i].rounds; clients->each[i].rounds < seen + 2;) {
			assert_true(clock_now_ns() < deadline_ns);
			pause_ms(1);
		}
}

void clients_stop(const struct fixture *fixture, const char *what)
{
	uint64_t calls = 0;
	int64_t worst_ns = 0;
	int i, status;

	clients->stop = true;
	for (i = 0; i < CLIENTS; i++) {
		struct client *client = &clients->each[i];

		assert_int_equal(waitpid(clients->pids[i], &status, 0), clients->pids[i]);
		assert_int_equal(status, 0);
		if (client->failed)
			fail_msg("%s: %llu calls failed, first %s", what,
				(unsigned long long)client->failed, client->cause);
		assert_int_equal(client->wrong, 0);
		calls += client->calls;
		if (client->worst_ns > worst_ns)
			worst_ns = client->worst_ns;
	}
	print_message("# %s: %llu calls, none failed, worst %lld ms, %llu resent after they were "
		      "applied\n",
		what, (unsigned long long)calls, (long long)(worst_ns / NS_PER_MILLISECOND),
		(unsigned long long)fixture->resent);
	(void)munmap(clients, sizeof(*clients));
}

void clients_end(void)
{
	int i;

	clients->stop = true;
	for (i = 0; i < CLIENTS; i++)
		assert_int_equal(waitpid(clients->pids[i], NULL, 0), clients->pids[i]);
	(void)munmap(clients, sizeof(*clients));
}
