/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets and config values: sealed, bound to their place, unreadable without the right key. */
#include <errno.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "store_fixture.h"

#define PLANTED "planted-7f3a91-secret"

struct values {
	struct store_fixture fixture;
	int64_t tenant, one, two, config;
};

static int setup(void **state)
{
	struct values *values = calloc(1, sizeof(*values));

	store_fixture_init(&values->fixture);
	values->tenant = fixture_create(&values->fixture, PLATFORM_ID, KIND_TENANT, "demo");
	values->one = fixture_create(&values->fixture, values->tenant, KIND_SECRET, "ONE");
	values->two = fixture_create(&values->fixture, values->tenant, KIND_SECRET, "TWO");
	values->config = fixture_create(&values->fixture, values->tenant, KIND_CONFIG, "MODE");
	*state = values;
	return 0;
}

static int teardown(void **state)
{
	store_fixture_done(&((struct values *)*state)->fixture);
	free(*state);
	return 0;
}

static void check_value(struct values *values, int64_t id, const void *data, size_t len)
{
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct error error = ERROR_INIT;

	if (store_value(values->fixture.store, id, &out, &error) < 0)
		fail_msg("%s", error.text);
	assert_int_equal(out.len, len);
	if (len > 0)
		assert_memory_equal(out.data, data, len);
}

static int open_error(struct values *values, struct error *error)
{
	struct store_options options = {.dir = values->fixture.dir};

	return store_open(&values->fixture.store, &options, error);
}

static void close_store(struct values *values)
{
	store_close(values->fixture.store);
	values->fixture.store = NULL;
}

/* Changes the closed database behind the store's back. */
static void tamper(struct values *values, const char *sql)
{
	char path[256];
	sqlite3 *db;

	close_store(values);
	(void)snprintf(path, sizeof(path), "%s/duplofs.db", values->fixture.dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_true(sqlite3_total_changes(db) > 0);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	store_fixture_reopen(&values->fixture);
}

static void check_damaged(struct values *values, int64_t id)
{
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct error error = ERROR_INIT;

	assert_int_equal(store_value(values->fixture.store, id, &out, &error), -EIO);
	assert_int_equal(out.len, 0);
	assert_non_null(strstr(error.text, "damaged"));
}

static void test_values_come_back(void **state)
{
	struct values *values = *state;
	static unsigned char big[VALUE_SIZE_MAX];
	_cleanup_object_ struct object object = OBJECT_INIT;

	check_value(values, values->one, "", 0);
	fixture_set_value(&values->fixture, values->one, "a\0b\n", 4);
	fixture_set_value(&values->fixture, values->config, "plain\n", 6);
	memset(big, 0xa5, sizeof(big));
	fixture_set_value(&values->fixture, values->two, big, sizeof(big));
	store_fixture_reopen(&values->fixture);
	check_value(values, values->one, "a\0b\n", 4);
	check_value(values, values->two, big, sizeof(big));
	check_value(values, values->config, "plain\n", 6);
	fixture_set_value(&values->fixture, values->one, "", 0);
	check_value(values, values->one, "", 0);
	assert_int_equal(store_peek(values->fixture.store, values->one, &object), 0);
	assert_int_equal(object.generation, 2);
	assert_int_equal(object.value_size, 0);
}

static int set_too_big(struct txn *txn, void *arg, struct error *reterr)
{
	static const char big[VALUE_SIZE_MAX + 1];

	return txn_set_value(txn, *(int64_t *)arg, big, sizeof(big), reterr);
}

static void test_same_value_makes_no_generation(void **state)
{
	struct values *values = *state;
	_cleanup_object_ struct object object = OBJECT_INIT;
	struct error error = ERROR_INIT;

	for (int i = 0; i < 3; i++) {
		fixture_set_value(&values->fixture, values->one, PLANTED, strlen(PLANTED));
		fixture_set_value(&values->fixture, values->config, "x", 1);
	}
	assert_int_equal(store_peek(values->fixture.store, values->one, &object), 0);
	assert_int_equal(object.generation, 1);
	assert_int_equal(store_peek(values->fixture.store, values->config, &object), 0);
	assert_int_equal(object.generation, 1);
	assert_int_equal(store_update(values->fixture.store, STORE_DURABLE, NULL, set_too_big,
				 &values->one, &error),
		-EFBIG);
	check_value(values, values->one, PLANTED, strlen(PLANTED));
}

static void test_plain_secret_is_in_no_file(void **state)
{
	static const char *const names[] = {
		"duplofs.db", "duplofs.db-wal", "duplofs.db-shm", "master.key"};
	struct values *values = *state;
	size_t total = 0;
	bool config_seen = false;

	fixture_set_value(&values->fixture, values->one, PLANTED, strlen(PLANTED));
	fixture_set_value(&values->fixture, values->one, PLANTED "2", strlen(PLANTED) + 1);
	fixture_set_value(&values->fixture, values->config, "seen-4711", 9);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			_cleanup_buf_ struct buf file = BUF_INIT;

			fixture_read_file(&values->fixture, names[i], &file);
			total += file.len;
			if (file.len == 0)
				continue;
			assert_null(memmem(file.data, file.len, PLANTED, strlen(PLANTED)));
			config_seen |= memmem(file.data, file.len, "seen-4711", 9) != NULL;
		}
		if (round == 0)
			close_store(values);
	}
	assert_true(config_seen);
	assert_true(total > 8192);
}

