/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/service/permits.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "model/grants.h"
#include "model/instance.h"
#include "model/service.h"
#include "reconcile/host/fleet.h"
#include "reconcile/view/names.h"

#define AGAIN_NS (60 * NS_PER_SECOND)

struct address {
	char text[64];
	int port;
	int64_t instance;
};

struct addresses {
	struct address *list;
	size_t count;
};

static void addresses_done(struct addresses *addresses)
{
	free(addresses->list);
	*addresses = (struct addresses){NULL, 0};
}
#define _cleanup_addresses_ __attribute__((cleanup(addresses_done)))

struct permits {
	struct reconciler *r;
	struct permit *list;
	size_t count, room;
	struct names names;
	int64_t granting; /* services that grant something */
	const struct object *granted, *owner; /* the service that is looked at, and its tenant */
	const struct addresses *to;
	const struct grant *grant;
};

/* ---- which containers there are ---- */

static bool runs(const struct instance_status *status)
{
	switch (status->phase) {
	case INSTANCE_STARTING:
	case INSTANCE_HEALTHY:
	case INSTANCE_UNHEALTHY:
	case INSTANCE_DRAINING:
		return status->address[0] != '\0';
	default:
		return false;
	}
}

static int add_address(void *arg, const struct object *object)
{
	struct addresses *addresses = arg;
	struct instance_status status;
	struct instance_spec spec;
	struct address *list;

	if (instance_status_parse(object->status, &status) < 0 || !runs(&status) ||
		instance_spec_parse(object->spec, &spec) < 0 || strcmp(spec.host, HOST_LOCAL) != 0)
		return 0;
	list = reallocarray(addresses->list, addresses->count + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	addresses->list = list;
	(void)text_copy(list[addresses->count].text, sizeof(list->text), status.address);
	list[addresses->count].instance = object->id;
	list[addresses->count++].port = (int)status.port;
	return 0;
}

static int list_addresses(struct store *store, int64_t service, struct addresses *ret)
{
	return store_list(store, service, KIND_INSTANCE, 0, true, add_address, ret);
}

/* ---- who may reach whom ---- */

static int add_permit(struct permits *permits, const struct address *from, const struct address *to)
{
	struct permit *permit;

	if (permits->count == permits->room) {
		size_t room = permits->room ? 2 * permits->room : 64;
		struct permit *list = reallocarray(permits->list, room, sizeof(*list));

		if (!list)
			return -ENOMEM;
		permits->list = list;
		permits->room = room;
	}
	permit = &permits->list[permits->count++];
	*permit = (struct permit){.port = to->port};
	(void)text_copy(permit->from, sizeof(permit->from), from->text);
	(void)text_copy(permit->to, sizeof(permit->to), to->text);
	return names_add(&permits->names, from->instance, to->text, permits->granted->name,
		permits->owner->name);
}

/* Whether the service asks for the one that is granted: a grant alone opens nothing. */
static bool asks(const struct permits *permits, const struct object *service)
{
	_cleanup_service_spec_ struct service_spec *spec = NULL;
	char name[2 * OBJECT_NAME_MAX + 2];

	if (!service->spec || service_spec_parse(service->spec, strlen(service->spec),
				      service->name, &spec, NULL) < 0)
		return false;
	(void)snprintf(name, sizeof(name), "%s/%s", permits->owner->name, permits->granted->name);
	for (char *const *at = spec->neighbors; at && *at; at++)
		if (strcmp(*at, name) == 0)
			return true;
	return false;
}

static int permit_service(void *arg, const struct object *service)
{
	_cleanup_addresses_ struct addresses from = {NULL, 0};
	struct permits *permits = arg;
	const struct addresses *to = permits->to;
	int r;

	if (permits->grant->service[0] && strcmp(permits->grant->service, service->name) != 0)
		return 0;
	if (!asks(permits, service))
		return 0;
	r = list_addresses(permits->r->options.store, service->id, &from);
	for (size_t i = 0; r == 0 && i < from.count; i++)
		for (size_t j = 0; r == 0 && j < to->count; j++)
			r = add_permit(permits, &from.list[i], &to->list[j]);
	return r;
}

static int permit_grants(struct permits *permits, const char *grants)
{
	struct store *store = permits->r->options.store;
	struct grant grant;
	int r = 0;

	permits->grant = &grant;
	while (r == 0 && grants_next(&grants, &grant)) {
		struct object tenant = OBJECT_INIT;

		r = store_peek_name(store, PLATFORM_ID, KIND_TENANT, grant.tenant, &tenant);
		if (r == 0 && tenant.id != permits->owner->id)
			r = store_list(store, tenant.id, KIND_SERVICE, 0, true, permit_service,
				permits);
		else if (r == -ENOENT)
			r = 0;
	}
	return r;
}

static int permit_granted(void *arg, int64_t service)
{
	_cleanup_addresses_ struct addresses to = {NULL, 0};
	_cleanup_buf_ struct buf grants = BUF_INIT;
	struct object granted = OBJECT_INIT, owner = OBJECT_INIT;
	struct permits *permits = arg;
	struct store *store = permits->r->options.store;
	int r = store_peek(store, service, &granted);

	permits->granting++;
	if (r < 0 || granted.deleting)
		return r == -ENOENT ? 0 : r;
	r = store_peek(store, granted.tenant, &owner);
	if (r == 0)
		r = store_grants(store, service, &grants, NULL);
	if (r == 0)
		r = list_addresses(store, service, &to);
	permits->granted = &granted;
	permits->owner = &owner;
	permits->to = &to;
	return r < 0 ? r : permit_grants(permits, buf_string(&grants));
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct permit));
}

