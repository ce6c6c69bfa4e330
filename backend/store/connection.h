/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connection - one SQLite connection with its prepared statements.
 * Promises: a statement is prepared once and used again; one that is in use (a list whose callback
 *           reads) is never disturbed. Errors of SQLite become errnos.
 * Threads: a connection belongs to one thread at a time.
 * Ownership: statements are returned with connection_give.
 */
#ifndef DUPLOFS_STORE_CONNECTION_H
#define DUPLOFS_STORE_CONNECTION_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define CONNECTION_STATEMENTS 96

struct connection {
	sqlite3 *db;
	struct {
		const char *sql; /* identity: the address of the text */
		sqlite3_stmt *statement;
		bool busy;
	} statements[CONNECTION_STATEMENTS];
	unsigned used;
};

int connection_open(struct connection *connection, const char *path, bool read_only,
	struct error *reterr);
void connection_close(struct connection *connection);

/* A statement for sql (a string constant), reset and without bindings; NULL when SQLite refuses. */
sqlite3_stmt *connection_take(struct connection *connection, const char *sql);
void connection_give(struct connection *connection, sqlite3_stmt *statement);

/* Runs a statement that returns no row; gives it back. 0 or a negative errno. */
int connection_run(struct connection *connection, sqlite3_stmt *statement);
/* The same for a text without bindings, prepared anew. */
int connection_exec(struct connection *connection, const char *sql);

/* The errno for a result of SQLite: -EROFS for a disk that is full or cannot be written. */
int connection_errno(int result);

#endif
