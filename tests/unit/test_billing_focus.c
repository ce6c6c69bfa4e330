/* SPDX-License-Identifier: Apache-2.0 */
/* FOCUS as a reader of it sees it: every row of a month, by the rules of its columns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "ledger_fixture.h"
#include "store/actual.h"

#define COLUMNS_MAX 40
#define FIELD_SIZE  512

struct row {
	char fields[COLUMNS_MAX][FIELD_SIZE];
	size_t count;
};

/* One line of CSV (RFC 4180, no line breaks in fields); the next line, NULL: there is none. */
static const char *read_row(const char *at, struct row *row)
{
	bool quoted = false;
	size_t len = 0;

	row->count = 0;
	for (; *at && (quoted || *at != '\n'); at++) {
		if (*at == '"' && quoted && at[1] == '"') {
			row->fields[row->count][len++] = *++at;
		} else if (*at == '"') {
			quoted = !quoted;
		} else if (*at == ',' && !quoted) {
			row->fields[row->count++][len] = '\0';
			len = 0;
		} else {
			row->fields[row->count][len++] = *at;
		}
		assert_true(len < FIELD_SIZE && row->count < COLUMNS_MAX);
	}
	row->fields[row->count++][len] = '\0';
	return at[0] && at[1] ? at + 1 : NULL;
}

static const char *field(const struct row *head, const struct row *row, const char *name)
{
	assert_int_equal(row->count, head->count);
	for (size_t i = 0; i < head->count; i++)
		if (strcmp(head->fields[i], name) == 0)
			return row->fields[i];
	fail_msg("no column %s", name);
	return NULL;
}

static int64_t amount(const char *text)
{
	int64_t nano;

	assert_int_equal(money_parse_amount(text, &nano), 0);
	return nano;
}

/* An object {"Elements":[{"AllocatedRatio", "UsageUnit", "UsageQuantity"}]}: the sum of its ratios.
 * Reals are read as they are written, for they are to add up exactly. */
static int64_t ratio_of(const char *details)
{
	_cleanup_json_ json_t *document = json_parse(details, strlen(details), 0, NULL);
	json_t *elements = json_object_get(document, "Elements"), *element;
	int64_t sum = 0;
	size_t i;

	assert_int_equal(json_array_size(elements), 2);
	json_array_foreach(elements, i, element)
	{
		assert_true(json_is_real(json_object_get(element, "AllocatedRatio")));
		assert_true(json_is_real(json_object_get(element, "UsageQuantity")));
		assert_string_equal(json_get_string(element, "UsageUnit", ""),
			i == 0 ? "CPU-Hours" : "GiB-Hours");
	}
	for (const char *at = details; (at = strstr(at, "\"AllocatedRatio\":"));) {
		char text[32] = "";

		at += strlen("\"AllocatedRatio\":");
		memcpy(text, at, strcspn(at, ","));
		sum += amount(text);
	}
	return sum;
}

/* What must be there, and what must not (cost_and_usage of FOCUS_Spec). */
static void check_row(const struct row *head, const struct row *row)
{
	static const char *const always[] = {"BilledCost", "BillingAccountId", "BillingCurrency",
		"BillingPeriodEnd", "BillingPeriodStart", "ChargeCategory", "ChargePeriodEnd",
		"ChargePeriodStart", "ContractedCost", "EffectiveCost", "InvoiceIssuerName",
		"ListCost", "ServiceCategory", "ServiceName"};
	static const char *const usage[] = {
		"PricingQuantity", "PricingUnit", "SkuId", "SkuPriceId"};
	bool used = strcmp(field(head, row, "ChargeCategory"), "Usage") == 0;

	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		assert_string_not_equal(field(head, row, always[i]), "");
	for (size_t i = 0; i < sizeof(usage) / sizeof(usage[0]); i++)
		assert_int_equal(field(head, row, usage[i])[0] != '\0', used);
	assert_true(!used || amount(field(head, row, "BilledCost")) >= 0);
}

struct sums {
	int64_t nano, ratio, hours;
	int rows;
};

/* Prints the bill and checks each row; what the parts of a machine on a day (of November) come to
 * in *ret. */
static void check_report(const struct bill *bill, enum focus_version version, const char *machine,
	int day, struct sums *ret)
{
	static struct row head, row;
	struct report report = {.tenant = "demo", .bill = bill};
	_cleanup_buf_ struct buf out = BUF_INIT;
	int64_t total = 0;
	char start[32];

	*ret = (struct sums){0};
	(void)snprintf(start, sizeof(start), "2026-11-%02dT00:00:00Z", day + 1);
	assert_int_equal(report_focus(&report, version, &out), 0);
	for (const char *at = read_row(buf_string(&out), &head); at;) {
		at = read_row(at, &row);
		check_row(&head, &row);
		total += amount(field(&head, &row, "BilledCost"));
		if (version == FOCUS_1_1)
			continue;
		assert_int_equal(field(&head, &row, "AllocatedMethodId")[0] != '\0',
			field(&head, &row, "AllocatedMethodDetails")[0] != '\0');
		if (strcmp(field(&head, &row, "ResourceId"), machine) != 0 ||
			strcmp(field(&head, &row, "ChargePeriodStart"), start) != 0)
			continue;
		ret->rows++;
		ret->nano += amount(field(&head, &row, "BilledCost"));
		ret->hours += amount(field(&head, &row, "PricingQuantity"));
		ret->ratio += ratio_of(field(&head, &row, "AllocatedMethodDetails"));
	}
	assert_int_equal(total, bill->nano);
}

