/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "fs/kernel/crew.h"

#define DEADLINE_NS (20 * NS_PER_SECOND)
#define REQUESTS    4000

/* What a request asks for, and how it is served. */
struct request {
	enum crew_pace pace;
	bool lingers; /* it says so */
	bool blocks; /* until the gate is opened */
	bool naps; /* a few milliseconds */
	int number;
};

struct office {
	struct crew *crew;
	int requests[2]; /* of ours, and of the crew */
	int gate; /* eventfd; readable: open */
	_Atomic int begun, done;
	_Atomic int by[CREW_THREADS_MAX]; /* requests that each thread has served */
	_Atomic int times[REQUESTS]; /* how often each was served */
};

static enum crew_pace office_pace(const void *data)
{
	const struct request *request = data;

	return request->pace;
}

static void office_serve(void *arg, int thread, void *data, size_t size)
{
	const struct request *request = data;
	struct office *office = arg;
	struct pollfd gate = {.fd = office->gate, .events = POLLIN};

	(void)size;
	office->begun++;
	office->by[thread]++;
	office->times[request->number]++;
	if (request->lingers)
		crew_linger();
	if (request->blocks)
		(void)poll(&gate, 1, (int)(DEADLINE_NS / NS_PER_MILLISECOND));
	if (request->naps)
		(void)poll(NULL, 0, 12);
	office->done++;
}

static struct office *office_open(void)
{
	struct office *office = calloc(1, sizeof(*office));
	struct crew_options options = {
		.buffer_size = 4096,
		.serve = office_serve,
		.pace = office_pace,
		.arg = office,
	};

	assert_non_null(office);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, office->requests), 0);
	office->gate = eventfd(0, 0);
	options.fd = office->requests[1];
	assert_int_equal(crew_new(&office->crew, &options, NULL), 0);
	assert_int_equal(crew_start(office->crew, NULL), 0);
	return office;
}

static void office_open_gate(struct office *office)
{
	assert_int_equal(eventfd_write(office->gate, 1), 0);
}

static void office_close(struct office *office)
{
	office_open_gate(office);
	crew_stop(office->crew);
	assert_int_equal(crew_wait(office->crew), -EINTR);
	assert_int_equal(crew_finish(office->crew, 10000), 0);
	crew_free(office->crew);
	(void)close(office->requests[0]);
	(void)close(office->requests[1]);
	(void)close(office->gate);
	free(office);
}

static bool send_request(struct office *office, const struct request *request)
{
	return write(office->requests[0], request, sizeof(*request)) == sizeof(*request);
}

static void ask(struct office *office, struct request request)
{
	assert_true(send_request(office, &request));
}

static bool reaches(const _Atomic int *counter, int wanted)
{
	int64_t deadline_ns = clock_now_ns() + DEADLINE_NS;

	while (*counter < wanted && clock_now_ns() < deadline_ns)
		(void)poll(NULL, 0, 1);
	return *counter == wanted;
}

/* One after the other, each after the last was served. */
static void ask_in_turn(struct office *office, struct request request, int count)
{
	int done = office->done;

	for (int i = 1; i <= count; i++) {
		request.number = i % REQUESTS;
		ask(office, request);
		assert_true(reaches(&office->done, done + i));
	}
}

/* Several read at first; when requests come one by one, one does. */
static void settle(struct office *office)
{
	ask_in_turn(office, (struct request){.pace = CREW_INSTANT}, 20);
}

static int busiest(const struct office *office)
{
	int most = 0;

	for (int i = 0; i < CREW_THREADS_MAX; i++)
		most = office->by[i] > most ? office->by[i] : most;
	return most;
}

static long thread_switches(const char *task)
{
	char path[320], line[128];
	long count = 0;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%s/status", task);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "voluntary_ctxt_switches: %ld", &count) == 1)
			break;
	(void)fclose(file);
	return count;
}

/* How often threads of this process have waited for something, this one left out. */
static long crew_switches(void)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *task;
	long count = 0;

	assert_non_null(tasks);
	while ((task = readdir(tasks)))
		if (task->d_name[0] != '.' && atoi(task->d_name) != (int)getpid())
			count += thread_switches(task->d_name);
	(void)closedir(tasks);
	return count;
}

static void test_one_thread_serves_what_is_instant(void **state)
{
	struct office *office = office_open();
	int64_t begun_ns;
	long before;
	int most, count = 0;

	(void)state;
	settle(office);
	most = busiest(office);
	before = crew_switches();
	begun_ns = clock_now_ns();
	while (clock_now_ns() - begun_ns < NS_PER_SECOND / 2) {
		ask_in_turn(office, (struct request){.pace = CREW_INSTANT}, 1);
		count++;
	}
	/* It waits for each request, and the others for nothing (a sanitizer has a thread, too). */
	assert_in_range(crew_switches() - before, 0, count + 20);
	assert_in_range(busiest(office) - most, count - 1, count);
	office_close(office);
}

