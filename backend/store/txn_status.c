/* SPDX-License-Identifier: Apache-2.0 */
/* What became of an object: status, how its generation settled, why a write was refused. */
#include <string.h>

#include "store/txn.h"

int txn_touch_status(struct txn *txn, int64_t id)
{
	struct object object = OBJECT_INIT;
	int r;

	r = txn_peek(txn, id, &object);
	if (r == 0)
		r = txn_run(txn,
			"UPDATE object SET status_ns = max(status_ns + 1, ?2) WHERE id = ?1", "ii",
			id, txn->now_ns);
	return r < 0 ? r : txn_note(txn, &object, CHANGE_STATUS);
}

int txn_set_status(struct txn *txn, int64_t id, const char *json)
{
	size_t len = json ? strlen(json) : 0;
	int r;

	r = txn_has_text(txn, id, TEXT_STATUS, json, len);
	if (r != 0)
		return r < 0 ? r : 0;
	r = txn_touch_status(txn, id);
	return r < 0 ? r : txn_put_text(txn, id, TEXT_STATUS, json, len);
}

int txn_set_observed(struct txn *txn, int64_t id, int64_t generation, int64_t restart,
	const char *reason)
{
	struct object object = OBJECT_INIT;
	size_t len = reason ? strlen(reason) : 0;
	int r;

	r = txn_peek(txn, id, &object);
	if (r < 0 || generation < object.observed)
		return r;
	r = txn_has_text(txn, id, TEXT_REASON, reason, len);
	if (r < 0 ||
		(r > 0 && object.observed == generation && object.observed_restart == restart &&
			object.failed == (reason != NULL)))
		return r < 0 ? r : 0;
	r = txn_put_text(txn, id, TEXT_REASON, reason, len);
	if (r == 0)
		r = txn_run(txn,
			"UPDATE object SET observed = ?2, failed = ?3, status_ns = ?4,"
			" observed_restart = ?5 WHERE id = ?1",
			"iiiii", id, generation, (int64_t)(reason != NULL), txn->now_ns, restart);
	return r < 0 ? r : txn_note(txn, &object, CHANGE_STATUS);
}

int txn_set_last_error(struct txn *txn, int64_t id, const char *text)
{
	struct object object = OBJECT_INIT;
	size_t len = text ? strlen(text) : 0;
	int r;

	r = txn_peek(txn, id, &object);
	if (r == 0)
		r = txn_has_text(txn, id, TEXT_LAST_ERROR, text, len);
	if (r != 0)
		return r < 0 ? r : 0;
	r = txn_put_text(txn, id, TEXT_LAST_ERROR, text, len);
	if (r == 0)
		r = txn_run(txn, "UPDATE object SET error_ns = max(error_ns + 1, ?2) WHERE id = ?1",
			"ii", id, txn->now_ns);
	return r < 0 ? r : txn_note(txn, &object, CHANGE_ERROR);
}

int txn_tell(struct txn *txn, int64_t id, unsigned flags)
{
	struct object object = OBJECT_INIT;
	int r = txn_peek(txn, id, &object);

	return r < 0 ? r : txn_note(txn, &object, flags);
}

struct telling {
	int64_t id;
	unsigned flags;
};

static int tell(struct txn *txn, void *arg, struct error *reterr)
{
	const struct telling *telling = arg;

	(void)reterr;
	return txn_tell(txn, telling->id, telling->flags);
}

int store_tell(struct store *store, int64_t id, unsigned flags)
{
	struct telling telling = {id, flags};

	return store_update(store, STORE_RELAXED, NULL, tell, &telling, NULL);
}
