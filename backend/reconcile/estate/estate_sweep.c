/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/estate/estate_sweep.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/key_map.h"
#include "base/log.h"
#include "base/text.h"
#include "reconcile/estate/estate_garbage.h"
#include "reconcile/estate/tenant_estate.h"
#include "reconcile/service/service_work.h"

#define BUSY_AGAIN_NS                                                                              \
	(10 * NS_PER_SECOND) /* what must go before something else often has by then */
#define LAG_MAX_NS  (10 * NS_PER_SECOND)
#define REMEMBER_NS (INT64_C(90) * 24 * 3600 * NS_PER_SECOND)

static int64_t key_of_thing(const char *type, const char *name)
{
	char text[256];
	int len = snprintf(text, sizeof(text), "%s/%s", type, name);

	return (int64_t)text_hash(text, len < (int)sizeof(text) ? (size_t)len : sizeof(text) - 1);
}

/* ---- what somebody took or changed ---- */

static int tell_event(struct txn *txn, void *arg, struct error *reterr)
{
	(void)reterr;
	return txn_event(txn, *(const int64_t *)arg, "warning",
		"AWS has something else for it than it was brought to: it is put right");
}

static int repair(struct sweep *sweep, int64_t id)
{
	struct reconciler *r = sweep->r;

	sweep->repaired++;
	return store_update(r->options.store, STORE_RELAXED, NULL, tell_event, &id, NULL);
}

/* What AWS lists may be as old. */
static int64_t lag_ns(const struct reconciler *r)
{
	int64_t interval_ns = (int64_t)r->options.sweep_s * NS_PER_SECOND;

	return interval_ns < LAG_MAX_NS ? interval_ns : LAG_MAX_NS;
}

static void unsure(void *arg)
{
	struct sweep *sweep = arg;

	sweep->unsure = true;
}

/* One that has not got all yet, or had not when the sweep began, is being worked on anyway. */
static int repair_tenant(struct sweep *sweep, int64_t id)
{
	_cleanup_object_ struct object tenant = OBJECT_INIT;
	int r = store_get(sweep->r->options.store, id, &tenant);

	if (r < 0 || tenant.deleting || !tenant_estate_is_ready(&tenant) ||
		tenant.status_ns >= sweep->started_ns)
		return r == -ENOENT ? 0 : r;
	if (tenant.status_ns >= sweep->started_ns - sweep->lag_ns) {
		unsure(sweep);
		return 0;
	}
	r = repair(sweep, id);
	queue_wake(sweep->r->plans, key_of(KIND_TENANT, id));
	return r;
}

