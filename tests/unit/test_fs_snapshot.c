/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "fs/tree/snapshot.h"

static struct snapshots *make(size_t count, size_t bytes)
{
	struct snapshots *snapshots = NULL;
	struct snapshot_limits limits = {count, bytes};

	assert_int_equal(snapshots_new(&snapshots, &limits, NULL, NULL), 0);
	return snapshots;
}

static bool put(struct snapshots *snapshots, uint64_t node, const char *text)
{
	return snapshot_put(snapshots, node, snapshot_ticket(snapshots, node), text, strlen(text),
		5);
}

static void assert_reads(struct snapshots *snapshots, uint64_t node, const char *text)
{
	_cleanup_buf_ struct buf out = BUF_INIT;

	assert_true(snapshot_read(snapshots, node, 0, 1000, &out));
	assert_string_equal(buf_string(&out), text);
}

static bool is_fresh(struct snapshots *snapshots, uint64_t node)
{
	int64_t mtime_ns;
	size_t len;

	return snapshot_stat(snapshots, node, &len, &mtime_ns);
}

static void test_serves_what_was_promised(void **state)
{
	struct snapshots *snapshots = make(10, 1000);
	_cleanup_buf_ struct buf out = BUF_INIT;
	int64_t mtime_ns = 0;
	size_t len = 0;

	(void)state;
	assert_false(is_fresh(snapshots, 1));
	assert_false(snapshot_read(snapshots, 1, 0, 10, &out));
	assert_false(put(snapshots, 1, "old"));
	assert_true(snapshot_stat(snapshots, 1, &len, &mtime_ns));
	assert_int_equal(len, 3);
	assert_int_equal(mtime_ns, 5);
	assert_true(snapshot_read(snapshots, 1, 1, 1, &out));
	assert_string_equal(buf_string(&out), "l");
	assert_true(snapshot_read(snapshots, 1, 3, 10, &out));
	assert_true(snapshot_read(snapshots, 1, 100, 10, &out));
	assert_string_equal(buf_string(&out), "l");
	snapshots_free(snapshots);
}

static void test_a_stale_one_is_read_and_not_promised(void **state)
{
	struct snapshots *snapshots = make(10, 1000);

	(void)state;
	(void)put(snapshots, 1, "old");
	snapshot_stale(snapshots, 1);
	assert_false(is_fresh(snapshots, 1));
	assert_false(put(snapshots, 1, "newer"));
	snapshot_stale(snapshots, 1);
	assert_reads(snapshots, 1, "newer");
	/* It was read after it had gone stale: the kernel has it and must hear of it. */
	assert_true(put(snapshots, 1, "newest"));
	assert_true(is_fresh(snapshots, 1));
	assert_reads(snapshots, 1, "newest");
	snapshot_drop(snapshots, 1);
	assert_false(is_fresh(snapshots, 1));
	snapshots_free(snapshots);
}

static void test_a_change_while_it_is_rendered_shows(void **state)
{
	struct snapshots *snapshots = make(10, 1000);
	uint64_t ticket = snapshot_ticket(snapshots, 1);

	(void)state;
	snapshot_stale(snapshots, 1);
	(void)snapshot_put(snapshots, 1, ticket, "late", 4, 1);
	assert_false(is_fresh(snapshots, 1));
	assert_reads(snapshots, 1, "late");
	snapshots_free(snapshots);
}

static void test_the_oldest_goes(void **state)
{
	struct snapshots *snapshots = make(3, 1000);
	uint64_t node;

	(void)state;
	for (node = 1; node <= 3; node++)
		(void)put(snapshots, node, "x");
	assert_true(is_fresh(snapshots, 1));
	(void)put(snapshots, 4, "x");
	assert_true(is_fresh(snapshots, 1));
	assert_false(is_fresh(snapshots, 2));
	assert_true(is_fresh(snapshots, 3));
	assert_true(is_fresh(snapshots, 4));
	snapshots_free(snapshots);
}

static void test_bytes_are_bounded(void **state)
{
	struct snapshots *snapshots = make(100, 40);
	uint64_t node;

	(void)state;
	for (node = 1; node <= 10; node++)
		(void)put(snapshots, node, "0123456789");
	assert_false(is_fresh(snapshots, 6));
	for (node = 7; node <= 10; node++)
		assert_true(is_fresh(snapshots, node));
	/* One that would push out most others is not kept, nor is what was there before. */
	(void)put(snapshots, 10, "01234567890123456789");
	assert_false(is_fresh(snapshots, 10));
	snapshots_free(snapshots);
}

static void count(void *arg, uint64_t node)
{
	*(uint64_t *)arg += node;
}

static void test_the_next_worker_knows_what_was_told(void **state)
{
	char path[] = "/dev/shm/test-snapshot.XXXXXX";
	struct snapshot_limits limits = {10, 100000};
	struct snapshots *snapshots;
	_cleanup_buf_ struct buf out = BUF_INIT;
	uint64_t sum = 0;

	(void)state;
	assert_true(close(mkstemp(path)) == 0);
	assert_int_equal(snapshots_new(&snapshots, &limits, path, NULL), 0);
	(void)put(snapshots, 5, "told");
	(void)put(snapshots, 6, "not told");
	snapshot_told(snapshots, 5);
	snapshot_told(snapshots, 5);
	snapshot_told(snapshots, 7);
	snapshots_free(snapshots);
	assert_int_equal(snapshots_new(&snapshots, &limits, path, NULL), 0);
	snapshots_inherited(snapshots, count, &sum);
	assert_int_equal(sum, 5 + 7);
	/* The content died with its worker: what is there now is read. */
	assert_false(snapshot_read(snapshots, 5, 0, 10, &out));
	snapshots_renewed(snapshots);
	snapshots_free(snapshots);
	assert_int_equal(snapshots_new(&snapshots, &limits, path, NULL), 0);
	sum = 0;
	snapshots_inherited(snapshots, count, &sum);
	assert_int_equal(sum, 0);
	for (uint64_t node = 1; node <= 1000; node++)
		snapshot_told(snapshots, node);
	snapshots_inherited(snapshots, count, &sum);
	assert_int_equal(sum, 1000 * 1001 / 2);
	snapshots_free(snapshots);
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_serves_what_was_promised),
		cmocka_unit_test(test_a_stale_one_is_read_and_not_promised),
		cmocka_unit_test(test_a_change_while_it_is_rendered_shows),
		cmocka_unit_test(test_the_oldest_goes),
		cmocka_unit_test(test_bytes_are_bounded),
		cmocka_unit_test(test_the_next_worker_knows_what_was_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
