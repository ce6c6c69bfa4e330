/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connection - one SQLite connection with its prepared statements, and SQLite's codes as errnos.
 * Promises: a statement is prepared once a connection; nothing here aborts or loops without end.
 * Threads: one thread at a time (see reader.h and commit.h for who holds which).
 * Ownership: the connection owns its statements; a statement in use is given back by
 *            statement_done, which the cleanup attribute calls.
 */
#ifndef DUPLOFS_STORE_CONNECTION_H
#define DUPLOFS_STORE_CONNECTION_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct connection;

enum connection_mode {
	CONNECTION_WRITE,
	CONNECTION_READ,
	CONNECTION_FROZEN, /* the file cannot change: no locks, no write-ahead log */
};

int connection_open(struct connection **ret, const char *path, enum connection_mode mode,
	struct error *reterr);
void connection_close(struct connection *connection);

sqlite3 *connection_handle(struct connection *connection);

/* The code of the last failure as a negative errno: -EROFS for all that keeps from writing. */
int connection_errno(const struct connection *connection);

/* The last failure as a sentence. */
int connection_error(const struct connection *connection, struct error *reterr);

/*
 * Prepares sql (a string literal: its address is the key of the cache) and binds the arguments:
 * types has a letter for each, 'i' int64_t, 't' text or NULL, 'b' two arguments, bytes and size_t.
 * Bound text and bytes must live until statement_done. NULL on failure.
 */
sqlite3_stmt *connection_query(struct connection *connection, const char *sql, const char *types,
	...);

/* 1: a row, 0: no more, or a negative errno. */
int connection_step(struct connection *connection, sqlite3_stmt *statement);

/* Query, step to the end, done. 0 or a negative errno. */
int connection_run(struct connection *connection, const char *sql, const char *types, ...);

/* The first column of the first row; -ENOENT when there is no row. */
int connection_get_int(struct connection *connection, int64_t *ret, const char *sql,
	const char *types, ...);

/* Statements without arguments that are not worth keeping. */
int connection_execute(struct connection *connection, const char *sql);

void statement_done(sqlite3_stmt *statement);

static inline void cleanup_statement(sqlite3_stmt **statement)
{
	statement_done(*statement);
}
#define _cleanup_statement_ __attribute__((cleanup(cleanup_statement)))

#endif
