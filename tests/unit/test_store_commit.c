/* SPDX-License-Identifier: Apache-2.0 */
/* Updates of many threads: each whole, in one order, told to watchers; nothing lost by kill -9. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "store_fixture.h"

#define WRITERS 8

/* ---- threads ---- */

struct writer {
	struct store *store;
	pthread_t thread;
	int64_t object, shared;
	int rounds, refused, wrong;
	bool told; /* by the watcher, of the round that runs */
};

struct watcher {
	struct writer *writers;
	int64_t shared, last; /* value of the shared counter in the last commit told */
	int commits, disorder;
};

/* Adds one to the counter in the object's status and notes it in a second object. */
static int count_up(struct txn *txn, void *arg, struct error *reterr)
{
	const struct writer *writer = arg;
	_cleanup_object_ struct object object = OBJECT_INIT;
	int64_t value = 0;
	char text[32];
	int r;

	r = txn_get(txn, writer->shared, &object);
	if (r < 0)
		return r;
	if (object.status)
		value = strtoll(object.status, NULL, 10);
	(void)snprintf(text, sizeof(text), "%lld", (long long)value + 1);
	r = txn_set_status(txn, writer->shared, text);
	if (r == 0)
		r = txn_set_status(txn, writer->object, text);
	if (r == 0 && value % 7 == 3)
		return error_set(reterr, -ECANCELED, "every seventh is refused");
	return r;
}

/* Without the shared part: what a refused update must not undo. */
static int count_own(struct txn *txn, void *arg, struct error *reterr)
{
	struct writer *writer = arg;

	(void)reterr;
	return txn_set_plan(txn, writer->object, writer->rounds % 2 ? "{\"a\":1}" : "{\"a\":2}");
}

static void *write_much(void *arg)
{
	struct writer *writer = arg;
	struct error error = ERROR_INIT;
	int rounds = writer->rounds;

	for (; writer->rounds > 0; writer->rounds--) {
		struct object object = OBJECT_INIT;
		int r = store_update(writer->store,
			writer->rounds % 3 ? STORE_RELAXED : STORE_DURABLE, NULL, count_up, writer,
			&error);

		writer->refused += r == -ECANCELED;
		writer->wrong += r < 0 && r != -ECANCELED;
		writer->told = false;
		writer->wrong += store_update(writer->store, STORE_RELAXED, NULL, count_own, writer,
					 &error) < 0;
		/* Told before the call returned, and to be read by anybody after it. */
		writer->wrong += !writer->told;
		writer->wrong += store_peek(writer->store, writer->object, &object) < 0;
		writer->wrong += object.generation != rounds - writer->rounds + 1;
	}
	return NULL;
}

static void watch(void *arg, const struct change *changes, size_t count)
{
	struct watcher *watcher = arg;

	watcher->commits++;
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < i; j++)
			watcher->disorder += changes[j].id == changes[i].id;
		for (int k = 0; k < WRITERS; k++)
			if (changes[i].flags & CHANGE_SPEC &&
				changes[i].id == watcher->writers[k].object)
				watcher->writers[k].told = true;
	}
}

static void test_threads_write_at_once(void **state)
{
	struct store_fixture *fixture = *state;
	struct writer writers[WRITERS];
	struct watcher watcher = {.writers = writers};
	_cleanup_object_ struct object object = OBJECT_INIT;
	int64_t tenant = fixture_create(fixture, PLATFORM_ID, KIND_TENANT, "demo");
	int64_t shared = fixture_create(fixture, tenant, KIND_SERVICE, "shared");
	int refused = 0, rounds = 60;
	char name[16];

	for (int i = 0; i < WRITERS; i++) {
		(void)snprintf(name, sizeof(name), "w%d", i);
		writers[i] = (struct writer){.store = fixture->store,
			.object = fixture_create(fixture, tenant, KIND_SERVICE, name),
			.shared = shared,
			.rounds = rounds};
	}
	assert_int_equal(store_watch(fixture->store, watch, &watcher), 0);
	for (int i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&writers[i].thread, NULL, write_much, &writers[i]),
			0);
	for (int i = 0; i < WRITERS; i++) {
		assert_int_equal(pthread_join(writers[i].thread, NULL), 0);
		assert_int_equal(writers[i].wrong, 0);
		refused += writers[i].refused;
	}
	assert_int_equal(watcher.disorder, 0);
	assert_in_range(watcher.commits, 1, WRITERS * rounds * 2);
	assert_int_equal(store_get(fixture->store, shared, &object), 0);
	/* The fourth is refused for ever: the counter stands at three. */
	assert_string_equal(object.status, "3");
	assert_int_equal(refused, WRITERS * rounds - 3);
}

