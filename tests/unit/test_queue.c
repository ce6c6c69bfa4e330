/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/idmap.h"
#include "base/lock.h"
#include "base/thread.h"
#include "reconcile/queue.h"

#define KEYS     64
#define DEADLINE (20 * NS_PER_SECOND)

struct bench {
	struct queue *queue;
	struct lock lock;
	struct cond changed;
	int runs[KEYS + 1];
	int64_t order[256];
	int64_t began_ns[256];
	size_t order_count;
	bool inside[KEYS + 1];
	bool overlapped;
	bool hold; /* work waits until it is false */
	int fail; /* so many times QUEUE_RETRY */
	int wait; /* so many times QUEUE_WAIT, before that */
	int again; /* so many times due at once */
};

static void bench_init(struct bench *bench)
{
	*bench = (struct bench){0};
	lock_init(&bench->lock, LOCK_LEAF);
	cond_init(&bench->changed);
}

static void bench_done(struct bench *bench)
{
	queue_free(bench->queue);
	cond_done(&bench->changed);
	lock_done(&bench->lock);
}

static int64_t bench_work(void *arg, int64_t key)
{
	struct bench *bench = arg;
	int64_t next = QUEUE_DONE;

	LOCKED(&bench->lock);
	if (bench->inside[key])
		bench->overlapped = true;
	bench->inside[key] = true;
	bench->runs[key]++;
	if (bench->order_count < 256) {
		bench->began_ns[bench->order_count] = clock_now_ns();
		bench->order[bench->order_count++] = key;
	}
	cond_broadcast(&bench->changed);
	while (bench->hold)
		cond_wait(&bench->changed, &bench->lock);
	if (bench->wait > 0) {
		bench->wait--;
		next = queue_wait_for("something");
	} else if (bench->fail > 0) {
		bench->fail--;
		next = QUEUE_RETRY;
	} else if (bench->again > 0) {
		bench->again--;
		next = 0;
	}
	bench->inside[key] = false;
	return next;
}

static void bench_release(struct bench *bench)
{
	LOCKED(&bench->lock);
	bench->hold = false;
	cond_broadcast(&bench->changed);
}

static void expect_runs(struct bench *bench, int64_t key, int runs)
{
	int64_t deadline_ns = clock_now_ns() + DEADLINE;

	LOCKED(&bench->lock);
	while (bench->runs[key] < runs)
		assert_true(cond_wait_until(&bench->changed, &bench->lock, deadline_ns));
}

static void expect_empty(struct bench *bench)
{
	int64_t deadline_ns = clock_now_ns() + DEADLINE;

	while (queue_length(bench->queue) > 0)
		assert_true(clock_now_ns() < deadline_ns);
}

static void start(struct bench *bench, int workers)
{
	struct error error = ERROR_INIT;

	assert_int_equal(queue_new(&bench->queue, "test", workers, bench_work, bench, &error), 0);
}

static void test_wake_ups_merge(void **state)
{
	struct bench bench;

	(void)state;
	bench_init(&bench);
	bench.hold = true;
	start(&bench, 1);
	queue_wake(bench.queue, 1);
	expect_runs(&bench, 1, 1);
	for (int i = 0; i < 100; i++)
		queue_wake(bench.queue, 2); /* waits behind 1 */
	for (int i = 0; i < 100; i++)
		queue_wake(bench.queue, 1); /* is being worked on: once more */
	bench_release(&bench);
	expect_empty(&bench);
	assert_int_equal(bench.runs[1], 2);
	assert_int_equal(bench.runs[2], 1);
	bench_done(&bench);
}

