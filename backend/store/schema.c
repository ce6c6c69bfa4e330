/* SPDX-License-Identifier: Apache-2.0 */
#include "store/schema.h"

#include <errno.h>

#include "base/cleanup.h"

static const char *const schema_steps[] = {
	/* 1 */
	"CREATE TABLE objects ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" kind INTEGER NOT NULL,"
	" parent INTEGER NOT NULL,"
	" tenant INTEGER NOT NULL,"
	" name TEXT NOT NULL,"
	" generation INTEGER NOT NULL DEFAULT 0,"
	" template_generation INTEGER NOT NULL DEFAULT 0,"
	" observed INTEGER NOT NULL DEFAULT 0,"
	" failed INTEGER NOT NULL DEFAULT 0,"
	" deleting INTEGER NOT NULL DEFAULT 0,"
	" protect INTEGER NOT NULL DEFAULT 0,"
	" paused INTEGER NOT NULL DEFAULT 0,"
	" restart INTEGER NOT NULL DEFAULT 0,"
	" uid INTEGER NOT NULL DEFAULT 0,"
	" gid INTEGER NOT NULL DEFAULT 0,"
	" mode INTEGER NOT NULL DEFAULT 0,"
	" created_ns INTEGER NOT NULL,"
	" spec_ns INTEGER NOT NULL,"
	" status_ns INTEGER NOT NULL,"
	" events_ns INTEGER NOT NULL,"
	" error_ns INTEGER NOT NULL,"
	" children_ns INTEGER NOT NULL,"
	" value_size INTEGER NOT NULL DEFAULT 0,"
	" dns TEXT,"
	" spec TEXT,"
	" status TEXT,"
	" last_error TEXT,"
	" reason TEXT,"
	" value BLOB);"
	"CREATE UNIQUE INDEX objects_name ON objects(parent, kind, name) WHERE deleting = 0;"
	"CREATE INDEX objects_children ON objects(parent, kind, deleting);"
	"CREATE INDEX objects_kind ON objects(kind);"
	"CREATE UNIQUE INDEX objects_dns ON objects(dns) WHERE deleting = 0 AND dns IS NOT NULL;"
	"CREATE TABLE history ("
	" object INTEGER NOT NULL, generation INTEGER NOT NULL, wall_ns INTEGER NOT NULL,"
	" uid INTEGER NOT NULL, gid INTEGER NOT NULL, spec TEXT NOT NULL,"
	" PRIMARY KEY (object, generation)) WITHOUT ROWID;"
	"CREATE TABLE events ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, object INTEGER NOT NULL, tenant INTEGER NOT NULL,"
	" wall_ns INTEGER NOT NULL, severity TEXT NOT NULL, path TEXT NOT NULL, text TEXT NOT "
	"NULL);"
	"CREATE INDEX events_object ON events(object, id);"
	"CREATE INDEX events_tenant ON events(tenant, id);"
	"CREATE TABLE intents ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, owner INTEGER NOT NULL, type TEXT NOT NULL,"
	" name TEXT NOT NULL, created_ns INTEGER NOT NULL, UNIQUE (owner, type, name));"
	"CREATE TABLE allocations ("
	" pool TEXT NOT NULL, number INTEGER NOT NULL, owner INTEGER NOT NULL,"
	" PRIMARY KEY (pool, number)) WITHOUT ROWID;"
	"CREATE UNIQUE INDEX allocations_owner ON allocations(owner, pool);"
	"CREATE TABLE cursors (pool TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE keys ("
	" tenant INTEGER NOT NULL, version INTEGER NOT NULL, sealed BLOB NOT NULL,"
	" PRIMARY KEY (tenant, version)) WITHOUT ROWID;"
	"CREATE TABLE tokens (slot INTEGER PRIMARY KEY, token INTEGER NOT NULL);"
	"CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;",
};

static int schema_version(struct connection *connection, int *ret)
{
	sqlite3_stmt *statement = connection_take(connection, "PRAGMA user_version");

	if (!statement || sqlite3_step(statement) != SQLITE_ROW) {
		int r = connection_errno(sqlite3_errcode(connection->db));

		connection_give(connection, statement);
		return r ? r : -EIO;
	}
	*ret = sqlite3_column_int(statement, 0);
	connection_give(connection, statement);
	return 0;
}

static int schema_step(struct connection *connection, int step)
{
	char version[64];
	int r;

	(void)sqlite3_snprintf(sizeof(version), version, "PRAGMA user_version = %d", step + 1);
	r = connection_exec(connection, "BEGIN IMMEDIATE");
	if (r == 0)
		r = connection_exec(connection, schema_steps[step]);
	if (r == 0)
		r = connection_exec(connection, version);
	if (r == 0)
		r = connection_exec(connection, "COMMIT");
	if (r < 0)
		(void)connection_exec(connection, "ROLLBACK");
	return r;
}

int schema_upgrade(struct connection *connection, struct error *reterr)
{
	int newest = (int)ARRAY_SIZE(schema_steps);
	int version = 0, r;

	r = schema_version(connection, &version);
	if (r < 0)
		return error_set(reterr, r, "cannot read the database: %s",
			sqlite3_errmsg(connection->db));
	if (version > newest)
		return error_set(reterr, -EINVAL,
			"the database is of version %d and this program knows up to %d: "
			"use a newer duplofs",
			version, newest);
	for (; version < newest && r == 0; version++)
		r = schema_step(connection, version);
	if (r < 0)
		return error_set(reterr, r, "cannot bring the database up to date: %s",
			sqlite3_errmsg(connection->db));
	return 0;
}
