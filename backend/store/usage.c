/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger's writing side. */
#include "store/usage.h"

#include <errno.h>

#include "base/calendar.h"
#include "store/txn.h"

struct meter {
	int64_t payer, subject, start_ns;
};

/* The object's running meter; -ENOENT. */
static int meter_read(struct txn *txn, int64_t object, struct meter *ret)
{
	_cleanup_statement_ sqlite3_stmt *statement = connection_query(txn->connection,
		"SELECT tenant, subject, start_ns FROM usage_open WHERE object = ?1", "i", object);
	int r = txn_fail(txn, connection_step(txn->connection, statement));

	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	*ret = (struct meter){
		.payer = sqlite3_column_int64(statement, 0),
		.subject = sqlite3_column_int64(statement, 1),
		.start_ns = sqlite3_column_int64(statement, 2),
	};
	return 0;
}

/* Adds what has ended to the ledger, cut at the ends of months. */
static int meter_record(struct txn *txn, const struct meter *meter, int64_t end_ns)
{
	int64_t start_ns = meter->start_ns;
	int r = 0;

	while (r == 0 && start_ns < end_ns) {
		int64_t month_ns = calendar_month_of(start_ns).end_ns;
		int64_t piece_ns = month_ns < end_ns ? month_ns : end_ns;

		r = txn_run(txn,
			"INSERT OR IGNORE INTO usage (tenant, end_ns, subject, start_ns)"
			" VALUES (?1, ?2, ?3, ?4)",
			"iiii", meter->payer, piece_ns, meter->subject, start_ns);
		start_ns = piece_ns;
	}
	return r;
}

#define SUBJECT_TYPES "iitttttii"
#define SUBJECT_VALUES(payer, subject)                                                             \
	(payer), (int64_t)(subject)->kind, (subject)->service, (subject)->name, (subject)->host,   \
		(subject)->sku, (subject)->region, (subject)->cpu_milli, (subject)->memory_mib

static int subject_find(struct txn *txn, int64_t payer, const struct usage_subject *subject,
	int64_t *ret)
{
	return txn_fail(txn, connection_get_int(txn->connection, ret,
				     "SELECT id FROM usage_subject WHERE tenant = ?1 AND kind = ?2"
				     " AND service = ?3 AND name = ?4 AND host = ?5 AND sku = ?6"
				     " AND region = ?7 AND cpu_milli = ?8 AND memory_mib = ?9",
				     SUBJECT_TYPES, SUBJECT_VALUES(payer, subject)));
}

static int subject_get(struct txn *txn, int64_t payer, const struct usage_subject *subject,
	int64_t *ret)
{
	struct object object = OBJECT_INIT;
	int r = subject_find(txn, payer, subject, ret);

	if (r != -ENOENT)
		return r;
	r = txn_peek(txn, payer, &object);
	if (r == 0)
		r = txn_run(txn,
			"INSERT INTO usage_subject (tenant, kind, service, name, host, sku, region,"
			" cpu_milli, memory_mib, tenant_name)"
			" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
			SUBJECT_TYPES "t", SUBJECT_VALUES(payer, subject), object.name);
	return r < 0 ? r : subject_find(txn, payer, subject, ret);
}

static int meter_end(struct txn *txn, int64_t object, const struct meter *meter, int64_t now_ns)
{
	int r = meter_record(txn, meter, now_ns);

	return r < 0 ? r : txn_run(txn, "DELETE FROM usage_open WHERE object = ?1", "i", object);
}

int txn_usage_set(struct txn *txn, int64_t object, int64_t payer,
	const struct usage_subject *subject)
{
	int64_t now_ns = usage_clock_now(&txn->store->usage_clock), id = 0;
	struct meter meter = {0};
	int r = meter_read(txn, object, &meter);
	bool running = r == 0;

	if (r == -ENOENT)
		r = 0;
	if (r == 0 && subject)
		r = subject_get(txn, payer, subject, &id);
	if (r < 0 || (!running && !subject) || (running && subject && meter.subject == id))
		return r;
	/* The clock was set back before this process began: nothing is counted twice. */
	if (running && now_ns < meter.start_ns)
		now_ns = meter.start_ns;
	if (running)
		r = meter_end(txn, object, &meter, now_ns);
	if (r == 0 && subject)
		r = txn_run(txn,
			"INSERT INTO usage_open (object, tenant, subject, start_ns)"
			" VALUES (?1, ?2, ?3, ?4)",
			"iiii", object, payer, id, now_ns);
	return r;
}

int txn_usage_measured(struct txn *txn, int64_t object, int64_t cpu_milli, int64_t memory_mib)
{
	int64_t now_ns = usage_clock_now(&txn->store->usage_clock);
	struct meter meter;
	int r = meter_read(txn, object, &meter);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return txn_run(txn,
		"INSERT INTO usage_hour (tenant, hour_ns, subject, cpu_milli, memory_mib)"
		" VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (tenant, hour_ns, subject) DO UPDATE"
		" SET cpu_milli = excluded.cpu_milli, memory_mib = excluded.memory_mib",
		"iiiii", meter.payer, now_ns - now_ns % CALENDAR_HOUR_NS, meter.subject, cpu_milli,
		memory_mib);
}

int txn_usage_cut(struct txn *txn, int64_t end_ns, int64_t start_ns)
{
	int64_t object = 0;

	for (;;) {
		struct meter meter;
		int r = txn_fail(txn, connection_get_int(txn->connection, &object,
					      "SELECT object FROM usage_open WHERE object > ?1"
					      " ORDER BY object LIMIT 1",
					      "i", object));

		if (r < 0)
			return r == -ENOENT ? 0 : r;
		r = meter_read(txn, object, &meter);
		if (r == 0)
			r = meter_record(txn, &meter, end_ns);
		if (r == 0)
			r = txn_run(txn, "UPDATE usage_open SET start_ns = ?2 WHERE object = ?1",
				"ii", object, start_ns);
		if (r < 0)
			return r;
	}
}

/* ---- budgets ---- */

int txn_set_budget(struct txn *txn, int64_t tenant, int64_t nano)
{
	struct object object = OBJECT_INIT;
	int r = txn_peek_living(txn, tenant, &object);

	if (r < 0)
		return r;
	r = txn_run(txn,
		"INSERT INTO budget (tenant, nano, changed_ns, month_ns, percent)"
		" VALUES (?1, ?2, ?3, 0, 0) ON CONFLICT (tenant) DO UPDATE SET nano = "
		"excluded.nano,"
		" changed_ns = max(changed_ns + 1, excluded.changed_ns), month_ns = 0, percent = 0"
		" WHERE nano <> excluded.nano",
		"iii", tenant, nano, txn->now_ns);
	return r < 0 ? r : txn_note(txn, &object, CHANGE_FLAGS);
}

int txn_set_budget_told(struct txn *txn, int64_t tenant, int64_t month_ns, int64_t percent)
{
	return txn_run(txn, "UPDATE budget SET month_ns = ?2, percent = ?3 WHERE tenant = ?1",
		"iii", tenant, month_ns, percent);
}
