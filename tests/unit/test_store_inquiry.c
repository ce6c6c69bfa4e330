/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about containers and their answers, as both sides see them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "store/inquiry.h"

static char dir[64];

static int setup(void **state)
{
	(void)state;
	(void)strncpy(dir, "/dev/shm/test-inquiry.XXXXXX", sizeof(dir) - 1);
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return file_remove_tree(dir, NULL);
}

static int ask(int64_t id, int64_t tenant, int64_t instance, const char *text)
{
	struct inquiry inquiry = {
		.id = id, .type = INQUIRY_COMMAND, .tenant = tenant, .instance = instance};

	return inquiry_ask(dir, &inquiry, text, strlen(text), NULL);
}

static void answer(int64_t id, const char *text)
{
	_cleanup_buf_ struct buf answer = BUF_INIT;

	buf_puts(&answer, text);
	assert_int_equal(inquiry_answer(dir, id, &answer), 0);
}

static void sum(void *arg, int64_t id)
{
	*(int64_t *)arg += id;
}

static void test_asked_and_answered(void **state)
{
	_cleanup_buf_ struct buf text = BUF_INIT, out = BUF_INIT;
	struct inquiry inquiry;
	int64_t size = 0, waiting = 0;

	(void)state;
	assert_int_equal(inquiry_last(dir, 7, INQUIRY_COMMAND), 0);
	assert_int_equal(inquiry_answered(dir, 100, NULL, NULL), -ENOENT);
	assert_int_equal(ask(100, 3, 7, "ls"), 0);
	assert_int_equal(inquiry_last(dir, 7, INQUIRY_COMMAND), 100);
	assert_int_equal(inquiry_last(dir, 7, INQUIRY_USAGE), 0);
	assert_int_equal(inquiry_answered(dir, 100, NULL, NULL), 0);
	assert_int_equal(inquiry_each_waiting(dir, sum, &waiting), 0);
	assert_int_equal(waiting, 100);
	assert_int_equal(inquiry_open(dir, 100, &inquiry, &text), 0);
	assert_int_equal(inquiry.instance, 7);
	assert_string_equal(buf_string(&text), "ls");
	/* The same again, as after a worker's death: nothing is asked twice, nor begun twice. */
	assert_int_equal(ask(100, 3, 7, "other"), 0);
	assert_true(inquiry_begin(dir, 100));
	assert_false(inquiry_begin(dir, 100));
	answer(100, "file\nexit 0\n");
	assert_int_equal(inquiry_answered(dir, 100, &size, NULL), 1);
	assert_int_equal(size, 12);
	assert_int_equal(inquiry_read(dir, 100, 5, 4, &out), 0);
	assert_string_equal(buf_string(&out), "exit");
	assert_int_equal(inquiry_read(dir, 100, 12, 4, &out), 0);
	assert_string_equal(buf_string(&out), "exit");
	waiting = 0;
	assert_int_equal(inquiry_each_waiting(dir, sum, &waiting), 0);
	assert_int_equal(waiting, 0);
}

static void test_bounded(void **state)
{
	struct error error = ERROR_INIT;
	struct inquiry more = {.id = 99, .type = INQUIRY_COMMAND, .tenant = 3, .instance = 7};
	static const char long_text[INQUIRY_TEXT_MAX + 1];
	int64_t id;

	(void)state;
	for (id = 10; id < 10 + INQUIRY_OPEN_MAX; id++)
		assert_int_equal(ask(id, 3, 7, "x"), 0);
	assert_int_equal(inquiry_waiting(dir, 3), INQUIRY_OPEN_MAX);
	assert_int_equal(inquiry_ask(dir, &more, "x", 1, &error), -EBUSY);
	assert_int_equal(inquiry_last(dir, 7, INQUIRY_COMMAND), id - 1);
	assert_int_equal(ask(50, 4, 8, "of another tenant"), 0);
	answer(10, "done");
	assert_int_equal(ask(99, 3, 7, "x"), 0);
	more.id = 98;
	assert_int_equal(inquiry_ask(dir, &more, long_text, sizeof(long_text), &error), -EFBIG);
	/* Of the answered ones some are kept. */
	for (id = 1000; id < 1200; id++) {
		assert_int_equal(ask(id, 5, 9, "x"), 0);
		answer(id, "y");
	}
	assert_int_equal(inquiry_answered(dir, 10, NULL, NULL), -ENOENT);
	assert_int_equal(inquiry_answered(dir, 1199, NULL, NULL), 1);
	assert_int_equal(inquiry_answered(dir, 50, NULL, NULL), 0);
}

static void test_ids(void **state)
{
	(void)state;
	for (uint64_t bits = 0; bits < 1000; bits++)
		assert_true(inquiry_id(bits) > 1);
	assert_int_not_equal(inquiry_id(1), inquiry_id(2));
	assert_int_equal(inquiry_id(5), inquiry_id(5));
	assert_true(inquiry_id(UINT64_MAX) > 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_asked_and_answered, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bounded, setup, teardown),
		cmocka_unit_test(test_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
