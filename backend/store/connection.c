/* SPDX-License-Identifier: Apache-2.0 */
#include "store/connection.h"

#include <errno.h>
#include <string.h>

int connection_errno(int result)
{
	switch (result & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_CONSTRAINT:
		return -EEXIST;
	case SQLITE_FULL:
	case SQLITE_READONLY:
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		return -EROFS;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_TOOBIG:
		return -EFBIG;
	default:
		return -EIO;
	}
}

int connection_exec(struct connection *connection, const char *sql)
{
	return connection_errno(sqlite3_exec(connection->db, sql, NULL, NULL, NULL));
}

int connection_open(struct connection *connection, const char *path, bool read_only,
	struct error *reterr)
{
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
		    (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
	int r;

	memset(connection, 0, sizeof(*connection));
	r = sqlite3_open_v2(path, &connection->db, flags, NULL);
	if (r != SQLITE_OK) {
		r = error_set(reterr, connection_errno(r), "cannot open %s: %s", path,
			sqlite3_errstr(r));
		connection_close(connection);
		return r;
	}
	(void)sqlite3_busy_timeout(connection->db, 5000);
	return 0;
}

void connection_close(struct connection *connection)
{
	unsigned i;

	for (i = 0; i < connection->used; i++)
		(void)sqlite3_finalize(connection->statements[i].statement);
	connection->used = 0;
	(void)sqlite3_close_v2(connection->db);
	connection->db = NULL;
}

sqlite3_stmt *connection_take(struct connection *connection, const char *sql)
{
	sqlite3_stmt *statement = NULL;
	unsigned i;

	for (i = 0; i < connection->used; i++) {
		if (connection->statements[i].sql != sql || connection->statements[i].busy)
			continue;
		connection->statements[i].busy = true;
		return connection->statements[i].statement;
	}
	if (sqlite3_prepare_v3(connection->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement,
		    NULL) != SQLITE_OK)
		return NULL;
	if (connection->used == CONNECTION_STATEMENTS)
		return statement;
	connection->statements[connection->used].sql = sql;
	connection->statements[connection->used].statement = statement;
	connection->statements[connection->used].busy = true;
	connection->used++;
	return statement;
}

void connection_give(struct connection *connection, sqlite3_stmt *statement)
{
	unsigned i;

	if (!statement)
		return;
	(void)sqlite3_reset(statement);
	(void)sqlite3_clear_bindings(statement);
	for (i = 0; i < connection->used; i++) {
		if (connection->statements[i].statement != statement)
			continue;
		connection->statements[i].busy = false;
		return;
	}
	(void)sqlite3_finalize(statement);
}

int connection_run(struct connection *connection, sqlite3_stmt *statement)
{
	int r;

	if (!statement)
		return connection_errno(sqlite3_errcode(connection->db)) ?: -EIO;
	r = connection_errno(sqlite3_step(statement));
	connection_give(connection, statement);
	return r;
}
