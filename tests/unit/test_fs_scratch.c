/* SPDX-License-Identifier: Apache-2.0 */
#define FUSE_USE_VERSION 314
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fuse_lowlevel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "fs/tree/node.h"
#include "fs/edit/scratch.h"

#define DIRECTORY UINT64_C(0x3300000010000000)

/* Nobody's pid: what it made has no living maker. */
static const struct caller caller = {.uid = 1234, .gid = 1235, .pid = 0x3fffffff};

struct bench {
	char dir[64];
	struct scratch *scratch;
};

static int set_up(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	(void)text_copy(bench->dir, sizeof(bench->dir), "/dev/shm/test-scratch.XXXXXX");
	if (!mkdtemp(bench->dir) || scratch_new(&bench->scratch, bench->dir, NULL) < 0)
		return -1;
	*state = bench;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;

	scratch_free(bench->scratch);
	(void)file_remove_tree(bench->dir, NULL);
	free(bench);
	return 0;
}

/* What a new worker does. */
static void restart(struct bench *bench)
{
	scratch_free(bench->scratch);
	assert_int_equal(scratch_new(&bench->scratch, bench->dir, NULL), 0);
}

static uint64_t create(struct bench *bench, uint64_t directory, const char *name, const char *text)
{
	struct stat st;

	assert_int_equal(scratch_create(bench->scratch, directory, name, S_IFREG | 0640, &caller,
				 &st),
		0);
	assert_int_equal(scratch_write(bench->scratch, st.st_ino, 0, text, strlen(text)), 0);
	return st.st_ino;
}

static void assert_holds(struct bench *bench, uint64_t node, const char *text)
{
	_cleanup_buf_ struct buf out = BUF_INIT;

	assert_int_equal(scratch_read(bench->scratch, node, 0, 1000, &out), 0);
	assert_string_equal(buf_string(&out), text);
}

static void test_files_are_found_by_any_worker(void **state)
{
	struct bench *bench = *state;
	uint64_t node = create(bench, DIRECTORY, ".spec.json.swp", "text");
	struct stat st;

	assert_int_equal(node_row(node), ROW_SCRATCH);
	restart(bench);
	assert_int_equal(scratch_find(bench->scratch, DIRECTORY, ".spec.json.swp", &st), 0);
	assert_int_equal(st.st_ino, node);
	assert_int_equal(st.st_uid, 1234);
	assert_int_equal(st.st_gid, 1235);
	assert_int_equal(st.st_mode, S_IFREG | 0640);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(st.st_size, 4);
	assert_holds(bench, node, "text");
	assert_int_equal(scratch_find(bench->scratch, DIRECTORY + 1, ".spec.json.swp", &st),
		-ENOENT);
	assert_int_equal(scratch_create(bench->scratch, DIRECTORY, ".spec.json.swp", S_IFREG | 0600,
				 &caller, &st),
		-EEXIST);
}

static void test_an_open_file_outlives_its_name(void **state)
{
	struct bench *bench = *state;
	uint64_t node = create(bench, DIRECTORY, "a", "text");
	struct stat st;

	scratch_opened(bench->scratch, node);
	assert_int_equal(scratch_unlink(bench->scratch, DIRECTORY, "a"), 0);
	assert_int_equal(scratch_unlink(bench->scratch, DIRECTORY, "a"), -ENOENT);
	assert_holds(bench, node, "text");
	assert_int_equal(scratch_stat(bench->scratch, node, &st), 0);
	assert_int_equal(st.st_nlink, 0);
	scratch_released(bench->scratch, node);
	assert_int_equal(scratch_stat(bench->scratch, node, &st), -ESTALE);

	/* A new worker does not know who has it open: it stays until nobody can. */
	node = create(bench, DIRECTORY, "b", "more");
	scratch_opened(bench->scratch, node);
	restart(bench);
	assert_int_equal(scratch_unlink(bench->scratch, DIRECTORY, "b"), 0);
	assert_holds(bench, node, "more");
	assert_int_equal(scratch_sweep(bench->scratch, 0), 0);
	assert_int_equal(scratch_stat(bench->scratch, node, &st), -ESTALE);
}

static void test_renames_replace(void **state)
{
	struct bench *bench = *state;
	uint64_t one = create(bench, DIRECTORY, "one", "1");
	uint64_t two = create(bench, DIRECTORY + 1, "two", "2");
	struct stat st;

	assert_int_equal(scratch_rename(bench->scratch, DIRECTORY, "one", DIRECTORY + 1, "two", 0),
		0);
	assert_int_equal(scratch_find(bench->scratch, DIRECTORY + 1, "two", &st), 0);
	assert_int_equal(st.st_ino, one);
	assert_int_equal(scratch_stat(bench->scratch, two, &st), -ESTALE);
	assert_int_equal(scratch_rename(bench->scratch, DIRECTORY, "one", DIRECTORY, "x", 0),
		-ENOENT);
	assert_int_equal(scratch_rename(bench->scratch, DIRECTORY + 1, "two", DIRECTORY + 1, "two",
				 0),
		0);
	assert_holds(bench, one, "1");
}

