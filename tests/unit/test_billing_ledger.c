/* SPDX-License-Identifier: Apache-2.0 */
/* Bills that a ledger makes with a clock in the test's hands. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "ledger_fixture.h"
#include "billing/total.h"
#include "store/actual.h"
#include "store/store_private.h"
#include "store/usage_day.h"

/* m5.xlarge, 4 vCPU, 16 GiB, 0.192 an hour; A has 1 CPU and 2 GiB, B 2 CPUs and 8 GiB. */
static void test_worked_vector(void **state)
{
	struct ledger ledger;
	struct usage_subject machine = ledger_host("h1", "ec2/m5.xlarge", 4, 16);
	struct usage_subject a = ledger_instance("a", "0", "h1", 1000, 2048);
	struct usage_subject b = ledger_instance("b", "0", "h1", 2000, 8192);
	struct bill *bill;

	(void)state;
	ledger_init(&ledger);
	ledger_at(&ledger, NOVEMBER_NS);
	ledger_meter(&ledger, 1001, ledger.tenant, &machine);
	ledger_meter(&ledger, 1002, ledger.tenant, &a);
	ledger_meter(&ledger, 1003, ledger.tenant, &b);
	bill = ledger_bill(&ledger, ledger.tenant, NOVEMBER_NS + HOUR);
	ledger_about(bill->nano, 192000000);
	ledger_about(ledger_line(bill, BILL_INSTANCE, "a"), 40615385);
	ledger_about(ledger_line(bill, BILL_INSTANCE, "b"), 96000000);
	ledger_about(ledger_line(bill, BILL_IDLE, ""), 55384615);
	assert_int_equal(ledger_line(bill, BILL_INSTANCE, "a") +
				 ledger_line(bill, BILL_INSTANCE, "b") +
				 ledger_line(bill, BILL_IDLE, ""),
		bill->nano);
	assert_int_equal(bill->burn_nano, 192000000);
	bill_free(bill);
	ledger_done(&ledger);
}

/* Whatever happens on a tenant's machine, the lines add up to what the machine costs. */
static void test_random_ledgers_add_up(void **state)
{
	unsigned seed = 7;

	(void)state;
	for (int round = 0; round < 20; round++) {
		struct ledger ledger;
		struct usage_subject machine = ledger_host("h1", "ec2/m5.xlarge", 4, 16);
		int64_t now_ns = NOVEMBER_NS, sum = 0, daily = 0;
		struct bill *bill;

		ledger_init(&ledger);
		ledger_at(&ledger, now_ns);
		ledger_meter(&ledger, 1001, ledger.tenant, &machine);
		for (int change = 0; change < 60; change++) {
			char service[2] = {(char)('a' + rand_r(&seed) % 5), '\0'};
			struct usage_subject subject = ledger_instance(service, "0", "h1",
				rand_r(&seed) % 3000, rand_r(&seed) % 9000);

			now_ns += rand_r(&seed) * INT64_C(15000);
			ledger_at(&ledger, now_ns);
			ledger_meter(&ledger, 2000 + service[0], ledger.tenant,
				rand_r(&seed) % 4 ? &subject : NULL);
		}
		now_ns += 5 * HOUR;
		bill = ledger_bill(&ledger, ledger.tenant, now_ns);
		for (size_t i = 0; i < bill->count; i++) {
			assert_true(bill->lines[i].nano >= 0);
			sum += bill->lines[i].nano;
			for (int day = 0; day < BILL_DAYS_MAX; day++)
				daily += bill->lines[i].daily[day];
		}
		assert_int_equal(sum, bill->nano);
		assert_int_equal(daily, bill->nano);
		ledger_about(bill->nano, money_cost(192000000, NOVEMBER_NS, now_ns));
		bill_free(bill);
		ledger_done(&ledger);
	}
}

struct actual {
	int64_t tenant, day_ns;
	const char *service;
	int64_t nano;
};

static int set_actual(struct txn *txn, void *arg, struct error *reterr)
{
	const struct actual *actual = arg;

	(void)reterr;
	return txn_set_actual(txn, actual->tenant, actual->day_ns, actual->service, actual->nano);
}

static void actual(struct ledger *ledger, int64_t tenant, int day, const char *service,
	int64_t nano)
{
	struct actual actual = {tenant, NOVEMBER_NS + day * CALENDAR_DAY_NS, service, nano};

	assert_int_equal(store_update(ledger->fixture.store, STORE_RELAXED, NULL, set_actual,
				 &actual, NULL),
		0);
}

static int64_t total_of(const struct totals *totals, int64_t payer)
{
	for (size_t i = 0; i < totals->count; i++)
		if (totals->all[i].payer == payer)
			return totals->all[i].nano;
	return -1;
}

