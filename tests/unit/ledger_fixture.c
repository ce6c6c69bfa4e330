/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "store/store_private.h"

struct prices *prices_of(const char *text)
{
	struct error error = ERROR_INIT;
	struct prices *prices = NULL;

	if (prices_parse(text, text ? strlen(text) : 0, &prices, &error) < 0)
		fail_msg("%s", error.text);
	return prices;
}

void ledger_init(struct ledger *ledger)
{
	store_fixture_init(&ledger->fixture);
	ledger->tenant = fixture_create(&ledger->fixture, PLATFORM_ID, KIND_TENANT, "demo");
	ledger->prices = prices_of(NULL);
}

void ledger_done(struct ledger *ledger)
{
	prices_free(ledger->prices);
	store_fixture_done(&ledger->fixture);
}

void ledger_at(struct ledger *ledger, int64_t ns)
{
	usage_clock_set(&ledger->fixture.store->usage_clock, ns);
}

static int set_usage(struct txn *txn, void *arg, struct error *reterr)
{
	const struct ledger_set *set = arg;

	(void)reterr;
	return txn_usage_set(txn, set->object, set->payer, set->subject);
}

void ledger_meter(struct ledger *ledger, int64_t object, int64_t payer,
	const struct usage_subject *subject)
{
	struct ledger_set set = {object, payer, subject};

	assert_int_equal(store_update(ledger->fixture.store, STORE_RELAXED, NULL, set_usage, &set,
				 NULL),
		0);
}

struct usage_subject ledger_host(const char *name, const char *sku, int64_t cpu, int64_t gib)
{
	struct usage_subject subject = {
		.kind = USAGE_HOST, .cpu_milli = cpu * 1000, .memory_mib = gib * 1024};

	(void)text_copy(subject.name, sizeof(subject.name), name);
	(void)text_copy(subject.sku, sizeof(subject.sku), sku);
	return subject;
}

struct usage_subject ledger_instance(const char *service, const char *name, const char *on,
	int64_t cpu_milli, int64_t mib)
{
	struct usage_subject subject = {
		.kind = USAGE_INSTANCE, .cpu_milli = cpu_milli, .memory_mib = mib};

	(void)text_copy(subject.service, sizeof(subject.service), service);
	(void)text_copy(subject.name, sizeof(subject.name), name);
	(void)text_copy(subject.host, sizeof(subject.host), on);
	return subject;
}

struct bill *ledger_bill(struct ledger *ledger, int64_t payer, int64_t now_ns)
{
	struct calendar_month month = calendar_month_of(now_ns - 1);
	struct bill *bill = NULL;

	assert_int_equal(bill_make(ledger->fixture.store, ledger->prices, payer, &month, now_ns,
				 &bill),
		0);
	return bill;
}

int64_t ledger_line(const struct bill *bill, enum bill_kind kind, const char *service)
{
	for (size_t i = 0; i < bill->count; i++)
		if (bill->lines[i].kind == kind && strcmp(bill->lines[i].service, service) == 0)
			return bill->lines[i].nano;
	return -1;
}

#define SLACK 60000

void ledger_about(int64_t nano, int64_t wanted)
{
	if (nano < wanted - SLACK || nano > wanted + SLACK)
		fail_msg("%lld is not about %lld", (long long)nano, (long long)wanted);
}
