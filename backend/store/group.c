/* SPDX-License-Identifier: Apache-2.0 */
#include "store/group.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "store/txn.h"

#define TENANTS_PAGE 64

void group_state_done(struct group_state *state)
{
	free(state->policy);
	state->policy = NULL;
}

static int group_of(struct connection *connection, int64_t tenant, int64_t *ret)
{
	int r = connection_get_int(connection, ret,
		"SELECT policy_group FROM owner WHERE tenant = ?1", "i", tenant);

	if (r == -ENOENT)
		*ret = 0;
	return r == -ENOENT ? 0 : r;
}

static int read_use(struct connection *connection, int64_t group, struct reserve *ret)
{
	_cleanup_statement_ sqlite3_stmt *statement = connection_query(connection,
		"SELECT coalesce(sum(replicas), 0), coalesce(sum(cpu_milli), 0),"
		" coalesce(sum(memory_mib), 0) FROM reserve WHERE tenant IN"
		" (SELECT tenant FROM owner WHERE policy_group = ?1 AND policy_group <> 0)",
		"i", group);
	int r = connection_step(connection, statement);

	if (r <= 0)
		return r < 0 ? r : -EIO;
	*ret = (struct reserve){
		.replicas = sqlite3_column_int64(statement, 0),
		.cpu_milli = sqlite3_column_int64(statement, 1),
		.memory_mib = sqlite3_column_int64(statement, 2),
	};
	return 0;
}

static int read_state(struct connection *connection, int64_t tenant, struct group_state *ret)
{
	struct group_state state = {0};
	struct object group = OBJECT_INIT;
	int r = group_of(connection, tenant, &state.group);

	if (r == 0 && state.group != 0)
		r = object_read(connection, state.group, true, &group);
	if (r == 0 && state.group != 0)
		r = read_use(connection, state.group, &state.used);
	(void)text_copy(state.name, sizeof(state.name), group.name);
	if (r == 0) {
		state.policy = group.spec;
		group.spec = NULL;
		*ret = state;
	}
	object_done(&group);
	return r;
}

static int read_count(struct connection *connection, int64_t group, enum kind kind, int64_t *ret)
{
	return connection_get_int(connection, ret,
		"SELECT count(*) FROM object WHERE parent IN"
		" (SELECT tenant FROM owner WHERE policy_group = ?1 AND policy_group <> 0)"
		" AND kind = ?2 AND deleting = 0",
		"ii", group, (int64_t)kind);
}

int store_group(struct store *store, int64_t tenant, struct group_state *ret)
{
	struct connection *connection = reader_take(store, NULL);
	int r = connection ? read_state(connection, tenant, ret) : -EIO;

	reader_give(store, connection);
	return r;
}

int txn_group(struct txn *txn, int64_t tenant, struct group_state *ret)
{
	return txn_fail(txn, read_state(txn->connection, tenant, ret));
}

int store_group_count(struct store *store, int64_t group, enum kind kind, int64_t *ret)
{
	struct connection *connection = reader_take(store, NULL);
	int r = connection ? read_count(connection, group, kind, ret) : -EIO;

	reader_give(store, connection);
	return r;
}

int txn_group_count(struct txn *txn, int64_t group, enum kind kind, int64_t *ret)
{
	return txn_fail(txn, read_count(txn->connection, group, kind, ret));
}

int store_group_use(struct store *store, int64_t group, struct reserve *ret)
{
	struct connection *connection = reader_take(store, NULL);
	int r = connection ? read_use(connection, group, ret) : -EIO;

	reader_give(store, connection);
	return r;
}

static int read_tenants(struct connection *connection, int64_t group, int64_t after, int64_t *page,
	size_t *ret_count)
{
	_cleanup_statement_ sqlite3_stmt *statement = connection_query(connection,
		"SELECT tenant FROM owner WHERE policy_group = ?1 AND policy_group <> 0"
		" AND tenant > ?2 ORDER BY tenant LIMIT ?3",
		"iii", group, after, (int64_t)TENANTS_PAGE);
	int r;

	*ret_count = 0;
	while ((r = connection_step(connection, statement)) > 0)
		page[(*ret_count)++] = sqlite3_column_int64(statement, 0);
	return r;
}

int store_group_tenants(struct store *store, int64_t group, store_object_fn fn, void *arg)
{
	int64_t page[TENANTS_PAGE], after = 0;
	size_t count = TENANTS_PAGE;
	int r = 0;

	while (r == 0 && count == TENANTS_PAGE) {
		struct connection *connection = reader_take(store, NULL);

		r = connection ? read_tenants(connection, group, after, page, &count) : -EIO;
		reader_give(store, connection);
		for (size_t i = 0; i < count && r == 0; i++) {
			struct object tenant = OBJECT_INIT;

			after = page[i];
			r = store_peek(store, page[i], &tenant);
			if (r == 0 && !tenant.deleting)
				r = fn(arg, &tenant);
			r = r == -ENOENT ? 0 : r;
			object_done(&tenant);
		}
	}
	return r < 0 ? r : 0;
}

int txn_set_group(struct txn *txn, int64_t tenant, int64_t group)
{
	struct object object = OBJECT_INIT;
	int64_t now = 0;
	int r = txn_peek_living(txn, tenant, &object);

	if (r == 0)
		r = txn_fail(txn, group_of(txn->connection, tenant, &now));
	if (r < 0 || now == group)
		return r;
	r = txn_run(txn, "UPDATE owner SET policy_group = ?2 WHERE tenant = ?1", "ii", tenant,
		group);
	return r < 0 ? r : txn_note(txn, &object, CHANGE_FLAGS);
}

int txn_set_reserve(struct txn *txn, int64_t service, const struct reserve *reserve)
{
	struct object object = OBJECT_INIT;
	int r = txn_peek_living(txn, service, &object);

	if (r < 0)
		return r;
	return txn_run(txn,
		"INSERT INTO reserve (service, tenant, replicas, cpu_milli, memory_mib)"
		" VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (service) DO UPDATE SET"
		" replicas = excluded.replicas, cpu_milli = excluded.cpu_milli,"
		" memory_mib = excluded.memory_mib",
		"iiiii", service, object.tenant, reserve->replicas, reserve->cpu_milli,
		reserve->memory_mib);
}
