/* SPDX-License-Identifier: Apache-2.0 */
/* Keys are replaced while values are used, and the process may die at any point. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "store/rotate.h"
#include "store_fixture.h"

#define TENANTS 5
#define SECRETS 40 /* a tenant */

struct keys_world {
	struct store_fixture fixture;
	int64_t secrets[TENANTS][SECRETS];
};

static void value_of(int tenant, int secret, char *text, size_t size)
{
	(void)snprintf(text, size, "value %d of tenant %d", secret, tenant);
}

static int setup(void **state)
{
	struct keys_world *world = calloc(1, sizeof(*world));
	char name[32], text[64];

	store_fixture_init(&world->fixture);
	for (int t = 0; t < TENANTS; t++) {
		int64_t tenant;

		(void)snprintf(name, sizeof(name), "tenant%d", t);
		tenant = fixture_create(&world->fixture, PLATFORM_ID, KIND_TENANT, name);
		for (int s = 0; s < SECRETS; s++) {
			(void)snprintf(name, sizeof(name), "KEY%d", s);
			world->secrets[t][s] =
				fixture_create(&world->fixture, tenant, KIND_SECRET, name);
			value_of(t, s, text, sizeof(text));
			fixture_set_value(&world->fixture, world->secrets[t][s], text,
				strlen(text));
		}
	}
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	store_fixture_done(&((struct keys_world *)*state)->fixture);
	free(*state);
	return 0;
}

static void check_values(struct keys_world *world)
{
	for (int t = 0; t < TENANTS; t++) {
		for (int s = 0; s < SECRETS; s++) {
			_cleanup_buf_ struct buf out = BUF_INIT;
			struct error error = ERROR_INIT;
			char text[64];

			value_of(t, s, text, sizeof(text));
			if (store_value(world->fixture.store, world->secrets[t][s], &out, &error) <
				0)
				fail_msg("%s", error.text);
			assert_string_equal(buf_string(&out), text);
		}
	}
}

static int request(struct txn *txn, void *arg, struct error *reterr)
{
	return txn_rotate(txn, *(enum rotation_what *)arg, reterr);
}

static int ask(struct keys_world *world, enum rotation_what what, struct error *error)
{
	return store_update(world->fixture.store, STORE_DURABLE, NULL, request, &what, error);
}

static void must_ask(struct keys_world *world, enum rotation_what what)
{
	struct error error = ERROR_INIT;

	if (ask(world, what, &error) < 0)
		fail_msg("%s", error.text);
}

static bool step(struct keys_world *world)
{
	struct error error = ERROR_INIT;
	bool more = false;

	if (store_rotate_step(world->fixture.store, &more, &error) < 0)
		fail_msg("%s", error.text);
	return more;
}

static int64_t query(struct keys_world *world, const char *sql)
{
	sqlite3_stmt *statement;
	char path[256];
	int64_t number;
	sqlite3 *db;

	(void)snprintf(path, sizeof(path), "%s/duplofs.db", world->fixture.dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	number = sqlite3_column_int64(statement, 0);
	(void)sqlite3_finalize(statement);
	(void)sqlite3_close(db);
	return number;
}

static size_t master_lines(struct keys_world *world)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	size_t lines = 0;

	fixture_read_file(&world->fixture, "master.key", &text);
	for (size_t i = 0; i < text.len; i++)
		lines += text.data[i] == '\n' && text.data[i + 1] >= '0' && text.data[i + 1] <= '9';
	return lines;
}

static void test_everything_is_sealed_anew(void **state)
{
	struct keys_world *world = *state;
	_cleanup_buf_ struct buf before = BUF_INIT, after = BUF_INIT;
	struct error error = ERROR_INIT;
	struct rotation rotation;

	fixture_read_file(&world->fixture, "master.key", &before);
	assert_false(step(world));
	must_ask(world, ROTATE_ALL);
	assert_int_equal(ask(world, ROTATE_MASTER, &error), -EBUSY);
	assert_non_null(strstr(error.text, "under way"));
	while (step(world))
		check_values(world);
	check_values(world);
	assert_int_equal(store_rotation(world->fixture.store, &rotation), 0);
	assert_int_equal(rotation.master, 2);
	assert_int_equal(rotation.keys, 2 * TENANTS);
	assert_int_equal(rotation.values, TENANTS * SECRETS);
	assert_int_equal(rotation.damaged, 0);
	assert_true(rotation.finished_ns >= rotation.started_ns);
	assert_int_equal(query(world, "SELECT count(*) FROM tenant_key"), TENANTS);
	assert_int_equal(query(world, "SELECT min(version) FROM tenant_key"), 2);
	assert_int_equal(query(world, "SELECT min(master_version) FROM tenant_key"), 2);
	assert_int_equal(query(world, "SELECT count(*) FROM value WHERE key_version <> 2"), 0);
	assert_int_equal(master_lines(world), 1);
	fixture_read_file(&world->fixture, "master.key", &after);
	assert_string_not_equal(before.data, after.data);
	store_fixture_reopen(&world->fixture);
	check_values(world);
	/* The old key opens this database no more, and says so. */
	store_close(world->fixture.store);
	world->fixture.store = NULL;
	{
		struct store_options options = {.dir = world->fixture.dir};
		char path[256];

		(void)snprintf(path, sizeof(path), "%s/master.key", world->fixture.dir);
		assert_int_equal(file_write_atomic(path, before.data, before.len, 0600, 0, NULL),
			0);
		assert_int_equal(store_open(&world->fixture.store, &options, &error),
			-EKEYREJECTED);
		assert_int_equal(file_write_atomic(path, after.data, after.len, 0600, 0, NULL), 0);
	}
	store_fixture_reopen(&world->fixture);
	check_values(world);
}

