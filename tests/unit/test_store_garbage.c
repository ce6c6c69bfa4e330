/* SPDX-License-Identifier: Apache-2.0 */
/* What was found outside: a line a thing that changes only when what it says does; and what the
 * journal remembers of what was removed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "store/garbage.h"
#include "store_fixture.h"

static int add(struct txn *txn, void *arg, struct error *reterr)
{
	(void)reterr;
	return txn_garbage_add(txn, arg);
}

static int end(struct txn *txn, void *arg, struct error *reterr)
{
	(void)reterr;
	return txn_garbage_end(txn, *(int64_t *)arg);
}

static void run(struct store_fixture *fixture, store_update_fn fn, void *arg)
{
	assert_int_equal(store_update(fixture->store, STORE_RELAXED, NULL, fn, arg, NULL), 0);
}

/* The table; NULL when there is none. The caller frees. */
static char *table(struct store_fixture *fixture, int64_t *ret_changed_ns)
{
	struct buf text = BUF_INIT;

	assert_int_equal(store_garbage(fixture->store, &text, ret_changed_ns), 0);
	return text.len > 0 ? buf_take(&text, NULL) : NULL;
}

static void test_a_line_a_thing(void **state)
{
	struct store_fixture *fixture = *state;
	struct garbage group = {"security-group", "duplofs-a", GARBAGE_TAG, GARBAGE_LEFT, "x\ny/7",
		"nobody knows it"};
	int64_t first_ns = 0, second_ns = 0;
	char *text;

	assert_null(table(fixture, &first_ns));
	assert_int_equal(first_ns, 0);
	run(fixture, add, &group);
	text = table(fixture, &first_ns);
	assert_non_null(strstr(text, "SINCE"));
	assert_non_null(strstr(text, " tag          left     security-group   duplofs-a "));
	assert_non_null(strstr(text, " x\\012y/7 ")); /* a tag forges no line */
	assert_non_null(strstr(text, "nobody knows it\n"));
	free(text);
	run(fixture, add, &group);
	free(table(fixture, &second_ns));
	assert_int_equal(first_ns, second_ns);

	group.claims |= GARBAGE_JOURNAL;
	group.state = GARBAGE_REMOVED;
	group.tenant = "";
	run(fixture, add, &group);
	text = table(fixture, &second_ns);
	assert_true(second_ns > first_ns);
	assert_null(strstr(text, " left "));
	assert_non_null(strstr(text, " tag+journal  removed  "));
	free(text);
}

static void test_what_is_not_found_again_goes(void **state)
{
	struct store_fixture *fixture = *state;
	struct garbage left = {"role", "left", GARBAGE_TAG, GARBAGE_LEFT, "", "w"};
	struct garbage busy = {"role", "busy", GARBAGE_TAG, GARBAGE_BUSY, "", "w"};
	struct garbage removed = {"role", "removed", GARBAGE_TAG, GARBAGE_REMOVED, "", "w"};
	int64_t since_ns, changed_ns;
	char *text;

	run(fixture, add, &left);
	run(fixture, add, &busy);
	run(fixture, add, &removed);
	since_ns = clock_wall_ns();
	run(fixture, add, &left);
	run(fixture, end, &since_ns);
	text = table(fixture, &changed_ns);
	assert_true(changed_ns >= since_ns);
	assert_non_null(strstr(text, " left "));
	assert_null(strstr(text, "busy     role"));
	assert_non_null(strstr(text, " removed  role             removed "));
	assert_non_null(strstr(text, " removed  role             busy ")); /* it went */
	free(text);
}

static void test_what_was_removed_is_told_for_a_while(void **state)
{
	struct store_fixture *fixture = *state;
	char name[24], *text;
	struct garbage removed = {"role", name, GARBAGE_TAG, GARBAGE_REMOVED, "", "w"};
	int64_t since_ns = clock_wall_ns(), changed_ns;
	size_t lines = 0;

	for (int i = 0; i < 520; i++) {
		(void)snprintf(name, sizeof(name), "thing-%03d", i);
		run(fixture, add, &removed);
	}
	run(fixture, end, &since_ns);
	text = table(fixture, &changed_ns);
	for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	assert_int_equal(lines, 501);
	assert_null(strstr(text, "thing-019"));
	assert_non_null(strstr(text, "thing-020"));
	free(text);
}

/* ---- the journal's memory ---- */

static int add_intent(struct txn *txn, void *arg, struct error *reterr)
{
	(void)arg;
	(void)reterr;
	return txn_intent_add(txn, 7, "estate/role", "r");
}

static int bury(struct txn *txn, void *arg, struct error *reterr)
{
	(void)arg;
	(void)reterr;
	return txn_intent_bury(txn, 7, "estate/role", "r");
}

static int forget(struct txn *txn, void *arg, struct error *reterr)
{
	(void)reterr;
	return txn_intent_forget(txn, *(int64_t *)arg);
}

static int refuse(void *arg, const struct intent *intent)
{
	(void)arg;
	(void)intent;
	return -1;
}

static int known(struct store_fixture *fixture, int64_t owner, int64_t *ret_buried_ns)
{
	return store_intent_known(fixture->store, owner, "estate/role", "r", ret_buried_ns);
}

static void test_the_journal_remembers(void **state)
{
	struct store_fixture *fixture = *state;
	int64_t before_ns = clock_wall_ns(), buried_ns = 1;

	assert_int_equal(known(fixture, 7, &buried_ns), 0);
	assert_int_equal(buried_ns, 0);
	run(fixture, add_intent, NULL);
	assert_int_equal(known(fixture, 7, &buried_ns), 1);
	assert_int_equal(buried_ns, 0);
	assert_int_equal(known(fixture, 8, &buried_ns), 0);
	run(fixture, bury, NULL);
	run(fixture, bury, NULL);
	assert_int_equal(store_intents(fixture->store, 7, refuse, NULL), 0); /* there is none */
	assert_int_equal(known(fixture, 7, &buried_ns), 1);
	assert_true(buried_ns >= before_ns);
	run(fixture, forget, &before_ns);
	assert_int_equal(known(fixture, 7, &buried_ns), 1);
	before_ns = clock_wall_ns() + 1;
	run(fixture, forget, &before_ns);
	assert_int_equal(known(fixture, 7, &buried_ns), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_line_a_thing, store_fixture_setup,
			store_fixture_teardown),
		cmocka_unit_test_setup_teardown(test_what_is_not_found_again_goes,
			store_fixture_setup, store_fixture_teardown),
		cmocka_unit_test_setup_teardown(test_what_was_removed_is_told_for_a_while,
			store_fixture_setup, store_fixture_teardown),
		cmocka_unit_test_setup_teardown(test_the_journal_remembers, store_fixture_setup,
			store_fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
