/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a tenant's billing files take, uncached: a month of 100 services with 10 changes a day
 * each, all of them measured each hour, among TENANTS such tenants; and what a change adds to a
 * commit.
 *   billing DIRECTORY TENANTS
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "billing/report.h"
#include "billing/total.h"
#include "store/store_private.h"

#define SERVICES 100
#define CHANGES  (SERVICES * 10 * 30)
#define ROUNDS   21
#define MONTH_NS INT64_C(1793491200000000000) /* 2026-11-01T00:00:00Z */

struct fill {
	int64_t tenant;
	int64_t measuring_ns, measured; /* of all tenants */
	struct store *store;
};

static int create(struct txn *txn, void *arg, struct error *reterr)
{
	static int number;
	char name[32];
	int64_t *id = arg;

	(void)snprintf(name, sizeof(name), "t%d", number++);
	return txn_create(txn, PLATFORM_ID, KIND_TENANT, name, id, reterr);
}

static int set(struct txn *txn, int64_t tenant, int service, int64_t mib)
{
	struct usage_subject subject = {.kind = USAGE_INSTANCE,
		.name = "0",
		.host = "h1",
		.cpu_milli = 10,
		.memory_mib = mib};

	(void)snprintf(subject.service, sizeof(subject.service), "s%d", service);
	return txn_usage_set(txn, tenant * 1000 + service, tenant, &subject);
}

/* In each hour what each has used beside it, as on machines where it is measured. */
static int measure(struct txn *txn, struct fill *month, int64_t before_ns, int64_t now_ns)
{
	int64_t start_ns = clock_now_ns();
	int r = 0;

	if (before_ns / CALENDAR_HOUR_NS == now_ns / CALENDAR_HOUR_NS)
		return 0;
	for (int service = 0; service < SERVICES && r == 0; service++)
		r = txn_usage_measured(txn, month->tenant * 1000 + service, 20, 120);
	month->measuring_ns += clock_now_ns() - start_ns;
	month->measured += SERVICES;
	return r;
}

/* One tenant's month, evenly spread. */
static int fill(struct txn *txn, void *arg, struct error *reterr)
{
	struct fill *month = arg;
	struct usage_subject machine = {.kind = USAGE_HOST,
		.name = "h1",
		.sku = "ec2/m5.4xlarge",
		.cpu_milli = 16000,
		.memory_mib = 65536};
	int64_t step_ns = 30 * CALENDAR_DAY_NS / (CHANGES + 1);
	int r;

	(void)reterr;
	usage_clock_set(&month->store->usage_clock, MONTH_NS);
	r = txn_usage_set(txn, month->tenant * 1000 + 999, month->tenant, &machine);
	for (int i = 0; i < CHANGES && r == 0; i++) {
		usage_clock_set(&month->store->usage_clock, MONTH_NS + i * step_ns);
		r = set(txn, month->tenant, i % SERVICES, 100 + i / SERVICES % 7);
		if (r == 0)
			r = measure(txn, month, MONTH_NS + (i - 1) * step_ns,
				MONTH_NS + i * step_ns);
	}
	return r;
}

