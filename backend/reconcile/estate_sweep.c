/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/estate_sweep.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/key_map.h"
#include "base/log.h"
#include "base/text.h"
#include "cloud/estate.h"
#include "reconcile/tenant_estate.h"
#include "store/garbage.h"

#define BUSY_AGAIN_NS                                                                              \
	(10 * NS_PER_SECOND) /* what must go before something else often has by then */
#define REMEMBER_NS (INT64_C(90) * 24 * 3600 * NS_PER_SECOND)

struct sweep {
	struct reconciler *r;
	struct key_map seen; /* hashes of types and names: what is there where it should be */
	int64_t started_ns; /* wall */
	int64_t things, repaired, left, busy, removed;
};

static int64_t key_of_thing(const char *type, const char *name)
{
	char text[256];
	int len = snprintf(text, sizeof(text), "%s/%s", type, name);

	return (int64_t)text_hash(text, len < (int)sizeof(text) ? (size_t)len : sizeof(text) - 1);
}

/* One that has not got all yet is being worked on anyway. */
static int repair(struct sweep *sweep, int64_t id)
{
	_cleanup_object_ struct object tenant = OBJECT_INIT;
	int r = store_get(sweep->r->options.store, id, &tenant);

	if (r < 0 || tenant.deleting || !tenant_estate_is_ready(&tenant))
		return r == -ENOENT ? 0 : r;
	sweep->repaired++;
	queue_wake(sweep->r->plans, key_of(KIND_TENANT, id));
	return 0;
}

/* ---- what is nobody's ---- */

struct finding {
	const struct garbage *garbage;
	int64_t owner;
	const char *intent;
};

static int write_finding(struct txn *txn, void *arg, struct error *reterr)
{
	const struct finding *finding = arg;
	const struct garbage *garbage = finding->garbage;
	int r = txn_garbage_add(txn, garbage);

	(void)reterr;
	if (r == 0 && garbage->state == GARBAGE_REMOVED)
		r = txn_intent_bury(txn, finding->owner, finding->intent, garbage->name);
	return r;
}

static int tell(struct sweep *sweep, const struct estate_found *found, unsigned claims,
	enum garbage_state state, const char *words)
{
	char tenant[128], intent[INTENT_TYPE_SIZE];
	const struct garbage garbage = {
		.type = found->type,
		.name = found->name,
		.claims = claims,
		.state = state,
		.tenant = found->tenant > 0 ? tenant : "",
		.words = words,
	};
	struct finding finding = {&garbage, found->tenant, intent};

	(void)snprintf(tenant, sizeof(tenant), "%.80s/%" PRId64, found->tenant_name, found->tenant);
	tenant_estate_intent(found->type, intent);
	sweep->left += state == GARBAGE_LEFT;
	sweep->busy += state == GARBAGE_BUSY;
	sweep->removed += state == GARBAGE_REMOVED;
	return store_update(sweep->r->options.store, STORE_RELAXED, NULL, write_finding, &finding,
		NULL);
}

static unsigned claims_of(const struct estate_found *found, bool known)
{
	unsigned claims = known ? GARBAGE_JOURNAL : 0;

	if (found->tags == ESTATE_TAGS_OURS)
		return claims | GARBAGE_TAG;
	return claims | GARBAGE_NAME;
}

/* The journal and its tags say that it is ours; the one who removes it looks at the tags again. */
static int remove_orphan(struct sweep *sweep, const struct estate_found *found)
{
	struct estate *estate = sweep->r->options.estate;
	const struct estate_owner owner = {
		.platform = sweep->r->platform, .tenant = found->tenant_name, .id = found->tenant};
	struct estate_thing thing = {.type = found->type};
	struct error error = ERROR_INIT;
	int r;

	(void)text_copy(thing.name, sizeof(thing.name), found->name);
	r = estate->ops->remove(estate, &owner, &thing, &error);
	if (r == -ECANCELED)
		return r;
	if (r == 0)
		return tell(sweep, found, GARBAGE_TAG | GARBAGE_JOURNAL, GARBAGE_REMOVED,
			"its tenant is gone");
	if (r == -EEXIST)
		return tell(sweep, found, GARBAGE_NAME | GARBAGE_JOURNAL, GARBAGE_LEFT, error.text);
	return tell(sweep, found, GARBAGE_TAG | GARBAGE_JOURNAL, GARBAGE_BUSY, error.text);
}

static int take_orphan(struct sweep *sweep, const struct estate_found *found, bool known)
{
	if (known && found->tags != ESTATE_TAGS_OTHER)
		return remove_orphan(sweep, found);
	return tell(sweep, found, claims_of(found, known), GARBAGE_LEFT,
		known ? "the journal has it, and it does not carry this platform's tags"
		      : "there is no such tenant, and the journal does not know that this platform "
			"made it");
}

/* ---- what is there ---- */