static void test_due_times_order(void **state)
{
	struct bench bench;
	int64_t now_ns;

	(void)state;
	bench_init(&bench);
	start(&bench, 1);
	now_ns = clock_now_ns();
	queue_wake_at(bench.queue, 3, now_ns + 90 * NS_PER_MILLISECOND);
	queue_wake_at(bench.queue, 1, now_ns + 500 * NS_PER_SECOND);
	queue_wake_at(bench.queue, 2, now_ns + 60 * NS_PER_MILLISECOND);
	queue_wake_at(bench.queue, 1, now_ns + 30 * NS_PER_MILLISECOND); /* earlier wins */
	queue_wake_at(bench.queue, 1, now_ns + 600 * NS_PER_SECOND); /* later does not */
	expect_runs(&bench, 3, 1);
	assert_int_equal(bench.order[0], 1);
	assert_int_equal(bench.order[1], 2);
	assert_int_equal(bench.order[2], 3);
	assert_true(bench.began_ns[0] >= now_ns + 30 * NS_PER_MILLISECOND);
	assert_true(bench.began_ns[2] >= now_ns + 90 * NS_PER_MILLISECOND);
	expect_empty(&bench);
	bench_done(&bench);
}

static void test_random_due_times_come_in_order(void **state)
{
	struct bench bench;
	int64_t now_ns, due_ns[KEYS + 1];

	(void)state;
	bench_init(&bench);
	start(&bench, 1);
	srandom(7);
	now_ns = clock_now_ns() + 100 * NS_PER_MILLISECOND;
	for (int key = 1; key <= KEYS; key++) {
		due_ns[key] = now_ns + random() % (50 * NS_PER_MILLISECOND);
		queue_wake_at(bench.queue, key, due_ns[key] + NS_PER_SECOND);
		queue_wake_at(bench.queue, key, due_ns[key]);
	}
	expect_empty(&bench);
	assert_int_equal(bench.order_count, KEYS);
	for (size_t i = 1; i < bench.order_count; i++)
		assert_true(due_ns[bench.order[i - 1]] <= due_ns[bench.order[i]]);
	bench_done(&bench);
}

static void test_failures_come_again_and_success_ends(void **state)
{
	struct bench bench;

	(void)state;
	bench_init(&bench);
	bench.fail = 3;
	bench.again = 5;
	start(&bench, 4);
	queue_wake(bench.queue, 9);
	expect_runs(&bench, 9, 9);
	expect_empty(&bench);
	assert_int_equal(bench.runs[9], 9);
	bench_done(&bench);
}

static void test_backoff_is_full_jitter_and_capped(void **state)
{
	(void)state;
	for (int failures = 1; failures <= 40; failures++) {
		int64_t limit = QUEUE_BACKOFF_MIN_NS << (failures > 20 ? 20 : failures - 1);
		int64_t highest = 0;

		if (limit > QUEUE_BACKOFF_MAX_NS)
			limit = QUEUE_BACKOFF_MAX_NS;
		for (uint64_t i = 0; i < 1000; i++) {
			int64_t delay =
				queue_backoff_ns(failures, i * UINT64_C(0x9E3779B97F4A7C15));

			assert_true(delay >= 0 && delay < limit);
			highest = delay > highest ? delay : highest;
		}
		assert_true(highest > limit * 9 / 10);
	}
}

/* What is waited for comes soon, however often something failed before; and it never comes in a
 * tight loop. */
static void test_waits_are_short_and_bounded(void **state)
{
	struct bench bench;
	int64_t apart_ns;

	(void)state;
	for (int waits = 1; waits <= 40; waits++) {
		int64_t limit = QUEUE_WAIT_MIN_NS << (waits > 20 ? 6 : (waits - 1) / 3);

		if (limit > QUEUE_WAIT_MAX_NS)
			limit = QUEUE_WAIT_MAX_NS;
		for (uint64_t i = 0; i < 1000; i++) {
			int64_t delay = queue_wait_ns(waits, i * UINT64_C(0x9E3779B97F4A7C15));

			assert_true(delay > limit * 4 / 5 - 1 && delay <= limit);
		}
	}
	bench_init(&bench);
	bench.wait = 1;
	start(&bench, 1);
	queue_wake(bench.queue, 9);
	expect_runs(&bench, 9, 2);
	apart_ns = bench.began_ns[1] - bench.began_ns[0];
	assert_true(apart_ns > QUEUE_WAIT_MIN_NS * 4 / 5 - 1);
	expect_empty(&bench);
	bench_done(&bench);
}

/* What was not waited for yet comes soon, however long another thing took before it; what comes
 * back among a few does not. Numbers of requests are no reason. */
