/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "fs/edit/edit.h"

/* ---- decisions ---- */

static void test_writes_are_judged_when_they_can_be(void **state)
{
	static const struct {
		bool line, document;
		size_t offset, len, size;
		char last;
		enum edit_step step;
	} cases[] = {
		/* A line is judged when it ends, and before that as far as it can be. */
		{true, false, 0, 2, 2, '\n', EDIT_CHECK},
		{true, false, 0, 1, 1, '3', EDIT_CHECK_BEGUN},
		{true, false, 1, 1, 2, '\n', EDIT_CHECK},
		/* A second one behind it: `>>`. */
		{true, false, 2, 2, 4, '\n', EDIT_CHECK},
		/* Something old is still behind it. */
		{true, false, 0, 2, 5, '\n', EDIT_NOTHING},
		{false, true, 0, 10, 20, '}', EDIT_NOTHING},
		{false, true, 0, 10, 10, 'x', EDIT_CHECK},
		/* A large document is not parsed anew at each of its many writes. */
		{false, true, 70000, 10, 70010, 'x', EDIT_NOTHING},
		{false, true, 70000, 10, 70010, '}', EDIT_CHECK},
		/* Bytes say nothing of themselves. */
		{false, false, 0, 2, 2, '\n', EDIT_NOTHING},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(edit_after_write(cases[i].line, cases[i].document, cases[i].offset,
					 cases[i].len, cases[i].size, cases[i].last),
			cases[i].step);
}

static void test_closes_decide_once(void **state)
{
	struct edit_header header = {.flags = EDIT_EMPTY};

	(void)state;
	/* bash closes a copy of the descriptor before it writes. */
	assert_int_equal(edit_at_close(&header, true), EDIT_NOTHING);
	header.flags |= EDIT_DIRTY;
	/* A child of the opener ends: the opener has more to say. */
	assert_int_equal(edit_at_close(&header, false), EDIT_NOTHING);
	assert_int_equal(edit_at_close(&header, true), EDIT_COMMIT);
	edit_decided(&header, 0, 7);
	assert_int_equal(edit_at_close(&header, true), EDIT_NOTHING);
	assert_true(header.flags & EDIT_ACCEPTED);
	assert_int_equal(header.start, 7);
}

static void test_a_refusal_is_repeated_until_the_next_write(void **state)
{
	struct edit_header header = {.flags = EDIT_EMPTY | EDIT_DIRTY};

	(void)state;
	edit_decided(&header, -EINVAL, 0);
	assert_int_equal(header.error, -EINVAL);
	assert_false(header.flags & EDIT_ACCEPTED);
	assert_int_equal(edit_at_close(&header, true), EDIT_REPEAT);
	assert_int_equal(edit_at_close(&header, false), EDIT_REPEAT);
	header.flags = (header.flags | EDIT_DIRTY) & ~(uint32_t)EDIT_REFUSED;
	assert_int_equal(edit_at_close(&header, true), EDIT_COMMIT);
}

static void test_nothing_is_taken_without_what_was_refused_before_it(void **state)
{
	struct edit_header header = {.flags = EDIT_EMPTY | EDIT_DIRTY};

	(void)state;
	assert_int_equal(edit_before_write(&header, 10), EDIT_NOTHING);
	edit_refused(&header, -EINVAL);
	/* bash goes on with the next line, at the place where the refused one would have begun. */
	assert_int_equal(edit_before_write(&header, 10), EDIT_REPEAT);
	assert_int_equal(edit_before_write(&header, 0), EDIT_REPEAT);
	assert_int_equal(header.error, -EINVAL);
	/* Once it was told, who has the file open may begin anew, and only that. */
	assert_int_equal(edit_at_close(&header, true), EDIT_REPEAT);
	assert_int_equal(edit_before_write(&header, 10), EDIT_REPEAT);
	assert_int_equal(edit_before_write(&header, 0), EDIT_RESTART);
	/* Refused as a whole at fsync: what was incomplete may be completed. */
	header = (struct edit_header){.flags = EDIT_EMPTY | EDIT_DIRTY};
	edit_decided(&header, -EINVAL, 0);
	assert_int_equal(edit_before_write(&header, 10), EDIT_NOTHING);
	/* Behind values that were accepted. */
	header = (struct edit_header){.flags = EDIT_EMPTY | EDIT_DIRTY};
	edit_decided(&header, 0, 2);
	edit_refused(&header, -EINVAL);
	(void)edit_at_close(&header, true);
	assert_int_equal(edit_before_write(&header, 2), EDIT_RESTART);
	assert_int_equal(edit_before_write(&header, 3), EDIT_REPEAT);
}

/* ---- drafts ---- */

struct bench {
	char dir[64];
	struct edits *edits;
};

static int set_up(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	(void)text_copy(bench->dir, sizeof(bench->dir), "/tmp/test-edit.XXXXXX");
	if (!mkdtemp(bench->dir) || edits_new(&bench->edits, bench->dir, "one", NULL) < 0)
		return -1;
	*state = bench;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;

	edits_free(bench->edits);
	(void)file_remove_tree(bench->dir, NULL);
	free(bench);
	return 0;
}

static void test_a_draft_outlives_its_process(void **state)
{
	struct bench *bench = *state;
	struct edit_header header = {.node = 42, .flags = EDIT_EMPTY, .uid = 7, .pid = 99};
	struct edit edit = EDIT_INIT;
	_cleanup_buf_ struct buf text = BUF_INIT;
	uint64_t handle;

	assert_int_equal(edit_create(bench->edits, &header, &handle), 0);
	assert_true(handle >> 63);
	assert_int_equal(edit_open(bench->edits, handle, &edit), 0);
	assert_int_equal(edit_write(&edit, 0, "hello", 5), 0);
	assert_int_equal(edit_write(&edit, 10, "x", 1), 0);
	assert_int_equal(edit.size, 11);
	edit.header.flags |= EDIT_DIRTY;
	assert_int_equal(edit_save(&edit), 0);
	edit_close(&edit);

	/* What a new worker of the same mount does. */
	edits_free(bench->edits);
	assert_int_equal(edits_new(&bench->edits, bench->dir, "one", NULL), 0);
	assert_int_equal(edit_open(bench->edits, handle, &edit), 0);
	assert_int_equal(edit.header.node, 42);
	assert_int_equal(edit.header.flags, EDIT_EMPTY | EDIT_DIRTY);
	assert_int_equal(edit.header.uid, 7);
	assert_int_equal(edit_read(&edit, 0, 100, &text), 0);
	assert_int_equal(text.len, 11);
	assert_memory_equal(text.data, "hello\0\0\0\0\0x", 11);
	assert_int_equal(edit_truncate(&edit, 2), 0);
	buf_reset(&text);
	assert_int_equal(edit_read(&edit, 0, 100, &text), 0);
	assert_string_equal(buf_string(&text), "he");
	buf_reset(&text);
	assert_int_equal(edit_read(&edit, 5, 100, &text), 0);
	assert_int_equal(text.len, 0);
	edit_close(&edit);
	edit_drop(bench->edits, handle);
	assert_int_equal(edit_open(bench->edits, handle, &edit), -ESTALE);
}

static void test_drafts_of_other_mounts_go(void **state)
{
	struct bench *bench = *state;
	struct edit_header header = {.node = 1};
	struct edit edit = EDIT_INIT;
	uint64_t handle;

	assert_int_equal(edit_create(bench->edits, &header, &handle), 0);
	edits_free(bench->edits);
	assert_int_equal(edits_new(&bench->edits, bench->dir, "two", NULL), 0);
	assert_int_equal(edit_open(bench->edits, handle, &edit), -ESTALE);
	edits_free(bench->edits);
	assert_int_equal(edits_new(&bench->edits, bench->dir, "one", NULL), 0);
	assert_int_equal(edit_open(bench->edits, handle, &edit), -ESTALE);
}

static void test_what_is_no_draft_is_stale(void **state)
{
	struct bench *bench = *state;
	struct edit edit = EDIT_INIT;
	_cleanup_buf_ struct buf path = BUF_INIT;

	assert_int_equal(edit_open(bench->edits, 0, &edit), -ESTALE);
	assert_int_equal(edit_open(bench->edits, UINT64_MAX, &edit), -ESTALE);
	buf_printf(&path, "%s/one/%016llx", bench->dir, 0x8000000000000001ULL);
	assert_int_equal(file_write_atomic(buf_string(&path), "torn", 4, 0600, 0, NULL), 0);
	assert_int_equal(edit_open(bench->edits, 0x8000000000000001ULL, &edit), -ESTALE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_writes_are_judged_when_they_can_be),
		cmocka_unit_test(test_closes_decide_once),
		cmocka_unit_test(test_a_refusal_is_repeated_until_the_next_write),
		cmocka_unit_test(test_nothing_is_taken_without_what_was_refused_before_it),
		cmocka_unit_test_setup_teardown(test_a_draft_outlives_its_process, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(test_drafts_of_other_mounts_go, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_no_draft_is_stale, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