/* What a service or a resource was brought to is not there, or is another. */
static int differs(void *arg, enum estate_level level, int64_t id)
{
	struct sweep *sweep = arg;
	_cleanup_object_ struct object object = OBJECT_INIT;
	int r = store_peek(sweep->r->options.store, id, &object);

	if (r < 0 || object.deleting)
		return r == -ENOENT ? 0 : r;
	r = repair(sweep, id);
	if (level == ESTATE_OF_RESOURCE) {
		wake_resource(sweep->r, id);
		return r;
	}
	service_forget_traffic(sweep->r, id);
	wake_service(sweep->r, id);
	return r;
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

static int take_tenants(struct sweep *sweep, const struct object *tenant,
	const struct estate_found *found, bool known)
{
	if (!is_wanted(sweep->r, tenant, found))
		return estate_leave(sweep, found, known, "its tenant has nothing of this name");
	if (found->tags == ESTATE_TAGS_OTHER)
		return estate_leave(sweep, found, known,
			"it has the name of what its tenant should have, and does not carry this "
			"platform's tags");
	return found->fit == ESTATE_DIFFERS || !known ? repair_tenant(sweep, tenant->id) : 0;
}

static int leave_untagged(struct sweep *sweep, const struct estate_found *found,
	const struct estate_claim *claim)
{
	return estate_leave(sweep, found, claim->known,
		"this platform made it and pays for it: its tags were taken away, and AWS does not "
		"let them be put back: allow ec2:CreateTags, or terminate it by hand");
}

static int take_owned(struct sweep *sweep, const struct object *owner,
	const struct estate_found *found, const struct estate_claim *claim)
{
	switch (found->level) {
	case ESTATE_OF_SERVICE:
		return claim->known && !claim->buried_ns ? 0
							 : estate_take_orphan(sweep, found, claim,
								   "its service has no such thing");
	case ESTATE_OF_RESOURCE:
		/* It may have come back. */
		if (owner->failed)
			wake_resource(sweep->r, owner->id);
		return 0;
	case ESTATE_OF_HOST:
		return 0; /* it looks after all of its machines itself */
	default:
		return take_tenants(sweep, owner, found, claim->known);
	}
}

static enum kind kind_of(enum estate_level level)
{
	static const enum kind kinds[] = {
		[ESTATE_OF_TENANT] = KIND_TENANT,
		[ESTATE_OF_SERVICE] = KIND_SERVICE,
		[ESTATE_OF_HOST] = KIND_HOST,
		[ESTATE_OF_RESOURCE] = KIND_RESOURCE,
	};

	return kinds[level];
}

static const char *why_lost(enum estate_level level, bool known)
{
	static const struct {
		const char *gone, *never;
	} words[] = {
		[ESTATE_OF_TENANT] = {"its tenant is gone", "there is no such tenant"},
		[ESTATE_OF_SERVICE] = {"its service is gone", "there is no such service"},
		[ESTATE_OF_HOST] = {"its host is gone", "there is no such host"},
		[ESTATE_OF_RESOURCE] = {"its resource is gone", "there is no such resource"},
	};

	return known ? words[level].gone : words[level].never;
}

static int ask_journal(struct sweep *sweep, const struct estate_found *found,
	struct estate_claim *ret)
{
	char intent[INTENT_TYPE_SIZE];
	int known;

	estate_found_intent(found, intent);
	known = store_intent_known(sweep->r->options.store, found->owner, intent, found->journal,
		&ret->buried_ns);
	ret->known = known > 0;
	return known < 0 ? known : 0;
}

static int take(void *arg, const struct estate_found *found)
{
	struct sweep *sweep = arg;
	_cleanup_object_ struct object owner = OBJECT_INIT;
	struct estate_claim claim = {false, 0};
	int r = 0;

	sweep->things++;
	if (found->level == ESTATE_OF_TENANT && found->fit != ESTATE_ELSEWHERE)
		r = key_map_put(sweep->seen, key_of_thing(found->type, found->name), 1);
	if (r == 0)
		r = ask_journal(sweep, found, &claim);
	if (r == 0)
		r = store_peek(sweep->r->options.store, found->owner, &owner);
	if (r == -ENOENT || (r == 0 && owner.kind != kind_of(found->level)))
		return estate_take_orphan(sweep, found, &claim,
			why_lost(found->level, claim.known));
	if (r == 0 && found->level == ESTATE_OF_HOST && found->tags != ESTATE_TAGS_OURS)
		return leave_untagged(sweep, found, &claim);
	/* What is being deleted goes by the journal. */
	return r < 0 || owner.deleting ? r : take_owned(sweep, &owner, found, &claim);
}

/* Of one that cannot be listed: the others are. */
static int note_unseen(void *arg, const char *type, const struct error *error)
{
	struct sweep *sweep = arg;

	buf_printf(&sweep->unseen, "; %s not: %s", type, error->text);
	return 0;
}

/* ---- what is not there ---- */

static int look_for(void *arg, const struct intent *intent)
{
	struct sweep *sweep = arg;
	const char *type = tenant_estate_type(intent);
	uint32_t seen;

	if (!type || !sweep->r->options.estate->ops->can_survey(type) ||
		key_map_get(sweep->seen, key_of_thing(type, intent->name), &seen))
		return 0;
	return repair_tenant(sweep, intent->owner);
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
	const struct estate_hearer hearer = {
		take, differs, note_unseen, sweep, unsure, sweep->lag_ns};
	int r = options->estate->ops->survey(options->estate, &hearer, reterr);

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
			" removed, %" PRId64 " busy, %" PRId64 " left alone%.300s",
			when, sweep->things, sweep->repaired, sweep->removed, sweep->busy,
			sweep->left, buf_string(&sweep->unseen));
	lock_release(&r->lock);
	wake_platform(r);
}

int intent_close(struct txn *txn, const struct reconciler *r, int64_t owner, const char *type,
	const char *name)
{
	return r->options.estate ? txn_intent_bury(txn, owner, type, name)
				 : txn_intent_done(txn, owner, type, name);
}

int64_t estate_sweep(struct reconciler *r)
{
	struct key_map seen = {.items = NULL};
	struct sweep sweep = {.r = r,
		.seen = &seen,
		.started_ns = clock_wall_ns(),
		.lag_ns = lag_ns(r),
		.unseen = BUF_INIT};
	int64_t interval_ns = (int64_t)r->options.sweep_s * NS_PER_SECOND;
	struct error error = ERROR_INIT;
	int result = look_over(&sweep, &error);

	key_map_done(&seen);
	if (result != -ENODATA && result != -ECANCELED)
		say(&sweep, result < 0 ? error.text : NULL);
	buf_done(&sweep.unseen);
	if (result == -ENODATA)
		return QUEUE_DONE; /* a policy wakes us */
	if (result < 0)
		return QUEUE_RETRY;
	if (sweep.busy > 0 && interval_ns > BUSY_AGAIN_NS)
		interval_ns = BUSY_AGAIN_NS;
	if (sweep.unsure && interval_ns > sweep.lag_ns)
		interval_ns = sweep.lag_ns;
	return clock_now_ns() + interval_ns;
}
