/* SPDX-License-Identifier: Apache-2.0 */
/* Money, months, prices, and bills that a ledger with a clock in the test's hands makes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"
#include "billing/report.h"
#include "store/store_private.h"
#include "store_fixture.h"

#define HOUR        CALENDAR_HOUR_NS
#define NOVEMBER_NS INT64_C(1793491200000000000) /* 2026-11-01T00:00:00Z */

/* ---- money ---- */

static void parse_is(const char *text, int result, int64_t nano)
{
	int64_t got = -1;

	assert_int_equal(money_parse(text, &got), result);
	assert_int_equal(got, result < 0 ? -1 : nano);
}

static void test_money_parse(void **state)
{
	(void)state;
	parse_is("0", 0, 0);
	parse_is("12", 0, 12 * MONEY_ONE);
	parse_is("0.096", 0, 96 * MONEY_ONE / 1000);
	parse_is(".5", 0, MONEY_ONE / 2);
	parse_is("5.", 0, 5 * MONEY_ONE);
	parse_is("0.000000001", 0, 1);
	parse_is("0.0000000001", -EINVAL, 0);
	parse_is("", -EINVAL, 0);
	parse_is(".", -EINVAL, 0);
	parse_is("-1", -EINVAL, 0);
	parse_is("1,5", -EINVAL, 0);
	parse_is("1.2.3", -EINVAL, 0);
	parse_is("1e3", -EINVAL, 0);
	parse_is("99999999999999999999", -ERANGE, 0);
}

static void print_is(int64_t nano, int places, const char *text)
{
	struct buf out = BUF_INIT;

	money_print(&out, nano, places);
	assert_string_equal(buf_string(&out), text);
	buf_done(&out);
}

static void test_money_print(void **state)
{
	(void)state;
	print_is(0, 2, "0.00");
	print_is(1234567891, 2, "1.23");
	print_is(1235000000, 2, "1.24");
	print_is(999999999, 2, "1.00");
	print_is(-1500000000, 1, "-1.5");
	print_is(-1, 2, "0.00");
	print_is(1, 9, "0.000000001");
	print_is(INT64_MAX, 0, "9223372037");
}

static void test_money_share(void **state)
{
	const weight thirds[] = {1, 1, 1};
	const weight none[] = {0, 0};
	const weight huge[] = {(weight)1 << 120, (weight)1 << 121};
	int64_t shares[3];

	(void)state;
	assert_int_equal(money_share(100, thirds, 3, shares), 0);
	assert_int_equal(shares[0], 34);
	assert_int_equal(shares[1], 33);
	assert_int_equal(shares[2], 33);
	assert_int_equal(money_share(7, none, 2, shares), 0);
	assert_int_equal(shares[0], 0);
	assert_int_equal(shares[1], 7);
	assert_int_equal(money_share(INT64_C(1) << 50, huge, 2, shares), 0);
	assert_int_equal(shares[0] + shares[1], INT64_C(1) << 50);
	assert_true(shares[1] - 2 * shares[0] <= 2 && shares[1] - 2 * shares[0] >= -2);
}

/* Wherever an interval is cut, the pieces cost what the whole does. */
static void test_money_cost_adds_up(void **state)
{
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 1000; round++) {
		int64_t rate = rand_r(&seed) % 100000007, at = NOVEMBER_NS + rand_r(&seed);
		int64_t start = at, sum = 0;

		for (int cut = 0; cut < 20; cut++) {
			int64_t next = at + rand_r(&seed) * INT64_C(977);

			sum += money_cost(rate, at, next);
			at = next;
		}
		assert_int_equal(sum, money_cost(rate, start, at));
	}
}

/* ---- months ---- */