static void test_directories(void **state)
{
	struct bench *bench = *state;
	struct stat st, inner;

	assert_int_equal(scratch_create(bench->scratch, DIRECTORY, ".git", S_IFDIR | 0755, &caller,
				 &st),
		0);
	assert_int_equal(st.st_mode, S_IFDIR | 0755);
	assert_int_equal(st.st_nlink, 2);
	assert_int_equal(scratch_create(bench->scratch, st.st_ino, "refs", S_IFDIR | 0700, &caller,
				 &inner),
		0);
	(void)create(bench, inner.st_ino, "HEAD", "x");
	assert_int_equal(scratch_rmdir(bench->scratch, st.st_ino, "refs"), -ENOTEMPTY);
	assert_int_equal(scratch_unlink(bench->scratch, st.st_ino, "refs"), -EISDIR);
	assert_int_equal(scratch_rmdir(bench->scratch, inner.st_ino, "HEAD"), -ENOTDIR);
	assert_int_equal(scratch_rename(bench->scratch, inner.st_ino, "HEAD", st.st_ino, "refs", 0),
		-EISDIR);
	assert_int_equal(scratch_unlink(bench->scratch, inner.st_ino, "HEAD"), 0);
	assert_int_equal(scratch_rmdir(bench->scratch, st.st_ino, "refs"), 0);
	assert_int_equal(scratch_rmdir(bench->scratch, DIRECTORY, ".git"), 0);
	assert_int_equal(scratch_stat(bench->scratch, st.st_ino, &st), -ESTALE);
}

static void test_directories_tell_of_changes(void **state)
{
	const struct stat sticky = {.st_mode = 01777};
	struct bench *bench = *state;
	struct stat st, inner, now;

	assert_int_equal(scratch_create(bench->scratch, DIRECTORY, ".git",
				 S_IFDIR | SCRATCH_KEPT_DIR | 0755, &caller, &st),
		0);
	assert_int_equal(st.st_mode, S_IFDIR | 0755);
	assert_int_equal(scratch_setattr(bench->scratch, st.st_ino, &sticky, FUSE_SET_ATTR_MODE),
		0);
	assert_int_equal(scratch_create(bench->scratch, st.st_ino, "refs", S_IFDIR | 0700, &caller,
				 &inner),
		0);
	assert_int_equal(scratch_stat(bench->scratch, st.st_ino, &now), 0);
	assert_int_equal(now.st_mode, S_IFDIR | 01777);
	assert_true(now.st_mtim.tv_sec > st.st_mtim.tv_sec ||
		    now.st_mtim.tv_nsec >= st.st_mtim.tv_nsec);
	/* Kept, though its mode has changed: with what is made in it. */
	(void)scratch_sweep(bench->scratch, 0);
	assert_int_equal(scratch_stat(bench->scratch, inner.st_ino, &inner), 0);
}

