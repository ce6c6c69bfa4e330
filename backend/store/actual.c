/* SPDX-License-Identifier: Apache-2.0 */
#include "store/actual.h"

#include <errno.h>

#include "store/txn.h"

/* The payer of that id, made for a tenant that has run nothing yet; else who pays what is
 * nobody's. */
static int find_payer(struct txn *txn, int64_t tenant, int64_t *ret)
{
	struct object object = OBJECT_INIT;
	int r = txn_fail(txn,
		connection_get_int(txn->connection, ret,
			"SELECT tenant FROM usage_payer WHERE tenant = ?1", "i", tenant));

	if (r != -ENOENT)
		return r;
	r = tenant == PLATFORM_ID ? -ENOENT : txn_peek(txn, tenant, &object);
	if (r < 0 && r != -ENOENT)
		return r;
	*ret = r == 0 && object.kind == KIND_TENANT ? tenant : PLATFORM_ID;
	return txn_run(txn,
		"INSERT INTO usage_payer (tenant, name, moved) VALUES (?1, ?2, 0)"
		" ON CONFLICT (tenant) DO NOTHING",
		"it", *ret, *ret == tenant ? object.name : "");
}

int txn_set_actual(struct txn *txn, int64_t tenant, int64_t day_ns, const char *service,
	int64_t nano)
{
	int64_t payer;
	int r = find_payer(txn, tenant, &payer);

	if (r == 0)
		r = txn_run(txn,
			"INSERT INTO usage_actual (tenant, day_ns, service, origin, nano)"
			" VALUES (?1, ?2, ?3, ?4, ?5)"
			" ON CONFLICT (tenant, day_ns, service, origin) DO UPDATE"
			" SET nano = excluded.nano",
			"iitii", payer, day_ns, service, tenant, nano);
	return r < 0 ? r
		     : txn_run(txn,
			       "UPDATE usage_payer SET moved = moved + 1, rewritten = rewritten + 1"
			       " WHERE tenant = ?1",
			       "i", payer);
}

int store_actual_asked(struct store *store, int64_t *ret_day_ns)
{
	struct connection *connection = reader_take(store, NULL);
	int r = connection ? connection_get_int(connection, ret_day_ns,
				     "SELECT coalesce(max(day_ns), 0) FROM usage_asked", "")
			   : -EIO;

	reader_give(store, connection);
	return r;
}

int txn_set_actual_asked(struct txn *txn, int64_t day_ns)
{
	int r = txn_run(txn, "DELETE FROM usage_asked", "");

	return r < 0 ? r
		     : txn_run(txn, "INSERT INTO usage_asked (day_ns) VALUES (?1)", "i", day_ns);
}