static void test_months(void **state)
{
	struct calendar_month month = calendar_month_of(NOVEMBER_NS);
	int64_t ns;

	(void)state;
	assert_int_equal(month.year, 2026);
	assert_int_equal(month.month, 11);
	assert_int_equal(month.days, 30);
	assert_int_equal(month.start_ns, NOVEMBER_NS);
	month = calendar_month_of(NOVEMBER_NS - 1);
	assert_int_equal(month.month, 10);
	assert_int_equal(month.end_ns, NOVEMBER_NS);
	assert_int_equal(calendar_month_parse("2028-02", &month), 0);
	assert_int_equal(month.days, 29);
	assert_int_equal(calendar_month_parse("2100-02", &month), 0);
	assert_int_equal(month.days, 28);
	assert_int_equal(calendar_month_parse("2026-13", &month), -EINVAL);
	assert_int_equal(calendar_month_parse("2026-1", &month), -EINVAL);
	assert_int_equal(calendar_month_parse("2026-011", &month), -EINVAL);
	assert_int_equal(calendar_time_parse("2026-11-01", &ns), 0);
	assert_int_equal(ns, NOVEMBER_NS);
	assert_int_equal(calendar_time_parse("2026-11-01T01:00:00Z", &ns), 0);
	assert_int_equal(ns, NOVEMBER_NS + HOUR);
	assert_int_equal(calendar_time_parse("2026-02-29", &ns), -EINVAL);
	assert_int_equal(calendar_time_parse("2026-11-01T01:00", &ns), -EINVAL);
	/* Each month begins where the one before ends, for 130 years. */
	month = calendar_month_of(0);
	for (int i = 0; i < 130 * 12; i++) {
		struct calendar_month next = calendar_month_of(month.end_ns);

		assert_int_equal(next.start_ns, month.end_ns);
		assert_int_equal(next.month, month.month % 12 + 1);
		month = next;
	}
}

/* ---- prices ---- */

static struct prices *prices_of(const char *text)
{
	struct error error = ERROR_INIT;
	struct prices *prices = NULL;

	if (prices_parse(text, text ? strlen(text) : 0, &prices, &error) < 0)
		fail_msg("%s", error.text);
	return prices;
}

static int64_t price(const struct prices *prices, const char *sku, const char *region, int64_t at)
{
	int64_t nano, until;

	return prices_find(prices, sku, region, at, &nano, &until) ? nano : -1;
}

static void test_prices(void **state)
{
	_cleanup_prices_ struct prices *shipped = prices_of(NULL);
	_cleanup_prices_ struct prices *own =
		prices_of("{\"Currency\":\"EUR\",\"Prices\":["
			  "{\"Sku\":\"ec2/m5.large\",\"Price\":\"0.09\"},"
			  "{\"Sku\":\"ec2/m5.large\",\"Price\":\"0.08\",\"From\":\"2026-11-02\"},"
			  "{\"Sku\":\"ec2/m5.large\",\"Region\":\"eu-west-1\",\"Price\":0.1},"
			  "{\"Sku\":\"own/thing\",\"Price\":\"1\",\"From\":\"2026-12-01\"}]}");

	(void)state;
	assert_string_equal(prices_currency(shipped), "USD");
	assert_int_equal(price(shipped, "ec2/m5.large", "us-west-2", NOVEMBER_NS), 96000000);
	assert_int_equal(price(shipped, "ec2/none", "", NOVEMBER_NS), -1);
	assert_string_equal(prices_currency(own), "EUR");
	assert_int_equal(price(own, "ec2/m5.large", "us-west-2", NOVEMBER_NS), 90000000);
	assert_int_equal(price(own, "ec2/m5.large", "us-west-2", NOVEMBER_NS + 24 * HOUR),
		80000000);
	assert_int_equal(price(own, "ec2/m5.large", "eu-west-1", NOVEMBER_NS), 100000000);
	assert_int_equal(price(own, "ec2/m5.xlarge", "", NOVEMBER_NS), 192000000);
	assert_int_equal(price(own, "own/thing", "", NOVEMBER_NS), -1);
}

static void refused(const char *text, int code, const char *sentence)
{
	struct error error = ERROR_INIT;
	struct prices *prices = NULL;

	assert_int_equal(prices_parse(text, strlen(text), &prices, &error), code);
	assert_null(prices);
	if (sentence && !strstr(error.text, sentence))
		fail_msg("\"%s\" does not say \"%s\"", error.text, sentence);
}

