/* SPDX-License-Identifier: Apache-2.0 */
/* A host's machine is asked for under a token, which AWS takes once: what comes of one that was
 * used. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "machine_fixture.h"

#define USED                                                                                       \
	"<Response><Errors><Error><Code>IdempotentParameterMismatch</Code><Message>m</Message>"    \
	"</Error></Errors></Response>"
#define MACHINE(state)                                                                             \
	"<r><instancesSet><item><instanceId>i-1</instanceId><instanceState><name>" state           \
	"</name></instanceState></item></instancesSet></r>"

/* Asked for under a token of that age, where AWS shows none and answers so. */
static int ensure(int64_t age_ns, int status, const char *answer, struct machine_state *ret)
{
	const struct aws_peer_answer answers[] = {{.body = NONE}, {.body = IMAGE}, {.body = GROUP},
		{.status = status, .body = answer}};
	int r;

	(void)machine_begin(NULL);
	fixture.wanted.age_ns = age_ns;
	r = machine_ensure(answers, ARRAY_SIZE(answers), ret);
	(void)machine_end(NULL);
	return r;
}

static void one_that_was_used_just_now_is_waited_for(void **state)
{
	struct machine_state machine;

	(void)state;
	assert_int_equal(ensure(NS_PER_SECOND, 400, USED, &machine), -EAGAIN);
	assert_int_equal(fixture.error.code, -EAGAIN);
	assert_string_equal(fixture.error.text,
		"AWS was asked for it before and does not show it yet");
}

/* It was made and has ended while nobody looked: no other machine is ever had under this token. */
static void one_that_was_used_long_ago_is_over(void **state)
{
	struct machine_state machine;

	(void)state;
	assert_int_equal(ensure(300 * NS_PER_SECOND, 400, USED, &machine), 0);
	assert_true(machine.ended);
	assert_string_equal(machine.words,
		"a machine was made before that AWS does not show any more");
}

static void so_is_one_whose_machine_has_ended(void **state)
{
	struct machine_state machine;

	(void)state;
	assert_int_equal(ensure(300 * NS_PER_SECOND, 200, MACHINE("terminated"), &machine), 0);
	assert_true(machine.ended);
	assert_int_equal(ensure(300 * NS_PER_SECOND, 200, MACHINE("running"), &machine), 0);
	assert_false(machine.ended);
	assert_string_equal(machine.words, "i-1, a , starts");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_was_used_just_now_is_waited_for),
		cmocka_unit_test(one_that_was_used_long_ago_is_over),
		cmocka_unit_test(so_is_one_whose_machine_has_ended),
	};

	return cmocka_run_group_tests(tests, machine_set_up, machine_tear_down);
}