static void test_each_part_alone(void **state)
{
	struct keys_world *world = *state;

	must_ask(world, ROTATE_TENANTS);
	while (step(world))
		;
	assert_int_equal(query(world, "SELECT max(master_version) FROM tenant_key"), 1);
	assert_int_equal(query(world, "SELECT count(*) FROM value WHERE key_version <> 2"), 0);
	must_ask(world, ROTATE_MASTER);
	while (step(world))
		;
	assert_int_equal(query(world, "SELECT min(master_version) FROM tenant_key"), 2);
	assert_int_equal(query(world, "SELECT max(version) FROM tenant_key"), 2);
	assert_int_equal(master_lines(world), 1);
	store_fixture_reopen(&world->fixture);
	check_values(world);
}

/* Reopened after each step: whatever the step left in memory alone is gone. */
static void test_goes_on_after_each_step(void **state)
{
	struct keys_world *world = *state;

	must_ask(world, ROTATE_ALL);
	do {
		store_fixture_reopen(&world->fixture);
		check_values(world);
	} while (step(world));
	store_fixture_reopen(&world->fixture);
	check_values(world);
	assert_int_equal(query(world, "SELECT min(version) FROM tenant_key"), 2);
}

/* A process that rotates and writes, until it is killed. */
static void rotate_for_ever(struct keys_world *world)
{
	enum rotation_what what = ROTATE_ALL;
	bool more;

	for (;;) {
		(void)store_update(world->fixture.store, STORE_RELAXED, NULL, request, &what, NULL);
		if (store_rotate_step(world->fixture.store, &more, NULL) < 0)
			_exit(1);
	}
}

#define KILLS     40
#define KILLS_MAX 400 /* on a machine so busy that most come before anything is rotated */

/* Several rotations are over. */
static bool rotated(struct keys_world *world)
{
	return query(world, "SELECT min(version) FROM tenant_key") > 3;
}

static void test_killed_at_any_point(void **state)
{
	struct keys_world *world = *state;
	struct timespec pause = {0};
	int status, i;

	for (i = 0; i < KILLS || (i < KILLS_MAX && !rotated(world)); i++) {
		pid_t pid;

		store_close(world->fixture.store);
		world->fixture.store = NULL;
		pid = fork();
		if (pid == 0) {
			struct store_options options = {.dir = world->fixture.dir};

			if (store_open(&world->fixture.store, &options, NULL) < 0)
				_exit(2);
			rotate_for_ever(world);
		}
		pause.tv_nsec = (7 + i * 13 % 60) * 1000000L;
		(void)nanosleep(&pause, NULL);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		store_fixture_reopen(&world->fixture);
		check_values(world);
	}
	while (step(world))
		;
	assert_int_equal(query(world, "SELECT count(*) FROM tenant_key"), TENANTS);
	assert_true(rotated(world));
	check_values(world);
}

struct writing {
	struct keys_world *world;
	atomic_bool stop;
	const char *complaint;
	int tenant;
};

static int set(struct txn *txn, void *arg, struct error *reterr)
{
	int64_t id = *(int64_t *)arg;
	char text[64];

	(void)snprintf(text, sizeof(text), "fresh %lld", (long long)id);
	return txn_set_value(txn, id, text, strlen(text), reterr);
}

static int set_back(struct txn *txn, void *arg, struct error *reterr)
{
	const char *text = arg;
	int64_t id;

	(void)memcpy(&id, text + 64, sizeof(id));
	return txn_set_value(txn, id, text, strlen(text), reterr);
}

static const char *write_and_read(struct writing *writing, int secret)
{
	struct store *store = writing->world->fixture.store;
	int64_t id = writing->world->secrets[writing->tenant][secret];
	_cleanup_buf_ struct buf out = BUF_INIT;
	char text[64 + sizeof(id)], wanted[64];

	if (store_update(store, STORE_RELAXED, NULL, set, &id, NULL) < 0)
		return "a write failed";
	if (store_value(store, id, &out, NULL) < 0)
		return "a read failed";
	(void)snprintf(wanted, sizeof(wanted), "fresh %lld", (long long)id);
	if (strcmp(buf_string(&out), wanted) != 0)
		return "another value was read";
	value_of(writing->tenant, secret, text, 64);
	(void)memcpy(text + 64, &id, sizeof(id));
	if (store_update(store, STORE_RELAXED, NULL, set_back, text, NULL) < 0)
		return "writing back failed";
	return NULL;
}