static bool is_wanted(const struct reconciler *r, const struct object *tenant,
	const struct estate_found *found)
{
	const struct estate_owner owner = {
		.platform = r->platform, .tenant = tenant->name, .id = tenant->id};
	struct estate_thing things[ESTATE_THINGS_MAX];
	size_t count = r->options.estate->ops->things(&owner, things);

	for (size_t i = 0; i < count; i++)
		if (strcmp(things[i].type, found->type) == 0 &&
			strcmp(things[i].name, found->name) == 0)
			return true;
	return false;
}

static int take_owned(struct sweep *sweep, const struct object *tenant,
	const struct estate_found *found, bool known)
{
	if (!is_wanted(sweep->r, tenant, found))
		return tell(sweep, found, claims_of(found, known), GARBAGE_LEFT,
			"its tenant has nothing of this name");
	if (found->tags == ESTATE_TAGS_OTHER)
		return tell(sweep, found, claims_of(found, known), GARBAGE_LEFT,
			"it has the name of what its tenant should have, and does not carry this "
			"platform's tags");
	return found->fit == ESTATE_DIFFERS || !known ? repair(sweep, tenant->id) : 0;
}

static int take(void *arg, const struct estate_found *found)
{
	struct sweep *sweep = arg;
	struct store *store = sweep->r->options.store;
	_cleanup_object_ struct object tenant = OBJECT_INIT;
	char intent[INTENT_TYPE_SIZE];
	int known = 0, r;

	sweep->things++;
	r = found->fit == ESTATE_ELSEWHERE
		    ? 0
		    : key_map_put(&sweep->seen, key_of_thing(found->type, found->name), 1);
	tenant_estate_intent(found->type, intent);
	if (r == 0)
		known = store_intent_known(store, found->tenant, intent, found->name);
	if (r < 0 || known < 0)
		return r < 0 ? r : known;
	r = store_peek(store, found->tenant, &tenant);
	if (r == -ENOENT || (r == 0 && tenant.kind != KIND_TENANT))
		return take_orphan(sweep, found, known);
	/* What is being deleted goes by the journal. */
	return r < 0 || tenant.deleting ? r : take_owned(sweep, &tenant, found, known);
}

/* ---- what is not there ---- */

static int look_for(void *arg, const struct intent *intent)
{
	struct sweep *sweep = arg;
	const char *type = tenant_estate_type(intent);
	uint32_t seen;

	if (!type || !sweep->r->options.estate->ops->can_survey(type) ||
		key_map_get(&sweep->seen, key_of_thing(type, intent->name), &seen))
		return 0;
	return repair(sweep, intent->owner);
}

static int end(struct txn *txn, void *arg, struct error *reterr)
{
	const struct sweep *sweep = arg;
	int r = txn_garbage_end(txn, sweep->started_ns);

	(void)reterr;
	return r < 0 ? r : txn_intent_forget(txn, sweep->started_ns - REMEMBER_NS);
}

static int look_over(struct sweep *sweep, struct error *reterr)
{
	const struct reconciler_options *options = &sweep->r->options;
	int r = options->estate->ops->survey(options->estate, take, sweep, reterr);

	if (r == 0)
		r = store_intents(options->store, 0, look_for, sweep);
	if (r == 0)
		r = store_update(options->store, STORE_RELAXED, NULL, end, sweep, reterr);
	return r;
}

/* Into the platform's status. */
static void say(struct sweep *sweep, const char *failure)
{
	struct reconciler *r = sweep->r;
	char when[32];

	clock_format_utc(sweep->started_ns, when, sizeof(when));
	lock_acquire(&r->lock);
	if (failure)
		(void)snprintf(r->swept, sizeof(r->swept), "the account cannot be looked over: %s",
			failure);
	else
		(void)snprintf(r->swept, sizeof(r->swept),
			"%s: %" PRId64 " things in the account, %" PRId64 " repaired, %" PRId64
			" removed, %" PRId64 " busy, %" PRId64 " left alone",
			when, sweep->things, sweep->repaired, sweep->removed, sweep->busy,
			sweep->left);
	lock_release(&r->lock);
	wake_platform(r);
}

int64_t estate_sweep(struct reconciler *r)
{
	struct sweep sweep = {.r = r, .started_ns = clock_wall_ns()};
	int64_t interval_ns = (int64_t)r->options.sweep_s * NS_PER_SECOND;
	struct error error = ERROR_INIT;
	int result = look_over(&sweep, &error);

	key_map_done(&sweep.seen);
	if (result == -ENODATA)
		return QUEUE_DONE; /* a policy wakes us */
	if (result == -ECANCELED)
		return QUEUE_RETRY;
	say(&sweep, result < 0 ? error.text : NULL);
	if (result < 0)
		return QUEUE_RETRY;
	if (sweep.busy > 0 && interval_ns > BUSY_AGAIN_NS)
		interval_ns = BUSY_AGAIN_NS;
	return clock_now_ns() + interval_ns;
}