/* In one order, each once: a tenant and one of its services may both be granted. */
static void tidy(struct permits *permits)
{
	size_t kept = 0;

	if (permits->count < 2)
		return;
	qsort(permits->list, permits->count, sizeof(*permits->list), compare);
	for (size_t i = 1; i < permits->count; i++)
		if (compare(&permits->list[i], &permits->list[kept]) != 0)
			permits->list[++kept] = permits->list[i];
	permits->count = kept + 1;
}

static int load(struct permits *permits)
{
	struct store *store = permits->r->options.store;
	int r = store_freeze(store, NULL);

	if (r < 0)
		return r;
	r = store_grants_list(store, permit_granted, permits);
	store_thaw(store);
	tidy(permits);
	return r;
}

/* ---- stating it ---- */

static int tell(struct txn *txn, void *arg, struct error *reterr)
{
	const struct error *error = arg;

	(void)reterr;
	return txn_event(txn, PLATFORM_ID, "warning", "grants between tenants are not in force: %s",
		error->text);
}

static uint64_t hash_of(const struct permits *permits)
{
	return permits->count
		       ? text_hash(permits->list, permits->count * sizeof(*permits->list)) | 1
		       : 0;
}

static int state(struct permits *permits)
{
	struct reconciler *r = permits->r;
	struct cloud *cloud = r->options.cloud;
	struct error error = ERROR_INIT;
	bool failed = r->permits_failed;
	int result = cloud->ops->permit(cloud, permits->list, permits->count, &error);

	r->permits_failed = result < 0;
	if (result == 0)
		return 0;
	log_debug("permits: %s", error.text);
	if (!failed)
		(void)store_update(r->options.store, STORE_RELAXED, NULL, tell, &error, NULL);
	return result;
}

int64_t permits_reconcile(struct reconciler *r)
{
	struct permits permits = {.r = r};
	bool again = clock_now_ns() >= r->permits_again_ns;
	long long stated = atomic_load(&r->permits_stated);
	int result, named;

	if (!r->options.cloud->ops->permit)
		return QUEUE_DONE;
	result = load(&permits);
	if (result == 0) {
		long long hash = (long long)hash_of(&permits);

		atomic_store(&r->granting, permits.granting);
		if (again || hash != stated)
			result = state(&permits);
		named = names_state(&permits.names, r);
		result = result < 0 ? result : named;
		/* Not when somebody has asked for it anew meanwhile. */
		if (result == 0)
			(void)atomic_compare_exchange_strong(&r->permits_stated, &stated, hash);
		if (result == 0 && (again || hash != stated))
			r->permits_again_ns = clock_now_ns() + AGAIN_NS;
	}
	free(permits.list);
	names_done(&permits.names);
	if (result < 0)
		return QUEUE_RETRY;
	return permits.count > 0 ? r->permits_again_ns : QUEUE_DONE;
}

void permits_note(struct reconciler *r, bool at_once)
{
	int64_t due_ns = clock_now_ns() + (at_once ? 0 : SETTLE_DELAY_NS);

	if (at_once || atomic_load(&r->granting) > 0)
		queue_wake_at(r->plans, key_of(PLAN_KEY_PERMITS, 0), due_ns);
}

void permits_forget(struct reconciler *r)
{
	atomic_store(&r->permits_stated, PERMITS_UNKNOWN);
	permits_note(r, true);
}