static void *use_values(void *arg)
{
	struct writing *writing = arg;

	for (int i = 0; !atomic_load(&writing->stop) && !writing->complaint; i++)
		writing->complaint = write_and_read(writing, i % SECRETS);
	return NULL;
}

static void test_writers_and_readers_meanwhile(void **state)
{
	struct keys_world *world = *state;
	struct writing writing[TENANTS];
	pthread_t threads[TENANTS];

	for (int t = 0; t < TENANTS; t++) {
		writing[t] = (struct writing){.world = world, .tenant = t};
		assert_int_equal(pthread_create(&threads[t], NULL, use_values, &writing[t]), 0);
	}
	for (int round = 0; round < 5; round++) {
		must_ask(world, ROTATE_ALL);
		while (step(world))
			;
	}
	for (int t = 0; t < TENANTS; t++)
		atomic_store(&writing[t].stop, true);
	for (int t = 0; t < TENANTS; t++) {
		assert_int_equal(pthread_join(threads[t], NULL), 0);
		if (writing[t].complaint)
			fail_msg("%s", writing[t].complaint);
	}
	assert_int_equal(query(world, "SELECT count(*) FROM tenant_key"), TENANTS);
	check_values(world);
}

/* What cannot be opened stays, with its key, and keeps nothing else from going on. */
static void test_damaged_values_stay(void **state)
{
	struct keys_world *world = *state;
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct rotation rotation;
	char path[256];
	sqlite3 *db;

	store_close(world->fixture.store);
	world->fixture.store = NULL;
	(void)snprintf(path, sizeof(path), "%s/duplofs.db", world->fixture.dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
				 "UPDATE value SET bytes = substr(bytes, 1, 20) WHERE object ="
				 " (SELECT min(object) FROM value)",
				 NULL, NULL, NULL),
		SQLITE_OK);
	(void)sqlite3_close(db);
	store_fixture_reopen(&world->fixture);
	must_ask(world, ROTATE_ALL);
	while (step(world))
		;
	assert_int_equal(store_rotation(world->fixture.store, &rotation), 0);
	assert_int_equal(rotation.damaged, 1);
	assert_int_equal(rotation.values, TENANTS * SECRETS - 1);
	assert_int_equal(query(world, "SELECT count(*) FROM tenant_key"), TENANTS + 1);
	assert_int_equal(query(world, "SELECT min(master_version) FROM tenant_key"), 2);
	assert_int_equal(store_value(world->fixture.store, world->secrets[0][0], &out, NULL), -EIO);
	fixture_set_value(&world->fixture, world->secrets[0][0], "value 0 of tenant 0", 19);
	check_values(world);
}

/* No room for the new file: nothing happens, and it goes on when there is. */
static void test_a_full_disk(void **state)
{
	struct keys_world *world = *state;
	struct error error = ERROR_INIT;
	char path[256];
	bool more;

	/* In the place of the new file's name stands something that cannot be removed. */
	(void)snprintf(path, sizeof(path), "%s/master.key.new", world->fixture.dir);
	assert_int_equal(mkdir(path, 0700), 0);
	must_ask(world, ROTATE_MASTER);
	assert_true(store_rotate_step(world->fixture.store, &more, &error) < 0);
	assert_non_null(strstr(error.text, "master key"));
	check_values(world);
	assert_int_equal(master_lines(world), 1);
	assert_int_equal(rmdir(path), 0);
	while (step(world))
		;
	assert_int_equal(query(world, "SELECT min(master_version) FROM tenant_key"), 2);
	check_values(world);
}

static void test_words(void **state)
{
	(void)state;
	assert_int_equal(rotation_parse("master"), ROTATE_MASTER);
	assert_int_equal(rotation_parse("tenants"), ROTATE_TENANTS);
	assert_int_equal(rotation_parse("all"), ROTATE_ALL);
	assert_int_equal(rotation_parse("al"), 0);
	assert_int_equal(rotation_parse(""), 0);
	assert_string_equal(rotation_word(ROTATE_TENANTS), "tenants");
	assert_string_equal(rotation_word(0), "");
}

#define WITH_KEYS(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_KEYS(test_everything_is_sealed_anew),
		WITH_KEYS(test_each_part_alone),
		WITH_KEYS(test_goes_on_after_each_step),
		WITH_KEYS(test_killed_at_any_point),
		WITH_KEYS(test_writers_and_readers_meanwhile),
		WITH_KEYS(test_damaged_values_stay),
		WITH_KEYS(test_a_full_disk),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
