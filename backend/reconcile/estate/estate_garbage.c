/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/estate/estate_garbage.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cloud/resources.h"

#define SHOWN_NS (3 * NS_PER_SECOND) /* lists may show what went a moment ago */

void estate_found_intent(const struct estate_found *found, char ret[INTENT_TYPE_SIZE])
{
	const char *type = "";

	switch (found->level) {
	case ESTATE_OF_TENANT:
		tenant_estate_intent(found->type, ret);
		return;
	case ESTATE_OF_SERVICE:
		type = strcmp(found->type, "dns-name") == 0 ? INTENT_DNS : INTENT_BALANCER;
		break;
	case ESTATE_OF_HOST:
		type = INTENT_MACHINE;
		break;
	case ESTATE_OF_RESOURCE:
		type = INTENT_RESOURCE;
		break;
	}
	(void)text_copy(ret, INTENT_TYPE_SIZE, type);
}

/* ---- telling ---- */

struct finding {
	const struct garbage *garbage;
	const struct estate_found *found;
};

static int write_finding(struct txn *txn, void *arg, struct error *reterr)
{
	const struct finding *finding = arg;
	const struct estate_found *found = finding->found;
	char intent[INTENT_TYPE_SIZE];
	int r = txn_garbage_add(txn, finding->garbage);

	(void)reterr;
	estate_found_intent(found, intent);
	if (r == 0 && finding->garbage->state == GARBAGE_REMOVED)
		r = txn_intent_bury(txn, found->owner, intent, found->journal);
	return r;
}

/* "name/id" of a tenant; of others "kind/id", behind the tenant's name where that is known. */
static void print_owner(const struct estate_found *found, char *ret, size_t size)
{
	static const char *const kinds[] = {
		[ESTATE_OF_SERVICE] = "service",
		[ESTATE_OF_HOST] = "host",
		[ESTATE_OF_RESOURCE] = "resource",
	};

	*ret = '\0';
	if (found->owner > 0 && found->level == ESTATE_OF_TENANT)
		(void)snprintf(ret, size, "%.80s/%" PRId64, found->tenant_name, found->owner);
	else if (found->owner > 0)
		(void)snprintf(ret, size, "%.80s%s%s/%" PRId64, found->tenant_name,
			*found->tenant_name ? "/" : "", kinds[found->level], found->owner);
}

static int tell(struct sweep *sweep, const struct estate_found *found, unsigned claims,
	enum garbage_state state, const char *words)
{
	char owner[128];
	const struct garbage garbage = {
		.type = found->type,
		.name = found->name,
		.claims = claims,
		.state = state,
		.tenant = owner,
		.words = words,
	};
	struct finding finding = {&garbage, found};

	print_owner(found, owner, sizeof(owner));
	sweep->left += state == GARBAGE_LEFT;
	sweep->busy += state == GARBAGE_BUSY;
	sweep->removed += state == GARBAGE_REMOVED;
	return store_update(sweep->r->options.store, STORE_RELAXED, NULL, write_finding, &finding,
		NULL);
}

int estate_leave(struct sweep *sweep, const struct estate_found *found, bool known,
	const char *words)
{
	unsigned claims = known ? GARBAGE_JOURNAL : 0;

	claims |= found->tags == ESTATE_TAGS_OURS ? GARBAGE_TAG : GARBAGE_NAME;
	return tell(sweep, found, claims, GARBAGE_LEFT, words);
}

/* ---- removing ---- */

static struct estate_owner owner_of(const struct sweep *sweep, const struct estate_found *found)
{
	return (struct estate_owner){
		.platform = sweep->r->platform,
		.tenant = found->tenant_name,
		.id = found->level == ESTATE_OF_TENANT ? found->owner : 0,
	};
}

static int remove_tenants(struct sweep *sweep, const struct estate_found *found,
	struct error *reterr)
{
	struct estate *estate = sweep->r->options.estate;
	const struct estate_owner owner = owner_of(sweep, found);
	struct estate_thing thing = {.type = found->type};