static void test_another_reason_waits_anew(void **state)
{
	static const struct {
		const char *why;
		int count;
	} rows[] = {{"a", 1}, {"a", 2}, {"a (request 2)", 3}, {"b", 1}, {"a", 2}, {"b", 3},
		{"c", 1}, {"d", 1}, {"a", 2}, {"e", 1}, {"b", 1}};
	struct queue_waits waits = {0};

	(void)state;
	assert_true(queue_wait_for("a (request 1)") == queue_wait_for("a (request 2)"));
	assert_true(queue_wait_for("a") != queue_wait_for("b"));
	assert_true(queue_after(-EAGAIN, "a") == queue_wait_for("a"));
	assert_true(queue_after(-EIO, "a") == QUEUE_RETRY);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(queue_waits_add(&waits, queue_wait_for(rows[i].why)),
			rows[i].count);
}

static void test_stop_finishes_what_began(void **state)
{
	struct bench bench;

	(void)state;
	bench_init(&bench);
	bench.hold = true;
	start(&bench, 2);
	queue_wake(bench.queue, 1);
	queue_wake(bench.queue, 2);
	queue_wake(bench.queue, 3);
	expect_runs(&bench, 1, 1);
	expect_runs(&bench, 2, 1);
	bench_release(&bench);
	queue_stop(bench.queue);
	assert_false(bench.inside[1]);
	assert_false(bench.inside[2]);
	queue_wake(bench.queue, 4);
	assert_int_equal(bench.runs[4], 0);
	bench_done(&bench);
}

static void *waker(void *arg)
{
	struct bench *bench = arg;

	for (int i = 0; i < 20000; i++)
		queue_wake(bench->queue, 1 + i * 7 % KEYS);
	return NULL;
}

static void test_many_wakers_many_workers(void **state)
{
	struct bench bench;
	pthread_t threads[4];

	(void)state;
	bench_init(&bench);
	start(&bench, 8);
	for (int i = 0; i < 4; i++)
		assert_int_equal(thread_start(&threads[i], "waker", waker, &bench, NULL), 0);
	for (int i = 0; i < 4; i++)
		thread_join(threads[i]);
	expect_empty(&bench);
	assert_false(bench.overlapped);
	for (int key = 1; key <= KEYS; key++)
		assert_true(bench.runs[key] >= 1);
	bench_done(&bench);
}

static void test_idmap_agrees_with_an_array(void **state)
{
	struct idmap map = {0};
	static char values[4096];
	bool there[4096] = {false};
	size_t count = 0, position = 0, walked = 0;

	(void)state;
	srandom(3);
	for (int i = 0; i < 200000; i++) {
		/* Phases that grow and phases that shrink. */
		int64_t key = random() % 4096;
		bool put = random() % 100 < (i / 20000 % 2 ? 20 : 80);

		if (put) {
			assert_int_equal(idmap_put(&map, key, &values[key]), 0);
			count += !there[key];
			there[key] = true;
		} else {
			assert_ptr_equal(idmap_remove(&map, key), there[key] ? &values[key] : NULL);
			count -= there[key];
			there[key] = false;
		}
		assert_int_equal(map.count, count);
		key = random() % 4096;
		assert_ptr_equal(idmap_get(&map, key), there[key] ? &values[key] : NULL);
	}
	while (idmap_next(&map, &position))
		walked++;
	assert_int_equal(walked, count);
	for (int64_t key = 0; key < 4096; key++)
		(void)idmap_remove(&map, key);
	assert_true(map.capacity <= 16);
	idmap_done(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wake_ups_merge),
		cmocka_unit_test(test_due_times_order),
		cmocka_unit_test(test_random_due_times_come_in_order),
		cmocka_unit_test(test_failures_come_again_and_success_ends),
		cmocka_unit_test(test_backoff_is_full_jitter_and_capped),
		cmocka_unit_test(test_waits_are_short_and_bounded),
		cmocka_unit_test(test_another_reason_waits_anew),
		cmocka_unit_test(test_stop_finishes_what_began),
		cmocka_unit_test(test_many_wakers_many_workers),
		cmocka_unit_test(test_idmap_agrees_with_an_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
