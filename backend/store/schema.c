/* SPDX-License-Identifier: Apache-2.0 */
#include "store/schema.h"

#include <errno.h>
#include <inttypes.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

#define APPLICATION_ID 0x6475706c /* "dupl", as file(1) shows it */

/*
 * Steps are never edited once released: a change is a new step at the end.
 *
 * object holds what getattr needs, in rows of one size, so that a look at an object costs the same
 * whatever its texts weigh. Texts of object N are rows N * 8 + part (object_row.h) of text. Owners
 * are kept once a tenant: chown of a tenant costs one row, however much is below it.
 */
static const char *const schema_steps[] = {
	"CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE object ("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  kind INTEGER NOT NULL,"
	"  parent INTEGER NOT NULL,"
	"  tenant INTEGER NOT NULL,"
	"  name TEXT NOT NULL,"
	"  generation INTEGER NOT NULL DEFAULT 0,"
	"  template_generation INTEGER NOT NULL DEFAULT 0,"
	"  observed INTEGER NOT NULL DEFAULT 0,"
	"  failed INTEGER NOT NULL DEFAULT 0,"
	"  deleting INTEGER NOT NULL DEFAULT 0,"
	"  protect INTEGER NOT NULL DEFAULT 0,"
	"  paused INTEGER NOT NULL DEFAULT 0,"
	"  restart INTEGER NOT NULL DEFAULT 0,"
	"  created_ns INTEGER NOT NULL,"
	"  spec_ns INTEGER NOT NULL,"
	"  status_ns INTEGER NOT NULL,"
	"  events_ns INTEGER NOT NULL,"
	"  error_ns INTEGER NOT NULL,"
	"  children_ns INTEGER NOT NULL,"
	"  value_size INTEGER NOT NULL DEFAULT 0,"
	"  dns TEXT"
	");"
	"CREATE INDEX object_child ON object (parent, kind, deleting, id);"
	"CREATE INDEX object_kind ON object (kind, id);"
	"CREATE UNIQUE INDEX object_name ON object (parent, kind, name) WHERE deleting = 0;"
	"CREATE UNIQUE INDEX object_dns ON object (dns) WHERE deleting = 0 AND dns IS NOT NULL;"
	"CREATE TABLE text (id INTEGER PRIMARY KEY, text TEXT NOT NULL);"
	"CREATE TABLE owner ("
	"  tenant INTEGER PRIMARY KEY,"
	"  uid INTEGER NOT NULL, gid INTEGER NOT NULL, mode INTEGER NOT NULL"
	");"
	"CREATE TABLE value ("
	"  object INTEGER PRIMARY KEY,"
	"  generation INTEGER NOT NULL,"
	"  key_version INTEGER NOT NULL," /* 0: plain */
	"  bytes BLOB NOT NULL"
	");"
	"CREATE TABLE tenant_key ("
	"  tenant INTEGER NOT NULL,"
	"  version INTEGER NOT NULL,"
	"  master_version INTEGER NOT NULL,"
	"  sealed BLOB NOT NULL,"
	"  PRIMARY KEY (tenant, version)"
	") WITHOUT ROWID;"
	"CREATE TABLE history ("
	"  object INTEGER NOT NULL,"
	"  generation INTEGER NOT NULL,"
	"  wall_ns INTEGER NOT NULL,"
	"  uid INTEGER NOT NULL, gid INTEGER NOT NULL, pid INTEGER NOT NULL,"
	"  size INTEGER NOT NULL,"
	"  text TEXT NOT NULL,"
	"  PRIMARY KEY (object, generation)"
	") WITHOUT ROWID;"
	"CREATE TABLE event ("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  object INTEGER NOT NULL,"
	"  tenant INTEGER NOT NULL,"
	"  wall_ns INTEGER NOT NULL,"
	"  severity TEXT NOT NULL,"
	"  path TEXT NOT NULL,"
	"  text TEXT NOT NULL"
	");"
	"CREATE INDEX event_object ON event (object, id);"
	"CREATE INDEX event_tenant ON event (tenant, id);"
	"CREATE TABLE intent ("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  owner INTEGER NOT NULL,"
	"  type TEXT NOT NULL,"
	"  name TEXT NOT NULL,"
	"  created_ns INTEGER NOT NULL,"
	"  UNIQUE (owner, type, name)"
	");"
	"CREATE TABLE allocation ("
	"  pool TEXT NOT NULL, number INTEGER NOT NULL, owner INTEGER NOT NULL,"
	"  PRIMARY KEY (pool, number)"
	") WITHOUT ROWID;"
	"CREATE UNIQUE INDEX allocation_owner ON allocation (owner, pool);"
	"CREATE TABLE pool (pool TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE token ("
	"  slot INTEGER PRIMARY KEY, sequence INTEGER NOT NULL, token INTEGER NOT NULL"
	");"
	"INSERT INTO owner (tenant, uid, gid, mode) VALUES (0, 0, 0, 493);" /* 0755 */
	"INSERT INTO setting VALUES ('platform', lower(hex(randomblob(6))));",
	"CREATE TABLE staged ("
	"  object INTEGER PRIMARY KEY,"
	"  base INTEGER NOT NULL,"
	"  wall_ns INTEGER NOT NULL,"
	"  uid INTEGER NOT NULL, gid INTEGER NOT NULL,"
	"  epoch INTEGER NOT NULL DEFAULT 0,"
	"  text TEXT NOT NULL"
	");",
	"CREATE TABLE service_grants ("
	"  service INTEGER PRIMARY KEY, changed_ns INTEGER NOT NULL, text TEXT NOT NULL"
	");",
	"CREATE TABLE audit ("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  uid INTEGER NOT NULL, seq INTEGER NOT NULL,"
	"  wall_ns INTEGER NOT NULL,"
	"  line TEXT NOT NULL"
	");"
	"CREATE UNIQUE INDEX audit_user ON audit (uid, seq);",

	/* How far a rotation of keys is; see rotate.h. */
	"CREATE TABLE rotation ("
	"  id INTEGER PRIMARY KEY CHECK (id = 1),"
	"  what INTEGER NOT NULL,"
	"  phase INTEGER NOT NULL,"
	"  master INTEGER NOT NULL,"
	"  cursor INTEGER NOT NULL,"
	"  keys INTEGER NOT NULL,"
	"  sealed INTEGER NOT NULL,"
	"  damaged INTEGER NOT NULL,"
	"  started_ns INTEGER NOT NULL,"
	"  finished_ns INTEGER NOT NULL"
	");",

	/* What was accepted before there were groups counts, too. Numbers may be texts. */
	"ALTER TABLE owner ADD COLUMN policy_group INTEGER NOT NULL DEFAULT 0;"
	"CREATE INDEX owner_group ON owner (policy_group, tenant) WHERE policy_group <> 0;"
	"CREATE TABLE reserve ("
	"  service INTEGER PRIMARY KEY, tenant INTEGER NOT NULL, replicas INTEGER NOT NULL,"
	"  cpu_milli INTEGER NOT NULL, memory_mib INTEGER NOT NULL"
	");"
	"CREATE INDEX reserve_tenant ON reserve (tenant, replicas, cpu_milli, memory_mib);"
	"INSERT INTO reserve SELECT id, tenant, replicas, replicas * cpu, replicas * memory FROM ("
	"  SELECT o.id, o.tenant,"
	"    CAST(coalesce(json_extract(t.text, '$.Replicas'), 1) AS INTEGER) AS replicas,"
	"    CAST(round(1000 * coalesce(json_extract(t.text, '$.CPU'), 0)) AS INTEGER) AS cpu,"
	"    CAST(coalesce(json_extract(t.text, '$.MemoryMiB'), 0) AS INTEGER) AS memory"
	"  FROM object AS o JOIN text AS t ON t.id = o.id * 8 + 1"
	"  WHERE o.kind = 3 AND o.deleting = 0 AND json_valid(t.text)"
	");",
	/*
	 * The usage ledger. What runs now is in usage_open, one row a meter; what has ended is only
	 * ever added to usage, cut at the ends of months, so that a month is a range of its key.
	 */
	"CREATE TABLE usage_subject ("
	"  id INTEGER PRIMARY KEY,"
	"  tenant INTEGER NOT NULL,"
	"  kind INTEGER NOT NULL,"
	"  tenant_name TEXT NOT NULL,"
	"  service TEXT NOT NULL,"
	"  name TEXT NOT NULL,"
	"  host TEXT NOT NULL,"
	"  sku TEXT NOT NULL,"
	"  region TEXT NOT NULL,"
	"  cpu_milli INTEGER NOT NULL, memory_mib INTEGER NOT NULL"
	");"
	"CREATE UNIQUE INDEX usage_subject_values ON usage_subject"
	"  (tenant, kind, service, name, host, sku, region, cpu_milli, memory_mib);"
	"CREATE TABLE usage_open ("
	"  object INTEGER PRIMARY KEY,"
	"  tenant INTEGER NOT NULL, subject INTEGER NOT NULL, start_ns INTEGER NOT NULL"
	");"
	"CREATE INDEX usage_open_tenant ON usage_open (tenant);"
	"CREATE TABLE usage ("
	"  tenant INTEGER NOT NULL, end_ns INTEGER NOT NULL,"
	"  subject INTEGER NOT NULL, start_ns INTEGER NOT NULL,"
	"  PRIMARY KEY (tenant, end_ns, subject, start_ns)"
	") WITHOUT ROWID;"
	"CREATE TABLE usage_hour ("
	"  tenant INTEGER NOT NULL, hour_ns INTEGER NOT NULL, subject INTEGER NOT NULL,"
	"  cpu_milli INTEGER NOT NULL, memory_mib INTEGER NOT NULL,"
	"  PRIMARY KEY (tenant, hour_ns, subject)"
	") WITHOUT ROWID;"
	"CREATE TABLE budget ("
	"  tenant INTEGER PRIMARY KEY,"
	"  nano INTEGER NOT NULL, changed_ns INTEGER NOT NULL,"
	"  month_ns INTEGER NOT NULL, percent INTEGER NOT NULL"
	");",

	/*
	 * An object may be several things that are paid each by itself: a machine and its disk. How
	 * often a payer's ledger moved stands beside its name.
	 */
	"ALTER TABLE usage_subject ADD COLUMN quantity INTEGER NOT NULL DEFAULT 1;"
	"DROP INDEX usage_subject_values;"
	"CREATE UNIQUE INDEX usage_subject_values ON usage_subject"
	"  (tenant, kind, service, name, host, sku, region, cpu_milli, memory_mib, quantity);"
	"CREATE TABLE usage_part ("
	"  object INTEGER NOT NULL, part INTEGER NOT NULL,"
	"  tenant INTEGER NOT NULL, subject INTEGER NOT NULL, start_ns INTEGER NOT NULL,"
	"  PRIMARY KEY (object, part)"
	") WITHOUT ROWID;"
	"INSERT INTO usage_part SELECT object, 0, tenant, subject, start_ns FROM usage_open;"
	"DROP TABLE usage_open;"
	"ALTER TABLE usage_part RENAME TO usage_open;"
	"CREATE INDEX usage_open_tenant ON usage_open (tenant);"
	"CREATE TABLE usage_payer ("
	"  tenant INTEGER PRIMARY KEY, name TEXT NOT NULL, moved INTEGER NOT NULL"
	");"
	"INSERT INTO usage_payer SELECT tenant, max(tenant_name), 0 FROM usage_subject"
	"  GROUP BY tenant;",

	/* What specs in force want that is paid by itself. */
	"CREATE TABLE wanted ("
	"  object INTEGER NOT NULL, part INTEGER NOT NULL, tenant INTEGER NOT NULL,"
	"  sku TEXT NOT NULL, region TEXT NOT NULL, quantity INTEGER NOT NULL,"
	"  PRIMARY KEY (object, part)"
	") WITHOUT ROWID;"
	"CREATE INDEX wanted_tenant ON wanted (tenant, sku, region, quantity);",

	/*
	 * What a provider has billed; origin: the tenant that it named, which may have no ledger.
	 */
	"CREATE TABLE usage_actual ("
	"  tenant INTEGER NOT NULL, day_ns INTEGER NOT NULL, service TEXT NOT NULL,"
	"  origin INTEGER NOT NULL, nano INTEGER NOT NULL,"
	"  PRIMARY KEY (tenant, day_ns, service, origin)"
	") WITHOUT ROWID;"
	"CREATE TABLE usage_asked (day_ns INTEGER NOT NULL);",

	/* Sums of days that are over; prices, rewritten: what they were made of. */
	"ALTER TABLE usage_payer ADD COLUMN rewritten INTEGER NOT NULL DEFAULT 0;"
	"CREATE TABLE usage_day ("
	"  tenant INTEGER NOT NULL, day_ns INTEGER NOT NULL, prices INTEGER NOT NULL,"
	"  rewritten INTEGER NOT NULL, nano INTEGER NOT NULL, shared_nano INTEGER NOT NULL,"
	"  actual INTEGER NOT NULL,"
	"  PRIMARY KEY (tenant, day_ns)"
	") WITHOUT ROWID;",

	/* Whoever waits for a restart is told of its end. */
	"ALTER TABLE object ADD COLUMN observed_restart INTEGER NOT NULL DEFAULT 0;"
	"UPDATE object SET observed_restart = restart;",

	/* What was made outside and removed again: for when it turns out to be there after all. */
	"CREATE TABLE intent_past ("
	"  owner INTEGER NOT NULL, type TEXT NOT NULL, name TEXT NOT NULL,"
	"  done_ns INTEGER NOT NULL,"
	"  PRIMARY KEY (owner, type, name)"
	") WITHOUT ROWID;"
	"CREATE TABLE garbage ("
	"  type TEXT NOT NULL, name TEXT NOT NULL,"
	"  claims INTEGER NOT NULL, state INTEGER NOT NULL,"
	"  tenant TEXT NOT NULL, words TEXT NOT NULL,"
	"  changed_ns INTEGER NOT NULL, seen_ns INTEGER NOT NULL,"
	"  PRIMARY KEY (type, name)"
	") WITHOUT ROWID;",

	/* What was measured in an hour that is over, in one row: see usage_pack.c. */
	"CREATE TABLE usage_pack ("
	"  tenant INTEGER NOT NULL, hour_ns INTEGER NOT NULL, measures BLOB NOT NULL,"
	"  PRIMARY KEY (tenant, hour_ns)"
	") WITHOUT ROWID;",
};

