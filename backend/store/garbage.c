/* SPDX-License-Identifier: Apache-2.0 */
#include "store/garbage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "store/txn.h"

#define KEPT    "500" /* lines of what was removed */
#define SETTING "garbage_ns" /* when the table last changed */

static const char *const states[] = {
	[GARBAGE_LEFT] = "left",
	[GARBAGE_BUSY] = "busy",
	[GARBAGE_REMOVED] = "removed",
};

static int note_change(struct txn *txn)
{
	char now[24];

	(void)snprintf(now, sizeof(now), "%lld", (long long)txn->now_ns);
	return txn_fail(txn, schema_set(txn->connection, SETTING, now));
}

/* 1 when the line says just this already. */
static int is_same(struct txn *txn, const struct garbage *garbage)
{
	_cleanup_statement_ sqlite3_stmt *statement = NULL;
	int r;

	statement = connection_query(txn->connection,
		"SELECT words FROM garbage WHERE type = ?1 AND name = ?2 AND claims = ?3"
		" AND state = ?4 AND tenant = ?5",
		"ttiit", garbage->type, garbage->name, (int64_t)garbage->claims,
		(int64_t)garbage->state, garbage->tenant);
	r = connection_step(txn->connection, statement);
	if (r > 0)
		r = error_says_same((const char *)sqlite3_column_text(statement, 0),
			garbage->words);
	return r < 0 ? txn_fail(txn, r) : r;
}

static int tell(struct txn *txn, const struct garbage *garbage)
{
	return txn_event(txn, PLATFORM_ID, garbage->state == GARBAGE_REMOVED ? "info" : "warning",
		"garbage: %s %s: %s", garbage->type, garbage->name, garbage->words);
}

int txn_garbage_add(struct txn *txn, const struct garbage *garbage)
{
	int same = is_same(txn, garbage);
	int r;

	if (same < 0)
		return same;
	if (same)
		return txn_run(txn, "UPDATE garbage SET seen_ns = ?3 WHERE type = ?1 AND name = ?2",
			"tti", garbage->type, garbage->name, txn->now_ns);
	r = txn_run(txn,
		"INSERT INTO garbage (type, name, claims, state, tenant, words, changed_ns, "
		"seen_ns)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)"
		" ON CONFLICT (type, name) DO UPDATE SET claims = excluded.claims,"
		"  state = excluded.state, tenant = excluded.tenant, words = excluded.words,"
		"  changed_ns = excluded.changed_ns, seen_ns = excluded.seen_ns",
		"ttiitti", garbage->type, garbage->name, (int64_t)garbage->claims,
		(int64_t)garbage->state, garbage->tenant, garbage->words, txn->now_ns);
	if (r == 0)
		r = note_change(txn);
	return r < 0 ? r : tell(txn, garbage);
}

/* What should go and is not found any more has gone. */
static int end_busy(struct txn *txn, int64_t since_ns)
{
	return txn_run(txn,
		"UPDATE garbage SET state = ?1, changed_ns = ?2, words = 'it has gone'"
		" WHERE state = ?3 AND seen_ns < ?4",
		"iiii", (int64_t)GARBAGE_REMOVED, txn->now_ns, (int64_t)GARBAGE_BUSY, since_ns);
}

int txn_garbage_end(struct txn *txn, int64_t since_ns)
{
	int64_t gone = 0;
	int r = txn_fail(txn,
		connection_get_int(txn->connection, &gone,
			"SELECT count(*) FROM garbage WHERE state <> ?1 AND seen_ns < ?2", "ii",
			(int64_t)GARBAGE_REMOVED, since_ns));

	if (r == 0 && gone > 0)
		r = end_busy(txn, since_ns);
	if (r == 0 && gone > 0)
		r = txn_run(txn, "DELETE FROM garbage WHERE state <> ?1 AND seen_ns < ?2", "ii",
			(int64_t)GARBAGE_REMOVED, since_ns);
	if (r == 0)
		r = txn_run(txn,
			"DELETE FROM garbage WHERE state = ?1 AND (type, name) IN"
			" (SELECT type, name FROM garbage WHERE state = ?1"
			"  ORDER BY changed_ns DESC LIMIT -1 OFFSET " KEPT ")",
			"i", (int64_t)GARBAGE_REMOVED);
	return r < 0 || gone == 0 ? r : note_change(txn);
}

/* ---- the table ---- */

static void put_claims(int64_t claims, struct buf *out)
{
	static const struct {
		unsigned claim;
		const char *name;
	} names[] = {{GARBAGE_TAG, "tag"}, {GARBAGE_NAME, "name"}, {GARBAGE_JOURNAL, "journal"}};
	char text[32] = "";

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((unsigned)claims & names[i].claim) {
			size_t len = strlen(text);

			(void)snprintf(text + len, sizeof(text) - len, "%s%s", len ? "+" : "",
				names[i].name);
		}
	buf_printf(out, "%-12s ", text);
}

/* One column: a word, whatever is in it. */
static void put_column(const char *text, int width, struct buf *out)
{
	size_t before = out->len;

	buf_put_word(out, text && *text ? text : "-");
	buf_printf(out, "%*s",
		(int)(before + (size_t)width > out->len ? before + (size_t)width - out->len : 0) +
			1,
		"");
}

static const char *column(sqlite3_stmt *statement, int index)
{
	return (const char *)sqlite3_column_text(statement, index);
}

static void put_line(sqlite3_stmt *statement, struct buf *out)
{
	int64_t state = sqlite3_column_int64(statement, 4);
	char when[32];

	clock_format_utc(sqlite3_column_int64(statement, 0), when, sizeof(when));
	put_column(when, 20, out);
	put_claims(sqlite3_column_int64(statement, 3), out);
	put_column(state >= GARBAGE_LEFT && state <= GARBAGE_REMOVED ? states[state] : "?", 8, out);
	put_column(column(statement, 1), 16, out);
	put_column(column(statement, 2), 40, out);
	put_column(column(statement, 5), 16, out);
	buf_printf(out, "%s\n", column(statement, 6));
}

static int print(struct connection *connection, struct buf *out)
{
	_cleanup_statement_ sqlite3_stmt *statement = connection_query(connection,
		"SELECT changed_ns, type, name, claims, state, tenant, words FROM garbage"
		" ORDER BY changed_ns, type, name",
		"");
	bool first = true;
	int r;

	while ((r = connection_step(connection, statement)) > 0) {
		if (first)
			buf_printf(out, "%-20s %-12s %-8s %-16s %-40s %-16s %s\n", "SINCE",
				"CLAIMS", "STATE", "TYPE", "NAME", "TENANT", "WHY");
		first = false;
		put_line(statement, out);
	}
	return r < 0 ? r : out->error;
}

int store_garbage(struct store *store, struct buf *out, int64_t *ret_changed_ns)
{
	struct connection *connection = reader_take(store, NULL);
	char changed[24] = "0";
	int r = connection ? print(connection, out) : -EIO;

	if (r == 0)
		r = schema_get(connection, SETTING, changed, sizeof(changed));
	reader_give(store, connection);
	*ret_changed_ns = strtoll(changed, NULL, 10);
	return r == -ENOENT ? 0 : r;
}
