/* SPDX-License-Identifier: Apache-2.0 */
#include "store/internal.h"

#include <errno.h>
#include <string.h>

/* Runs an update whose ?1 is the object and ?2 the time, with up to one text in ?3 and one number in
 * ?4, and tells the feed. */
static int txn_set(struct txn *txn, const char *sql, int64_t id, const char *text, int64_t number,
	unsigned flags)
{
	sqlite3_stmt *statement = connection_take(txn->connection, sql);
	int r;

	if (!statement)
		return -EIO;
	(void)sqlite3_bind_int64(statement, 1, id);
	(void)sqlite3_bind_int64(statement, 2, txn->now_ns);
	if (sqlite3_bind_parameter_count(statement) >= 3 && text)
		(void)sqlite3_bind_text(statement, 3, text, -1, SQLITE_STATIC);
	if (sqlite3_bind_parameter_count(statement) >= 4)
		(void)sqlite3_bind_int64(statement, 4, number);
	r = connection_run(txn->connection, statement);
	if (r == 0 && sqlite3_changes(txn->connection->db) > 0)
		r = txn_changed(txn, id, flags);
	return r;
}

static int txn_write_spec(struct txn *txn, int64_t id, const char *text, size_t len,
	bool template_changed, const char *dns)
{
	static const char sql[] =
		"UPDATE objects SET spec = ?3, generation = generation + 1,"
		" template_generation = CASE ?4 WHEN 0 THEN template_generation"
		" ELSE generation + 1 END,"
		" dns = ?5, spec_ns = max(spec_ns + 1, ?2), status_ns = max(status_ns + 1, ?2),"
		" error_ns = CASE WHEN coalesce(last_error, '') = '' THEN error_ns ELSE ?2 END,"
		" last_error = NULL WHERE id = ?1";
	sqlite3_stmt *statement = connection_take(txn->connection, sql);

	if (!statement)
		return -EIO;
	(void)sqlite3_bind_int64(statement, 1, id);
	(void)sqlite3_bind_int64(statement, 2, txn->now_ns);
	(void)sqlite3_bind_text(statement, 3, text, (int)len, SQLITE_STATIC);
	(void)sqlite3_bind_int(statement, 4, template_changed);
	if (dns && dns[0])
		(void)sqlite3_bind_text(statement, 5, dns, -1, SQLITE_STATIC);
	return connection_run(txn->connection, statement);
}

static int txn_add_history(struct txn *txn, int64_t id)
{
	static const char sql[] =
		"INSERT INTO history (object, generation, wall_ns, uid, gid, spec)"
		" SELECT id, generation, ?2, ?3, ?4, spec FROM objects WHERE id = ?1";
	sqlite3_stmt *statement = connection_take(txn->connection, sql);

	if (!statement)
		return -EIO;
	(void)sqlite3_bind_int64(statement, 1, id);
	(void)sqlite3_bind_int64(statement, 2, txn->now_ns);
	(void)sqlite3_bind_int64(statement, 3, txn->caller ? txn->caller->uid : 0);
	(void)sqlite3_bind_int64(statement, 4, txn->caller ? txn->caller->gid : 0);
	return connection_run(txn->connection, statement);
}

int txn_set_spec(struct txn *txn, int64_t id, const char *text, size_t len, bool template_changed,
	const char *dns, struct error *reterr)
{
	int r;

	if (len > SPEC_SIZE_MAX)
		return error_set(reterr, -EFBIG, "a spec has at most %d bytes", SPEC_SIZE_MAX);
	r = txn_write_spec(txn, id, text, len, template_changed, dns);
	if (r == -EEXIST)
		return error_set(reterr, -EBUSY, "the DNS name %s is in use by another service",
			dns);
	if (r == 0)
		r = txn_add_history(txn, id);
	if (r == 0)
		r = txn_changed(txn, id, CHANGE_SPEC | CHANGE_ERROR | CHANGE_STATUS);
	return r < 0 ? error_set(reterr, r, "cannot write the spec") : 0;
}

int txn_set_spec_text(struct txn *txn, int64_t id, const char *text, size_t len)
{
	static const char sql[] = "UPDATE objects SET spec = ?3, spec_ns = max(spec_ns + 1, ?2),"
				  " last_error = NULL WHERE id = ?1 AND spec IS NOT ?3";
	sqlite3_stmt *statement = connection_take(txn->connection, sql);
	int r;

	if (!statement)
		return -EIO;
	(void)sqlite3_bind_int64(statement, 1, id);
	(void)sqlite3_bind_int64(statement, 2, txn->now_ns);
	(void)sqlite3_bind_text(statement, 3, text, (int)len, SQLITE_STATIC);
	r = connection_run(txn->connection, statement);
	if (r == 0 && sqlite3_changes(txn->connection->db) > 0)
		r = txn_changed(txn, id, CHANGE_SPEC | CHANGE_ERROR);
	return r;
}

int txn_set_plan(struct txn *txn, int64_t id, const char *json)
{
	static const char sql[] = "UPDATE objects SET spec = ?3, generation = generation + 1,"
				  " spec_ns = max(spec_ns + 1, ?2)"
				  " WHERE id = ?1 AND spec IS NOT ?3";

	return txn_set(txn, sql, id, json, 0, CHANGE_SPEC);
}

