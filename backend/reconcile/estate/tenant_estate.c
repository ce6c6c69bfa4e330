/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/estate/tenant_estate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "cloud/estate.h"
#include "model/policy.h"
#include "model/ssh_key.h"
#include "reconcile/estate/estate_sweep.h"

static struct estate_owner owner_of(const struct reconciler *r, const struct object *tenant)
{
	return (struct estate_owner){
		.platform = r->platform, .tenant = tenant->name, .id = tenant->id};
}

struct key {
	int64_t tenant;
	const struct buf *text;
};

static int set_key(struct txn *txn, void *arg, struct error *reterr)
{
	const struct key *key = arg;

	return txn_set_ssh_key(txn, key->tenant, key->text->data, key->text->len, reterr);
}

static int make_key(struct reconciler *r, const struct object *tenant, struct buf *text,
	struct error *reterr)
{
	const struct key key = {tenant->id, text};
	char comment[OBJECT_NAME_MAX + 16];
	int result;

	(void)snprintf(comment, sizeof(comment), "%s@duplofs", tenant->name);
	result = ssh_key_make(comment, text, reterr);
	return result < 0 ? result
			  : store_update(r->options.store, STORE_DURABLE, NULL, set_key,
				    (void *)(uintptr_t)&key, reterr);
}

/* The public half; made when there is none. Appends. */
static int find_key(struct reconciler *r, const struct object *tenant, struct buf *ret,
	struct error *reterr)
{
	struct buf text = BUF_INIT;
	int result = store_value(r->options.store, tenant->id, &text, reterr);

	if (result == 0 && text.len == 0)
		result = make_key(r, tenant, &text, reterr);
	if (result == 0)
		result = ssh_key_public(buf_string(&text), ret, reterr);
	buf_wipe(&text);
	buf_done(&text);
	return result;
}

int64_t tenant_estate_key(struct reconciler *r, const struct object *tenant)
{
	_cleanup_buf_ struct buf public = BUF_INIT;
	struct error error = ERROR_INIT;
	int result = find_key(r, tenant, &public, &error);

	if (result < 0)
		log_debug("key pair of tenant %s: %s", tenant->name, error.text);
	return result < 0 && result != -ENOENT ? QUEUE_RETRY : QUEUE_DONE;
}

void tenant_estate_intent(const char *type, char ret[INTENT_TYPE_SIZE])
{
	(void)snprintf(ret, INTENT_TYPE_SIZE, INTENT_ESTATE "%s", type);
}

const char *tenant_estate_type(const struct intent *intent)
{
	size_t len = strlen(INTENT_ESTATE);

	return strncmp(intent->type, INTENT_ESTATE, len) == 0 ? intent->type + len : NULL;
}

bool tenant_estate_is_ready(const struct object *tenant)
{
	_cleanup_json_ json_t *status = tenant->status ? json_loads(tenant->status, 0, NULL) : NULL;

	return json_is_true(json_object_get(status, "CloudReady"));
}

/* What is made now would be made by the policy before. */
static int await_policy(const struct reconciler *r, struct error *reterr)
{
	return atomic_load(&r->policies_written) == atomic_load(&r->policies_taken)
		       ? 0
		       : error_set(reterr, -EAGAIN, "the policy is being taken over");
}

int tenant_estate_await(struct reconciler *r, int64_t tenant, struct error *reterr)
{
	_cleanup_object_ struct object object = OBJECT_INIT;
	_cleanup_json_ json_t *status = NULL;
	int result;

	if (!r->options.estate)
		return 0;
	result = await_policy(r, reterr);
	if (result < 0)
		return result;
	result = store_get(r->options.store, tenant, &object);
	if (result < 0)
		return error_set(reterr, result, "the tenant is gone");
	if (tenant_estate_is_ready(&object))
		return 0;
	status = object.status ? json_loads(object.status, 0, NULL) : NULL;
	return error_set(reterr, -EAGAIN,
		"waits for the tenant's security groups, role, instance profile and key pair: %s",
		json_get_string(status, "Cloud", "they are being made"));
}

