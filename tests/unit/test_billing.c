/* SPDX-License-Identifier: Apache-2.0 */
/* Money, months, prices, and what is told of bills. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ledger_fixture.h"

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

static void amount_is(const char *text, int result, int64_t nano)
{
	int64_t got = -1;

	assert_int_equal(money_parse_amount(text, &got), result);
	assert_int_equal(got, result < 0 ? -1 : nano);
}

static void test_money_parse_amount(void **state)
{
	(void)state;
	amount_is("0.0101516483", 0, 10151648);
	amount_is("0.0101516485", 0, 10151649);
	amount_is("-1.5", 0, -1500000000);
	amount_is("12", 0, 12 * MONEY_ONE);
	amount_is("1.2E-7", 0, 120);
	amount_is("2e-10", 0, 0);
	amount_is("", -EINVAL, 0);
	amount_is("-", -EINVAL, 0);
	amount_is("--1", -EINVAL, 0);
	amount_is("nan", -EINVAL, 0);
	amount_is("1e400", -EINVAL, 0);
	amount_is("1 USD", -EINVAL, 0);
	amount_is("99999999999999999999", -ERANGE, 0);
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

static void test_money_print_exact(void **state)
{
	static const struct {
		int64_t nano;
		const char *text;
	} rows[] = {
		{0, "0.00"},
		{12500000000, "12.50"},
		{15000000, "0.015"},
		{1, "0.000000001"},
		{-1230000000, "-1.23"},
		{INT64_C(1000000000) * MONEY_ONE, "1000000000.00"},
	};
	struct buf out = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&out);
		money_print_exact(&out, rows[i].nano, 2);
		assert_string_equal(buf_string(&out), rows[i].text);
	}
	buf_done(&out);
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

/* Of any two parts none has a unit more that the other had the larger claim to. */
static void test_the_largest_remainders_get_more(void **state)
{
	weight weights[150];
	int64_t shares[150];
	unsigned seed = 7;

	(void)state;
	for (size_t count = 1; count <= 150; count++) {
		int64_t total = 1000003 + (int64_t)count * 7919, sum = 0, all = 0;

		for (size_t i = 0; i < count; i++) {
			seed = seed * 1103515245u + 12345u;
			weights[i] = count % 3 == 0 ? 5 : (seed >> 16) % 50;
			sum += (int64_t)weights[i];
		}
		assert_int_equal(money_share(total, weights, count, shares), 0);
		for (size_t i = 0; i < count; i++) {
			int64_t product = total * (int64_t)weights[i];

			all += shares[i];
			for (size_t j = 0; sum > 0 && j < count; j++) {
				int64_t other = total * (int64_t)weights[j];

				if (shares[i] == product / sum || shares[j] > other / sum)
					continue;
				assert_true(product % sum > other % sum ||
					    (product % sum == other % sum && i < j));
			}
		}
		assert_int_equal(all, total);
	}
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
	/* Dollars are no euros; nothing is nothing. */
	assert_int_equal(price(own, "ec2/m5.xlarge", "", NOVEMBER_NS), -1);
	assert_int_equal(price(own, SKU_BALANCER, "", NOVEMBER_NS), 0);
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
	refused("{\"Prices\":[{\"Sku\":\"a\",\"Price\":\"1\",\"From\":20261201}]}", -EINVAL,
		"row 1: From: a text");
	refused("{\"Prices\":[{\"Sku\":\"a\",\"Price\":\"1\",\"Region\":5}]}", -EINVAL,
		"row 1: Region: a text");
	refused("{\"Prices\":[{\"Sku\":5,\"Price\":\"1\"}]}", -EINVAL, "row 1: Sku: a text");
	refused("{\"Currency\":5}", -EINVAL, "Currency: a text");
	refused("{\"Prices\":[{\"Sku\":\"a\\\"b\",\"Price\":\"1\"}]}", -EINVAL, "row 1: Sku");
	refused("{\"Prices\":[{\"Sku\":\"a\",\"Price\":1e-12}]}", -EINVAL, "row 1: Price");
	refused("{\"Prices\":[{\"Sku\":\"a\",\"Price\":\"1\"},{\"Sku\":\"b\",\"Price\":\"1\"},"
		"{\"Sku\":\"a\",\"Price\":\"2\"}]}",
		-EINVAL, "\"a\" has two rows");
	refused("{\"Prices\":[{\"Sku\":\"a\",\"Price\":\"1\",\"Regoin\":\"x\"}]}", -EINVAL,
		"did you mean \"Region\"?");
}