static void test_prices_refused(void **state)
{
	(void)state;
	refused("{\"Prices\":[", -ENODATA, NULL);
	refused("[]", -EINVAL, "object");
	refused("{\"Prizes\":[]}", -EINVAL, "did you mean \"Prices\"?");
	refused("{\"Currency\":\"dollar\"}", -EINVAL, "Currency");
	refused("{\"Prices\":{}}", -EINVAL, "list");
	refused("{\"Prices\":[{\"Price\":\"1\"}]}", -EINVAL, "row 1: Sku");
	refused("{\"Prices\":[{\"Sku\":\"a\"}]}", -EINVAL, "row 1: Price");
	refused("{\"Prices\":[{\"Sku\":\"a\",\"Price\":\"-1\"}]}", -EINVAL, "not negative");
	refused("{\"Prices\":[{\"Sku\":\"a\",\"Price\":\"2000000\"}]}", -EINVAL, "Price");
	refused("{\"Prices\":[{\"Sku\":\"a\",\"Price\":\"1\",\"From\":\"2026-02-30\"}]}", -EINVAL,
		"From");
	refused("{\"Prices\":[{\"Sku\":\"a\",\"Price\":\"1\",\"Regoin\":\"x\"}]}", -EINVAL,
		"did you mean \"Region\"?");
}

/* ---- bills ---- */

struct ledger {
	struct store_fixture fixture;
	int64_t tenant;
	struct prices *prices;
};

static void ledger_init(struct ledger *ledger)
{
	store_fixture_init(&ledger->fixture);
	ledger->tenant = fixture_create(&ledger->fixture, PLATFORM_ID, KIND_TENANT, "demo");
	ledger->prices = prices_of(NULL);
}

static void ledger_done(struct ledger *ledger)
{
	prices_free(ledger->prices);
	store_fixture_done(&ledger->fixture);
}

static void at(struct ledger *ledger, int64_t ns)
{
	usage_clock_set(&ledger->fixture.store->usage_clock, ns);
}

struct set {
	int64_t object, payer;
	const struct usage_subject *subject;
};

static int set_usage(struct txn *txn, void *arg, struct error *reterr)
{
	const struct set *set = arg;

	(void)reterr;
	return txn_usage_set(txn, set->object, set->payer, set->subject);
}

static void meter(struct ledger *ledger, int64_t object, int64_t payer,
	const struct usage_subject *subject)
{
	struct set set = {object, payer, subject};

	assert_int_equal(store_update(ledger->fixture.store, STORE_RELAXED, NULL, set_usage, &set,
				 NULL),
		0);
}

static struct usage_subject host(const char *name, const char *sku, int64_t cpu, int64_t gib)
{
	struct usage_subject subject = {
		.kind = USAGE_HOST, .cpu_milli = cpu * 1000, .memory_mib = gib * 1024};

	(void)text_copy(subject.name, sizeof(subject.name), name);
	(void)text_copy(subject.sku, sizeof(subject.sku), sku);
	return subject;
}

static struct usage_subject instance(const char *service, const char *name, const char *on,
	int64_t cpu_milli, int64_t mib)
{
	struct usage_subject subject = {
		.kind = USAGE_INSTANCE, .cpu_milli = cpu_milli, .memory_mib = mib};

	(void)text_copy(subject.service, sizeof(subject.service), service);
	(void)text_copy(subject.name, sizeof(subject.name), name);
	(void)text_copy(subject.host, sizeof(subject.host), on);
	return subject;
}

static struct bill *bill_of(struct ledger *ledger, int64_t payer, int64_t now_ns)
{
	struct calendar_month month = calendar_month_of(NOVEMBER_NS);
	struct bill *bill = NULL;

	assert_int_equal(bill_make(ledger->fixture.store, ledger->prices, payer, &month, now_ns,
				 &bill),
		0);
	return bill;
}

