/* SPDX-License-Identifier: Apache-2.0 */
/* What is wanted of an object: its spec and the flags beside it. */
#include <errno.h>
#include <string.h>

#include "store/txn.h"

static int txn_clear_last_error(struct txn *txn, const struct object *object)
{
	int r = txn_has_text(txn, object->id, TEXT_LAST_ERROR, NULL, 0);

	return r == 0 ? txn_set_last_error(txn, object->id, "") : r < 0 ? r : 0;
}

static int txn_add_history(struct txn *txn, const struct object *object, const char *text,
	size_t len)
{
	const struct caller *caller = txn->caller;

	return txn_run(txn,
		"INSERT INTO history (object, generation, wall_ns, uid, gid, pid, size, text)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, CAST(?8 AS TEXT))",
		"iiiiiiib", object->id, object->generation, txn->now_ns,
		(int64_t)(caller ? caller->uid : 0), (int64_t)(caller ? caller->gid : 0),
		(int64_t)(caller ? caller->pid : 0), (int64_t)len, text, len);
}

/* Says whose the name is where the asker may know it. */
static int txn_dns_taken(struct txn *txn, const struct object *object, const char *dns,
	struct error *reterr)
{
	struct object other = OBJECT_INIT;
	int64_t id = 0;
	int r;

	r = txn_fail(txn,
		connection_get_int(txn->connection, &id,
			"SELECT id FROM object WHERE dns = ?1 AND deleting = 0", "t", dns));
	if (r == 0)
		r = txn_peek(txn, id, &other);
	if (r == 0 && other.tenant == object->tenant)
		return error_set(reterr, -EBUSY,
			"DNS name \"%s\" belongs to service \"%s\" already", dns, other.name);
	return error_set(reterr, -EBUSY, "DNS name \"%s\" belongs to a service of another tenant",
		dns);
}

int txn_set_spec(struct txn *txn, int64_t id, const char *text, size_t len, bool template_changed,
	const char *dns, struct error *reterr)
{
	struct object object = OBJECT_INIT;
	int r;

	if (len > SPEC_SIZE_MAX)
		return error_set(reterr, -EFBIG, "a spec has at most %d bytes", SPEC_SIZE_MAX);
	r = txn_peek_living(txn, id, &object);
	if (r < 0)
		return txn_error(txn, r, reterr);
	object.generation++;
	if (template_changed)
		object.template_generation = object.generation;
	r = txn_run(txn,
		"UPDATE object SET generation = ?2, template_generation = ?3,"
		" spec_ns = max(spec_ns + 1, ?4), status_ns = max(status_ns + 1, ?4), dns = "
		"nullif(?5, '') WHERE id = ?1",
		"iiiit", id, object.generation, object.template_generation, txn->now_ns, dns);
	if (r == -EEXIST)
		return txn_dns_taken(txn, &object, dns, reterr);
	if (r == 0)
		r = txn_put_text(txn, id, TEXT_SPEC, text, len);
	if (r == 0)
		r = txn_add_history(txn, &object, text, len);
	if (r == 0)
		r = txn_clear_last_error(txn, &object);
	if (r == 0)
		r = txn_note(txn, &object, CHANGE_SPEC | CHANGE_STATUS);
	return r < 0 ? txn_error(txn, r, reterr) : 0;
}

int txn_set_spec_text(struct txn *txn, int64_t id, const char *text, size_t len)
{
	struct object object = OBJECT_INIT;
	int r;

	r = txn_peek_living(txn, id, &object);
	if (r == 0)
		r = txn_clear_last_error(txn, &object);
	if (r == 0)
		r = txn_has_text(txn, id, TEXT_SPEC, text, len);
	if (r != 0)
		return r < 0 ? r : 0;
	r = txn_put_text(txn, id, TEXT_SPEC, text, len);
	if (r == 0)
		r = txn_run(txn, "UPDATE object SET spec_ns = max(spec_ns + 1, ?2) WHERE id = ?1",
			"ii", id, txn->now_ns);
	return r < 0 ? r : txn_note(txn, &object, CHANGE_SPEC);
}

int txn_set_plan(struct txn *txn, int64_t id, const char *json)
{
	struct object object = OBJECT_INIT;
	int r;

	r = txn_peek(txn, id, &object);
	if (r == 0)
		r = txn_has_text(txn, id, TEXT_SPEC, json, strlen(json));
	if (r != 0)
		return r < 0 ? r : 0;
	r = txn_put_text(txn, id, TEXT_SPEC, json, strlen(json));
	if (r == 0)
		r = txn_run(txn,
			"UPDATE object SET generation = generation + 1,"
			" spec_ns = max(spec_ns + 1, ?2) WHERE id = ?1",
			"ii", id, txn->now_ns);
	return r < 0 ? r : txn_note(txn, &object, CHANGE_SPEC);
}

int txn_set_owner(struct txn *txn, int64_t tenant, uid_t uid, gid_t gid, mode_t mode)
{
	struct object object = OBJECT_INIT;
	int r;

	r = txn_peek_living(txn, tenant, &object);
	if (r < 0)
		return r;
	if (object.kind != KIND_TENANT)
		return -EINVAL;
	r = txn_run(txn, "UPDATE owner SET uid = ?2, gid = ?3, mode = ?4 WHERE tenant = ?1", "iiii",
		tenant, (int64_t)uid, (int64_t)gid, (int64_t)(mode & 07777));
	return r < 0 ? r : txn_note(txn, &object, CHANGE_OWNER);
}

int txn_set_protect(struct txn *txn, int64_t id, bool on)
{
	struct object object = OBJECT_INIT;
	int r;

	r = txn_peek_living(txn, id, &object);
	if (r < 0 || object.protect == on)
		return r;
	r = txn_run(txn, "UPDATE object SET protect = ?2 WHERE id = ?1", "ii", id, (int64_t)on);
	return r < 0 ? r : txn_note(txn, &object, CHANGE_FLAGS);
}

int txn_set_paused(struct txn *txn, int64_t id, bool paused)
{
	struct object object = OBJECT_INIT;
	int r;

	r = txn_peek_living(txn, id, &object);
	if (r < 0 || object.paused == paused)
		return r;
	r = txn_run(txn,
		"UPDATE object SET paused = ?2, status_ns = max(status_ns + 1, ?3) WHERE id = ?1",
		"iii", id, (int64_t)paused, txn->now_ns);
	return r < 0 ? r : txn_note(txn, &object, CHANGE_SPEC | CHANGE_STATUS);
}

int txn_add_restart(struct txn *txn, int64_t id)
{
	struct object object = OBJECT_INIT;
	int r;

	r = txn_peek_living(txn, id, &object);
	if (r < 0)
		return r;
	r = txn_run(txn,
		"UPDATE object SET restart = restart + 1, status_ns = max(status_ns + 1, ?2)"
		" WHERE id = ?1",
		"ii", id, txn->now_ns);
	return r < 0 ? r : txn_note(txn, &object, CHANGE_SPEC | CHANGE_STATUS);
}