/* Of a shared machine each pays what he reserves; what is left is the platform's. One's own host
 * is no part of that, even at the same price. */
static void test_shared_machine(void **state)
{
	struct ledger ledger;
	struct calendar_month month = calendar_month_of(NOVEMBER_NS);
	struct usage_subject machine = ledger_host("local", SKU_MACHINE, 4, 16);
	struct usage_subject own = ledger_host("h1", SKU_MACHINE, 4, 16);
	struct usage_subject a = ledger_instance("a", "0", "local", 1000, 2048);
	struct usage_subject b = ledger_instance("b", "0", "h1", 1000, 2048);
	int64_t now_ns = NOVEMBER_NS + 10 * HOUR;
	struct totals totals;
	struct bill *mine;

	(void)state;
	ledger_init(&ledger);
	ledger_at(&ledger, NOVEMBER_NS);
	ledger_meter(&ledger, 1001, PLATFORM_ID, &machine);
	ledger_meter(&ledger, 1002, ledger.tenant, &a);
	mine = ledger_bill(&ledger, ledger.tenant, now_ns);
	ledger_about(mine->nano, 211538461);
	assert_int_equal(mine->count, 1);
	ledger_about(mine->burn_nano, 21153846);
	bill_free(mine);
	ledger_meter(&ledger, 1003, ledger.tenant, &own);
	ledger_meter(&ledger, 1004, ledger.tenant, &b);
	assert_int_equal(totals_make(ledger.fixture.store, ledger.prices, &month, now_ns, &totals),
		0);
	assert_int_equal(totals.count, 2);
	ledger_about(total_of(&totals, PLATFORM_ID), 1000000000 - 211538461);
	ledger_about(total_of(&totals, ledger.tenant), 1000000000 + 211538461);
	totals_done(&totals);
	ledger_done(&ledger);
}

static void same_totals(struct ledger *ledger, int64_t now_ns)
{
	struct calendar_month month = calendar_month_of(now_ns);
	struct bill *bill = ledger_bill(ledger, ledger->tenant, now_ns);
	struct total total;

	assert_int_equal(total_make(ledger->fixture.store, ledger->prices, ledger->tenant, &month,
				 now_ns, &total),
		0);
	assert_int_equal(total.nano, bill->nano);
	assert_memory_equal(total.daily, bill->daily, sizeof(total.daily));
	assert_int_equal(total.burn_nano, bill->burn_nano);
	assert_int_equal(total.actual_days, bill->actual_days);
	bill_free(bill);
}

static int64_t days_kept(struct ledger *ledger)
{
	struct calendar_month month = calendar_month_of(NOVEMBER_NS);
	struct usage_day days[BILL_DAYS_MAX];
	size_t count;

	assert_int_equal(store_usage_days(ledger->fixture.store, ledger->tenant,
				 prices_identity(ledger->prices), month.start_ns, month.end_ns,
				 days, &count),
		0);
	return (int64_t)count;
}

/* Sums of days that are over are what the bill comes to, whatever happens to them. */
static void test_days_that_are_over(void **state)
{
	struct ledger ledger;
	struct usage_subject machine = ledger_host("h1", "ec2/m5.xlarge", 4, 16);
	int64_t now_ns = NOVEMBER_NS;
	unsigned seed = 3;

	(void)state;
	ledger_init(&ledger);
	ledger_at(&ledger, now_ns);
	ledger_meter(&ledger, 1001, ledger.tenant, &machine);
	for (int change = 0; change < 100; change++) {
		struct usage_subject subject =
			ledger_instance("a", "0", "h1", rand_r(&seed) % 3000, rand_r(&seed) % 9000);

		now_ns = NOVEMBER_NS + (change + 1) * INT64_C(2) * HOUR + rand_r(&seed);
		ledger_at(&ledger, now_ns);
		ledger_meter(&ledger, 2000, ledger.tenant, change % 3 ? &subject : NULL);
		same_totals(&ledger, now_ns);
		assert_int_equal(totals_close(ledger.fixture.store, ledger.prices, now_ns), 0);
		same_totals(&ledger, now_ns);
	}
	assert_int_equal(days_kept(&ledger), 8);
	/* What the provider says of a day that was added up makes it wrong. */
	actual(&ledger, ledger.tenant, 2, "Amazon Elastic Compute Cloud - Compute", 123);
	assert_int_equal(days_kept(&ledger), 0);
	same_totals(&ledger, now_ns);
	assert_int_equal(totals_close(ledger.fixture.store, ledger.prices, now_ns), 0);
	assert_int_equal(days_kept(&ledger), 8);
	same_totals(&ledger, now_ns);
	/* The last day of the month is added up in the next one. */
	assert_int_equal(totals_close(ledger.fixture.store, ledger.prices,
				 NOVEMBER_NS + 30 * CALENDAR_DAY_NS + HOUR),
		0);
	assert_int_equal(days_kept(&ledger), 30);
	ledger_done(&ledger);
}