struct journal {
	int64_t tenant;
	const struct estate_thing *things;
	size_t count;
};

/* The teardown goes through the journal from its start: what has to go first is noted first. */
static int note_intents(struct txn *txn, void *arg, struct error *reterr)
{
	const struct journal *journal = arg;
	char type[INTENT_TYPE_SIZE];
	int r = 0;

	(void)reterr;
	for (size_t i = journal->count; r == 0 && i-- > 0;) {
		tenant_estate_intent(journal->things[i].type, type);
		r = txn_intent_add(txn, journal->tenant, type, journal->things[i].name);
	}
	return r;
}

static int count_intent(void *arg, const struct intent *intent)
{
	size_t *count = arg;

	*count += tenant_estate_type(intent) != NULL;
	return 0;
}

/* *ret_fresh: nothing was ever noted. */
static int note(struct reconciler *r, const struct journal *journal, bool *ret_fresh,
	struct error *reterr)
{
	size_t noted = 0;
	int result = store_intents(r->options.store, journal->tenant, count_intent, &noted);

	if (result < 0)
		return error_set(reterr, result, "the journal cannot be read");
	*ret_fresh = noted == 0;
	return noted == journal->count ? 0
				       : store_update(r->options.store, STORE_DURABLE, NULL,
						 note_intents, (void *)journal, reterr);
}

struct telling {
	int64_t tenant;
	const char *words;
	bool ready;
	const char *level; /* of the event */
};

static int tell_words(struct txn *txn, void *arg, struct error *reterr)
{
	const struct telling *telling = arg;
	_cleanup_json_ json_t *status =
		json_pack("{s:s, s:b}", "Cloud", telling->words, "CloudReady", (int)telling->ready);
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r;

	(void)reterr;
	if (!status)
		return -ENOMEM;
	json_print(status, JSON_COMPACT, &text);
	r = text.error ? text.error : txn_set_status(txn, telling->tenant, text.data);
	return r < 0 ? r : txn_event(txn, telling->tenant, telling->level, "%s", telling->words);
}

/* In the status, and once as an event; what only needs time is nothing to warn of. */
static void tell(struct reconciler *r, const struct object *tenant, const char *words, int result)
{
	const struct telling telling = {tenant->id, words, result == 0,
		result == 0 || result == -EAGAIN ? "info" : "warning"};
	_cleanup_json_ json_t *before = tenant->status ? json_loads(tenant->status, 0, NULL) : NULL;

	if (error_says_same(json_get_string(before, "Cloud", ""), words))
		return;
	(void)store_update(r->options.store, STORE_RELAXED, NULL, tell_words,
		(void *)(uintptr_t)&telling, NULL);
}

/* Of a kind that is made in what the tenant has. */
static int wake_made(void *arg, const struct object *object)
{
	struct reconciler *r = arg;

	if (object->kind == KIND_HOST)
		queue_wake(r->hosts, key_of(KIND_HOST, object->id));
	else if (object->kind == KIND_RESOURCE)
		wake_resource(r, object->id);
	else
		wake_service(r, object->id);
	return 0;
}

/* Those who await it. */
static void wake_waiting(struct reconciler *r, int64_t tenant)
{
	static const enum kind kinds[] = {KIND_HOST, KIND_RESOURCE, KIND_SERVICE};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		(void)store_list(r->options.store, tenant, kinds[i], 0, false, wake_made, r);
}