int schema_get(struct connection *connection, const char *name, char *value, size_t size)
{
	_cleanup_statement_ sqlite3_stmt *statement = connection_query(connection,
		"SELECT value FROM setting WHERE name = ?1", "t", name);
	int r = connection_step(connection, statement);

	if (r < 0)
		return r;
	if (r == 0)
		return -ENOENT;
	return text_copy(value, size, (const char *)sqlite3_column_text(statement, 0)) ? 0 : -EIO;
}

int schema_set(struct connection *connection, const char *name, const char *value)
{
	return connection_run(connection,
		"INSERT INTO setting (name, value) VALUES (?1, ?2)"
		" ON CONFLICT (name) DO UPDATE SET value = excluded.value",
		"tt", name, value);
}

static int schema_insert_platform(struct connection *connection)
{
	return connection_run(connection,
		"INSERT INTO object (id, kind, parent, tenant, name, created_ns, spec_ns,"
		" status_ns, events_ns, error_ns, children_ns)"
		" VALUES (1, 1, 0, 0, '', ?1, ?1, ?1, ?1, ?1, ?1)",
		"i", clock_wall_ns());
}

/* The step that the database stands at; 0: it is empty. */
static int schema_step(struct connection *connection, int64_t *ret, struct error *reterr)
{
	int64_t application = 0, tables = 0, step = 0;
	int r;

	r = connection_get_int(connection, &application, "PRAGMA application_id", "");
	if (r == 0)
		r = connection_get_int(connection, &tables, "SELECT count(*) FROM sqlite_schema",
			"");
	if (r < 0)
		return connection_error(connection, reterr);
	if (tables == 0 && application == 0) {
		*ret = 0;
		return 0;
	}
	if (application != APPLICATION_ID)
		return error_set(reterr, -EMEDIUMTYPE, "the database belongs to another program");
	if (connection_get_int(connection, &step, "SELECT max(step) FROM schema_step", "") < 0)
		return connection_error(connection, reterr);
	if (step > (int64_t)ARRAY_SIZE(schema_steps))
		return error_set(reterr, -EPROTO,
			"the database was written by a newer duplofs (schema %" PRId64
			", this program knows %zu); start that version, or restore an older copy",
			step, ARRAY_SIZE(schema_steps));
	*ret = step;
	return 0;
}