static int set_machine(struct txn *txn, void *arg, struct error *reterr)
{
	const struct ledger_set *set = arg;

	(void)reterr;
	return txn_usage_set_parts(txn, set->object, set->payer, set->subject,
		set->object == 1001 ? 2 : 0);
}

/* A machine with a disk of 20 GiB: each is paid by itself, both end together. */
static void test_parts_of_an_object(void **state)
{
	struct ledger ledger;
	struct usage_subject parts[] = {ledger_host("h1", "ec2/m5.xlarge", 4, 16),
		{.kind = USAGE_RESOURCE, .name = "h1", .sku = "ebs/gp3-gib", .quantity = 20}};
	struct ledger_set set = {1001, 0, parts};
	struct store *store;
	struct bill *bill;
	int64_t moved, before;

	(void)state;
	ledger_init(&ledger);
	store = ledger.fixture.store;
	set.payer = ledger.tenant;
	ledger_at(&ledger, NOVEMBER_NS);
	assert_int_equal(store_update(store, STORE_RELAXED, NULL, set_machine, &set, NULL), 0);
	assert_int_equal(store_usage_moved(store, ledger.tenant, &before), 0);
	ledger_at(&ledger, NOVEMBER_NS + HOUR);
	assert_int_equal(store_update(store, STORE_RELAXED, NULL, set_machine, &set, NULL), 0);
	assert_int_equal(store_usage_moved(store, ledger.tenant, &moved), 0);
	assert_int_equal(moved, before);
	bill = ledger_bill(&ledger, ledger.tenant, NOVEMBER_NS + 10 * HOUR);
	ledger_about(ledger_line(bill, BILL_IDLE, ""), 1920000000);
	ledger_about(ledger_line(bill, BILL_RESOURCE, ""), 200 * 109589);
	ledger_about(bill->burn_nano, 192000000 + 20 * 109589);
	bill_free(bill);
	/* A larger disk, the same machine: only the disk's meter is cut. */
	parts[1].quantity = 40;
	assert_int_equal(store_update(store, STORE_RELAXED, NULL, set_machine, &set, NULL), 0);
	ledger_at(&ledger, NOVEMBER_NS + 2 * HOUR);
	ledger_meter(&ledger, 1001, ledger.tenant, NULL);
	assert_int_equal(store_usage_moved(store, ledger.tenant, &moved), 0);
	assert_true(moved > before);
	bill = ledger_bill(&ledger, ledger.tenant, NOVEMBER_NS + 10 * HOUR);
	ledger_about(ledger_line(bill, BILL_IDLE, ""), 2 * 192000000);
	ledger_about(ledger_line(bill, BILL_RESOURCE, ""), 60 * 109589);
	assert_int_equal(bill->burn_nano, 0);
	bill_free(bill);
	ledger_done(&ledger);
}

/* Who was removed and came back under the same name is one line, so that no two lines are alike. */
static void test_a_name_that_comes_back(void **state)
{
	struct total all[] = {
		{.payer = 5, .name = "demo", .nano = 3, .daily = {1, 2}, .actual_days = 1},
		{.payer = 6, .name = "other", .nano = 5, .daily = {5}},
		{.payer = 9, .name = "demo", .nano = 11, .daily = {0, 11}, .actual_days = 2}};
	struct totals totals = {all, 3};
	struct calendar_month month = calendar_month_of(NOVEMBER_NS);
	_cleanup_prices_ struct prices *prices = prices_of(NULL);
	struct bill *bill;

	(void)state;
	assert_int_equal(totals_bill(&totals, prices, &month, month.end_ns, &bill), 0);
	assert_int_equal(bill->count, 2);
	assert_int_equal(bill->nano, 19);
	assert_string_equal(bill->lines[0].service, "demo");
	assert_int_equal(bill->lines[0].nano, 14);
	assert_int_equal(bill->lines[0].daily[1], 13);
	assert_int_equal(bill->lines[0].actual_days, 3);
	assert_string_equal(bill->lines[1].service, "other");
	bill_free(bill);
	totals = (struct totals){0};
	assert_int_equal(totals_bill(&totals, prices, &month, month.end_ns, &bill), 0);
	assert_int_equal(bill->count, 0);
	bill_free(bill);
}