static int set_actuals(struct txn *txn, void *arg, struct error *reterr)
{
	const struct ledger *ledger = arg;
	int r = txn_set_actual(txn, ledger->tenant, NOVEMBER_NS,
		"Amazon Elastic Compute Cloud - Compute", 3333333333);

	(void)reterr;
	if (r == 0)
		r = txn_set_actual(txn, ledger->tenant, NOVEMBER_NS, "Tax", 50000000);
	if (r == 0)
		r = txn_set_actual(txn, ledger->tenant, NOVEMBER_NS, "AWS Lambda", -1000);
	return r < 0 ? r
		     : txn_set_actual(txn, ledger->tenant, NOVEMBER_NS,
			       "Amazon Simple Queue Service", 2000);
}

/* Two machines of one's own, a part of a shared one, a balancer, storage, and what was billed. */
static void fill(struct ledger *ledger)
{
	const struct usage_subject shared = ledger_host("local", SKU_MACHINE, 8, 32),
				   h1 = ledger_host("h1", "ec2/m5.xlarge", 4, 16),
				   h2 = ledger_host("h2", "ec2/m5.large", 2, 8),
				   on_shared = ledger_instance("a", "9", "local", 700, 300);
	struct usage_subject disk = {.kind = USAGE_RESOURCE,
		.name = "db",
		.sku = "rds/gp2-gib",
		.region = "us-west-2",
		.quantity = 131072};
	struct usage_subject balancer = {
		.kind = USAGE_BALANCER, .service = "a", .sku = SKU_BALANCER_AWS};

	ledger_at(ledger, NOVEMBER_NS);
	ledger_meter(ledger, 1, PLATFORM_ID, &shared);
	ledger_meter(ledger, 1001, ledger->tenant, &h1);
	ledger_meter(ledger, 1002, ledger->tenant, &h2);
	ledger_meter(ledger, 1003, ledger->tenant, &on_shared);
	ledger_meter(ledger, 1004, ledger->tenant, &disk);
	ledger_meter(ledger, 1005, ledger->tenant, &balancer);
	for (int i = 0; i < 7; i++) {
		char service[2] = {(char)('a' + i), '\0'};
		struct usage_subject one = ledger_instance(service, "0", "h1", 333 + i, 777 * i);

		ledger_at(ledger, NOVEMBER_NS + i * 5 * HOUR + 12345678);
		ledger_meter(ledger, 2000 + i, ledger->tenant, &one);
	}
	assert_int_equal(store_update(ledger->fixture.store, STORE_RELAXED, NULL, set_actuals,
				 ledger, NULL),
		0);
}

/* The ratios of a machine's parts add up to 1 exactly, on each day, estimated or billed; its hours
 * are those that it ran, of all 24. */
static void test_every_row(void **state)
{
	struct ledger ledger;
	struct sums sums;
	struct bill *bill;

	(void)state;
	ledger_init(&ledger);
	fill(&ledger);
	bill = ledger_bill(&ledger, ledger.tenant, NOVEMBER_NS + 60 * HOUR);
	for (int day = 0; day < 3; day++) {
		check_report(bill, FOCUS_1_4, "h1", day, &sums);
		assert_int_equal(sums.rows, day == 0 ? 6 : 8);
		assert_int_equal(sums.ratio, MONEY_ONE);
		ledger_about(sums.hours, (day == 2 ? 12 : 24) * MONEY_ONE);
		check_report(bill, FOCUS_1_4, "h2", day, &sums);
		assert_int_equal(sums.rows, 1);
		assert_int_equal(sums.ratio, MONEY_ONE);
	}
	check_report(bill, FOCUS_1_4, "local", 1, &sums);
	assert_int_equal(sums.rows, 1);
	ledger_about(sums.ratio, (9 * 1024 * 700 + 1000 * 300) * MONEY_ONE /
					 (9 * 1024 * 8000 + INT64_C(1000) * 32768));
	check_report(bill, FOCUS_1_1, "h1", 0, &sums);
	bill_free(bill);
	ledger_done(&ledger);
}

/* What a row says it is: a tax, a credit, hours of GiB, an amount that is known as such alone. */
static void test_kinds_of_rows(void **state)
{
	static const char *const parts[] = {
		/* a tax and a credit have neither quantity nor price */
		"0.050000000,\"demo\",\"demo\",USD,2026-12-01T00:00:00Z,2026-11-01T00:00:00Z,Tax,,",
		"-0.000001000,\"demo\",\"demo\",USD,2026-12-01T00:00:00Z,2026-11-01T00:00:00Z,"
		"Credit,,",
		",duplofs,0.050000000,,,AWS,AWS,Other,\"Tax\",\"Tax\",,,,",
		/* what is billed by use is that amount, at a price of 1 */
		",duplofs,0.000002000,0.000002000,USD,AWS,AWS,Integration,"
		"\"Amazon Simple Queue Service\",\"Amazon Simple Queue Service\",\"by use\","
		"\"by use\",,",
		/* two zones of 65536 GiB for a day */
		",3145728.000000000,GiB-Hours,AWS,AWS,Databases,",
		",24.000000000,Hours,AWS,AWS,Networking,",
	};
	struct ledger ledger;
	struct bill *bill;
	struct report report = {.tenant = "demo"};
	_cleanup_buf_ struct buf out = BUF_INIT;

	(void)state;
	ledger_init(&ledger);
	fill(&ledger);
	report.bill = bill = ledger_bill(&ledger, ledger.tenant, NOVEMBER_NS + 60 * HOUR);
	assert_int_equal(report_focus(&report, FOCUS_1_4, &out), 0);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (!strstr(buf_string(&out), parts[i]))
			fail_msg("no row with %s", parts[i]);
	bill_free(bill);
	ledger_done(&ledger);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_row),
		cmocka_unit_test(test_kinds_of_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