static void test_reports(void **state)
{
	struct ledger ledger;
	struct usage_subject machine = ledger_host("h1", "ec2/m5.xlarge", 4, 16);
	struct usage_subject a = ledger_instance("a", "0", "h1", 1000, 2048);
	struct report report = {.tenant = "demo", .budget_nano = 100 * MONEY_ONE};
	struct buf out = BUF_INIT;
	struct forecast forecast;
	struct bill *bill;

	(void)state;
	ledger_init(&ledger);
	ledger_at(&ledger, NOVEMBER_NS);
	ledger_meter(&ledger, 1001, ledger.tenant, &machine);
	ledger_meter(&ledger, 1002, ledger.tenant, &a);
	bill = ledger_bill(&ledger, ledger.tenant, NOVEMBER_NS + 240 * HOUR);
	report.bill = bill;
	forecast_make(bill, &forecast);
	ledger_about(forecast.committed, 720 * INT64_C(192000000));
	assert_int_equal(forecast.days, 7);
	ledger_about(forecast.trend / 1000, 720 * INT64_C(192000));
	report_summary(&report, &out);
	assert_non_null(strstr(out.data, "so far     46.08 USD\n"));
	assert_non_null(strstr(out.data, "committed  138.24 USD\n"));
	assert_non_null(strstr(out.data, "46 % spent"));
	buf_reset(&out);
	assert_int_equal(report_by_service(&report, &out), 0);
	assert_non_null(strstr(out.data,
		"9.75\t21.2\ta\tinstances\th1\tec2/m5.xlarge\testimated\n"));
	assert_non_null(strstr(out.data,
		"36.33\t78.8\t(idle)\tidle\th1\tec2/m5.xlarge\testimated\n"));
	buf_reset(&out);
	assert_int_equal(report_focus(&report, FOCUS_1_1, &out), 0);
	assert_memory_equal(out.data, "BilledCost,BillingAccountId,", 28);
	assert_non_null(strstr(out.data, "ProviderName,PublisherName"));
	assert_null(strstr(out.data, "Allocated"));
	buf_reset(&out);
	assert_int_equal(report_focus(&report, FOCUS_1_4, &out), 0);
	assert_non_null(strstr(out.data, "AllocatedMethodId"));
	assert_null(strstr(out.data, "PublisherName"));
	buf_done(&out);
	bill_free(bill);
	ledger_done(&ledger);
}

/* Three services of a third of a cent each: the table has one cent. */
static void test_a_summary_adds_up(void **state)
{
	struct bill_line lines[3] = {{.kind = BILL_BALANCER, .service = "a", .nano = 3400000},
		{.kind = BILL_BALANCER, .service = "b", .nano = 3400000},
		{.kind = BILL_BALANCER, .service = "c", .nano = 3400000}};
	struct bill bill = {.month = calendar_month_of(NOVEMBER_NS),
		.until_ns = NOVEMBER_NS + HOUR,
		.currency = "USD",
		.lines = lines,
		.count = 3,
		.nano = 10200000};
	struct report report = {.tenant = "demo", .bill = &bill};
	struct buf out = BUF_INIT;
	int64_t sum = 0;

	(void)state;
	assert_int_equal(report_summary(&report, &out), 0);
	assert_non_null(strstr(out.data, "so far     0.01 USD\n"));
	for (const char *at = strstr(out.data, "SERVICE"); (at = strchr(at, '.')); at++)
		sum += at[1] * 10 + at[2] - 11 * '0';
	assert_int_equal(sum, 1);
	buf_done(&out);
}

/* So do days, of which each would be rounded down, and the percents of three thirds. */
static void test_days_and_percents_add_up(void **state)
{
	struct bill_line lines[3] = {{.kind = BILL_BALANCER, .service = "a", .nano = 40000},
		{.kind = BILL_BALANCER, .service = "b", .nano = 40000},
		{.kind = BILL_BALANCER, .service = "c", .nano = 40000}};
	struct bill bill = {.month = calendar_month_of(NOVEMBER_NS),
		.until_ns = NOVEMBER_NS + 3 * CALENDAR_DAY_NS,
		.currency = "USD",
		.lines = lines,
		.count = 3,
		.daily = {40000, 40000, 40000},
		.nano = 120000};
	struct report report = {.tenant = "demo", .bill = &bill};
	struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(report_by_day(&report, &out), 0);
	assert_string_equal(out.data, "#day\tUSD\tso far\tbasis\n"
				      "2026-11-01\t0.0000\t0.0000\testimated\n"
				      "2026-11-02\t0.0001\t0.0001\testimated\n"
				      "2026-11-03\t0.0000\t0.0001\testimated\n");
	buf_reset(&out);
	assert_int_equal(report_by_service(&report, &out), 0);
	assert_non_null(strstr(out.data, "\t33.4\ta\t"));
	assert_non_null(strstr(out.data, "\t33.3\tb\t"));
	assert_non_null(strstr(out.data, "\t33.3\tc\t"));
	buf_done(&out);
}

