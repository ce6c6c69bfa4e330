/* SPDX-License-Identifier: Apache-2.0 */
#include "store/connection.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"

#define STATEMENT_SLOTS 256 /* a power of two, well above the number of statements in this room */
#define BUSY_TIMEOUT_MS 2500
#define CACHE_READ_KIB  2048 /* holds the inner pages of a million services beside some leaves */
#define CACHE_WRITE_KIB 8192
#define JOURNAL_LIMIT   (64 * 1024 * 1024) /* bytes that a write-ahead log keeps when it restarts */

struct statement_slot {
	const char *sql;
	sqlite3_stmt *statement;
};

struct connection {
	sqlite3 *db;
	int failure; /* extended code of the last failure */
	struct statement_slot slots[STATEMENT_SLOTS];
};

static int connection_fail(struct connection *connection, int code)
{
	connection->failure = code;
	return connection_errno(connection);
}

static int connection_tune(struct connection *connection, enum connection_mode mode)
{
	char *sql;
	int r;

	sql = sqlite3_mprintf("PRAGMA cache_size = -%d; PRAGMA temp_store = MEMORY;"
			      "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"
			      "PRAGMA secure_delete = ON;" /* a key that was replaced is gone */
			      "PRAGMA journal_size_limit = %d;",
		mode == CONNECTION_WRITE ? CACHE_WRITE_KIB : CACHE_READ_KIB, JOURNAL_LIMIT);
	if (!sql)
		return connection_fail(connection, SQLITE_NOMEM);
	r = connection_execute(connection, sql);
	sqlite3_free(sql);
	if (r == 0 && mode == CONNECTION_READ)
		r = connection_execute(connection, "PRAGMA query_only = ON");
	return r;
}

/* Percent-encodes what has a meaning in SQLite's file: URIs. */
static void connection_uri(struct buf *uri, const char *path)
{
	buf_puts(uri, "file:");
	for (; *path; path++) {
		if (*path == '%' || *path == '?' || *path == '#')
			buf_printf(uri, "%%%02X", (unsigned char)*path);
		else
			buf_putc(uri, *path);
	}
	buf_puts(uri, "?immutable=1");
}

int connection_open(struct connection **ret, const char *path, enum connection_mode mode,
	struct error *reterr)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	_cleanup_buf_ struct buf uri = BUF_INIT;
	int code, r;

	if (!connection)
		return error_oom(reterr);
	if (mode == CONNECTION_FROZEN) {
		connection_uri(&uri, path);
		flags |= SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
	} else {
		/* A reader of a write-ahead log writes too: its mark in the index. */
		buf_puts(&uri, path);
		flags |= SQLITE_OPEN_READWRITE;
	}
	if (uri.error) {
		free(connection);
		return error_oom(reterr);
	}
	code = sqlite3_open_v2(buf_string(&uri), &connection->db, flags, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_busy_timeout(connection->db, BUSY_TIMEOUT_MS);
	r = code == SQLITE_OK ? connection_tune(connection, mode)
			      : connection_fail(connection, code);
	if (r < 0) {
		(void)connection_error(connection, reterr);
		connection_close(connection);
		return error_prefix(reterr, "cannot open the database %s", path);
	}
	*ret = connection;
	return 0;
}

void connection_close(struct connection *connection)
{
	if (!connection)
		return;
	for (size_t i = 0; i < STATEMENT_SLOTS; i++)
		(void)sqlite3_finalize(connection->slots[i].statement);
	(void)sqlite3_close_v2(connection->db);
	free(connection);
}

sqlite3 *connection_handle(struct connection *connection)
{
	return connection->db;
}

int connection_errno(const struct connection *connection)
{
	switch (connection->failure) {
	case SQLITE_IOERR_READ:
	case SQLITE_IOERR_SHORT_READ:
	case SQLITE_IOERR_CORRUPTFS:
	case SQLITE_IOERR_DATA:
		return -EIO;
	case SQLITE_IOERR_NOMEM:
		return -ENOMEM;
	default:
		break;
	}
	switch (connection->failure & 0xff) {
	case SQLITE_OK:
		return 0;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_TOOBIG:
		return -EFBIG;
	case SQLITE_CONSTRAINT:
		return -EEXIST;
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_READONLY:
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_CANTOPEN:
	case SQLITE_PROTOCOL:
	case SQLITE_PERM:
		return -EROFS;
	default:
		return -EIO;
	}
}

static const char *connection_advice(int failure)
{
	switch (failure & 0xff) {
	case SQLITE_FULL:
		return "the disk that holds the database is full; free some space and write again";
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return "the database or its file system is read-only";
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return "another program keeps the database locked";
	case SQLITE_CANTOPEN:
		return "a file of the database cannot be opened";
	case SQLITE_IOERR:
		return "the disk reports an error when the database is written";
	case SQLITE_CORRUPT:
		return "the database is damaged; stop, and restore it from a copy";
	case SQLITE_NOTADB:
		return "the file is no database, or its beginning is damaged";
	default:
		return NULL;
	}
}