static int compare(const void *a, const void *b)
{
	const int64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

static int read_all(struct store *store, int64_t tenant)
{
	struct calendar_month month = calendar_month_of(MONTH_NS);
	int64_t took[ROUNDS];

	for (int round = 0; round < ROUNDS; round++) {
		_cleanup_prices_ struct prices *prices = NULL;
		_cleanup_bill_ struct bill *bill = NULL;
		_cleanup_buf_ struct buf out = BUF_INIT;
		struct report report = {.tenant = "t"};
		int64_t start_ns = clock_now_ns();
		int r = prices_load(store, &prices, NULL);

		if (r == 0)
			r = bill_make(store, prices, tenant, &month, month.end_ns, &bill);
		if (r < 0)
			return r;
		report.bill = bill;
		r = report_focus(&report, FOCUS_1_4, &out);
		if (r < 0)
			return r;
		took[round] = clock_now_ns() - start_ns;
	}
	qsort(took, ROUNDS, sizeof(took[0]), compare);
	(void)printf("| the month as CSV (all lines), median | %.1f ms | wanted: under 20 ms |\n",
		(double)took[ROUNDS / 2] / 1e6);
	(void)printf("| slowest of %d | %.1f ms | |\n", ROUNDS, (double)took[ROUNDS - 1] / 1e6);
	return 0;
}

/* What the administrator's files take, with nothing but the ledger, and with days added up. */
static int total_all(struct store *store, int tenants, int64_t now_ns, const char *what)
{
	struct calendar_month month = calendar_month_of(MONTH_NS);
	_cleanup_prices_ struct prices *prices = NULL;
	_cleanup_totals_ struct totals totals = {0};
	int64_t start_ns = clock_now_ns();
	int r = prices_load(store, &prices, NULL);

	if (r == 0)
		r = totals_make(store, prices, &month, now_ns, &totals);
	if (r == 0)
		(void)printf("| a sum of all %d tenants, %s | %.1f ms | |\n", tenants, what,
			(double)(clock_now_ns() - start_ns) / 1e6);
	return r;
}

static int close_days(struct store *store, int64_t now_ns)
{
	_cleanup_prices_ struct prices *prices = NULL;
	int64_t start_ns = clock_now_ns();
	int r = prices_load(store, &prices, NULL);

	if (r == 0)
		r = totals_close(store, prices, now_ns);
	if (r == 0)
		(void)printf("| adding up all days that are over, in the background | %.1f ms | "
			     "|\n",
			(double)(clock_now_ns() - start_ns) / 1e6);
	return r;
}

static int read_totals(struct store *store, int tenants)
{
	/* The evening of the last day. */
	int64_t now_ns = calendar_month_of(MONTH_NS).end_ns - 2 * CALENDAR_HOUR_NS;
	int r = total_all(store, tenants, now_ns, "from the ledger alone");

	if (r == 0)
		r = close_days(store, now_ns);
	return r < 0 ? r
		     : total_all(store, tenants, now_ns,
			       "with days that are over added up: each file of .platform/billing");
}

static int bench(struct store *store, int tenants)
{
	struct fill month = {.store = store};
	int64_t first = 0, start_ns = clock_now_ns();
	int r = 0;

	for (int i = 0; i < tenants && r == 0; i++) {
		r = store_update(store, STORE_RELAXED, NULL, create, &month.tenant, NULL);
		if (r == 0)
			r = store_update(store, STORE_RELAXED, NULL, fill, &month, NULL);
		first = first ? first : month.tenant;
	}
	if (r < 0)
		return r;
	(void)printf("| %d tenants, %d services, %d changes and %d measured hours each | | |\n"
		     "| --- | --- | --- |\n",
		tenants, SERVICES, CHANGES, SERVICES * 719);
	(void)printf("| a change in the ledger, inside a commit | %.1f µs | |\n",
		(double)(clock_now_ns() - start_ns - month.measuring_ns) / 1e3 / tenants / CHANGES);
	(void)printf("| an hour's measure, inside a commit, with what packs it | %.1f µs | |\n",
		(double)month.measuring_ns / 1e3 / (double)month.measured);
	r = read_all(store, first);
	return r < 0 ? r : read_totals(store, tenants);
}

int main(int argc, char **argv)
{
	struct store_options options = {.dir = argc > 1 ? argv[1] : NULL};
	struct error error = ERROR_INIT;
	struct store *store = NULL;
	int64_t tenants;
	int r;

	if (argc != 3 || text_parse_int(argv[2], 1, 1000, &tenants) < 0) {
		(void)fprintf(stderr, "usage: billing DIRECTORY TENANTS\n");
		return 2;
	}
	r = store_open(&store, &options, &error);
	if (r == 0)
		r = bench(store, (int)tenants);
	store_close(store);
	if (r < 0)
		(void)fprintf(stderr, "%s\n", error.text[0] ? error.text : strerror(-r));
	return r < 0;
}