/* What has no price is named, and that it is not alone. */
static void test_unpriced_are_told(void **state)
{
	struct bill bill = {.month = calendar_month_of(NOVEMBER_NS), .currency = "USD"};
	struct report report = {.tenant = "demo", .bill = &bill};
	struct buf out = BUF_INIT;

	(void)state;
	bill.unpriced_ns = 5 * HOUR;
	bill_note_unpriced(&bill, "ec2/x9.large");
	bill_note_unpriced(&bill, "ec2/x9.large");
	assert_int_equal(report_summary(&report, &out), 0);
	assert_non_null(strstr(out.data, "no price for ec2/x9.large: 5 hours are counted as 0\n"));
	buf_reset(&out);
	bill_note_unpriced(&bill, "rds/db.x");
	assert_int_equal(report_summary(&report, &out), 0);
	assert_non_null(strstr(out.data, "no price for ec2/x9.large and others: 5 hours"));
	buf_done(&out);
}

/* The mean is of days on which there was something: a tenant of the day before yesterday. */
static void test_a_trend_begins_with_the_tenant(void **state)
{
	struct bill bill = {.month = calendar_month_of(NOVEMBER_NS)};
	struct forecast forecast;

	(void)state;
	bill.until_ns = NOVEMBER_NS + 10 * CALENDAR_DAY_NS;
	bill.daily[7] = MONEY_ONE; /* not all of that day */
	bill.daily[8] = 24 * MONEY_ONE;
	bill.daily[9] = 48 * MONEY_ONE;
	bill.nano = 73 * MONEY_ONE;
	forecast_make(&bill, &forecast);
	assert_int_equal(forecast.days, 2);
	assert_int_equal(forecast.trend, (73 + 20 * 36) * MONEY_ONE);
	bill.until_ns = NOVEMBER_NS + 8 * CALENDAR_DAY_NS;
	forecast_make(&bill, &forecast);
	assert_int_equal(forecast.days, 0);
}

/* Whatever a provider calls its services, and wherever a name is used twice. */
static void test_prometheus(void **state)
{
	struct bill_line lines[3] = {{.kind = BILL_USE, .name = "a \"b\\\nc"},
		{.kind = BILL_RESOURCE, .name = "db", .sku = "rds/x", .region = "us-west-2"},
		{.kind = BILL_RESOURCE, .name = "db", .sku = "rds/x", .region = "eu-west-1"}};
	struct bill bill = {.currency = "USD", .lines = lines, .count = 3};
	struct report report = {.tenant = "demo", .bill = &bill};
	struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(report_prometheus(&report, &out), 0);
	assert_non_null(strstr(out.data,
		"{tenant=\"demo\",service=\"\",kind=\"by use\",name=\"a \\\"b\\\\\\nc\",sku="));
	assert_non_null(strstr(out.data, "region=\"us-west-2\""));
	assert_non_null(strstr(out.data, "region=\"eu-west-1\""));
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_money_parse),
		cmocka_unit_test(test_money_parse_amount),
		cmocka_unit_test(test_money_print),
		cmocka_unit_test(test_money_print_exact),
		cmocka_unit_test(test_money_share),
		cmocka_unit_test(test_the_largest_remainders_get_more),
		cmocka_unit_test(test_money_cost_adds_up),
		cmocka_unit_test(test_months),
		cmocka_unit_test(test_prices),
		cmocka_unit_test(test_prices_refused),
		cmocka_unit_test(test_reports),
		cmocka_unit_test(test_a_summary_adds_up),
		cmocka_unit_test(test_days_and_percents_add_up),
		cmocka_unit_test(test_unpriced_are_told),
		cmocka_unit_test(test_a_trend_begins_with_the_tenant),
		cmocka_unit_test(test_prometheus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