int connection_error(const struct connection *connection, struct error *reterr)
{
	const char *advice = connection_advice(connection->failure);
	int r = connection_errno(connection);

	if (r == -ENOMEM)
		return error_oom(reterr);
	if (!advice || r == -EIO)
		return error_set(reterr, r ? r : -EIO, "%s (%s)",
			advice ? advice : "the database does not answer",
			sqlite3_errstr(connection->failure));
	return error_set(reterr, r, "%s", advice);
}

static struct statement_slot *connection_slot(struct connection *connection, const char *sql)
{
	size_t at = ((uintptr_t)sql >> 3) * 31;

	for (size_t i = 0; i < STATEMENT_SLOTS; i++) {
		struct statement_slot *slot = &connection->slots[(at + i) & (STATEMENT_SLOTS - 1)];

		if (slot->sql == sql || !slot->sql)
			return slot;
	}
	return NULL;
}

static sqlite3_stmt *connection_prepare(struct connection *connection, const char *sql)
{
	struct statement_slot *slot = connection_slot(connection, sql);
	int code;

	if (!slot) {
		connection->failure = SQLITE_MISUSE;
		return NULL;
	}
	if (slot->statement)
		return slot->statement;
	code = sqlite3_prepare_v3(connection->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
		&slot->statement, NULL);
	if (code != SQLITE_OK) {
		connection->failure = code;
		return NULL;
	}
	slot->sql = sql;
	return slot->statement;
}

static int connection_bind(sqlite3_stmt *statement, const char *types, va_list ap)
{
	int code = SQLITE_OK;

	for (int i = 1; *types && code == SQLITE_OK; types++, i++) {
		if (*types == 'i') {
			code = sqlite3_bind_int64(statement, i, va_arg(ap, int64_t));
		} else if (*types == 't') {
			code = sqlite3_bind_text(statement, i, va_arg(ap, const char *), -1,
				SQLITE_STATIC);
		} else {
			const void *data = va_arg(ap, const void *);
			size_t len = va_arg(ap, size_t);

			code = sqlite3_bind_blob64(statement, i, data ? data : "", len,
				SQLITE_STATIC);
		}
	}
	return code;
}

static sqlite3_stmt *connection_vquery(struct connection *connection, const char *sql,
	const char *types, va_list ap)
{
	sqlite3_stmt *statement = connection_prepare(connection, sql);
	int code;

	if (!statement)
		return NULL;
	code = connection_bind(statement, types, ap);
	if (code == SQLITE_OK)
		return statement;
	connection->failure = code;
	statement_done(statement);
	return NULL;
}

sqlite3_stmt *connection_query(struct connection *connection, const char *sql, const char *types,
	...)
{
	sqlite3_stmt *statement;
	va_list ap;

	va_start(ap, types);
	statement = connection_vquery(connection, sql, types, ap);
	va_end(ap);
	return statement;
}

int connection_step(struct connection *connection, sqlite3_stmt *statement)
{
	int code;

	if (!statement)
		return connection_errno(connection);
	code = sqlite3_step(statement);
	if (code == SQLITE_ROW)
		return 1;
	if (code == SQLITE_DONE)
		return 0;
	return connection_fail(connection, code);
}

int connection_run(struct connection *connection, const char *sql, const char *types, ...)
{
	_cleanup_statement_ sqlite3_stmt *statement = NULL;
	va_list ap;
	int r;

	va_start(ap, types);
	statement = connection_vquery(connection, sql, types, ap);
	va_end(ap);
	do
		r = connection_step(connection, statement);
	while (r > 0);
	return r;
}

int connection_get_int(struct connection *connection, int64_t *ret, const char *sql,
	const char *types, ...)
{
	_cleanup_statement_ sqlite3_stmt *statement = NULL;
	va_list ap;
	int r;

	va_start(ap, types);
	statement = connection_vquery(connection, sql, types, ap);
	va_end(ap);
	r = connection_step(connection, statement);
	if (r < 0)
		return r;
	if (r == 0)
		return -ENOENT;
	*ret = sqlite3_column_int64(statement, 0);
	return 0;
}

int connection_execute(struct connection *connection, const char *sql)
{
	int code = sqlite3_exec(connection->db, sql, NULL, NULL, NULL);

	return code == SQLITE_OK ? 0 : connection_fail(connection, code);
}

void statement_done(sqlite3_stmt *statement)
{
	if (!statement)
		return;
	(void)sqlite3_reset(statement);
	(void)sqlite3_clear_bindings(statement);
}
