/* SPDX-License-Identifier: Apache-2.0 */
/* What is used beyond the reservation: hour by hour the larger of the two, before and after it was
 * packed, and when the clock was set back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ledger_fixture.h"
#include "store/store_private.h"
#include "store/usage_pack.h"

#define ONE_CPU_NANO 36000000000 /* an hour of a CPU and nothing else, see init */

struct use {
	int64_t object, cpu_milli, memory_mib;
};

static int measured(struct txn *txn, void *arg, struct error *reterr)
{
	const struct use *use = arg;

	(void)reterr;
	return txn_usage_measured(txn, use->object, use->cpu_milli, use->memory_mib);
}

static void use_at(struct ledger *ledger, int64_t ns, int64_t object, int64_t cpu_milli)
{
	struct use use = {object, cpu_milli, 0};

	ledger_at(ledger, ns);
	assert_int_equal(store_update(ledger->fixture.store, STORE_RELAXED, NULL, measured, &use,
				 NULL),
		0);
}

static int64_t rows(struct ledger *ledger, const char *sql)
{
	struct connection *connection = reader_take(ledger->fixture.store, NULL);
	int64_t count = -1;

	assert_non_null(connection);
	assert_int_equal(connection_get_int(connection, &count, sql, ""), 0);
	reader_give(ledger->fixture.store, connection);
	return count;
}
#define PACKS(ledger)    rows(ledger, "SELECT count(*) FROM usage_pack")
#define UNPACKED(ledger) rows(ledger, "SELECT count(*) FROM usage_hour")

/* A machine of 4 CPUs (and 36 GiB, worth as much) at 8 times the price of a CPU; a and b have one
 * each. */
static void init(struct ledger *ledger)
{
	const struct usage_subject machine = ledger_host("h1", "own/machine", 4, 36);
	const struct usage_subject a = ledger_instance("a", "0", "h1", 1000, 0);
	const struct usage_subject b = ledger_instance("b", "0", "h1", 1000, 0);

	ledger_init(ledger);
	prices_free(ledger->prices);
	ledger->prices = prices_of("{\"Prices\":[{\"Sku\":\"own/machine\",\"Price\":\"288\"}]}");
	ledger_at(ledger, NOVEMBER_NS);
	ledger_meter(ledger, 1001, ledger->tenant, &machine);
	ledger_meter(ledger, 1002, ledger->tenant, &a);
	ledger_meter(ledger, 1003, ledger->tenant, &b);
}

/* So many CPUs' worth of an hour, in tenths; the clock runs on for moments while the test does. */
static void cost_is(struct ledger *ledger, const char *service, int64_t tenths)
{
	struct bill *bill = ledger_bill(ledger, ledger->tenant, NOVEMBER_NS + 10 * HOUR);

	ledger_about(ledger_line(bill, BILL_INSTANCE, service) / 1000,
		tenths * ONE_CPU_NANO / 10 / 1000);
	ledger_about((ledger_line(bill, BILL_INSTANCE, "a") +
			     ledger_line(bill, BILL_INSTANCE, "b") +
			     ledger_line(bill, BILL_IDLE, "")) /
			     1000,
		80 * ONE_CPU_NANO / 1000);
	bill_free(bill);
}

static void the_larger_counts_in_its_hour(void **state)
{
	struct ledger ledger;

	(void)state;
	init(&ledger);
	cost_is(&ledger, "a", 100);
	use_at(&ledger, NOVEMBER_NS + HOUR / 2, 1002, 2500);
	cost_is(&ledger, "a", 115);
	/* The average of the hour as it is known later. */
	use_at(&ledger, NOVEMBER_NS + HOUR * 3 / 4, 1002, 1700);
	cost_is(&ledger, "a", 107);
	/* Less than reserved is reserved. */
	use_at(&ledger, NOVEMBER_NS + HOUR * 3 / 2, 1002, 300);
	cost_is(&ledger, "a", 107);
	cost_is(&ledger, "b", 100);
	ledger_done(&ledger);
}

static void packed_hours_say_the_same(void **state)
{
	struct ledger ledger;

	(void)state;
	init(&ledger);
	use_at(&ledger, NOVEMBER_NS + HOUR / 2, 1002, 2500);
	use_at(&ledger, NOVEMBER_NS + HOUR / 2 + 1, 1003, 1200);
	assert_int_equal(PACKS(&ledger), 0);
	assert_int_equal(UNPACKED(&ledger), 2);
	use_at(&ledger, NOVEMBER_NS + 5 * HOUR, 1002, 2000);
	assert_int_equal(PACKS(&ledger), 1);
	assert_int_equal(UNPACKED(&ledger), 1);
	use_at(&ledger, NOVEMBER_NS + 6 * HOUR, 1002, 1300);
	assert_int_equal(PACKS(&ledger), 2);
	assert_int_equal(UNPACKED(&ledger), 1);
	cost_is(&ledger, "a", 100 + 15 + 10 + 3);
	cost_is(&ledger, "b", 102);
	/* The clock was set back into an hour that is packed: what comes later counts, */
	use_at(&ledger, NOVEMBER_NS + HOUR / 2, 1002, 1500);
	cost_is(&ledger, "a", 100 + 5 + 10 + 3);
	/* and is packed with it. */
	use_at(&ledger, NOVEMBER_NS + 7 * HOUR, 1003, 1000);
	assert_int_equal(PACKS(&ledger), 3);
	assert_int_equal(UNPACKED(&ledger), 1);
	cost_is(&ledger, "a", 100 + 5 + 10 + 3);
	cost_is(&ledger, "b", 102);
	ledger_done(&ledger);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_larger_counts_in_its_hour),
		cmocka_unit_test(packed_hours_say_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
