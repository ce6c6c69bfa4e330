/* SPDX-License-Identifier: Apache-2.0 */
/* A pack is an array of measures: subject, CPU, memory, 64 bits each, the least byte first. */
#include "store/usage_pack.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "store/txn.h"

#define FIELDS 3

size_t usage_pack_count(size_t len)
{
	return len / (FIELDS * sizeof(uint64_t));
}

struct packed_measure usage_pack_get(const void *bytes, size_t index)
{
	uint64_t fields[FIELDS];

	(void)memcpy(fields, (const char *)bytes + index * sizeof(fields), sizeof(fields));
	return (struct packed_measure){(int64_t)le64toh(fields[0]), (int64_t)le64toh(fields[1]),
		(int64_t)le64toh(fields[2])};
}

/* The first hour with rows before hour_ns; -ENOENT. */
static int find_hour(struct txn *txn, int64_t payer, int64_t hour_ns, int64_t *ret)
{
	return txn_fail(txn, connection_get_int(txn->connection, ret,
				     "SELECT hour_ns FROM usage_hour WHERE tenant = ?1"
				     " AND hour_ns < ?2 ORDER BY hour_ns LIMIT 1",
				     "ii", payer, hour_ns));
}

/* What was packed of that hour before: the clock may have been set back. */
static int read_pack(struct txn *txn, int64_t payer, int64_t hour_ns, struct buf *pack)
{
	_cleanup_statement_ sqlite3_stmt *statement = connection_query(txn->connection,
		"SELECT measures FROM usage_pack WHERE tenant = ?1 AND hour_ns = ?2", "ii", payer,
		hour_ns);
	int r = connection_step(txn->connection, statement);

	if (r > 0)
		buf_add(pack, sqlite3_column_blob(statement, 0),
			(size_t)sqlite3_column_bytes(statement, 0));
	return txn_fail(txn, r < 0 ? r : 0);
}

static int read_rows(struct txn *txn, int64_t payer, int64_t hour_ns, struct buf *pack)
{
	_cleanup_statement_ sqlite3_stmt *statement = connection_query(txn->connection,
		"SELECT subject, cpu_milli, memory_mib FROM usage_hour"
		" WHERE tenant = ?1 AND hour_ns = ?2",
		"ii", payer, hour_ns);
	int r;

	while ((r = connection_step(txn->connection, statement)) > 0)
		for (int i = 0; i < FIELDS; i++) {
			uint64_t field = htole64((uint64_t)sqlite3_column_int64(statement, i));

			buf_add(pack, &field, sizeof(field));
		}
	return txn_fail(txn, r);
}

static int pack_hour(struct txn *txn, int64_t payer, int64_t hour_ns)
{
	_cleanup_buf_ struct buf pack = BUF_INIT;
	int r = read_pack(txn, payer, hour_ns, &pack);

	if (r == 0)
		r = read_rows(txn, payer, hour_ns, &pack);
	if (r == 0)
		r = pack.error;
	if (r == 0)
		r = txn_run(txn,
			"INSERT INTO usage_pack (tenant, hour_ns, measures) VALUES (?1, ?2, ?3)"
			" ON CONFLICT (tenant, hour_ns) DO UPDATE SET measures = excluded.measures",
			"iib", payer, hour_ns, pack.data, pack.len);
	return r < 0 ? r
		     : txn_run(txn, "DELETE FROM usage_hour WHERE tenant = ?1 AND hour_ns = ?2",
			       "ii", payer, hour_ns);
}

int usage_pack(struct txn *txn, int64_t payer, int64_t hour_ns)
{
	int64_t over_ns;
	int r;

	while ((r = find_hour(txn, payer, hour_ns, &over_ns)) == 0) {
		r = pack_hour(txn, payer, over_ns);
		if (r < 0)
			return r;
	}
	return r == -ENOENT ? 0 : r;
}
