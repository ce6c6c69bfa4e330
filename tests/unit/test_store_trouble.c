/* SPDX-License-Identifier: Apache-2.0 */
/* Full, read-only and locked disks, damaged and foreign databases: a sentence, no more harm. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "store_fixture.h"

struct trouble {
	char dir[64]; /* a small tmpfs in the test's own mount namespace */
	struct store *store;
	struct error error; /* of the last call */
	int64_t tenant, service, secret;
};

static int setup(void **state)
{
	struct trouble *trouble = calloc(1, sizeof(*trouble));

	(void)snprintf(trouble->dir, sizeof(trouble->dir), "/tmp/duplofs-trouble.XXXXXX");
	assert_non_null(mkdtemp(trouble->dir));
	assert_int_equal(mount("duplofs-test", trouble->dir, "tmpfs", 0, "size=4m,mode=0700"), 0);
	*state = trouble;
	return 0;
}

static int teardown(void **state)
{
	struct trouble *trouble = *state;

	store_close(trouble->store);
	assert_int_equal(umount(trouble->dir), 0);
	assert_int_equal(rmdir(trouble->dir), 0);
	free(trouble);
	return 0;
}

static int try_open(struct trouble *trouble)
{
	struct store_options options = {.dir = trouble->dir};

	error_clear(&trouble->error);
	return store_open(&trouble->store, &options, &trouble->error);
}

static void must_open(struct trouble *trouble)
{
	if (try_open(trouble) < 0)
		fail_msg("%s", trouble->error.text);
}

static void must_close(struct trouble *trouble)
{
	store_close(trouble->store);
	trouble->store = NULL;
}

static void must_say(const struct trouble *trouble, const char *words)
{
	if (!strstr(trouble->error.text, words))
		fail_msg("\"%s\" does not say \"%s\"", trouble->error.text, words);
}

static void path_of(const struct trouble *trouble, const char *name, char *path, size_t size)
{
	(void)snprintf(path, size, "%s/%s", trouble->dir, name);
}

static int make_objects(struct txn *txn, void *arg, struct error *reterr)
{
	struct trouble *trouble = arg;
	int r;

	r = txn_create(txn, PLATFORM_ID, KIND_TENANT, "demo", &trouble->tenant, reterr);
	if (r == 0)
		r = txn_create(txn, trouble->tenant, KIND_SERVICE, "web", &trouble->service,
			reterr);
	if (r == 0)
		r = txn_create(txn, trouble->tenant, KIND_SECRET, "KEY", &trouble->secret, reterr);
	if (r == 0)
		r = txn_set_value(txn, trouble->secret, "first", 5, reterr);
	if (r == 0)
		r = txn_set_spec(txn, trouble->service, "{}\n", 3, true, "", reterr);
	return r;
}

static void must_fill(struct trouble *trouble)
{
	must_open(trouble);
	if (store_update(trouble->store, STORE_DURABLE, NULL, make_objects, trouble,
		    &trouble->error) < 0)
		fail_msg("%s", trouble->error.text);
}

/* A secret and a spec of 60 KB each, different at each call. */
static int write_big(struct txn *txn, void *arg, struct error *reterr)
{
	struct trouble *trouble = arg;
	static char text[60000];
	static int count;
	int r;

	memset(text, 'a' + count++ % 26, sizeof(text));
	(void)snprintf(text, 16, "%015d", count);
	text[15] = '-';
	r = txn_set_value(txn, trouble->secret, text, sizeof(text), reterr);
	if (r == 0)
		r = txn_set_spec(txn, trouble->service, text, sizeof(text) - 1, true, "", reterr);
	return r;
}

static int update(struct trouble *trouble)
{
	error_clear(&trouble->error);
	return store_update(trouble->store, STORE_DURABLE, NULL, write_big, trouble,
		&trouble->error);
}