static int schema_apply(struct connection *connection, int64_t step)
{
	int r = connection_execute(connection, schema_steps[step]);

	if (r == 0 && step == 0)
		r = schema_insert_platform(connection);
	if (r == 0)
		r = connection_run(connection, "INSERT INTO schema_step VALUES (?1, ?2)", "ii",
			step + 1, clock_wall_ns());
	return r;
}

static int schema_upgrade_locked(struct connection *connection, struct error *reterr)
{
	int64_t step = 0;
	int r = schema_step(connection, &step, reterr);

	if (r < 0)
		return r;
	if (step == 0)
		r = connection_execute(connection,
			"PRAGMA application_id = 0x6475706c;"
			"CREATE TABLE schema_step"
			" (step INTEGER PRIMARY KEY, applied_ns INTEGER NOT NULL);");
	for (; r == 0 && step < (int64_t)ARRAY_SIZE(schema_steps); step++)
		r = schema_apply(connection, step);
	return r < 0 ? connection_error(connection, reterr) : 0;
}

int schema_upgrade(struct connection *connection, struct error *reterr)
{
	int r;

	if (connection_execute(connection, "BEGIN IMMEDIATE") < 0)
		return connection_error(connection, reterr);
	r = schema_upgrade_locked(connection, reterr);
	if (r == 0 && connection_execute(connection, "COMMIT") < 0)
		r = connection_error(connection, reterr);
	if (r < 0)
		(void)connection_execute(connection, "ROLLBACK");
	return r;
}

int schema_check(struct connection *connection, struct error *reterr)
{
	int64_t step = 0;
	int r = schema_step(connection, &step, reterr);

	if (r < 0)
		return r;
	if (step != (int64_t)ARRAY_SIZE(schema_steps))
		return error_set(reterr, -EROFS,
			"the database needs an upgrade and cannot be written");
	return 0;
}

int schema_probe(struct connection *connection, struct error *reterr)
{
	int64_t step = 0;

	return schema_step(connection, &step, reterr);
}
