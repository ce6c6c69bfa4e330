/* SPDX-License-Identifier: Apache-2.0 */
#include "store/token.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/store_private.h"

#define MOUNT_NAME_SIZE 256

static int token_compare(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

bool tokens_known(const struct tokens *tokens, uint64_t token)
{
	return tokens->count > 0 && bsearch(&token, tokens->earlier, tokens->count,
					    sizeof(*tokens->earlier), token_compare);
}

int tokens_record(struct tokens *tokens, struct connection *connection, uint64_t token)
{
	int64_t sequence = tokens->sequence + 1;
	int r = connection_run(connection,
		"INSERT OR REPLACE INTO token (slot, sequence, token) VALUES (?1, ?2, ?3)", "iii",
		sequence % TOKENS_MAX, sequence, (int64_t)token);

	/* A number that a rolled back part has used is left out: slots are used a bit unevenly. */
	if (r == 0)
		tokens->sequence = sequence;
	return r;
}

void tokens_done(struct tokens *tokens)
{
	free(tokens->earlier);
	*tokens = (struct tokens){0};
}

static int tokens_load(struct tokens *tokens, struct connection *connection)
{
	_cleanup_statement_ sqlite3_stmt *statement = NULL;
	int r;

	free(tokens->earlier);
	tokens->count = 0;
	tokens->earlier = calloc(TOKENS_MAX, sizeof(*tokens->earlier));
	if (!tokens->earlier)
		return -ENOMEM;
	statement = connection_query(connection, "SELECT token, sequence FROM token LIMIT ?1", "i",
		(int64_t)TOKENS_MAX);
	while ((r = connection_step(connection, statement)) > 0) {
		int64_t sequence = sqlite3_column_int64(statement, 1);

		tokens->earlier[tokens->count++] = (uint64_t)sqlite3_column_int64(statement, 0);
		if (sequence > tokens->sequence)
			tokens->sequence = sequence;
	}
	if (r == 0)
		qsort(tokens->earlier, tokens->count, sizeof(*tokens->earlier), token_compare);
	return r;
}

static int tokens_switch(struct connection *connection, const char *mount)
{
	char last[MOUNT_NAME_SIZE];
	int r = schema_get(connection, "mount", last, sizeof(last));

	if (r == 0 && strcmp(last, mount) == 0)
		return 0;
	r = connection_execute(connection, "BEGIN IMMEDIATE; DELETE FROM token");
	if (r == 0)
		r = schema_set(connection, "mount", mount);
	if (r == 0)
		r = connection_execute(connection, "COMMIT");
	if (r < 0)
		(void)connection_execute(connection, "ROLLBACK");
	return r;
}

int store_tokens_open(struct store *store, const char *mount, struct error *reterr)
{
	struct connection *writer = store->commit.writer;
	int r;

	if (strlen(mount) >= MOUNT_NAME_SIZE)
		return error_set(reterr, -ENAMETOOLONG, "the mount session's name is too long");
	if (!writer)
		return error_set(reterr, -EROFS, "%s", store->commit.frozen.text);
	LOCKED(&store->commit.writer_lock);
	r = tokens_switch(writer, mount);
	if (r == 0)
		r = tokens_load(&store->tokens, writer);
	if (r == -ENOMEM)
		return error_oom(reterr);
	if (r < 0) {
		(void)connection_error(writer, reterr);
		return error_prefix(reterr, "cannot read which requests were applied");
	}
	return 0;
}

bool store_applied(const struct store *store, const struct caller *caller)
{
	return caller->token && tokens_known(&store->tokens, caller->token);
}