static int txn_write_value(struct txn *txn, int64_t id, const struct buf *stored, size_t size)
{
	static const char sql[] = "UPDATE objects SET value = ?3, value_size = ?4,"
				  " generation = generation + 1, spec_ns = max(spec_ns + 1, ?2)"
				  " WHERE id = ?1";
	sqlite3_stmt *statement = connection_take(txn->connection, sql);
	int r;

	if (!statement)
		return -EIO;
	(void)sqlite3_bind_int64(statement, 1, id);
	(void)sqlite3_bind_int64(statement, 2, txn->now_ns);
	(void)sqlite3_bind_blob(statement, 3, buf_string(stored), (int)stored->len, SQLITE_STATIC);
	(void)sqlite3_bind_int64(statement, 4, (sqlite3_int64)size);
	r = connection_run(txn->connection, statement);
	return r ? r : txn_changed(txn, id, CHANGE_SPEC);
}

int txn_set_value(struct txn *txn, int64_t id, const void *data, size_t len, struct error *reterr)
{
	_cleanup_object_ struct object object = OBJECT_INIT;
	_cleanup_buf_ struct buf stored = BUF_INIT;
	int r;

	if (len > VALUE_SIZE_MAX)
		return error_set(reterr, -EFBIG, "a value has at most %d bytes", VALUE_SIZE_MAX);
	r = object_by_id(txn->connection, id, false, &object);
	if (r < 0)
		return error_set(reterr, r, "it is gone");
	if (object.kind == KIND_SECRET)
		r = seal_value(txn, object.tenant, id, data, len, &stored, reterr);
	else
		buf_add(&stored, data, len);
	if (r < 0)
		return r;
	if (stored.error)
		return error_oom(reterr);
	r = txn_write_value(txn, id, &stored, len);
	return r < 0 ? error_set(reterr, r, "cannot write the value") : 0;
}

int txn_set_owner(struct txn *txn, int64_t tenant, uid_t uid, gid_t gid, mode_t mode)
{
	static const char sql[] = "UPDATE objects SET uid = ?1, gid = ?2, mode = ?3 WHERE id = ?4";
	sqlite3_stmt *statement = connection_take(txn->connection, sql);
	int r;

	if (!statement)
		return -EIO;
	(void)sqlite3_bind_int64(statement, 1, uid);
	(void)sqlite3_bind_int64(statement, 2, gid);
	(void)sqlite3_bind_int64(statement, 3, mode & 07777);
	(void)sqlite3_bind_int64(statement, 4, tenant);
	r = connection_run(txn->connection, statement);
	return r ? r : txn_changed(txn, tenant, CHANGE_OWNER);
}

int txn_set_protect(struct txn *txn, int64_t id, bool on)
{
	static const char sql[] = "UPDATE objects SET protect = ?4, spec_ns = max(spec_ns + 1, ?2)"
				  " WHERE id = ?1 AND protect IS NOT ?4 AND ?3 IS NULL";

	return txn_set(txn, sql, id, NULL, on, CHANGE_FLAGS);
}

int txn_set_paused(struct txn *txn, int64_t id, bool paused)
{
	static const char sql[] =
		"UPDATE objects SET paused = ?4, status_ns = max(status_ns + 1, ?2)"
		" WHERE id = ?1 AND paused IS NOT ?4 AND ?3 IS NULL";

	return txn_set(txn, sql, id, NULL, paused, CHANGE_SPEC | CHANGE_STATUS);
}

int txn_add_restart(struct txn *txn, int64_t id)
{
	static const char sql[] = "UPDATE objects SET restart = restart + 1,"
				  " status_ns = max(status_ns + 1, ?2) WHERE id = ?1";

	return txn_set(txn, sql, id, NULL, 0, CHANGE_SPEC | CHANGE_STATUS);
}

int txn_set_last_error(struct txn *txn, int64_t id, const char *text)
{
	static const char sql[] =
		"UPDATE objects SET last_error = ?3, error_ns = max(error_ns + 1, ?2)"
		" WHERE id = ?1 AND last_error IS NOT ?3";

	return txn_set(txn, sql, id, text && text[0] ? text : NULL, 0, CHANGE_ERROR);
}

int txn_set_status(struct txn *txn, int64_t id, const char *json)
{
	static const char sql[] =
		"UPDATE objects SET status = ?3, status_ns = max(status_ns + 1, ?2)"
		" WHERE id = ?1 AND status IS NOT ?3";

	return txn_set(txn, sql, id, json, 0, CHANGE_STATUS);
}

int txn_touch_status(struct txn *txn, int64_t id)
{
	static const char sql[] =
		"UPDATE objects SET status_ns = max(status_ns + 1, ?2) WHERE id = ?1";

	return txn_set(txn, sql, id, NULL, 0, CHANGE_STATUS);
}

int txn_set_observed(struct txn *txn, int64_t id, int64_t generation, const char *reason)
{
	static const char sql[] =
		"UPDATE objects SET observed = ?4, failed = ?3 IS NOT NULL, reason = ?3,"
		" status_ns = max(status_ns + 1, ?2)"
		" WHERE id = ?1 AND observed <= ?4 AND (observed <> ?4 OR reason IS NOT ?3)";

	return txn_set(txn, sql, id, reason, generation, CHANGE_STATUS);
}