/* ---- kill -9 ---- */

static int write_pair(struct txn *txn, void *arg, struct error *reterr)
{
	const int64_t *ids = arg;
	char text[64];
	int r;

	(void)snprintf(text, sizeof(text), "{\"n\":%lld}\n", (long long)ids[2]);
	r = txn_set_spec(txn, ids[0], text, strlen(text), true, "", reterr);
	if (r == 0)
		r = txn_set_value(txn, ids[1], text, strlen(text), reterr);
	if (r == 0)
		r = txn_event(txn, ids[0], "info", "number %lld", (long long)ids[2]);
	return r;
}

/* Says on fd which number was acknowledged last, until it is killed. */
static void write_until_killed(const struct store_fixture *fixture, int64_t *ids, int fd)
{
	struct store_options options = {.dir = fixture->dir};
	struct store *store = NULL;

	if (store_open(&store, &options, NULL) < 0)
		_exit(1);
	for (;; ids[2]++) {
		if (store_update(store, ids[2] % 2 ? STORE_DURABLE : STORE_RELAXED, NULL,
			    write_pair, ids, NULL) < 0)
			_exit(2);
		if (write(fd, &ids[2], sizeof(ids[2])) != sizeof(ids[2]))
			_exit(3);
	}
}

static int64_t run_and_kill(const struct store_fixture *fixture, int64_t *ids, int acknowledged)
{
	int64_t last = ids[2] - 1, number;
	int fds[2], status, wanted = acknowledged;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		(void)close(fds[0]);
		write_until_killed(fixture, ids, fds[1]);
	}
	(void)close(fds[1]);
	while (wanted-- > 0 && read(fds[0], &number, sizeof(number)) == sizeof(number))
		last = number;
	assert_int_equal(kill(pid, SIGKILL), 0);
	/* What was acknowledged while the signal was under way counts too. */
	while (read(fds[0], &number, sizeof(number)) == sizeof(number))
		last = number;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	(void)close(fds[0]);
	return last;
}

static void check_pair(struct store_fixture *fixture, const int64_t *ids, int64_t acknowledged)
{
	_cleanup_object_ struct object object = OBJECT_INIT;
	_cleanup_buf_ struct buf value = BUF_INIT, events = BUF_INIT;
	struct history_entry entry;
	struct error error = ERROR_INIT;
	int64_t number = 0;
	char text[64];

	assert_int_equal(store_get(fixture->store, ids[0], &object), 0);
	assert_int_equal(sscanf(object.spec, "{\"n\":%lld}", (long long *)&number), 1);
	/* One more may have been committed and not yet acknowledged. */
	assert_in_range(number, acknowledged, acknowledged + 1);
	assert_int_equal(object.generation, number);
	if (store_value(fixture->store, ids[1], &value, &error) < 0)
		fail_msg("%s", error.text);
	assert_string_equal(buf_string(&value), object.spec);
	assert_int_equal(store_history(fixture->store, ids[0], number, &entry, NULL), 0);
	assert_int_equal(store_history(fixture->store, ids[0], number + 1, &entry, NULL), -ENOENT);
	assert_int_equal(store_events(fixture->store, ids[0], &events), 0);
	(void)snprintf(text, sizeof(text), "number %lld\n", (long long)number);
	assert_string_equal(events.data + events.len - strlen(text), text);
}

static void test_killed_writer_loses_nothing(void **state)
{
	struct store_fixture *fixture = *state;
	int64_t tenant = fixture_create(fixture, PLATFORM_ID, KIND_TENANT, "demo");
	int64_t ids[3] = {fixture_create(fixture, tenant, KIND_SERVICE, "web"),
		fixture_create(fixture, tenant, KIND_SECRET, "KEY"), 1};
	struct history_entry entry;

	for (int round = 0; round < 200; round++) {
		int64_t last;

		store_close(fixture->store);
		fixture->store = NULL;
		last = run_and_kill(fixture, ids, 1 + (round * 37) % 29);
		store_fixture_reopen(fixture);
		check_pair(fixture, ids, last);
		ids[2] = last + 1;
		if (store_history(fixture->store, ids[0], ids[2], &entry, NULL) == 0)
			ids[2]++;
	}
	assert_true(ids[2] > 1000);
}

