/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/files/quota.h"

#include <errno.h>
#include <string.h>

#include "fs/files/quota_cost.h"

/* The rules that hold for a tenant; txn NULL: outside of one. */
struct rules {
	struct fs *fs;
	struct txn *txn;
	struct group_state state;
	struct group_policy *policy; /* NULL: nothing is limited */
};

static void rules_done(struct rules *rules)
{
	group_state_done(&rules->state);
	group_policy_free(rules->policy);
}
#define _cleanup_rules_ __attribute__((cleanup(rules_done)))

static int rules_read(struct rules *rules, int64_t tenant, struct error *reterr)
{
	struct group_state *state = &rules->state;
	int r = rules->txn ? txn_group(rules->txn, tenant, state)
			   : store_group(rules->fs->store, tenant, state);

	if (r < 0 || !state->policy)
		return r;
	return group_policy_parse(state->policy, strlen(state->policy), state->name, &rules->policy,
		reterr);
}

static int has_host(const struct rules *rules, int64_t tenant)
{
	return rules->txn ? txn_has_host(rules->txn, tenant)
			  : store_has_host(rules->fs->store, tenant);
}

static int check_cost(const struct rules *rules, const struct quote *quote,
	const struct cost_change *change, struct error *reterr)
{
	return quota_cost_check(rules->fs, rules->txn, quote, &rules->state, rules->policy, change,
		reterr);
}

/* ---- services ---- */

static int check_service_cost(const struct rules *rules, int64_t tenant,
	const struct service_spec *before, const struct service_spec *after, struct error *reterr)
{
	_cleanup_quote_ struct quote quote = {0};
	struct cost_change change = {.tenant = tenant};
	const char *cloud = rules->fs->cloud;
	int own, r;

	if (!quota_cost_limits(rules->policy))
		return 0;
	own = has_host(rules, tenant);
	r = own < 0 ? own : quote_begin(&quote, rules->fs->store, reterr);
	if (r < 0)
		return r;
	change.before_nano = before ? quote_service(&quote, cloud, before, !own) : 0;
	change.after_nano = quote_service(&quote, cloud, after, !own);
	return check_cost(rules, &quote, &change, reterr);
}

static int check_service(struct rules *rules, const struct object *service,
	const struct service_spec *before, const struct service_spec *after, struct error *reterr)
{
	const struct group_state *state = &rules->state;
	int r = rules_read(rules, service->tenant, reterr);

	if (r == 0)
		r = group_policy_check_service(rules->policy, state->name, &state->used, before,
			after, reterr);
	return r < 0 ? r : check_service_cost(rules, service->tenant, before, after, reterr);
}

int quota_check_service(struct fs *fs, const struct object *service,
	const struct service_spec *before, const struct service_spec *after, struct error *reterr)
{
	_cleanup_rules_ struct rules rules = {.fs = fs};

	return check_service(&rules, service, before, after, reterr);
}

int quota_apply_service(struct txn *txn, struct fs *fs, const struct object *service,
	const struct service_spec *before, const struct service_spec *after, struct error *reterr)
{
	_cleanup_rules_ struct rules rules = {.fs = fs, .txn = txn};
	struct reserve reserve = group_policy_reserve(after);
	struct usage_subject parts[USAGE_PARTS_MAX];
	int r = check_service(&rules, service, before, after, reterr);

	if (r == 0)
		r = txn_set_reserve(txn, service->id, &reserve);
	return r < 0 ? r
		     : txn_set_wanted(txn, service->id, parts,
			       quote_service_parts(fs->cloud, after, parts));
}

/* ---- hosts ---- */

/* The first one takes over what the tenant has on the machine that all share. */
static int quote_moved(const struct rules *rules, const struct quote *quote, int64_t tenant,
	int64_t *ret_nano)
{
	struct wanted_sum sum;
	int r = rules->txn ? txn_wanted(rules->txn, WANTED_TENANT, tenant, &sum)
			   : store_wanted(rules->fs->store, WANTED_TENANT, tenant, &sum);

	if (r == 0)
		*ret_nano = quote_reserve(quote, sum.cpu_milli, sum.memory_mib);
	return r;
}

/* What specs want that is paid by itself. */
struct parts {
	struct usage_subject list[USAGE_PARTS_MAX];
	size_t count;
};

/* moved: what the tenant has on the machine that all share comes to what it had before. */
static int check_parts_cost(const struct rules *rules, int64_t tenant, bool moved,
	const struct parts *before, const struct parts *after, struct error *reterr)
{
	_cleanup_quote_ struct quote quote = {0};
	struct cost_change change = {.tenant = tenant};
	int r = quote_begin(&quote, rules->fs->store, reterr);

	if (r == 0 && moved)
		r = quote_moved(rules, &quote, tenant, &change.before_nano);
	if (r < 0)
		return r;
	change.before_nano += quote_parts(&quote, before->list, before->count);
	change.after_nano = quote_parts(&quote, after->list, after->count);
	return check_cost(rules, &quote, &change, reterr);
}

