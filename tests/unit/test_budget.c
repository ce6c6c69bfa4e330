/* SPDX-License-Identifier: Apache-2.0 */
/* Budgets: 80 and 100 percent are told, once a month each, and anew when the budget is another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ledger_fixture.h"
#include "reconcile/context.h"
#include "reconcile/queue.h"
#include "reconcile/usage/meter.h"

static int set_budget(struct txn *txn, void *arg, struct error *reterr)
{
	const struct budget *budget = arg;

	(void)reterr;
	return txn_set_budget(txn, budget->month_ns, budget->nano);
}

/* An amount in whole units of the currency. */
static void budget_is(struct ledger *ledger, int64_t amount)
{
	struct budget budget = {.nano = amount * MONEY_ONE, .month_ns = ledger->tenant};

	assert_int_equal(store_update(ledger->fixture.store, STORE_RELAXED, NULL, set_budget,
				 &budget, NULL),
		0);
}

/* Looks at a time, twice; how many events there are then, and words of one. */
static void look_at(struct ledger *ledger, int64_t ns, size_t count, const char *words)
{
	struct reconciler reconciler = {.options.store = ledger->fixture.store};
	_cleanup_buf_ struct buf events = BUF_INIT;
	size_t found = 0;

	ledger_at(ledger, ns);
	for (int i = 0; i < 2; i++)
		assert_true(budget_watch(&reconciler) > 0);
	assert_int_equal(store_events(ledger->fixture.store, ledger->tenant, &events), 0);
	for (const char *at = buf_string(&events); (at = strstr(at, "budget are spent")); at++)
		found++;
	if (found != count)
		fail_msg("%zu events, not %zu: %s", found, count, buf_string(&events));
	if (words && !strstr(buf_string(&events), words))
		fail_msg("no \"%s\" in %s", words, buf_string(&events));
}

static void each_level_is_told_once_a_month(void **state)
{
	const int64_t december_ns = NOVEMBER_NS + 30 * CALENDAR_DAY_NS;
	struct usage_subject db = {
		.kind = USAGE_RESOURCE, .name = "db", .sku = "elb/network", .quantity = 1000};
	struct ledger ledger;

	(void)state;
	ledger_init(&ledger);
	ledger_at(&ledger, NOVEMBER_NS);
	ledger_meter(&ledger, 1001, ledger.tenant, &db); /* 22.50 an hour */
	budget_is(&ledger, 225);
	look_at(&ledger, NOVEMBER_NS + 7 * HOUR, 0, NULL);
	look_at(&ledger, NOVEMBER_NS + 8 * HOUR + HOUR / 100, 1,
		"warning demo: 80 % of the month's budget are spent: 180.");
	look_at(&ledger, NOVEMBER_NS + 9 * HOUR, 1, NULL);
	look_at(&ledger, NOVEMBER_NS + 10 * HOUR + HOUR / 100, 2,
		"error demo: 100 % of the month's budget are spent: 225.");
	look_at(&ledger, NOVEMBER_NS + 20 * HOUR, 2, NULL);
	/* Another budget is another matter; of what is spent to both levels the higher is told. */
	budget_is(&ledger, 226);
	look_at(&ledger, NOVEMBER_NS + 20 * HOUR, 3,
		"error demo: 100 % of the month's budget are spent: 450.");
	/* So is another month. */
	look_at(&ledger, december_ns + 2 * HOUR, 3, NULL);
	look_at(&ledger, december_ns + 9 * HOUR, 4,
		"warning demo: 80 % of the month's budget are spent: 202.");
	look_at(&ledger, december_ns + 11 * HOUR, 5,
		"error demo: 100 % of the month's budget are spent: 247.");
	ledger_done(&ledger);
}

static void nobody_without_a_budget_is_told(void **state)
{
	struct usage_subject db = {
		.kind = USAGE_RESOURCE, .name = "db", .sku = "elb/network", .quantity = 1000};
	struct ledger ledger;
	struct reconciler reconciler;

	(void)state;
	ledger_init(&ledger);
	reconciler = (struct reconciler){.options.store = ledger.fixture.store};
	ledger_at(&ledger, NOVEMBER_NS);
	ledger_meter(&ledger, 1001, ledger.tenant, &db);
	ledger_at(&ledger, NOVEMBER_NS + 100 * HOUR);
	assert_int_equal(budget_watch(&reconciler), QUEUE_DONE);
	budget_is(&ledger, 1);
	budget_is(&ledger, 0);
	assert_int_equal(budget_watch(&reconciler), QUEUE_DONE);
	ledger_done(&ledger);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_level_is_told_once_a_month),
		cmocka_unit_test(nobody_without_a_budget_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