/* Spec and secret were written together: so they are of the same call. */
static void must_agree(struct trouble *trouble, int64_t generation)
{
	_cleanup_object_ struct object object = OBJECT_INIT;
	_cleanup_buf_ struct buf value = BUF_INIT;

	assert_int_equal(store_get(trouble->store, trouble->service, &object), 0);
	assert_int_equal(object.generation, generation);
	if (store_value(trouble->store, trouble->secret, &value, &trouble->error) < 0)
		fail_msg("%s", trouble->error.text);
	if (generation > 1)
		assert_memory_equal(value.data, object.spec, 100);
}

/* Takes all space that is left; returns the file's descriptor. */
static int fill_disk(const struct trouble *trouble)
{
	static char block[4096];
	char path[128];
	int fd;

	path_of(trouble, "filler", path, sizeof(path));
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	while (write(fd, block, sizeof(block)) > 0)
		;
	assert_int_equal(errno, ENOSPC);
	return fd;
}

static void test_full_disk(void **state)
{
	struct trouble *trouble = *state;
	int64_t generation = 1;
	int fd, refused = 0;

	must_fill(trouble);
	fd = fill_disk(trouble);
	while (refused < 3 && generation < 100) {
		int r = update(trouble);

		if (r == 0) {
			generation++;
			continue;
		}
		refused++;
		assert_int_equal(r, -EROFS);
		must_say(trouble, "full");
		must_agree(trouble, generation);
	}
	assert_int_equal(refused, 3);
	/* Space again: it goes on by itself, and what was refused is not there. */
	assert_int_equal(ftruncate(fd, 0), 0);
	(void)close(fd);
	assert_int_equal(update(trouble), 0);
	must_agree(trouble, generation + 1);
	must_close(trouble);
	must_open(trouble);
	must_agree(trouble, generation + 1);
}

static void test_full_disk_at_first_start(void **state)
{
	struct trouble *trouble = *state;
	char path[128];
	int fd = fill_disk(trouble);

	assert_true(try_open(trouble) < 0);
	assert_true(strlen(trouble->error.text) > 20);
	(void)close(fd);
	path_of(trouble, "filler", path, sizeof(path));
	assert_int_equal(unlink(path), 0);
	must_fill(trouble);
	must_agree(trouble, 1);
}

static void remount(const struct trouble *trouble, unsigned long flags)
{
	assert_int_equal(mount(NULL, trouble->dir, NULL, MS_REMOUNT | flags, NULL), 0);
}

static void test_read_only_file_system(void **state)
{
	struct trouble *trouble = *state;

	must_fill(trouble);
	assert_int_equal(update(trouble), 0);
	must_close(trouble);
	remount(trouble, MS_RDONLY);
	must_open(trouble);
	must_agree(trouble, 2);
	assert_int_equal(update(trouble), -EROFS);
	must_say(trouble, "read-only");
	assert_int_equal(store_tokens_open(trouble->store, "mount", &trouble->error), -EROFS);
	must_agree(trouble, 2);
	must_close(trouble);
	remount(trouble, 0);
	must_open(trouble);
	assert_int_equal(update(trouble), 0);
	must_agree(trouble, 3);
}