int64_t tenant_estate_ensure(struct reconciler *r, const struct object *tenant)
{
	struct estate *estate = r->options.estate;
	struct estate_owner owner = owner_of(r, tenant);
	struct estate_thing things[ESTATE_THINGS_MAX];
	struct error error = ERROR_INIT;
	struct journal journal = {tenant->id, things, estate->ops->things(&owner, things)};
	_cleanup_buf_ struct buf public_key = BUF_INIT;
	int result = await_policy(r, &error);

	if (result < 0)
		return queue_after(result, error.text);
	result = find_key(r, tenant, &public_key, &error);
	owner.public_key = buf_string(&public_key);
	if (result == 0)
		result = note(r, &journal, &owner.fresh, &error);
	for (size_t i = 0; result == 0 && i < journal.count; i++)
		result = estate->ops->ensure(estate, &owner, &things[i], &error);
	if (result == -ECANCELED)
		return QUEUE_RETRY;
	if (result < 0) {
		tell(r, tenant, error.text, result);
		/* Without a policy there is nothing to try: it wakes us. */
		return result == -ENODATA ? QUEUE_DONE : queue_after(result, error.text);
	}
	tell(r, tenant, "security group, role, instance profile and key pair are there", 0);
	if (!tenant_estate_is_ready(tenant))
		wake_waiting(r, tenant->id);
	return QUEUE_DONE;
}

int tenant_estate_remove(struct reconciler *r, const struct object *tenant,
	const struct intent *intent, struct error *reterr)
{
	struct estate *estate = r->options.estate;
	struct estate_owner owner = owner_of(r, tenant);
	struct estate_thing thing = {.type = tenant_estate_type(intent)};
	int result;

	if (!estate)
		return error_set(reterr, -EAGAIN,
			"tenant \"%s\" has things in an AWS account, and this platform was started "
			"without cloud=aws",
			tenant->name);
	(void)text_copy(thing.name, sizeof(thing.name), intent->name);
	result = estate->ops->remove(estate, &owner, &thing, reterr);
	if (result == -EEXIST) {
		log_warning("tenant %s: %s", tenant->name, reterr->text);
		error_clear(reterr);
		return 0;
	}
	return result;
}

static int wake_unready(void *arg, const struct object *tenant)
{
	struct reconciler *r = arg;

	if (!tenant_estate_is_ready(tenant))
		queue_wake(r->plans, key_of(KIND_TENANT, tenant->id));
	return 0;
}

static void open_local(struct reconciler *r, const char *text)
{
	_cleanup_policy_ struct policy *policy = NULL;

	if (policy_parse(text, strlen(text), &policy, NULL) == 0)
		atomic_store(&r->local_closed,
			strcmp(policy_text(policy, "local_services"), "yes") != 0);
}

/* The estate has it from now on; false: it had it already, or refuses it. */
static bool take_policy(struct reconciler *r, const struct object *platform)
{
	struct estate *estate = r->options.estate;
	struct error error = ERROR_INIT;

	if (!estate || !platform->spec || r->policy_generation == platform->generation)
		return false;
	if (estate->ops->set_policy(estate, platform->spec, &error) < 0) {
		log_warning("policy: %s", error.text);
		return false;
	}
	r->policy_generation = platform->generation;
	open_local(r, platform->spec);
	return true;
}

void tenant_estate_begin(struct reconciler *r)
{
	_cleanup_object_ struct object platform = OBJECT_INIT;

	if (store_get(r->options.store, PLATFORM_ID, &platform) == 0)
		(void)take_policy(r, &platform);
}

void tenant_estate_policy(struct reconciler *r, const struct object *platform)
{
	if (!take_policy(r, platform))
		return;
	queue_wake(r->slow, key_of(SLOW_KEY_ACTUALS, 1));
	(void)store_list(r->options.store, PLATFORM_ID, KIND_TENANT, 0, true, wake_unready, r);
	(void)store_list_all(r->options.store, KIND_RESOURCE, 0, false, wake_made, r);
	(void)store_list_all(r->options.store, KIND_HOST, 0, false, wake_made, r);
	wake_estate_sweep(r);
	(void)atomic_fetch_add(&r->traffic_epoch, 1);
	(void)feed_services(r);
}