static void test_a_written_program_loses_its_rights(void **state)
{
	const struct stat program = {.st_mode = 06755};
	struct bench *bench = *state;
	uint64_t node = create(bench, DIRECTORY, ".program", "text");
	struct stat st;

	assert_int_equal(scratch_setattr(bench->scratch, node, &program, FUSE_SET_ATTR_MODE), 0);
	assert_int_equal(scratch_write(bench->scratch, node, 0, "x", 1), 0);
	assert_int_equal(scratch_stat(bench->scratch, node, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0755);
}

static void test_a_user_has_a_share(void **state)
{
	struct bench *bench = *state;
	struct caller other = {.uid = 77};
	struct stat st;
	char name[32];
	int i, r = 0;

	for (i = 0; r == 0 && i <= SCRATCH_COUNT_MAX; i++) {
		(void)snprintf(name, sizeof(name), "f%d", i);
		r = scratch_create(bench->scratch, DIRECTORY, name, S_IFREG | 0600, &caller, &st);
	}
	assert_int_equal(r, -EDQUOT);
	assert_int_equal(i, SCRATCH_COUNT_MAX + 1);
	assert_int_equal(scratch_create(bench->scratch, DIRECTORY, "other", S_IFREG | 0600, &other,
				 &st),
		0);
	/* Sizes count as they are seen, holes too; a new worker knows them. */
	assert_int_equal(scratch_write(bench->scratch, st.st_ino, SCRATCH_FILE_MAX, "x", 1),
		-EFBIG);
	assert_int_equal(scratch_write(bench->scratch, st.st_ino, 10LL << 30, "x", 1), -EFBIG);
	st.st_size = SCRATCH_FILE_MAX;
	assert_int_equal(scratch_setattr(bench->scratch, st.st_ino, &st, FUSE_SET_ATTR_SIZE), 0);
	assert_int_equal(scratch_create(bench->scratch, DIRECTORY, "two", S_IFREG | 0600, &other,
				 &st),
		0);
	st.st_size = SCRATCH_FILE_MAX;
	assert_int_equal(scratch_setattr(bench->scratch, st.st_ino, &st, FUSE_SET_ATTR_SIZE), 0);
	restart(bench);
	assert_int_equal(scratch_create(bench->scratch, DIRECTORY, "three", S_IFREG | 0600, &other,
				 &st),
		0);
	assert_int_equal(scratch_write(bench->scratch, st.st_ino, 0, "x", 1), -EDQUOT);
	assert_int_equal(scratch_unlink(bench->scratch, DIRECTORY, "two"), 0);
}

struct seen {
	char names[1024];
	uint64_t last;
	size_t stop_after;
};

static int see(void *arg, const char *name, const struct stat *st)
{
	struct seen *seen = arg;
	size_t len = strlen(seen->names);

	assert_true(st->st_ino > seen->last);
	seen->last = st->st_ino;
	(void)snprintf(seen->names + len, sizeof(seen->names) - len, "%s ", name);
	return --seen->stop_after == 0;
}

static void test_listings_go_on_where_they_were(void **state)
{
	struct bench *bench = *state;
	struct seen seen = {.stop_after = 2};

	(void)create(bench, DIRECTORY, "a", "");
	(void)create(bench, DIRECTORY, "b", "");
	(void)create(bench, DIRECTORY, "c", "");
	assert_int_equal(scratch_list(bench->scratch, DIRECTORY, 0, see, &seen), 1);
	/* What was given already may vanish. */
	assert_int_equal(scratch_unlink(bench->scratch, DIRECTORY, "b"), 0);
	seen.stop_after = 10;
	assert_int_equal(scratch_list(bench->scratch, DIRECTORY, seen.last, see, &seen), 0);
	assert_string_equal(seen.names, "a b c ");
}

static void test_attributes_stay(void **state)
{
	struct bench *bench = *state;
	uint64_t node = create(bench, DIRECTORY, "a", "text");
	struct stat st = {.st_mode = 0604, .st_uid = 5, .st_size = 2, .st_mtim = {.tv_sec = 99}};

	assert_int_equal(scratch_setattr(bench->scratch, node, &st,
				 FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_SIZE |
					 FUSE_SET_ATTR_MTIME),
		0);
	assert_int_equal(scratch_stat(bench->scratch, node, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0604);
	assert_int_equal(st.st_uid, 5);
	assert_int_equal(st.st_gid, 1235);
	assert_int_equal(st.st_size, 2);
	assert_int_equal(st.st_mtim.tv_sec, 99);
}

static void test_the_unused_vanish(void **state)
{
	struct bench *bench = *state;
	uint64_t used = create(bench, DIRECTORY, "open", "1");
	struct stat st;

	(void)create(bench, DIRECTORY, "left", "2");
	scratch_opened(bench->scratch, used);
	assert_int_equal(scratch_sweep(bench->scratch, 1000), 2);
	assert_int_equal(scratch_sweep(bench->scratch, 0), 1);
	assert_int_equal(scratch_find(bench->scratch, DIRECTORY, "left", &st), -ENOENT);
	assert_int_equal(scratch_find(bench->scratch, DIRECTORY, "open", &st), 0);
	scratch_released(bench->scratch, used);
	assert_int_equal(scratch_sweep(bench->scratch, 0), 0);
}

static void test_temporary_names(void **state)
{
	static const char *const temporary[] = {".spec.json.swp", "4913", "spec.json~", "sedA1b2C3",
		".#spec.json", "#spec.json#", "tmp0a_b9xyz", "spec.json.tmp", ".spec.json.aB3dEf",
		"XXabc123"};
	static const char *const real[] = {
		"spec.json", "PASSWORD", "sed", "tmp", "XX", "K", "49131", "sedation_level"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(temporary) / sizeof(temporary[0]); i++)
		if (!scratch_is_temporary(temporary[i]))
			fail_msg("%s", temporary[i]);
	for (i = 0; i < sizeof(real) / sizeof(real[0]); i++)
		if (scratch_is_temporary(real[i]))
			fail_msg("%s", real[i]);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_files_are_found_by_any_worker),
		TEST(test_an_open_file_outlives_its_name),
		TEST(test_renames_replace),
		TEST(test_directories),
		TEST(test_directories_tell_of_changes),
		TEST(test_a_written_program_loses_its_rights),
		TEST(test_a_user_has_a_share),
		TEST(test_listings_go_on_where_they_were),
		TEST(test_attributes_stay),
		TEST(test_the_unused_vanish),
		cmocka_unit_test(test_temporary_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
