/* SPDX-License-Identifier: Apache-2.0 */
/* The prober: its pure parts in tables, the rest against peers that misbehave. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/key_map.h"
#include "base/lock.h"
#include "base/text.h"
#include "base/thread.h"
#include "http_peer.h"
#include "net/due_heap.h"
#include "net/probe_state.h"

#define PATIENCE_NS (30 * NS_PER_SECOND)
#define MS          NS_PER_MILLISECOND

static struct peer peer;
static struct error error;

/* Answers a second apart: + success, - failure; the health after each: s, h, u. */
static void health_follows_the_answers(void **state)
{
	static const struct {
		int healthy, unhealthy;
		int64_t interval_ms, start_period_ms;
		const char *answers, *health;
	} rows[] = {
		{2, 3, 1000, 0, "++", "sh"},
		{1, 3, 1000, 0, "+", "h"},
		{0, 0, 1000, 0, "+-+", "huh"},
		{2, 3, 1000, 0, "+-++", "sssh"},
		{2, 3, 1000, 0, "---", "ssu"},
		{2, 3, 1000, 0, "--+--+---", "ssssssssu"},
		{2, 3, 1000, 0, "++--+---", "shhhhhhu"},
		{2, 3, 1000, 0, "++---+-++", "shhhuuuuh"},
		{2, 3, 1000, 5000, "-------", "ssssssu"},
		{2, 3, 1000, 5000, "----++---", "ssssshhhu"},
		{2, 3, 1000, 60000, "----------", "ssssssssss"},
		{1, 1, 1000, 2500, "---", "ssu"},
		/* Failures count an interval apart while starting, */
		{2, 3, 2000, 0, "-----", "ssssu"},
		/* and each one after that. */
		{1, 2, 2000, 0, "+--", "hhu"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct probe_rules rules = {.interval_ms = rows[i].interval_ms,
			.start_period_ms = rows[i].start_period_ms,
			.healthy_threshold = rows[i].healthy,
			.unhealthy_threshold = rows[i].unhealthy};
		struct probe_state probe;
		enum probe_health before = PROBE_STARTING;
		bool changed;

		probe_state_init(&probe, MS);
		for (size_t j = 0; rows[i].answers[j]; j++) {
			changed = probe_state_answer(&probe, &rules, rows[i].answers[j] == '+',
				MS + (int64_t)(j + 1) * NS_PER_SECOND);
			if ("shu"[probe.health] != rows[i].health[j])
				fail_msg("row %zu, answer %zu: %c", i, j, "shu"[probe.health]);
			assert_int_equal(changed, probe.health != before);
			before = probe.health;
		}
	}
}

static void a_start_is_watched_closely(void **state)
{
	struct probe_rules rules = {
		.interval_ms = 5000, .healthy_threshold = 2, .unhealthy_threshold = 2};
	struct probe_state probe;
	int64_t delay_ms, last_ms = 0, sum_ms = 0;

	(void)state;
	probe_state_init(&probe, 0);
	for (int i = 0; i < 30; i++) {
		delay_ms = probe_state_delay_ms(&probe, &rules);
		assert_in_range(delay_ms, i == 0 ? 25 : last_ms, i == 0 ? 25 : 1000);
		last_ms = delay_ms;
		sum_ms += i < 5 ? delay_ms : 0;
	}
	assert_int_equal(last_ms, 1000);
	assert_in_range(sum_ms, 125, 500);
	assert_false(probe_state_answer(&probe, &rules, true, 1));
	assert_int_equal(probe_state_delay_ms(&probe, &rules), 25);
	assert_true(probe_state_answer(&probe, &rules, true, 2));
	assert_int_equal(probe_state_delay_ms(&probe, &rules), 5000);
	rules.interval_ms = 10;
	probe_state_init(&probe, 0);
	for (int i = 0; i < 10; i++)
		assert_int_equal(probe_state_delay_ms(&probe, &rules), 10);
	rules.interval_ms = 0;
	assert_int_equal(probe_state_delay_ms(&probe, &rules), 1);
}

static void the_heap_gives_the_earliest(void **state)
{
	enum { SLOTS = 500 };
	int64_t at_ns[SLOTS];
	bool inside[SLOTS] = {false};
	struct due_heap heap = {0};
	uint64_t random = 7;

	(void)state;
	assert_null(due_heap_first(&heap));
	assert_int_equal(due_heap_reserve(&heap, 10), 0);
	assert_int_equal(due_heap_reserve(&heap, SLOTS), 0);
	assert_int_equal(due_heap_reserve(&heap, 10), 0);
	for (int turn = 0; turn < 20000; turn++) {
		random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
		uint32_t slot = (uint32_t)(random >> 33) % SLOTS;
		int64_t least = INT64_MAX;
		size_t count = 0;

		inside[slot] = (random >> 20) % 3 != 0;
		at_ns[slot] = (int64_t)(random >> 40) % 1000;
		if (inside[slot])
			due_heap_put(&heap, slot, at_ns[slot]);
		else
			due_heap_remove(&heap, slot);
		for (size_t i = 0; i < SLOTS; i++) {
			if (!inside[i])
				continue;
			count++;
			if (at_ns[i] < least)
				least = at_ns[i];
		}
		assert_int_equal(heap.count, count);
		if (count > 0)
			assert_int_equal(due_heap_first(&heap)->at_ns, least);
	}
	due_heap_done(&heap);
}

static void the_map_finds_what_was_put(void **state)
{
	enum { KEYS = 1000 };
	uint32_t expected[KEYS] = {0}, value;
	struct key_map map = {0};
	uint64_t random = 11;

	(void)state;
	assert_false(key_map_get(&map, 1, &value));
	key_map_remove(&map, 1);
	for (uint32_t turn = 1; turn < 50000; turn++) {
		random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
		size_t i = (size_t)(random >> 33) % KEYS;
		int64_t key = ((int64_t)i - KEYS / 2) * (INT64_C(1) << 28);

		if ((random >> 20) % 3 != 0) {
			assert_int_equal(key_map_put(&map, key, turn), 0);
			expected[i] = turn;
		} else {
			key_map_remove(&map, key);
			expected[i] = 0;
		}
		i = (size_t)(random >> 43) % KEYS;
		key = ((int64_t)i - KEYS / 2) * (INT64_C(1) << 28);
		assert_int_equal(key_map_get(&map, key, &value), expected[i] != 0);
		if (expected[i] != 0)
			assert_int_equal(value, expected[i]);
	}
	key_map_done(&map);
}

/* What the prober told, by key. */
#define KEYS_MAX 64

static struct lock lock = LOCK_INIT(LOCK_LEAF);
static struct cond changed;
static struct {
	enum probe_health health;
	int calls;
	char why[256];
	struct prober *drop_from; /* the callback drops its own key */
	bool block, blocked;
} told[KEYS_MAX];

static void on_health(void *arg, int64_t key, enum probe_health health, const char *why)
{
	struct prober *drop_from;

	(void)arg;
	lock_acquire(&lock);
	told[key].health = health;
	told[key].calls++;
	(void)text_copy(told[key].why, sizeof(told[key].why), why);
	drop_from = told[key].drop_from;
	told[key].blocked = told[key].block;
	cond_broadcast(&changed);
	while (told[key].block)
		cond_wait(&changed, &lock);
	lock_release(&lock);
	if (drop_from)
		prober_drop(drop_from, key);
}

static void await_health(int64_t key, enum probe_health health)
{
	int64_t deadline_ns = clock_now_ns() + PATIENCE_NS;

	LOCKED(&lock);
	while (told[key].health != health) {
		if (!cond_wait_until(&changed, &lock, deadline_ns))
			fail_msg("key %d stayed %d: %s", (int)key, told[key].health, told[key].why);
	}
}

static struct probe plain_probe(const char *path)
{
	return (struct probe){
		.address = "127.0.0.1",
		.port = peer.port,
		.path = path,
		.interval_ms = 50,
		.timeout_ms = 10000,
		.healthy_threshold = 2,
		.unhealthy_threshold = 2,
	};
}

static struct prober *prober_of_test(void)
{
	struct prober *prober = NULL;

	memset(told, 0, sizeof(told));
	assert_int_equal(prober_new(&prober, on_health, NULL, NULL, &error), 0);
	return prober;
}

static int set_up(void **state)
{
	(void)state;
	cond_init(&changed);
	return peer_start(&peer, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	peer_stop(&peer);
	return 0;
}

static void good_and_bad_answers_are_told_apart(void **state)
{
	static const struct {
		const char *path;
		enum probe_health health;
		const char *why;
	} rows[] = {
		{NULL, PROBE_HEALTHY, "takes connections"},
		{"/ok", PROBE_HEALTHY, "GET /ok answered 200"},
		{"/status/204", PROBE_HEALTHY, "answered 204"},
		{"/status/302", PROBE_HEALTHY, "answered 302"},
		{"/status/399", PROBE_HEALTHY, "answered 399"},
		{"/status/400", PROBE_UNHEALTHY, "answered 400"},
		{"/status/101", PROBE_UNHEALTHY, "answered 101"},
		{"/early", PROBE_HEALTHY, "answered 204"},
		{"/early-and-no-more", PROBE_UNHEALTHY, "closed the connection without an answer"},
		{"/curt", PROBE_HEALTHY, "answered 200"},
		{"/interim", PROBE_UNHEALTHY, "headers without end"},
		{"/long-status", PROBE_UNHEALTHY, "does not speak HTTP"},
		{"/status/503", PROBE_UNHEALTHY, "GET /status/503 answered 503"},
		{"/trickle", PROBE_HEALTHY, "answered 200"},
		{"/bytes/1000000", PROBE_HEALTHY, "answered 200"},
		{"/hang", PROBE_UNHEALTHY, "within 200 ms"},
		{"/drip", PROBE_UNHEALTHY, "within 200 ms"},
		{"/headers", PROBE_UNHEALTHY, "headers without end"},
		{"/garbage", PROBE_UNHEALTHY, "does not speak HTTP"},
		{"/reset", PROBE_UNHEALTHY, "broke off the connection"},
	};
	struct prober *prober = prober_of_test();
	struct probe probe;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		probe = plain_probe(rows[i].path);
		if (strstr(rows[i].why, "within 200 ms"))
			probe.timeout_ms = 200;
		assert_int_equal(prober_set(prober, (int64_t)i, &probe, &error), 0);
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		await_health((int64_t)i, rows[i].health);
		if (!strstr(told[i].why, rows[i].why))
			fail_msg("%s: %s", rows[i].path, told[i].why);
		assert_int_equal(told[i].calls, 1);
	}
	prober_free(prober);
}

static void a_closed_port_is_told(void **state)
{
	struct prober *prober = prober_of_test();
	struct probe probe = plain_probe(NULL);
	enum probe_health health;
	struct peer gone;
	char expected[64], why[128];

	(void)state;
	assert_int_equal(peer_start(&gone, NULL), 0);
	peer_stop(&gone);
	probe.port = gone.port;
	assert_int_equal(prober_set(prober, 1, &probe, &error), 0);
	await_health(1, PROBE_UNHEALTHY);
	(void)snprintf(expected, sizeof(expected), "connection refused on 127.0.0.1:%d", gone.port);
	assert_string_equal(told[1].why, expected);
	assert_true(prober_look(prober, 1, &health, why, sizeof(why)));
	assert_int_equal(health, PROBE_UNHEALTHY);
	assert_string_equal(why, expected);
	assert_false(prober_look(prober, 2, &health, why, sizeof(why)));
	prober_free(prober);
}

static void a_service_is_healthy_fast(void **state)
{
	struct prober *prober = prober_of_test();
	struct probe probe = plain_probe("/ok");
	int64_t begun_ns = clock_now_ns();

	(void)state;
	probe.interval_ms = 3600 * 1000;
	probe.healthy_threshold = 3;
	assert_int_equal(prober_set(prober, 1, &probe, &error), 0);
	await_health(1, PROBE_HEALTHY);
	assert_true(clock_now_ns() - begun_ns < PATIENCE_NS);
	prober_free(prober);
}

static void a_start_period_is_patient(void **state)
{
	struct prober *prober = prober_of_test();
	struct probe probe = plain_probe("/status/500");
	enum probe_health health;
	int before = atomic_load(&peer.requests);
	int64_t deadline_ns = clock_now_ns() + PATIENCE_NS;
	char why[128];

	(void)state;
	probe.start_period_ms = 3600 * 1000;
	assert_int_equal(prober_set(prober, 1, &probe, &error), 0);
	while (atomic_load(&peer.requests) - before < 6)
		assert_true(clock_now_ns() < deadline_ns);
	assert_true(prober_look(prober, 1, &health, why, sizeof(why)));
	assert_int_equal(health, PROBE_STARTING);
	assert_string_equal(why, "GET /status/500 answered 500");
	assert_int_equal(told[1].calls, 0);
	/* Other numbers for the same place keep what is known; another path starts over. */
	probe.start_period_ms = 0;
	assert_int_equal(prober_set(prober, 1, &probe, &error), 0);
	await_health(1, PROBE_UNHEALTHY);
	probe.path = "/ok";
	assert_int_equal(prober_set(prober, 1, &probe, &error), 0);
	await_health(1, PROBE_HEALTHY);
	assert_int_equal(told[1].calls, 2);
	prober_free(prober);
}

static atomic_int asked; /* how often the prober wanted somebody to ask */

static void on_due(void *arg, int64_t key)
{
	(void)arg;
	(void)key;
	atomic_fetch_add(&asked, 1);
}

static uint32_t await_turn(struct prober *prober, int64_t key)
{
	int64_t deadline_ns = clock_now_ns() + PATIENCE_NS;
	uint32_t turn;

	while (!prober_take(prober, key, &turn))
		assert_true(clock_now_ns() < deadline_ns);
	return turn;
}

static void somebody_else_may_ask(void **state)
{
	struct probe probe = {.asked = true,
		.address = "127.0.0.1",
		.port = 80,
		.interval_ms = 20,
		.timeout_ms = 1000,
		.healthy_threshold = 1,
		.unhealthy_threshold = 1};
	struct prober *prober = NULL;
	enum probe_health health;
	uint32_t turn, late;
	char why[64];

	(void)state;
	memset(told, 0, sizeof(told));
	assert_int_equal(prober_new(&prober, on_health, on_due, NULL, &error), 0);
	assert_int_equal(prober_set(prober, 1, &probe, &error), 0);
	turn = await_turn(prober, 1);
	prober_answer(prober, 1, turn, PROBE_GOOD, "fine");
	await_health(1, PROBE_HEALTHY);
	assert_string_equal(told[1].why, "fine");
	/* That it could not be asked says nothing; a second answer is one too many. */
	turn = await_turn(prober, 1);
	prober_answer(prober, 1, turn, PROBE_UNKNOWN, "the engine is away");
	prober_answer(prober, 1, turn, PROBE_BAD, "twice");
	turn = await_turn(prober, 1);
	assert_true(prober_look(prober, 1, &health, why, sizeof(why)));
	assert_int_equal(health, PROBE_HEALTHY);
	assert_string_equal(why, "the engine is away");
	prober_answer(prober, 1, turn, PROBE_BAD, "ended with status 3");
	await_health(1, PROBE_UNHEALTHY);
	assert_string_equal(told[1].why, "ended with status 3");
	assert_int_equal(told[1].calls, 2);
	/* What was asked of the container before says nothing about the next. */
	late = await_turn(prober, 1);
	prober_drop(prober, 1);
	prober_answer(prober, 1, late, PROBE_GOOD, "from the grave");
	probe.address = "127.0.0.2";
	assert_int_equal(prober_set(prober, 1, &probe, &error), 0);
	turn = await_turn(prober, 1);
	assert_int_not_equal(turn, late);
	prober_answer(prober, 1, late, PROBE_GOOD, "from the grave");
	assert_true(prober_take(prober, 1, &turn));
	assert_int_equal(told[1].calls, 2);
	assert_true(atomic_load(&asked) >= 5);
	prober_free(prober);
	/* Nobody is there to ask. */
	prober = prober_of_test();
	assert_int_equal(prober_set(prober, 1, &probe, &error), -EINVAL);
	prober_free(prober);
}

static void *drop_key(void *arg)
{
	prober_drop(arg, 1);
	return NULL;
}

static void a_dropped_key_is_silent(void **state)
{
	struct prober *prober = prober_of_test();
	struct probe probe = plain_probe("/ok");
	pthread_t thread;
	enum probe_health health;
	char why[64];

	(void)state;
	told[1].block = true;
	assert_int_equal(prober_set(prober, 1, &probe, &error), 0);
	await_health(1, PROBE_HEALTHY);
	assert_int_equal(thread_start(&thread, "drop", drop_key, prober, &error), 0);
	/* The drop takes the key out at once, and waits for the callback that runs. */
	while (prober_look(prober, 1, &health, why, sizeof(why)))
		;
	lock_acquire(&lock);
	told[1].block = false;
	cond_broadcast(&changed);
	lock_release(&lock);
	thread_join(thread);
	assert_int_equal(told[1].calls, 1);

	told[2].drop_from = prober;
	assert_int_equal(prober_set(prober, 2, &probe, &error), 0);
	await_health(2, PROBE_HEALTHY);
	while (prober_look(prober, 2, &health, why, sizeof(why)))
		;
	prober_drop(prober, 2);
	prober_drop(prober, 12345);
	prober_free(prober);
	prober_free(NULL);
}

static void nonsense_is_refused(void **state)
{
	struct prober *prober = prober_of_test();
	struct probe probe = plain_probe("/ok");
	char *path = malloc(PROBE_PATH_MAX + 2);

	(void)state;
	memset(path, '/', PROBE_PATH_MAX + 1);
	path[PROBE_PATH_MAX + 1] = '\0';
	probe.path = path;
	assert_int_equal(prober_set(prober, 1, &probe, &error), -EINVAL);
	path[PROBE_PATH_MAX] = '\0';
	assert_int_equal(prober_set(prober, 1, &probe, &error), 0);
	probe.path = "ok";
	assert_int_equal(prober_set(prober, 1, &probe, &error), -EINVAL);
	probe.path = "/ok HTTP/1.1\r\nX: y";
	assert_int_equal(prober_set(prober, 1, &probe, &error), -EINVAL);
	probe.path = NULL;
	probe.port = 65536;
	assert_int_equal(prober_set(prober, 1, &probe, &error), -EINVAL);
	probe.port = 80;
	probe.address = "example.org";
	assert_int_equal(prober_set(prober, 1, &probe, &error), -EINVAL);
	probe.address = "::1";
	assert_int_equal(prober_set(prober, 1, &probe, &error), 0);
	prober_free(prober);
	free(path);
}

/* Keys come and go from several threads while probes run: for ASan and TSan. */
static void *set_and_drop(void *arg)
{
	struct prober *prober = arg;
	struct probe probe = plain_probe(NULL);

	for (int i = 0; i < 2000; i++) {
		probe.path = i % 3 == 0 ? "/ok" : i % 3 == 1 ? "/hang" : NULL;
		(void)prober_set(prober, 8 + i % 50, &probe, NULL);
		if (i % 2)
			prober_drop(prober, 8 + (i * 7) % 50);
	}
	return NULL;
}

static void keys_come_and_go(void **state)
{
	struct prober *prober = prober_of_test();
	pthread_t threads[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(thread_start(&threads[i], "keys", set_and_drop, prober, &error),
			0);
	for (int i = 0; i < 4; i++)
		thread_join(threads[i]);
	prober_free(prober);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(health_follows_the_answers),
		cmocka_unit_test(a_start_is_watched_closely),
		cmocka_unit_test(the_heap_gives_the_earliest),
		cmocka_unit_test(the_map_finds_what_was_put),
		cmocka_unit_test(good_and_bad_answers_are_told_apart),
		cmocka_unit_test(a_closed_port_is_told),
		cmocka_unit_test(a_service_is_healthy_fast),
		cmocka_unit_test(a_start_period_is_patient),
		cmocka_unit_test(somebody_else_may_ask),
		cmocka_unit_test(a_dropped_key_is_silent),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(keys_come_and_go),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