	(void)text_copy(thing.name, sizeof(thing.name), found->name);
	return estate->ops->remove(estate, &owner, &thing, reterr);
}

/* With all that belongs to it, in its order: what is found next may have gone with it. */
static int remove_services(struct sweep *sweep, const struct estate_found *found,
	struct error *reterr)
{
	struct cloud *cloud = sweep->r->options.cloud;

	return strcmp(found->type, "dns-name") == 0
		       ? cloud->ops->dns_remove(cloud, found->owner, found->name, reterr)
		       : cloud->ops->balancer_remove(cloud, found->owner, reterr);
}

static int remove_hosts(struct sweep *sweep, const struct estate_found *found, struct error *reterr)
{
	struct cloud *cloud = sweep->r->options.cloud;

	const struct machine last = {.host = found->owner,
		.tenant = found->tenant_name,
		.name = "",
		.token = "",
		.age_ns = CLOCK_FOREVER,
		.known = ""};

	return cloud->ops->machine_remove(cloud, &last, reterr);
}

static int remove_resource(struct sweep *sweep, const struct estate_found *found,
	struct error *reterr)
{
	struct estate *estate = sweep->r->options.estate;
	const struct estate_owner owner = owner_of(sweep, found);
	const struct resource_spec spec = {.type = (char *)(uintptr_t)found->type};
	const struct resource resource = {.id = found->owner,
		.name = found->name,
		.external = found->name,
		.spec = &spec,
		.password = "",
		.code_bucket = "",
		.queue_arn = ""};

	return estate->resources->remove(estate, &owner, &resource, reterr);
}

static int remove_found(struct sweep *sweep, const struct estate_found *found, struct error *reterr)
{
	switch (found->level) {
	case ESTATE_OF_SERVICE:
		return remove_services(sweep, found, reterr);
	case ESTATE_OF_HOST:
		return remove_hosts(sweep, found, reterr);
	case ESTATE_OF_RESOURCE:
		return remove_resource(sweep, found, reterr);
	default:
		return remove_tenants(sweep, found, reterr);
	}
}

/* The journal says that it is ours; the one who removes it looks at the tags again. */
static int remove_orphan(struct sweep *sweep, const struct estate_found *found, const char *why)
{
	struct error error = ERROR_INIT;
	int r = remove_found(sweep, found, &error);

	if (r == -ECANCELED)
		return r;
	if (r == 0)
		return tell(sweep, found, GARBAGE_TAG | GARBAGE_JOURNAL, GARBAGE_REMOVED, why);
	if (r == -EEXIST)
		return tell(sweep, found, GARBAGE_NAME | GARBAGE_JOURNAL, GARBAGE_LEFT, error.text);
	return tell(sweep, found, GARBAGE_TAG | GARBAGE_JOURNAL, GARBAGE_BUSY, error.text);
}

static bool holds_data(const struct estate_found *found)
{
	const struct resource_type *type =
		found->level == ESTATE_OF_RESOURCE ? resource_type_find(found->type) : NULL;

	return type && type->holds_data;
}

int estate_take_orphan(struct sweep *sweep, const struct estate_found *found,
	const struct estate_claim *claim, const char *why)
{
	bool known = claim->known;
	char words[256];

	if (known && holds_data(found)) {
		(void)snprintf(words, sizeof(words),
			"%s, and it may hold data: keep it, or remove it by hand", why);
		return estate_leave(sweep, found, known, words);
	}
	if (known && found->tags != ESTATE_TAGS_OTHER)
		return claim->buried_ns > sweep->started_ns - SHOWN_NS - sweep->lag_ns
			       ? 0
			       : remove_orphan(sweep, found, why);
	if (known)
		return estate_leave(sweep, found, known,
			"the journal has it, and it does not carry this platform's tags");
	(void)snprintf(words, sizeof(words),
		"%s, and the journal does not know that this platform made it", why);
	return estate_leave(sweep, found, known, words);
}
