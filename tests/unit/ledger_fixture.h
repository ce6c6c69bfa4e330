/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger_fixture - a store with a tenant, prices, and the ledger's clock in the test's hands.
 * Threads: one. Ownership: ledger_done frees; bills are the caller's.
 */
#ifndef DUPLOFS_TESTS_LEDGER_FIXTURE_H
#define DUPLOFS_TESTS_LEDGER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "billing/report.h"
#include "store_fixture.h"

#define HOUR        CALENDAR_HOUR_NS
#define NOVEMBER_NS INT64_C(1793491200000000000) /* 2026-11-01T00:00:00Z */

struct ledger {
	struct store_fixture fixture;
	int64_t tenant;
	struct prices *prices;
};

/* NULL: those that ship. */
struct prices *prices_of(const char *text);

void ledger_init(struct ledger *ledger);
void ledger_done(struct ledger *ledger);
/* From now on it is ns, and goes on. */
void ledger_at(struct ledger *ledger, int64_t ns);

/* For store_update: */
struct ledger_set {
	int64_t object, payer;
	const struct usage_subject *subject;
};
void ledger_meter(struct ledger *ledger, int64_t object, int64_t payer,
	const struct usage_subject *subject);
struct usage_subject ledger_host(const char *name, const char *sku, int64_t cpu, int64_t gib);
struct usage_subject ledger_instance(const char *service, const char *name, const char *on,
	int64_t cpu_milli, int64_t mib);

/* Of the month around now_ns, up to it. */
struct bill *ledger_bill(struct ledger *ledger, int64_t payer, int64_t now_ns);
/* -1: there is no such line. */
int64_t ledger_line(const struct bill *bill, enum bill_kind kind, const char *service);
/* The clock of the ledger runs while the test does: amounts are right to a second's worth. */
void ledger_about(int64_t nano, int64_t wanted);

#endif