/* ---- exactly once ---- */

static int note_run(struct txn *txn, void *arg, struct error *reterr)
{
	int64_t *run = arg;

	run[1] = 1;
	return run[2] ? error_set(reterr, -EINVAL, "refused for the test")
		      : txn_add_restart(txn, run[0]);
}

static int64_t runs_with_token(struct store_fixture *fixture, int64_t service, uint64_t token,
	bool refused)
{
	struct caller caller = {.token = token};
	int64_t run[3] = {service, 0, refused};
	int r = store_update(fixture->store, STORE_DURABLE, &caller, note_run, run, NULL);

	assert_int_equal(r, refused && run[1] ? -EINVAL : 0);
	return run[1];
}

static void test_token_is_applied_once(void **state)
{
	struct store_fixture *fixture = *state;
	int64_t tenant = fixture_create(fixture, PLATFORM_ID, KIND_TENANT, "demo");
	int64_t service = fixture_create(fixture, tenant, KIND_SERVICE, "web");
	_cleanup_object_ struct object object = OBJECT_INIT;

	assert_int_equal(store_tokens_open(fixture->store, "mount-1", NULL), 0);
	assert_int_equal(runs_with_token(fixture, service, 42, false), 1);
	assert_int_equal(runs_with_token(fixture, service, 43, true), 1);
	assert_int_equal(runs_with_token(fixture, service, UINT64_MAX, false), 1);
	/* A new worker of the same session: 43 failed and may run again. */
	store_fixture_reopen(fixture);
	assert_int_equal(store_tokens_open(fixture->store, "mount-1", NULL), 0);
	assert_int_equal(runs_with_token(fixture, service, 42, false), 0);
	assert_int_equal(runs_with_token(fixture, service, UINT64_MAX, true), 0);
	assert_int_equal(runs_with_token(fixture, service, 43, false), 1);
	assert_int_equal(runs_with_token(fixture, service, 0, false), 1);
	/* One more, and what both before it applied is known. */
	store_fixture_reopen(fixture);
	assert_int_equal(store_tokens_open(fixture->store, "mount-1", NULL), 0);
	assert_int_equal(runs_with_token(fixture, service, 42, false), 0);
	assert_int_equal(runs_with_token(fixture, service, 43, false), 0);
	assert_int_equal(store_peek(fixture->store, service, &object), 0);
	assert_int_equal(object.restart, 4);
	/* Another session counts its requests anew. */
	store_fixture_reopen(fixture);
	assert_int_equal(store_tokens_open(fixture->store, "mount-2", NULL), 0);
	assert_int_equal(runs_with_token(fixture, service, 42, false), 1);
}

static void test_tokens_are_bounded(void **state)
{
	struct store_fixture *fixture = *state;
	int64_t tenant = fixture_create(fixture, PLATFORM_ID, KIND_TENANT, "demo");
	int64_t service = fixture_create(fixture, tenant, KIND_SERVICE, "web");
	struct caller caller = {.token = 0};
	int64_t run[3] = {service, 0, 0};

	assert_int_equal(store_tokens_open(fixture->store, "mount", NULL), 0);
	for (caller.token = 1; caller.token <= 17000; caller.token++)
		assert_int_equal(store_update(fixture->store, STORE_RELAXED, &caller, note_run, run,
					 NULL),
			0);
	store_fixture_reopen(fixture);
	assert_int_equal(store_tokens_open(fixture->store, "mount", NULL), 0);
	assert_int_equal(runs_with_token(fixture, service, 17000, false), 0);
	assert_int_equal(runs_with_token(fixture, service, 17000 - 4096, false), 0);
	assert_int_equal(runs_with_token(fixture, service, 1, false), 1);
	store_fixture_reopen(fixture);
	assert_int_equal(store_tokens_open(fixture->store, "mount", NULL), 0);
	assert_int_equal(runs_with_token(fixture, service, 1, false), 0);
	assert_int_equal(runs_with_token(fixture, service, 17000, false), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_threads_write_at_once, store_fixture_setup,
			store_fixture_teardown),
		cmocka_unit_test_setup_teardown(test_killed_writer_loses_nothing,
			store_fixture_setup, store_fixture_teardown),
		cmocka_unit_test_setup_teardown(test_token_is_applied_once, store_fixture_setup,
			store_fixture_teardown),
		cmocka_unit_test_setup_teardown(test_tokens_are_bounded, store_fixture_setup,
			store_fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