static void test_flipped_bit_is_an_error(void **state)
{
	struct values *values = *state;

	fixture_set_value(&values->fixture, values->one, PLANTED, strlen(PLANTED));
	tamper(values, "UPDATE value SET bytes = substr(bytes, 1, 14) || x'ff' || substr(bytes, 16)"
		       " WHERE substr(bytes, 15, 1) <> x'ff'");
	check_damaged(values, values->one);
	tamper(values, "UPDATE value SET bytes = substr(bytes, 1, 10)");
	check_damaged(values, values->one);
	tamper(values, "UPDATE value SET bytes = x''");
	check_damaged(values, values->one);
	/* Written anew it is whole again. */
	fixture_set_value(&values->fixture, values->one, PLANTED, strlen(PLANTED));
	check_value(values, values->one, PLANTED, strlen(PLANTED));
}

static void test_sealed_bytes_open_in_their_place_only(void **state)
{
	struct values *values = *state;

	fixture_set_value(&values->fixture, values->one, "first", 5);
	fixture_set_value(&values->fixture, values->two, "other", 5);
	tamper(values, "UPDATE value SET bytes = (SELECT bytes FROM value AS v WHERE v.object ="
		       " (SELECT id FROM object WHERE name = 'TWO'))"
		       " WHERE object = (SELECT id FROM object WHERE name = 'ONE')");
	check_damaged(values, values->one);
	check_value(values, values->two, "other", 5);
	/* A secret of the attacker's own in the clear. */
	tamper(values, "UPDATE value SET key_version = 0, bytes = 'known'");
	check_damaged(values, values->two);
}

static void test_old_bytes_do_not_come_back(void **state)
{
	struct values *values = *state;

	fixture_set_value(&values->fixture, values->one, "old", 3);
	tamper(values, "CREATE TABLE kept (object, generation, key_version, bytes);"
		       "INSERT INTO kept SELECT * FROM value");
	fixture_set_value(&values->fixture, values->one, "new", 3);
	tamper(values, "UPDATE value SET bytes = (SELECT bytes FROM kept)");
	check_damaged(values, values->one);
	tamper(values, "UPDATE value SET generation = 1");
	check_damaged(values, values->one);
}

static void test_master_key_is_guarded(void **state)
{
	struct values *values = *state;
	_cleanup_buf_ struct buf key = BUF_INIT;
	struct error error = ERROR_INIT;
	char path[256];
	struct stat st;

	fixture_set_value(&values->fixture, values->one, PLANTED, strlen(PLANTED));
	close_store(values);
	(void)snprintf(path, sizeof(path), "%s/master.key", values->fixture.dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(file_read(path, 4096, &key, NULL), 0);

	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(open_error(values, &error), -EPERM);
	assert_non_null(strstr(error.text, "chmod 0600"));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(open_error(values, &error), -ENOKEY);
	assert_non_null(strstr(error.text, "missing"));
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(file_write_atomic(path, key.data, key.len - 5, 0600, 0, NULL), 0);
	assert_int_equal(open_error(values, &error), -EINVAL);
	assert_int_equal(file_write_atomic(path, "", 0, 0600, 0, NULL), 0);
	assert_int_equal(open_error(values, &error), -EINVAL);
	key.data[key.len - 3] = key.data[key.len - 3] == 'a' ? 'b' : 'a';
	assert_int_equal(file_write_atomic(path, key.data, key.len, 0600, 0, NULL), 0);
	assert_int_equal(open_error(values, &error), -EKEYREJECTED);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/hostname", path), 0);
	assert_true(open_error(values, &error) < 0);
	assert_null(values->fixture.store);
}

static int create_and_fail(struct txn *txn, void *arg, struct error *reterr)
{
	struct values *values = arg;
	int64_t tenant, secret;
	int r;

	r = txn_create(txn, PLATFORM_ID, KIND_TENANT, "late", &tenant, reterr);
	if (r == 0)
		r = txn_create(txn, tenant, KIND_SECRET, "KEY", &secret, reterr);
	if (r == 0)
		r = txn_set_value(txn, secret, "one", 3, reterr);
	/* The key was made in this transaction and is read in it, too. */
	if (r == 0)
		r = txn_set_value(txn, secret, "one", 3, reterr);
	values->two = secret;
	return r == 0 ? -ECANCELED : r;
}

static void test_key_of_a_failed_update_is_forgotten(void **state)
{
	struct values *values = *state;
	int64_t tenant, secret;

	assert_int_equal(store_update(values->fixture.store, STORE_DURABLE, NULL, create_and_fail,
				 values, NULL),
		-ECANCELED);
	/* Rolled back ids come again: the same tenant id gets another key. */
	tenant = fixture_create(&values->fixture, PLATFORM_ID, KIND_TENANT, "late");
	secret = fixture_create(&values->fixture, tenant, KIND_SECRET, "KEY");
	assert_int_equal(secret, values->two);
	fixture_set_value(&values->fixture, secret, "two", 3);
	check_value(values, secret, "two", 3);
	store_fixture_reopen(&values->fixture);
	check_value(values, secret, "two", 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_values_come_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_same_value_makes_no_generation, setup,
			teardown),
		cmocka_unit_test_setup_teardown(test_plain_secret_is_in_no_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flipped_bit_is_an_error, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sealed_bytes_open_in_their_place_only, setup,
			teardown),
		cmocka_unit_test_setup_teardown(test_old_bytes_do_not_come_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_master_key_is_guarded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_key_of_a_failed_update_is_forgotten, setup,
			teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