static int64_t line_nano(const struct bill *bill, enum bill_kind kind, const char *service)
{
	for (size_t i = 0; i < bill->count; i++)
		if (bill->lines[i].kind == kind && strcmp(bill->lines[i].service, service) == 0)
			return bill->lines[i].nano;
	return -1;
}

/* The clock of the ledger runs while the test does: amounts are right to a second's worth. */
#define SLACK 60000

static void about(int64_t nano, int64_t wanted)
{
	if (nano < wanted - SLACK || nano > wanted + SLACK)
		fail_msg("%lld is not about %lld", (long long)nano, (long long)wanted);
}

/* m5.xlarge, 4 vCPU, 16 GiB, 0.192 an hour; A has 1 CPU and 2 GiB, B 2 CPUs and 8 GiB. */
static void test_worked_vector(void **state)
{
	struct ledger ledger;
	struct usage_subject machine = host("h1", "ec2/m5.xlarge", 4, 16);
	struct usage_subject a = instance("a", "0", "h1", 1000, 2048);
	struct usage_subject b = instance("b", "0", "h1", 2000, 8192);
	struct bill *bill;

	(void)state;
	ledger_init(&ledger);
	at(&ledger, NOVEMBER_NS);
	meter(&ledger, 1001, ledger.tenant, &machine);
	meter(&ledger, 1002, ledger.tenant, &a);
	meter(&ledger, 1003, ledger.tenant, &b);
	bill = bill_of(&ledger, ledger.tenant, NOVEMBER_NS + HOUR);
	about(bill->nano, 192000000);
	about(line_nano(bill, BILL_INSTANCE, "a"), 40615385);
	about(line_nano(bill, BILL_INSTANCE, "b"), 96000000);
	about(line_nano(bill, BILL_IDLE, ""), 55384615);
	assert_int_equal(line_nano(bill, BILL_INSTANCE, "a") + line_nano(bill, BILL_INSTANCE, "b") +
				 line_nano(bill, BILL_IDLE, ""),
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
		struct usage_subject machine = host("h1", "ec2/m5.xlarge", 4, 16);
		int64_t now_ns = NOVEMBER_NS, sum = 0, daily = 0;
		struct bill *bill;

		ledger_init(&ledger);
		at(&ledger, now_ns);
		meter(&ledger, 1001, ledger.tenant, &machine);
		for (int change = 0; change < 60; change++) {
			char service[2] = {(char)('a' + rand_r(&seed) % 5), '\0'};
			struct usage_subject subject = instance(service, "0", "h1",
				rand_r(&seed) % 3000, rand_r(&seed) % 9000);

			now_ns += rand_r(&seed) * INT64_C(15000);
			at(&ledger, now_ns);
			meter(&ledger, 2000 + service[0], ledger.tenant,
				rand_r(&seed) % 4 ? &subject : NULL);
		}
		now_ns += 5 * HOUR;
		bill = bill_of(&ledger, ledger.tenant, now_ns);
		for (size_t i = 0; i < bill->count; i++) {
			assert_true(bill->lines[i].nano >= 0);
			sum += bill->lines[i].nano;
			for (int day = 0; day < BILL_DAYS_MAX; day++)
				daily += bill->lines[i].daily[day];
		}
		assert_int_equal(sum, bill->nano);
		assert_int_equal(daily, bill->nano);
		about(bill->nano, money_cost(192000000, NOVEMBER_NS, now_ns));
		bill_free(bill);
		ledger_done(&ledger);
	}
}

/* Of a shared machine each pays what he reserves; what is left is the platform's. */
static void test_shared_machine(void **state)
{
	struct ledger ledger;
	struct usage_subject machine = host("local", SKU_MACHINE, 4, 16);
	struct usage_subject a = instance("a", "0", "local", 1000, 2048);
	struct bill *mine, *rest;

	(void)state;
	ledger_init(&ledger);
	at(&ledger, NOVEMBER_NS);
	meter(&ledger, 1001, PLATFORM_ID, &machine);
	meter(&ledger, 1002, ledger.tenant, &a);
	mine = bill_of(&ledger, ledger.tenant, NOVEMBER_NS + 10 * HOUR);
	rest = bill_of(&ledger, PLATFORM_ID, NOVEMBER_NS + 10 * HOUR);
	about(mine->nano, 211538461);
	assert_int_equal(mine->count, 1);
	about(mine->nano + rest->nano, 1000000000);
	about(mine->burn_nano, 21153846);
	bill_free(mine);
	bill_free(rest);
	ledger_done(&ledger);
}