/* A deleted service keeps its cost; months are cut; what has no price is said. */
static void test_ledger_outlives_the_object(void **state)
{
	struct ledger ledger;
	struct usage_subject balancer = {
		.kind = USAGE_BALANCER, .service = "web", .sku = "elb/application"};
	struct usage_subject odd = {.kind = USAGE_RESOURCE, .name = "x", .sku = "odd/thing"};
	struct bill *bill;

	(void)state;
	ledger_init(&ledger);
	ledger_at(&ledger, NOVEMBER_NS - 5 * HOUR);
	ledger_meter(&ledger, 1001, ledger.tenant, &balancer);
	ledger_meter(&ledger, 1002, ledger.tenant, &odd);
	ledger_at(&ledger, NOVEMBER_NS + 3 * HOUR);
	ledger_meter(&ledger, 1001, ledger.tenant, NULL);
	ledger_meter(&ledger, 1002, ledger.tenant, NULL);
	store_fixture_reopen(&ledger.fixture);
	bill = ledger_bill(&ledger, ledger.tenant, NOVEMBER_NS + 100 * HOUR);
	ledger_about(ledger_line(bill, BILL_BALANCER, "web"), 3 * 22500000);
	assert_int_equal(ledger_line(bill, BILL_RESOURCE, ""), 0);
	assert_string_equal(bill->unpriced, "odd/thing");
	assert_int_equal(bill->unpriced_ns / HOUR, 3);
	assert_int_equal(bill->burn_nano, 0);
	bill_free(bill);
	ledger_done(&ledger);
}

/* Set back: counted on. Set forward: what was skipped is nobody's time. */
static void test_clock_that_jumps(void **state)
{
	struct ledger ledger;
	struct usage_subject balancer = {
		.kind = USAGE_BALANCER, .service = "web", .sku = "elb/application"};
	struct usage_set set = {0};
	struct buf events = BUF_INIT;

	(void)state;
	ledger_init(&ledger);
	ledger_at(&ledger, clock_wall_ns() - 2 * HOUR); /* the wall is ahead by two hours */
	ledger_meter(&ledger, 1001, ledger.tenant, &balancer);
	assert_int_equal(store_usage_check_clock(ledger.fixture.store, NULL), 0);
	ledger_meter(&ledger, 1001, ledger.tenant, NULL);
	assert_int_equal(store_usage_load(ledger.fixture.store, ledger.tenant,
				 calendar_month_of(clock_wall_ns()).start_ns,
				 clock_wall_ns() + HOUR, &set),
		0);
	for (size_t i = 0; i < set.interval_count; i++)
		assert_true(set.intervals[i].end_ns - set.intervals[i].start_ns < HOUR / 2);
	assert_int_equal(store_events(ledger.fixture.store, PLATFORM_ID, &events), 0);
	assert_non_null(strstr(buf_string(&events), "set forward by 7"));
	ledger_at(&ledger, clock_wall_ns() + 2 * HOUR);
	assert_int_equal(store_usage_check_clock(ledger.fixture.store, NULL), 0);
	buf_reset(&events);
	assert_int_equal(store_events(ledger.fixture.store, PLATFORM_ID, &events), 0);
	assert_non_null(strstr(buf_string(&events), "set back by 7"));
	buf_done(&events);
	usage_set_done(&set);
	ledger_done(&ledger);
}

static const struct bill_line *find_line(const struct bill *bill, enum bill_kind kind,
	const char *service)
{
	for (size_t i = 0; i < bill->count; i++)
		if (bill->lines[i].kind == kind && strcmp(bill->lines[i].service, service) == 0)
			return &bill->lines[i];
	fail_msg("no such line");
	return NULL;
}

static void adds_up(const struct bill *bill)
{
	int64_t sum = 0, daily = 0;

	for (size_t i = 0; i < bill->count; i++) {
		int64_t line = 0;

		for (int day = 0; day < BILL_DAYS_MAX; day++)
			line += bill->lines[i].daily[day];
		assert_int_equal(line, bill->lines[i].nano);
		sum += bill->lines[i].nano;
	}
	for (int day = 0; day < BILL_DAYS_MAX; day++)
		daily += bill->daily[day];
	assert_int_equal(sum, bill->nano);
	assert_int_equal(daily, bill->nano);
}