static size_t host_parts(const struct fs *fs, const struct host_spec *spec,
	struct usage_subject *parts)
{
	_cleanup_object_ struct object platform = OBJECT_INIT;
	_cleanup_policy_ struct policy *policy = NULL;

	/* Types of machines are the policy's where machines are made. */
	if (!spec->engine && strcmp(fs->cloud, "aws") == 0 &&
		store_get(fs->store, PLATFORM_ID, &platform) == 0 && platform.spec)
		(void)policy_parse(platform.spec, strlen(platform.spec), &policy, NULL);
	return quote_host_parts(fs->cloud, policy, spec, parts);
}

static int check_host_cost(const struct rules *rules, int64_t tenant,
	const struct host_spec *before, const struct host_spec *after, struct error *reterr)
{
	struct parts old = {.count = 0}, new = {.count = 0};

	if (!quota_cost_limits(rules->policy))
		return 0;
	if (before)
		old.count = host_parts(rules->fs, before, old.list);
	new.count = host_parts(rules->fs, after, new.list);
	return check_parts_cost(rules, tenant, true, &old, &new, reterr);
}

static int check_host(struct rules *rules, const struct object *host,
	const struct host_spec *before, const struct host_spec *after, struct error *reterr)
{
	int r = rules_read(rules, host->tenant, reterr);

	if (r == 0)
		r = group_policy_check_region(rules->policy, rules->state.name,
			before ? before->region : NULL, after->region, reterr);
	return r < 0 ? r : check_host_cost(rules, host->tenant, before, after, reterr);
}

int quota_check_host(struct fs *fs, const struct object *host, const struct host_spec *before,
	const struct host_spec *after, struct error *reterr)
{
	_cleanup_rules_ struct rules rules = {.fs = fs};

	return check_host(&rules, host, before, after, reterr);
}

int quota_apply_host(struct txn *txn, struct fs *fs, const struct object *host,
	const struct host_spec *before, const struct host_spec *after, struct error *reterr)
{
	_cleanup_rules_ struct rules rules = {.fs = fs, .txn = txn};
	struct usage_subject parts[USAGE_PARTS_MAX];
	int r = check_host(&rules, host, before, after, reterr);

	return r < 0 ? r : txn_set_wanted(txn, host->id, parts, host_parts(fs, after, parts));
}

/* ---- resources ---- */

static int check_resource_cost(const struct rules *rules, int64_t tenant,
	const struct resource_spec *before, const struct resource_spec *after, struct error *reterr)
{
	struct parts old = {.count = 0}, new = {.count = 0};

	if (!quota_cost_limits(rules->policy))
		return 0;
	if (before)
		old.count = quote_resource_parts(before, old.list);
	new.count = quote_resource_parts(after, new.list);
	return check_parts_cost(rules, tenant, false, &old, &new, reterr);
}

static int check_resource(struct rules *rules, const struct object *resource,
	const struct resource_spec *before, const struct resource_spec *after, struct error *reterr)
{
	int r = rules_read(rules, resource->tenant, reterr);

	if (r == 0)
		r = group_policy_check_type(rules->policy, rules->state.name,
			before ? before->type : NULL, after->type, reterr);
	if (r == 0)
		r = group_policy_check_image(rules->policy, rules->state.name,
			before ? before->image : NULL, after->image, reterr);
	return r < 0 ? r : check_resource_cost(rules, resource->tenant, before, after, reterr);
}

int quota_check_resource(struct fs *fs, const struct object *resource,
	const struct resource_spec *before, const struct resource_spec *after, struct error *reterr)
{
	_cleanup_rules_ struct rules rules = {.fs = fs};

	return check_resource(&rules, resource, before, after, reterr);
}

int quota_apply_resource(struct txn *txn, struct fs *fs, const struct object *resource,
	const struct resource_spec *before, const struct resource_spec *after, struct error *reterr)
{
	_cleanup_rules_ struct rules rules = {.fs = fs, .txn = txn};
	struct usage_subject parts[USAGE_PARTS_MAX];
	int r = check_resource(&rules, resource, before, after, reterr);

	return r < 0 ? r
		     : txn_set_wanted(txn, resource->id, parts, quote_resource_parts(after, parts));
}

/* ---- how many ---- */

int quota_apply_create(struct txn *txn, int64_t parent, enum kind kind, struct error *reterr)
{
	_cleanup_rules_ struct rules rules = {.txn = txn};
	int64_t count = 0;
	int r = rules_read(&rules, parent, reterr);

	if (r < 0 || group_policy_count_limit(rules.policy, kind) == GROUP_NO_LIMIT)
		return r;
	r = txn_group_count(txn, rules.state.group, kind, &count);
	return r < 0 ? r
		     : group_policy_check_count(rules.policy, rules.state.name, kind, count,
			       reterr);
}
