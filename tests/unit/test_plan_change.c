/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of a change before it is made, case by case. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "plan/plan_change.h"

/* A letter an instance, by ordinal: s serves as wanted, o serves and is outdated, n outdated and
 * does not serve, c as wanted and on its way, d stopping, "." no such ordinal. */
struct change_case {
	const char *name, *now;
	int64_t replicas, domains, surge;
	/* Steps: c create, r replace, x remove; the update domain behind "/"; ";" ends a round. */
	const char *steps;
	const char *kept;
	int64_t serving;
};

static const struct change_case cases[] = {
	{"a first deployment", "", 3, 3, 0, "c0 c1 c2", "", 0},
	{"nothing at all", "", 0, 3, 0, "", "", 0},
	{"as it is", "sss", 3, 3, 0, "", "0 1 2", 3},
	{"two more", "sss", 5, 3, 0, "c3 c4", "0 1 2", 3},
	{"two fewer", "sssss", 3, 3, 0, "x3 x4", "0 1 2", 3},
	{"none any more", "ss", 0, 3, 0, "x0 x1", "", 0},
	{"a gap is filled first", "s.s", 3, 3, 0, "c1", "0 2", 2},
	{"a new template, domain by domain", "ooo", 3, 3, 0, "r0/1;r1/2;r2/3", "", 2},
	{"two in a domain", "oooo", 4, 2, 0, "r0/1 r1/1;r2/2 r3/2", "", 2},
	{"all in one domain", "ooo", 3, 1, 0, "r0/1 r1/1 r2/1", "", 0},
	{"more domains than replicas", "oo", 2, 9, 0, "r0/1;r1/2", "", 1},
	{"a single replica", "o", 1, 3, 0, "r0/1", "", 0},
	{"with surge no one is missed", "oo", 2, 2, 1, "c2;r0/1;r1/2;x2", "", 2},
	{"with more surge", "oo", 2, 1, 2, "c2 c3;r0/1 r1/1;x2 x3", "", 2},
	{"surge without a new template", "ss", 3, 3, 2, "c2", "0 1", 2},
	{"some are new already", "soo", 3, 3, 0, "r1/2;r2/3", "0", 2},
	{"what does not serve goes at once", "ooono", 5, 5, 0, "r3;r0/1;r1/2;r2/3;r4/5", "", 4},
	{"on its way as wanted: left alone", "sc", 2, 2, 0, "", "0 1", 1},
	{"fewer and new", "oooo", 2, 2, 0, "r0/1 x2 x3;r1/2", "", 1},
	{"more and new", "oo", 4, 4, 0, "c2 c3;r0/1;r1/2", "", 2},
	{"one that stops keeps its number", "sds", 3, 3, 0, "c3", "0 2", 2},
	{"one that does not serve goes before one that does", "sncs", 2, 2, 0, "x1 x2", "0 3", 2},
};

static size_t parse(const char *now, struct replica *replicas)
{
	size_t count = 0;

	for (int64_t i = 0; now[i]; i++) {
		char c = now[i];

		if (c == '.')
			continue;
		replicas[count++] = (struct replica){
			.ordinal = i,
			.run = c != 'd',
			.join = c != 'd',
			.current = c == 's' || c == 'c',
			.ready = c == 's' || c == 'o',
		};
	}
	return count;
}

static void print(const struct plan_change *change, struct buf *steps, struct buf *kept)
{
	static const char letters[] = {'c', 'r', 'x'};

	for (size_t i = 0; i < change->count; i++) {
		const struct plan_step *step = &change->steps[i];

		if (i > 0)
			buf_putc(steps, step->round == step[-1].round ? ' ' : ';');
		buf_printf(steps, "%c%" PRId64, letters[step->action], step->ordinal);
		if (step->domain >= 0)
			buf_printf(steps, "/%" PRId64, step->domain + 1);
	}
	for (size_t i = 0; i < change->kept_count; i++)
		buf_printf(kept, "%s%" PRId64, i > 0 ? " " : "", change->kept[i]);
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct change_case *expected = &cases[i];
		struct replica_wish wish = {.replicas = expected->replicas,
			.domains = expected->domains,
			.surge = expected->surge};
		_cleanup_plan_change_ struct plan_change change = {0};
		_cleanup_buf_ struct buf steps = BUF_INIT, kept = BUF_INIT;
		struct replica replicas[16];
		size_t count = parse(expected->now, replicas);

		assert_int_equal(plan_change(replicas, count, &wish, &change), 0);
		print(&change, &steps, &kept);
		if (strcmp(buf_string(&steps), expected->steps) != 0 ||
			strcmp(buf_string(&kept), expected->kept) != 0 ||
			change.serving_least != expected->serving)
			fail_msg("%s: steps %s, kept %s, %" PRId64 " serving", expected->name,
				buf_string(&steps), buf_string(&kept), change.serving_least);
	}
}

/* Whatever is there: it ends, with as many as wanted, none of them outdated. */
static void test_every_state_ends_well(void **state)
{
	static const char letters[] = "sond.c";
	unsigned seed = 7;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		_cleanup_plan_change_ struct plan_change change = {0};
		struct replica replicas[16];
		struct replica_wish wish;
		int64_t running = 0;
		char now[12] = "";
		size_t count;

		for (int i = 0; i < 11; i++) {
			seed = seed * 1103515245u + 12345u;
			now[i] = letters[(seed >> 16) % 6];
		}
		now[(seed >> 20) % 12] = '\0';
		wish = (struct replica_wish){.replicas = (seed >> 8) % 9,
			.domains = 1 + (seed >> 12) % 5,
			.surge = (seed >> 4) % 3};
		count = parse(now, replicas);
		assert_int_equal(plan_change(replicas, count, &wish, &change), 0);
		for (size_t i = 0; i < count; i++)
			running += replicas[i].run;
		for (size_t i = 0; i < change.count; i++)
			running += change.steps[i].action == STEP_CREATE
					   ? 1
					   : -(change.steps[i].action == STEP_REMOVE);
		if (running != wish.replicas)
			fail_msg("%s to %" PRId64 ": ends with %" PRId64, now, wish.replicas,
				running);
		for (size_t i = 0; i < count; i++)
			for (size_t j = 0; j < change.kept_count; j++)
				if (replicas[i].ordinal == change.kept[j])
					assert_true(replicas[i].current);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_every_state_ends_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