/* A day on which the machine was billed at half of its list price, storage by use, and a credit. */
static void test_actuals_replace_estimates(void **state)
{
	struct ledger ledger;
	struct usage_subject machine = ledger_host("h1", "ec2/m5.xlarge", 4, 16);
	struct usage_subject a = ledger_instance("a", "0", "h1", 1000, 2048);
	struct bill *bill;

	(void)state;
	ledger_init(&ledger);
	ledger_at(&ledger, NOVEMBER_NS);
	ledger_meter(&ledger, 1001, ledger.tenant, &machine);
	ledger_meter(&ledger, 1002, ledger.tenant, &a);
	actual(&ledger, ledger.tenant, 0, "Amazon Elastic Compute Cloud - Compute",
		12 * INT64_C(192000000) + 1);
	actual(&ledger, ledger.tenant, 0, "Amazon Simple Storage Service", 5000);
	actual(&ledger, ledger.tenant, 1, "Amazon Simple Storage Service", -7000);
	/* Nobody that this platform knows. */
	actual(&ledger, 999, 0, "AWS Lambda", 11);
	actual(&ledger, 0, 0, "AWS Lambda", 22);
	bill = ledger_bill(&ledger, ledger.tenant, NOVEMBER_NS + 48 * HOUR);
	adds_up(bill);
	assert_int_equal(bill->daily[0], 12 * INT64_C(192000000) + 1 + 5000);
	ledger_about(bill->daily[1], 24 * INT64_C(192000000) - 7000);
	ledger_about(find_line(bill, BILL_INSTANCE, "a")->daily[0], 12 * INT64_C(40615385));
	assert_int_equal(ledger_line(bill, BILL_USE, ""), -2000);
	assert_string_equal(bill_basis(find_line(bill, BILL_INSTANCE, "a")), "part actual");
	assert_string_equal(bill_basis(find_line(bill, BILL_USE, "")), "actual");
	assert_string_equal(report_day_basis(bill, 0), "actual");
	assert_string_equal(report_day_basis(bill, 1), "part actual");
	bill_free(bill);
	/* A later word replaces the earlier one. */
	actual(&ledger, ledger.tenant, 0, "Amazon Simple Storage Service", 6000);
	bill = ledger_bill(&ledger, ledger.tenant, NOVEMBER_NS + 48 * HOUR);
	assert_int_equal(ledger_line(bill, BILL_USE, ""), -1000);
	bill_free(bill);
	bill = ledger_bill(&ledger, PLATFORM_ID, NOVEMBER_NS + 48 * HOUR);
	assert_int_equal(ledger_line(bill, BILL_USE, ""), 33);
	bill_free(bill);
	ledger_done(&ledger);
}

/* A leap day and the ends of months: what runs through them is on each month's bill, once. */
static void test_months_are_whole(void **state)
{
	static const char *const starts[] = {"2028-02-01", "2028-12-01", "2026-04-01"};
	static const int days[] = {29, 31, 30};
	struct usage_subject balancer = {
		.kind = USAGE_BALANCER, .service = "web", .sku = "elb/application"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct ledger ledger;
		struct bill *before, *bill, *after;
		int64_t start_ns, end_ns;

		assert_int_equal(calendar_time_parse(starts[i], &start_ns), 0);
		end_ns = start_ns + days[i] * CALENDAR_DAY_NS;
		ledger_init(&ledger);
		ledger_at(&ledger, start_ns - 2 * HOUR);
		ledger_meter(&ledger, 1001, ledger.tenant, &balancer);
		ledger_at(&ledger, end_ns + 3 * HOUR);
		ledger_meter(&ledger, 1001, ledger.tenant, NULL);
		before = ledger_bill(&ledger, ledger.tenant, start_ns);
		bill = ledger_bill(&ledger, ledger.tenant, end_ns);
		after = ledger_bill(&ledger, ledger.tenant, end_ns + 4 * HOUR);
		ledger_about(before->nano, 2 * INT64_C(22500000));
		assert_int_equal(bill->month.days, days[i]);
		assert_int_equal(bill->nano, days[i] * 24 * INT64_C(22500000));
		assert_int_equal(bill->daily[days[i] - 1], 24 * INT64_C(22500000));
		ledger_about(after->nano, 3 * INT64_C(22500000));
		bill_free(before);
		bill_free(bill);
		bill_free(after);
		ledger_done(&ledger);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_worked_vector),
		cmocka_unit_test(test_random_ledgers_add_up),
		cmocka_unit_test(test_shared_machine),
		cmocka_unit_test(test_days_that_are_over),
		cmocka_unit_test(test_parts_of_an_object),
		cmocka_unit_test(test_a_name_that_comes_back),
		cmocka_unit_test(test_ledger_outlives_the_object),
		cmocka_unit_test(test_clock_that_jumps),
		cmocka_unit_test(test_actuals_replace_estimates),
		cmocka_unit_test(test_months_are_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
