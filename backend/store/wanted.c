/* SPDX-License-Identifier: Apache-2.0 */
#include "store/wanted.h"

#include <errno.h>

#include "base/text.h"
#include "store/txn.h"

/* The tenants of a scope: ?1 its id, ?2 whether it is a group. */
#define TENANTS                                                                                    \
	"(SELECT ?1 WHERE ?2 = 0 UNION ALL"                                                        \
	" SELECT tenant FROM owner WHERE ?2 <> 0 AND policy_group = ?1 AND policy_group <> 0)"
/* ?3: KIND_HOST */
#define HAS_HOST                                                                                   \
	"EXISTS (SELECT 1 FROM object WHERE parent = r.tenant AND kind = ?3 AND deleting = 0"      \
	" AND generation > 0)"

static void copy(char *target, size_t size, sqlite3_stmt *statement, int column)
{
	(void)text_copy(target, size, (const char *)sqlite3_column_text(statement, column));
}

static int read_parts(struct connection *connection, enum wanted_scope scope, int64_t id,
	struct wanted_sum *sum)
{
	_cleanup_statement_ sqlite3_stmt *statement = connection_query(connection,
		"SELECT sku, region, sum(quantity) FROM wanted WHERE tenant IN " TENANTS
		" GROUP BY sku, region",
		"ii", id, (int64_t)(scope == WANTED_GROUP));
	int r;

	while ((r = connection_step(connection, statement)) > 0) {
		struct usage_subject *part = &sum->parts[sum->count];

		if (sum->count == WANTED_SUMS_MAX)
			return -ENOBUFS;
		*part = (struct usage_subject){.quantity = sqlite3_column_int64(statement, 2)};
		copy(part->sku, sizeof(part->sku), statement, 0);
		copy(part->region, sizeof(part->region), statement, 1);
		sum->count++;
	}
	return r;
}

static int read_reserve(struct connection *connection, enum wanted_scope scope, int64_t id,
	struct wanted_sum *sum)
{
	_cleanup_statement_ sqlite3_stmt *statement = connection_query(connection,
		"SELECT coalesce(sum(cpu_milli), 0), coalesce(sum(memory_mib), 0)"
		" FROM reserve AS r WHERE tenant IN " TENANTS " AND NOT " HAS_HOST,
		"iii", id, (int64_t)(scope == WANTED_GROUP), (int64_t)KIND_HOST);
	int r = connection_step(connection, statement);

	if (r <= 0)
		return r < 0 ? r : -EIO;
	sum->cpu_milli = sqlite3_column_int64(statement, 0);
	sum->memory_mib = sqlite3_column_int64(statement, 1);
	return 0;
}

static int read_sum(struct connection *connection, enum wanted_scope scope, int64_t id,
	struct wanted_sum *ret)
{
	int r;

	*ret = (struct wanted_sum){.count = 0};
	r = read_parts(connection, scope, id, ret);
	return r < 0 ? r : read_reserve(connection, scope, id, ret);
}

int store_wanted(struct store *store, enum wanted_scope scope, int64_t id, struct wanted_sum *ret)
{
	struct connection *connection = reader_take(store, NULL);
	int r = connection ? read_sum(connection, scope, id, ret) : -EIO;

	reader_give(store, connection);
	return r;
}

int txn_wanted(struct txn *txn, enum wanted_scope scope, int64_t id, struct wanted_sum *ret)
{
	return txn_fail(txn, read_sum(txn->connection, scope, id, ret));
}

int txn_set_wanted(struct txn *txn, int64_t object, const struct usage_subject *parts, size_t count)
{
	struct object owner = OBJECT_INIT;
	int r = txn_peek_living(txn, object, &owner);

	if (r == 0)
		r = txn_run(txn, "DELETE FROM wanted WHERE object = ?1", "i", object);
	for (size_t i = 0; i < count && r == 0; i++)
		r = txn_run(txn,
			"INSERT INTO wanted (object, part, tenant, sku, region, quantity)"
			" VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
			"iiitti", object, (int64_t)i, owner.tenant, parts[i].sku, parts[i].region,
			parts[i].quantity > 0 ? parts[i].quantity : 1);
	return r;
}

static int has_host(struct connection *connection, int64_t tenant)
{
	int64_t found;
	int r = connection_get_int(connection, &found,
		"SELECT 1 FROM object WHERE parent = ?1 AND kind = ?2 AND deleting = 0"
		" AND generation > 0 LIMIT 1",
		"ii", tenant, (int64_t)KIND_HOST);

	return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

int store_has_host(struct store *store, int64_t tenant)
{
	struct connection *connection = reader_take(store, NULL);
	int r = connection ? has_host(connection, tenant) : -EIO;

	reader_give(store, connection);
	return r;
}

int txn_has_host(struct txn *txn, int64_t tenant)
{
	return txn_fail(txn, has_host(txn->connection, tenant));
}

static int read_running(struct connection *connection, int64_t object, struct usage_subject *ret)
{
	_cleanup_statement_ sqlite3_stmt *statement = connection_query(connection,
		"SELECT s.sku, s.region, s.cpu_milli, s.memory_mib FROM usage_open AS o"
		" JOIN usage_subject AS s ON s.id = o.subject WHERE o.object = ?1 AND o.part = 0",
		"i", object);
	int r = connection_step(connection, statement);

	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	*ret = (struct usage_subject){
		.quantity = 1,
		.cpu_milli = sqlite3_column_int64(statement, 2),
		.memory_mib = sqlite3_column_int64(statement, 3),
	};
	copy(ret->sku, sizeof(ret->sku), statement, 0);
	copy(ret->region, sizeof(ret->region), statement, 1);
	return 0;
}

int store_usage_running(struct store *store, int64_t object, struct usage_subject *ret)
{
	struct connection *connection = reader_take(store, NULL);
	int r = connection ? read_running(connection, object, ret) : -EIO;

	reader_give(store, connection);
	return r;
}
