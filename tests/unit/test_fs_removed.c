/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "fs/edit/removed.h"
#include "store/store.h"

static struct removed *make(void)
{
	struct removed *removed = NULL;

	assert_int_equal(removed_new(&removed, NULL), 0);
	return removed;
}

static struct object secret(int64_t tenant, int number)
{
	struct object object = {.parent = tenant, .kind = KIND_SECRET};

	(void)snprintf(object.name, sizeof(object.name), "KEY%d", number);
	return object;
}

static void keep(struct removed *removed, struct object object, uid_t uid, const char *text)
{
	_cleanup_buf_ struct buf buf = BUF_INIT;

	buf_puts(&buf, text);
	removed_keep(removed, &object, uid, &buf);
	assert_null(buf.data);
}

static void assert_gives(struct removed *removed, struct object object, uid_t uid, const char *text)
{
	_cleanup_buf_ struct buf buf = BUF_INIT;

	assert_int_equal(removed_take(removed, &object, uid, &buf), text != NULL);
	if (text)
		assert_string_equal(buf_string(&buf), text);
}

static void test_gives_back_once(void **state)
{
	struct removed *removed = make();
	struct object config = secret(1, 1);

	(void)state;
	config.kind = KIND_CONFIG;
	keep(removed, secret(1, 1), 5, "one");
	assert_gives(removed, secret(1, 2), 5, NULL);
	assert_gives(removed, secret(2, 1), 5, NULL);
	assert_gives(removed, config, 5, NULL);
	assert_gives(removed, secret(1, 1), 6, NULL);
	assert_gives(removed, secret(1, 1), 5, "one");
	assert_gives(removed, secret(1, 1), 5, NULL);
	removed_free(removed);
}

static void test_the_last_of_a_name_counts(void **state)
{
	struct removed *removed = make();

	(void)state;
	keep(removed, secret(1, 1), 5, "one");
	keep(removed, secret(1, 1), 6, "two");
	assert_gives(removed, secret(1, 1), 5, NULL);
	assert_gives(removed, secret(1, 1), 6, "two");
	removed_free(removed);
}

static void test_the_oldest_make_room(void **state)
{
	struct removed *removed = make();
	int given = 0;

	(void)state;
	for (int i = 0; i < 100; i++)
		keep(removed, secret(1, i), 5, "text");
	assert_gives(removed, secret(1, 0), 5, NULL);
	for (int i = 0; i < 100; i++) {
		_cleanup_buf_ struct buf buf = BUF_INIT;
		struct object object = secret(1, i);

		given += removed_take(removed, &object, 5, &buf);
	}
	assert_in_range(given, 16, 64);
	removed_free(removed);
}

static void test_says_when_to_wipe(void **state)
{
	struct removed *removed = make();
	int64_t now_ns = clock_now_ns();

	(void)state;
	assert_true(removed_sweep(removed) == CLOCK_FOREVER);
	keep(removed, secret(1, 1), 5, "one");
	assert_in_range(removed_sweep(removed) - now_ns, 1, 15 * NS_PER_SECOND);
	assert_gives(removed, secret(1, 1), 5, "one");
	assert_true(removed_sweep(removed) == CLOCK_FOREVER);
	removed_free(removed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gives_back_once),
		cmocka_unit_test(test_the_last_of_a_name_counts),
		cmocka_unit_test(test_the_oldest_make_room),
		cmocka_unit_test(test_says_when_to_wipe),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