static int set_machine(struct txn *txn, void *arg, struct error *reterr)
{
	const struct set *set = arg;

	(void)reterr;
	return txn_usage_set_parts(txn, set->object, set->payer, set->subject,
		set->object == 1001 ? 2 : 0);
}

/* A machine with a disk of 20 GiB: each is paid by itself, both end together. */
static void test_parts_of_an_object(void **state)
{
	struct ledger ledger;
	struct usage_subject parts[] = {host("h1", "ec2/m5.xlarge", 4, 16),
		{.kind = USAGE_RESOURCE, .name = "h1", .sku = "ebs/gp3-gib", .quantity = 20}};
	struct set set = {1001, 0, parts};
	struct store *store;
	struct bill *bill;
	int64_t moved, before;

	(void)state;
	ledger_init(&ledger);
	store = ledger.fixture.store;
	set.payer = ledger.tenant;
	at(&ledger, NOVEMBER_NS);
	assert_int_equal(store_update(store, STORE_RELAXED, NULL, set_machine, &set, NULL), 0);
	assert_int_equal(store_usage_moved(store, ledger.tenant, &before), 0);
	at(&ledger, NOVEMBER_NS + HOUR);
	assert_int_equal(store_update(store, STORE_RELAXED, NULL, set_machine, &set, NULL), 0);
	assert_int_equal(store_usage_moved(store, ledger.tenant, &moved), 0);
	assert_int_equal(moved, before);
	bill = bill_of(&ledger, ledger.tenant, NOVEMBER_NS + 10 * HOUR);
	about(line_nano(bill, BILL_IDLE, ""), 1920000000);
	about(line_nano(bill, BILL_RESOURCE, ""), 200 * 109589);
	about(bill->burn_nano, 192000000 + 20 * 109589);
	bill_free(bill);
	/* A larger disk, the same machine: only the disk's meter is cut. */
	parts[1].quantity = 40;
	assert_int_equal(store_update(store, STORE_RELAXED, NULL, set_machine, &set, NULL), 0);
	at(&ledger, NOVEMBER_NS + 2 * HOUR);
	meter(&ledger, 1001, ledger.tenant, NULL);
	assert_int_equal(store_usage_moved(store, ledger.tenant, &moved), 0);
	assert_true(moved > before);
	bill = bill_of(&ledger, ledger.tenant, NOVEMBER_NS + 10 * HOUR);
	about(line_nano(bill, BILL_IDLE, ""), 2 * 192000000);
	about(line_nano(bill, BILL_RESOURCE, ""), 60 * 109589);
	assert_int_equal(bill->burn_nano, 0);
	bill_free(bill);
	ledger_done(&ledger);
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
	at(&ledger, NOVEMBER_NS - 5 * HOUR);
	meter(&ledger, 1001, ledger.tenant, &balancer);
	meter(&ledger, 1002, ledger.tenant, &odd);
	at(&ledger, NOVEMBER_NS + 3 * HOUR);
	meter(&ledger, 1001, ledger.tenant, NULL);
	meter(&ledger, 1002, ledger.tenant, NULL);
	store_fixture_reopen(&ledger.fixture);
	bill = bill_of(&ledger, ledger.tenant, NOVEMBER_NS + 100 * HOUR);
	about(line_nano(bill, BILL_BALANCER, "web"), 3 * 22500000);
	assert_int_equal(line_nano(bill, BILL_RESOURCE, ""), 0);
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
	at(&ledger, clock_wall_ns() - 2 * HOUR); /* the wall is ahead by two hours */
	meter(&ledger, 1001, ledger.tenant, &balancer);
	assert_int_equal(store_usage_check_clock(ledger.fixture.store, NULL), 0);
	meter(&ledger, 1001, ledger.tenant, NULL);
	assert_int_equal(store_usage_load(ledger.fixture.store, ledger.tenant,
				 calendar_month_of(clock_wall_ns()).start_ns,
				 clock_wall_ns() + HOUR, &set),
		0);
	for (size_t i = 0; i < set.interval_count; i++)
		assert_true(set.intervals[i].end_ns - set.intervals[i].start_ns < HOUR / 2);
	assert_int_equal(store_events(ledger.fixture.store, PLATFORM_ID, &events), 0);
	assert_non_null(strstr(buf_string(&events), "set forward by 7"));
	at(&ledger, clock_wall_ns() + 2 * HOUR);
	assert_int_equal(store_usage_check_clock(ledger.fixture.store, NULL), 0);
	buf_reset(&events);
	assert_int_equal(store_events(ledger.fixture.store, PLATFORM_ID, &events), 0);
	assert_non_null(strstr(buf_string(&events), "set back by 7"));
	buf_done(&events);
	usage_set_done(&set);
	ledger_done(&ledger);
}