/* Whoever looks after them does so ever less often. */
static void test_what_lingers_briefly_wakes_few(void **state)
{
	struct office *office = office_open();
	int64_t begun_ns;
	long before;
	int count = 0;

	(void)state;
	settle(office);
	before = crew_switches();
	begun_ns = clock_now_ns();
	while (clock_now_ns() - begun_ns < NS_PER_SECOND) {
		ask_in_turn(office, (struct request){.pace = CREW_QUICK}, 1);
		count++;
	}
	assert_in_range(crew_switches() - before, 0, count + 100);
	office_close(office);
}

/* Whatever blocks, the next one is served; until all places are taken. */
static void blocks(struct request request)
{
	struct office *office = office_open();

	settle(office);
	for (int i = 1; i < CREW_THREADS_MAX; i++) {
		request.blocks = true;
		request.number = i;
		ask(office, request);
		assert_true(reaches(&office->begun, 20 + i));
	}
	assert_int_equal(office->done, 20);
	ask_in_turn(office, (struct request){.pace = CREW_INSTANT}, 20);
	office_open_gate(office);
	assert_true(reaches(&office->done, 40 + CREW_THREADS_MAX - 1));
	ask_in_turn(office, (struct request){.pace = CREW_SLOW}, 20);
	office_close(office);
}

static void test_slow_ones_do_not_hold_up_others(void **state)
{
	(void)state;
	blocks((struct request){.pace = CREW_SLOW});
}

static void test_what_is_not_quick_does_not_hold_up_others(void **state)
{
	(void)state;
	blocks((struct request){.pace = CREW_QUICK});
}

static void test_what_says_that_it_lingers_does_not_hold_up_others(void **state)
{
	(void)state;
	blocks((struct request){.pace = CREW_INSTANT, .lingers = true});
	blocks((struct request){.pace = CREW_ASIDE, .lingers = true});
}

struct client {
	struct office *office;
	pthread_t thread;
	unsigned seed;
	int first, count;
};

static void *client_run(void *arg)
{
	struct client *client = arg;

	for (int i = 0; i < client->count; i++) {
		unsigned die = (unsigned)rand_r(&client->seed);
		struct request request = {
			.pace = (enum crew_pace)(die % 4),
			.lingers = die / 4 % 2,
			.naps = die / 8 % 16 == 0,
			.number = client->first + i,
		};

		/* Only what may linger may take long. */
		if (request.pace > CREW_QUICK && !request.lingers)
			request.naps = false;
		if (!send_request(client->office, &request))
			return NULL;
		if (die / 128 % 8 == 0)
			(void)poll(NULL, 0, (int)(die / 1024 % 8));
	}
	return NULL;
}

static void test_each_is_served_once(void **state)
{
	struct office *office = office_open();
	struct client clients[4];
	int each = REQUESTS / (int)ARRAY_SIZE(clients);

	(void)state;
	for (int i = 0; i < (int)ARRAY_SIZE(clients); i++) {
		clients[i] = (struct client){.office = office, .seed = (unsigned)i + 1};
		clients[i].first = i * each;
		clients[i].count = each;
		assert_int_equal(pthread_create(&clients[i].thread, NULL, client_run, &clients[i]),
			0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(clients); i++)
		assert_int_equal(pthread_join(clients[i].thread, NULL), 0);
	assert_true(reaches(&office->done, REQUESTS));
	for (int i = 0; i < REQUESTS; i++)
		assert_int_equal(office->times[i], 1);
	office_close(office);
}

static void test_nothing_is_served_after_a_stop(void **state)
{
	struct office *office = office_open();

	(void)state;
	settle(office);
	crew_stop(office->crew);
	assert_int_equal(crew_wait(office->crew), -EINTR);
	ask(office, (struct request){.pace = CREW_INSTANT});
	assert_int_equal(crew_finish(office->crew, 10000), 0);
	assert_int_equal(office->done, 20);
	office_close(office);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_thread_serves_what_is_instant),
		cmocka_unit_test(test_what_lingers_briefly_wakes_few),
		cmocka_unit_test(test_slow_ones_do_not_hold_up_others),
		cmocka_unit_test(test_what_is_not_quick_does_not_hold_up_others),
		cmocka_unit_test(test_what_says_that_it_lingers_does_not_hold_up_others),
		cmocka_unit_test(test_each_is_served_once),
		cmocka_unit_test(test_nothing_is_served_after_a_stop),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
