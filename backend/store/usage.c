/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger's writing side. */
#include "store/usage.h"

#include <errno.h>

#include "base/calendar.h"
#include "store/txn.h"
#include "store/usage_pack.h"

struct meter {
	int64_t object, part, payer, subject, start_ns;
};

static int meter_step(struct txn *txn, sqlite3_stmt *statement, struct meter *ret)
{
	int r = txn_fail(txn, connection_step(txn->connection, statement));

	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	*ret = (struct meter){
		.object = sqlite3_column_int64(statement, 0),
		.part = sqlite3_column_int64(statement, 1),
		.payer = sqlite3_column_int64(statement, 2),
		.subject = sqlite3_column_int64(statement, 3),
		.start_ns = sqlite3_column_int64(statement, 4),
	};
	return 0;
}

#define METER "SELECT object, part, tenant, subject, start_ns FROM usage_open WHERE "

/* The running meter of an object's part; -ENOENT. */
static int meter_read(struct txn *txn, int64_t object, int64_t part, struct meter *ret)
{
	_cleanup_statement_ sqlite3_stmt *statement = connection_query(txn->connection,
		METER "object = ?1 AND part = ?2", "ii", object, part);

	return meter_step(txn, statement, ret);
}

/* The first one behind that part, of the same object or of any. */
static int meter_next(struct txn *txn, int64_t object, int64_t part, bool any, struct meter *ret)
{
	_cleanup_statement_ sqlite3_stmt *statement = connection_query(txn->connection,
		any ? METER "(object, part) > (?1, ?2) ORDER BY object, part LIMIT 1"
		    : METER "object = ?1 AND part > ?2 ORDER BY part LIMIT 1",
		"ii", object, part);

	return meter_step(txn, statement, ret);
}

/* The payer's ledger is another from now on. */
static int payer_moved(struct txn *txn, int64_t payer)
{
	return txn_run(txn, "UPDATE usage_payer SET moved = moved + 1 WHERE tenant = ?1", "i",
		payer);
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

#define SUBJECT_TYPES "iitttttiii"
#define SUBJECT_VALUES(payer, subject)                                                             \
	(payer), (int64_t)(subject)->kind, (subject)->service, (subject)->name, (subject)->host,   \
		(subject)->sku, (subject)->region, (subject)->cpu_milli, (subject)->memory_mib,    \
		(subject)->quantity > 0 ? (subject)->quantity : 1

static int subject_find(struct txn *txn, int64_t payer, const struct usage_subject *subject,
	int64_t *ret)
{
	return txn_fail(txn, connection_get_int(txn->connection, ret,
				     "SELECT id FROM usage_subject WHERE tenant = ?1 AND kind = ?2"
				     " AND service = ?3 AND name = ?4 AND host = ?5 AND sku = ?6"
				     " AND region = ?7 AND cpu_milli = ?8 AND memory_mib = ?9"
				     " AND quantity = ?10",
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
			"INSERT INTO usage_payer (tenant, name, moved) VALUES (?1, ?2, 1)"
			" ON CONFLICT (tenant) DO UPDATE SET name = excluded.name",
			"it", payer, object.name);
	if (r == 0)
		r = txn_run(txn,
			"INSERT INTO usage_subject (tenant, kind, service, name, host, sku, region,"
			" cpu_milli, memory_mib, quantity, tenant_name)"
			" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
			SUBJECT_TYPES "t", SUBJECT_VALUES(payer, subject), object.name);
	return r < 0 ? r : subject_find(txn, payer, subject, ret);
}

static int meter_end(struct txn *txn, const struct meter *meter, int64_t now_ns)
{
	int r = meter_record(txn, meter, now_ns);

	if (r == 0)
		r = txn_run(txn, "DELETE FROM usage_open WHERE object = ?1 AND part = ?2", "ii",
			meter->object, meter->part);
	return r < 0 ? r : payer_moved(txn, meter->payer);
}

static int meter_begin(struct txn *txn, const struct meter *meter)
{
	int r = txn_run(txn,
		"INSERT INTO usage_open (object, part, tenant, subject, start_ns)"
		" VALUES (?1, ?2, ?3, ?4, ?5)",
		"iiiii", meter->object, meter->part, meter->payer, meter->subject, meter->start_ns);

	return r < 0 ? r : payer_moved(txn, meter->payer);
}

static int set_part(struct txn *txn, int64_t object, int64_t part, int64_t payer,
	const struct usage_subject *subject)
{
	struct meter before = {0}, meter = {.object = object, .part = part, .payer = payer};
	int r = subject_get(txn, payer, subject, &meter.subject);
	bool running;

	if (r < 0)
		return r;
	r = meter_read(txn, object, part, &before);
	running = r == 0;
	if ((r < 0 && r != -ENOENT) || (running && before.subject == meter.subject))
		return running ? 0 : r;
	meter.start_ns = usage_clock_now(&txn->store->usage_clock);
	/* The clock was set back before this process began: nothing is counted twice. */
	if (running && meter.start_ns < before.start_ns)
		meter.start_ns = before.start_ns;
	r = running ? meter_end(txn, &before, meter.start_ns) : 0;
	return r < 0 ? r : meter_begin(txn, &meter);
}

int txn_usage_set_parts(struct txn *txn, int64_t object, int64_t payer,
	const struct usage_subject *parts, size_t count)
{
	struct meter beyond;
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++)
		r = set_part(txn, object, (int64_t)i, payer, &parts[i]);
	while (r == 0) {
		int64_t now_ns = usage_clock_now(&txn->store->usage_clock);

		r = meter_next(txn, object, (int64_t)count - 1, false, &beyond);
		if (r == 0)
			r = meter_end(txn, &beyond,
				now_ns > beyond.start_ns ? now_ns : beyond.start_ns);
	}
	return r == -ENOENT ? 0 : r;
}

int txn_usage_set(struct txn *txn, int64_t object, int64_t payer,
	const struct usage_subject *subject)
{
	return txn_usage_set_parts(txn, object, payer, subject, subject ? 1 : 0);
}

int txn_usage_measured(struct txn *txn, int64_t object, int64_t cpu_milli, int64_t memory_mib)
{
	int64_t now_ns = usage_clock_now(&txn->store->usage_clock);
	int64_t hour_ns = now_ns - now_ns % CALENDAR_HOUR_NS;
	struct meter meter;
	int r = meter_read(txn, object, 0, &meter);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = usage_pack(txn, meter.payer, hour_ns);
	if (r < 0)
		return r;
	r = txn_run(txn,
		"INSERT INTO usage_hour (tenant, hour_ns, subject, cpu_milli, memory_mib)"
		" VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (tenant, hour_ns, subject) DO UPDATE"
		" SET cpu_milli = excluded.cpu_milli, memory_mib = excluded.memory_mib",
		"iiiii", meter.payer, hour_ns, meter.subject, cpu_milli, memory_mib);
	return r < 0 ? r : payer_moved(txn, meter.payer);
}

int txn_usage_cut(struct txn *txn, int64_t end_ns, int64_t start_ns)
{
	struct meter meter = {.part = -1};
	int r;

	while ((r = meter_next(txn, meter.object, meter.part, true, &meter)) == 0) {
		r = meter_record(txn, &meter, end_ns);
		if (r == 0)
			r = txn_run(txn,
				"UPDATE usage_open SET start_ns = ?3 WHERE object = ?1 AND part = "
				"?2",
				"iii", meter.object, meter.part, start_ns);
		if (r == 0)
			r = payer_moved(txn, meter.payer);
		if (r < 0)
			return r;
	}
	return r == -ENOENT ? 0 : r;
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