static void test_reports(void **state)
{
	struct ledger ledger;
	struct usage_subject machine = host("h1", "ec2/m5.xlarge", 4, 16);
	struct usage_subject a = instance("a", "0", "h1", 1000, 2048);
	struct report report = {.tenant = "demo", .budget_nano = 100 * MONEY_ONE};
	struct buf out = BUF_INIT;
	struct forecast forecast;
	struct bill *bill;

	(void)state;
	ledger_init(&ledger);
	at(&ledger, NOVEMBER_NS);
	meter(&ledger, 1001, ledger.tenant, &machine);
	meter(&ledger, 1002, ledger.tenant, &a);
	bill = bill_of(&ledger, ledger.tenant, NOVEMBER_NS + 240 * HOUR);
	report.bill = bill;
	forecast_make(bill, &forecast);
	about(forecast.committed, 720 * INT64_C(192000000));
	assert_int_equal(forecast.days, 7);
	about(forecast.trend / 1000, 720 * INT64_C(192000));
	report_summary(&report, &out);
	assert_non_null(strstr(out.data, "so far     46.08 USD\n"));
	assert_non_null(strstr(out.data, "committed  138.24 USD\n"));
	assert_non_null(strstr(out.data, "46 % spent"));
	buf_reset(&out);
	assert_int_equal(report_by_service(&report, &out), 0);
	assert_non_null(strstr(out.data, "9.75\t21.1\ta\tinstances\th1\tec2/m5.xlarge\n"));
	assert_non_null(strstr(out.data, "36.33\t78.8\t(idle)\tidle\th1\tec2/m5.xlarge\n"));
	buf_reset(&out);
	report_focus(&report, FOCUS_1_1, &out);
	assert_memory_equal(out.data, "BilledCost,BillingAccountId,", 28);
	assert_non_null(strstr(out.data, "ProviderName,PublisherName"));
	assert_null(strstr(out.data, "Allocated"));
	buf_reset(&out);
	report_focus(&report, FOCUS_1_4, &out);
	assert_non_null(strstr(out.data, "AllocatedMethodId"));
	assert_null(strstr(out.data, "PublisherName"));
	buf_done(&out);
	bill_free(bill);
	ledger_done(&ledger);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_money_parse),
		cmocka_unit_test(test_money_print),
		cmocka_unit_test(test_money_share),
		cmocka_unit_test(test_money_cost_adds_up),
		cmocka_unit_test(test_months),
		cmocka_unit_test(test_prices),
		cmocka_unit_test(test_prices_refused),
		cmocka_unit_test(test_worked_vector),
		cmocka_unit_test(test_random_ledgers_add_up),
		cmocka_unit_test(test_shared_machine),
		cmocka_unit_test(test_parts_of_an_object),
		cmocka_unit_test(test_ledger_outlives_the_object),
		cmocka_unit_test(test_clock_that_jumps),
		cmocka_unit_test(test_reports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
