/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "cloud/aws/settled.h"
#include "cloud/aws/survey.h"

struct heard {
	int count;
	enum estate_level level;
	int64_t object;
	bool unsure;
};

static int hear(void *arg, enum estate_level level, int64_t object)
{
	struct heard *heard = arg;

	*heard = (struct heard){heard->count + 1, level, object, heard->unsure};
	return 0;
}

static void doubt(void *arg)
{
	struct heard *heard = arg;

	heard->unsure = true;
}

/* What a survey that began at began_ns, of lists that may be lag_ns old, tells of. */
static struct heard compare_late(struct settled *settled, struct survey_seen *seen,
	int64_t began_ns, int64_t lag_ns)
{
	struct heard heard = {.count = 0};
	const struct estate_hearer hearer = {
		.differs = hear, .arg = &heard, .unsure = doubt, .lag_ns = lag_ns};
	const struct survey survey = {NULL, &hearer, seen};

	assert_int_equal(settled_compare(settled, &survey, began_ns), 0);
	return heard;
}

static struct heard compare(struct settled *settled, struct survey_seen *seen, int64_t began_ns)
{
	return compare_late(settled, seen, began_ns, 0);
}

static struct settled_entry entry_of(const char *type, const char *fact)
{
	struct settled_entry entry = {.type = type};

	settled_add(&entry, settled_fact("always", NULL));
	settled_add(&entry, settled_fact(fact, NULL));
	return entry;
}

static void see(struct survey_seen *seen, const char *fact)
{
	const struct survey survey = {NULL, NULL, seen};

	assert_int_equal(survey_fact(&survey, settled_fact(fact, NULL)), 0);
}

static void test_facts_are_their_texts(void **state)
{
	(void)state;
	assert_true(settled_fact("a", "b", NULL) == settled_fact("a", "b", NULL));
	assert_true(settled_fact("a", "b", NULL) != settled_fact("ab", "", NULL));
	assert_true(settled_fact("", NULL) != 0);
}

static void test_what_is_not_seen_is_told_once(void **state)
{
	struct settled *settled = settled_new();
	struct survey_seen seen = {.unseen_count = 0};
	const struct settled_entry seven = entry_of("queue", "seven");
	const struct settled_entry eight = entry_of("load-balancer", "eight");
	struct heard heard;
	int64_t later_ns;

	(void)state;
	settled_put(settled, 7, SETTLED_RESOURCE, &seven);
	settled_put(settled, 8, SETTLED_BALANCER, &eight);
	later_ns = clock_now_ns() + 1;
	see(&seen, "always");
	see(&seen, "eight");
	heard = compare(settled, &seen, later_ns);
	assert_int_equal(heard.count, 1);
	assert_int_equal(heard.level, ESTATE_OF_RESOURCE);
	assert_int_equal(heard.object, 7);
	assert_int_equal(compare(settled, &seen, later_ns).count, 0);
	key_map_done(&seen.facts);
	settled_free(settled);
}

/* A list may be older than what was just settled: that is looked at again, not taken for lost. */
static void test_what_was_just_settled_is_in_doubt(void **state)
{
	struct settled *settled = settled_new();
	struct survey_seen seen = {.unseen_count = 0};
	const struct settled_entry seven = entry_of("queue", "seven");
	struct heard heard;
	int64_t put_ns;

	(void)state;
	settled_put(settled, 7, SETTLED_RESOURCE, &seven);
	put_ns = clock_now_ns();
	heard = compare_late(settled, &seen, put_ns + 1, NS_PER_SECOND);
	assert_int_equal(heard.count, 0);
	assert_true(heard.unsure);
	heard = compare_late(settled, &seen, put_ns + NS_PER_SECOND + 1, NS_PER_SECOND);
	assert_int_equal(heard.count, 1);
	assert_false(heard.unsure);
	settled_free(settled);
}

static void test_what_is_not_known_is_not_told(void **state)
{
	struct settled *settled = settled_new();
	struct survey_seen seen = {.unseen = {"queue"}, .unseen_count = 1};
	const struct settled_entry seven = entry_of("queue", "seven");
	const struct settled_entry eight = entry_of("load-balancer", "eight");

	(void)state;
	settled_put(settled, 7, SETTLED_RESOURCE, &seven);
	assert_int_equal(compare(settled, &seen, clock_now_ns() + 1).count, 0); /* not listed */
	settled_put(settled, 8, SETTLED_BALANCER, &eight);
	assert_int_equal(compare(settled, &seen, 1).count, 0); /* settled since the survey began */
	settled_drop(settled, 8, SETTLED_BALANCER); /* being worked on */
	assert_int_equal(compare(settled, &seen, clock_now_ns() + 1).count, 0);
	settled_free(settled);
}

static void test_targets_are_compared_once_they_are_there(void **state)
{
	struct settled *settled = settled_new();
	const struct settled_entry entry = entry_of("load-balancer", "x");

	(void)state;
	assert_int_equal(settled_asked_ns(settled, 8), -1);
	settled_put(settled, 8, SETTLED_BALANCER, &entry);
	assert_int_equal(settled_asked_ns(settled, 8), -1); /* on their way */
	settled_put_targets(settled, 8, 5);
	assert_int_equal(settled_asked_ns(settled, 8), 0);
	assert_true(settled_check_targets(settled, 8, 5));
	assert_true(settled_asked_ns(settled, 8) > 0);
	assert_false(settled_check_targets(settled, 8, 6));
	assert_true(settled_check_targets(settled, 8, 6)); /* told already */
	settled_free(settled);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts_are_their_texts),
		cmocka_unit_test(test_what_is_not_seen_is_told_once),
		cmocka_unit_test(test_what_was_just_settled_is_in_doubt),
		cmocka_unit_test(test_what_is_not_known_is_not_told),
		cmocka_unit_test(test_targets_are_compared_once_they_are_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
