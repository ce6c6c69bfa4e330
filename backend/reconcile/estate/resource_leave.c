/* SPDX-License-Identifier: Apache-2.0 */
/* A resource that was removed: first nobody may use it, then it goes, then its outputs and it. */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "reconcile/estate/resource_work.h"

struct past {
	bool wanted, made;
};

static int take_intent(void *arg, const struct intent *intent)
{
	struct past *past = arg;

	past->wanted = past->wanted || strcmp(intent->type, INTENT_RESOURCE) == 0;
	past->made = past->made || strcmp(intent->type, INTENT_MADE) == 0;
	return 0;
}

static int remove_outside(struct resource_work *work, struct error *reterr)
{
	struct estate *estate = work->r->options.estate;
	struct past past = {false, false};
	int r = store_intents(work->r->options.store, work->object.id, take_intent, &past);

	if (r < 0)
		return error_set(reterr, r, "the journal cannot be read");
	if (!past.wanted)
		return 0;
	work->wanted.made = past.made;
	if (!estate || !estate->resources)
		return error_set(reterr, -EAGAIN,
			"resource \"%s\" is in an AWS account, and this platform was started "
			"without cloud=aws",
			work->object.name);
	r = resource_permit(work, reterr);
	if (r == 0)
		r = estate->resources->remove(estate, &work->owner, &work->wanted, reterr);
	if (r == -EEXIST) {
		log_warning("resource %s: %s", work->object.name, reterr->text);
		error_clear(reterr);
		return 0;
	}
	return r;
}

static int forget(struct txn *txn, void *arg, struct error *reterr)
{
	const struct resource_work *work = arg;
	int r = intent_close(txn, work->r, work->object.id, INTENT_RESOURCE, work->external);

	if (r == 0)
		r = txn_intent_done(txn, work->object.id, INTENT_MADE, work->external);
	if (r == 0)
		r = txn_event(txn, work->object.tenant, "info", "resource %s is removed",
			work->object.name);
	if (r == 0)
		r = txn_purge(txn, work->object.id, reterr);
	return r == -ENOENT ? 0 : r;
}

int64_t resource_leave(struct resource_work *work)
{
	struct error error = ERROR_INIT, ignored = ERROR_INIT;
	int r = remove_outside(work, &error);

	if (r == 0) {
		r = store_update(work->r->options.store, STORE_DURABLE, NULL, forget, work, &error);
		/* Its outputs are still seen somewhere: the last of them wakes us. */
		if (r == 0 || r == -EBUSY)
			return QUEUE_DONE;
	}
	work->status.phase = RESOURCE_REMOVING;
	(void)text_copy(work->status.message, sizeof(work->status.message), error.text);
	(void)resource_commit(work, false, false, &ignored);
	return queue_after(r, error.text);
}