/* A log that was left behind cannot be merged there: said, not skipped. */
static void test_read_only_with_a_log_left(void **state)
{
	struct trouble *trouble = *state;
	pid_t pid;

	must_fill(trouble);
	must_close(trouble);
	pid = fork();
	if (pid == 0) {
		if (try_open(trouble) < 0 || update(trouble) < 0)
			_exit(1);
		(void)kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	remount(trouble, MS_RDONLY);
	if (try_open(trouble) == 0)
		must_agree(trouble, 2);
	else
		assert_true(strlen(trouble->error.text) > 20);
	must_close(trouble);
	remount(trouble, 0);
	must_open(trouble);
	must_agree(trouble, 2);
}

/* In a child, as nobody: what the files' modes say counts for it. */
static int as_nobody(struct trouble *trouble)
{
	struct object object = OBJECT_INIT;

	if (setgid(65534) < 0 || setuid(65534) < 0)
		return 10;
	if (try_open(trouble) < 0)
		return 11;
	if (store_peek(trouble->store, trouble->service, &object) < 0 || object.generation != 1)
		return 12;
	if (update(trouble) != -EROFS || !strstr(trouble->error.text, "permission"))
		return 13;
	must_close(trouble);
	return 0;
}

static void test_database_of_mode_0400(void **state)
{
	static const char *const names[] = {"", "duplofs.db", "master.key"};
	struct trouble *trouble = *state;
	char path[128];
	int status;
	pid_t pid;

	must_fill(trouble);
	must_close(trouble);
	for (size_t i = 0; i < 3; i++) {
		path_of(trouble, names[i], path, sizeof(path));
		assert_int_equal(chown(path, 65534, 65534), 0);
		assert_int_equal(chmod(path, i == 0 ? 0500 : 0400), 0);
	}
	pid = fork();
	if (pid == 0)
		_exit(as_nobody(trouble));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_database_for_all_is_refused(void **state)
{
	struct trouble *trouble = *state;
	char path[128];
	struct stat st;

	must_fill(trouble);
	path_of(trouble, "duplofs.db-wal", path, sizeof(path));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	must_close(trouble);
	path_of(trouble, "duplofs.db", path, sizeof(path));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(try_open(trouble), -EPERM);
	must_say(trouble, "chmod 0600");
}

static sqlite3 *open_beside(const struct trouble *trouble)
{
	char path[128];
	sqlite3 *db = NULL;

	path_of(trouble, "duplofs.db", path, sizeof(path));
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	return db;
}

static void must_execute(sqlite3 *db, const char *sql)
{
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static void test_locked_by_another_program(void **state)
{
	struct trouble *trouble = *state;
	int64_t start_ns;
	sqlite3 *db;

	must_fill(trouble);
	db = open_beside(trouble);
	must_execute(db, "BEGIN IMMEDIATE");
	start_ns = clock_now_ns();
	assert_int_equal(update(trouble), -EROFS);
	must_say(trouble, "locked");
	assert_true(clock_now_ns() - start_ns < 20 * NS_PER_SECOND);
	must_agree(trouble, 1);
	must_execute(db, "ROLLBACK");
	assert_int_equal(update(trouble), 0);
	must_agree(trouble, 2);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void test_newer_and_foreign_databases(void **state)
{
	struct trouble *trouble = *state;
	sqlite3 *db;

	must_fill(trouble);
	must_close(trouble);
	db = open_beside(trouble);
	must_execute(db, "INSERT INTO schema_step VALUES (999, 0)");
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_int_equal(try_open(trouble), -EPROTO);
	must_say(trouble, "newer");
	db = open_beside(trouble);
	must_execute(db, "DELETE FROM schema_step WHERE step = 999; PRAGMA application_id = 7");
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_int_equal(try_open(trouble), -EMEDIUMTYPE);
	must_say(trouble, "another program");
	db = open_beside(trouble);
	must_execute(db, "PRAGMA application_id = 0x6475706c");
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	must_open(trouble);
	must_agree(trouble, 1);
}

static void overwrite(const struct trouble *trouble, const char *name, off_t at, const void *data,
	size_t len)
{
	char path[128];
	int fd;

	path_of(trouble, name, path, sizeof(path));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, data, len, at), len);
	(void)close(fd);
}

static void test_garbage_instead_of_a_database(void **state)
{
	struct trouble *trouble = *state;
	char garbage[8192], path[128];

	must_fill(trouble);
	must_close(trouble);
	memset(garbage, 0x5a, sizeof(garbage));
	overwrite(trouble, "duplofs.db", 0, garbage, sizeof(garbage));
	assert_int_equal(try_open(trouble), -EIO);
	must_say(trouble, "no database");
	path_of(trouble, "duplofs.db", path, sizeof(path));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_true(try_open(trouble) < 0);
	must_say(trouble, "regular file");
	assert_int_equal(rmdir(path), 0);
}

/* What a power cut may leave at the end of the log: the commits before it are there. */
static void test_torn_log(void **state)
{
	struct trouble *trouble = *state;
	char garbage[6000], path[128];
	struct stat st;
	pid_t pid;

	must_fill(trouble);
	must_close(trouble);
	pid = fork();
	if (pid == 0) {
		if (try_open(trouble) < 0 || update(trouble) < 0)
			_exit(1);
		(void)kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	path_of(trouble, "duplofs.db-wal", path, sizeof(path));
	assert_int_equal(stat(path, &st), 0);
	memset(garbage, 0xa7, sizeof(garbage));
	overwrite(trouble, "duplofs.db-wal", st.st_size, garbage, sizeof(garbage));
	must_open(trouble);
	must_agree(trouble, 2);
	must_close(trouble);
	/* The last commit itself is torn: it was never acknowledged, the one before it holds. */
	pid = fork();
	if (pid == 0) {
		if (try_open(trouble) < 0 || update(trouble) < 0)
			_exit(1);
		(void)kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(stat(path, &st), 0);
	overwrite(trouble, "duplofs.db-wal", st.st_size - 5000, garbage, 4000);
	must_open(trouble);
	must_agree(trouble, 2);
	assert_int_equal(update(trouble), 0);
	must_agree(trouble, 3);
}

static int look(void *arg, const struct object *object)
{
	struct trouble *trouble = arg;
	_cleanup_buf_ struct buf out = BUF_INIT;

	(void)store_value(trouble->store, object->id, &out, NULL);
	(void)store_events(trouble->store, object->id, &out);
	(void)store_history(trouble->store, object->id, 1, NULL, &out);
	return 0;
}

/* Bytes changed anywhere: an error or an answer, never a crash. */
static void test_damaged_database(void **state)
{
	struct trouble *trouble = *state;
	_cleanup_buf_ struct buf whole = BUF_INIT;
	uint64_t random = 88172645463325252u;
	char path[128];
	int opened = 0;

	must_fill(trouble);
	assert_int_equal(update(trouble), 0);
	must_close(trouble);
	path_of(trouble, "duplofs.db", path, sizeof(path));
	assert_int_equal(file_read(path, 1 << 22, &whole, NULL), 0);
	for (int round = 0; round < 150; round++) {
		assert_int_equal(file_write_atomic(path, whole.data, whole.len, 0600, 0, NULL), 0);
		for (int i = 0; i < 20; i++) {
			unsigned char byte;

			random ^= random << 13, random ^= random >> 7, random ^= random << 17;
			byte = (unsigned char)(random >> 40);
			overwrite(trouble, "duplofs.db", (off_t)(random % whole.len), &byte, 1);
		}
		if (try_open(trouble) < 0) {
			assert_true(strlen(trouble->error.text) > 10);
			continue;
		}
		opened++;
		for (int kind = KIND_PLATFORM; kind <= KIND_GROUP; kind++)
			(void)store_list_all(trouble->store, (enum kind)kind, 0, true, look,
				trouble);
		(void)update(trouble);
		must_close(trouble);
	}
	assert_true(opened > 0);
	assert_int_equal(file_write_atomic(path, whole.data, whole.len, 0600, 0, NULL), 0);
	must_open(trouble);
	must_agree(trouble, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_disk_at_first_start, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_only_file_system, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_only_with_a_log_left, setup, teardown),
		cmocka_unit_test_setup_teardown(test_database_of_mode_0400, setup, teardown),
		cmocka_unit_test_setup_teardown(test_database_for_all_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_locked_by_another_program, setup, teardown),
		cmocka_unit_test_setup_teardown(test_newer_and_foreign_databases, setup, teardown),
		cmocka_unit_test_setup_teardown(test_garbage_instead_of_a_database, setup,
			teardown),
		cmocka_unit_test_setup_teardown(test_torn_log, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged_database, setup, teardown),
	};

	/* Mounts of the test are its own and go with it. */
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		(void)fprintf(stderr, "cannot make a mount namespace: %s\n", strerror(errno));
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
