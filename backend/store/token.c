/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens of requests that were applied. The kernel sends a request again only while it has no
 * answer, and at most one request a serving thread is in that state when a worker dies (64 threads),
 * so a ring of the last STORE_TOKENS_MAX applied ones outlives many deaths in a row.
 */
#include "store/internal.h"

#include <errno.h>
#include <stdlib.h>

static int token_compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

bool token_applied(const struct store *store, const struct caller *caller)
{
	if (!caller || !caller->token || !store->token_count)
		return false;
	return bsearch(&caller->token, store->tokens, store->token_count, sizeof(uint64_t),
		       token_compare) != NULL;
}

int token_record(struct txn *txn)
{
	static const char sql[] = "REPLACE INTO tokens (slot, token) VALUES (?1, ?2)";
	sqlite3_stmt *statement;

	if (!txn->caller || !txn->caller->token)
		return 0;
	statement = connection_take(txn->connection, sql);
	if (!statement)
		return -EIO;
	txn->store->token_slot = (txn->store->token_slot + 1) % STORE_TOKENS_MAX;
	(void)sqlite3_bind_int64(statement, 1, txn->store->token_slot);
	(void)sqlite3_bind_int64(statement, 2, (sqlite3_int64)txn->caller->token);
	return connection_run(txn->connection, statement);
}

/* Forgets the tokens when they are another mount session's. */
static int token_session(struct connection *connection, const char *mount)
{
	static const char forget[] =
		"DELETE FROM tokens WHERE NOT EXISTS"
		" (SELECT 1 FROM settings WHERE name = 'mount' AND value = ?1)";
	static const char name[] = "REPLACE INTO settings (name, value) VALUES ('mount', ?1)";
	static const char *const steps[] = {forget, name};
	size_t i;
	int r = 0;

	for (i = 0; i < 2 && r == 0; i++) {
		sqlite3_stmt *statement = connection_take(connection, steps[i]);

		if (!statement)
			return -EIO;
		(void)sqlite3_bind_text(statement, 1, mount, -1, SQLITE_STATIC);
		r = connection_run(connection, statement);
	}
	return r;
}

static int token_load(struct store *store)
{
	static const char sql[] = "SELECT token, slot FROM tokens";
	sqlite3_stmt *statement = connection_take(&store->writer, sql);
	uint64_t *tokens = calloc(STORE_TOKENS_MAX, sizeof(*tokens));
	size_t count = 0;

	if (!statement || !tokens) {
		connection_give(&store->writer, statement);
		free(tokens);
		return -ENOMEM;
	}
	while (count < STORE_TOKENS_MAX && sqlite3_step(statement) == SQLITE_ROW)
		tokens[count++] = (uint64_t)sqlite3_column_int64(statement, 0);
	connection_give(&store->writer, statement);
	qsort(tokens, count, sizeof(*tokens), token_compare);
	free(store->tokens);
	store->tokens = tokens;
	store->token_count = count;
	return 0;
}

/* The ring goes on where it was: behind the youngest token. Tokens of one mount only grow. */
static int token_resume(struct store *store)
{
	static const char sql[] = "SELECT slot FROM tokens ORDER BY token DESC LIMIT 1";
	sqlite3_stmt *statement = connection_take(&store->writer, sql);

	if (!statement)
		return -EIO;
	if (sqlite3_step(statement) == SQLITE_ROW)
		store->token_slot = sqlite3_column_int64(statement, 0);
	connection_give(&store->writer, statement);
	return 0;
}

int store_tokens_open(struct store *store, const char *mount, struct error *reterr)
{
	int r;

	LOCKED(&store->writer_lock);
	r = token_session(&store->writer, mount);
	if (r == 0)
		r = token_load(store);
	if (r == 0)
		r = token_resume(store);
	return r < 0 ? error_set(reterr, r, "cannot read the journal of requests: %s",
			       sqlite3_errmsg(store->writer.db))
		     : 0;
}
