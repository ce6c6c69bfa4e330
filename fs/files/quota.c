/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/files/quota.h"

#include <errno.h>
#include <string.h>

#include "store/group.h"

/* NULL: nothing is limited. */
static int parse(const struct group_state *state, struct group_policy **ret, struct error *reterr)
{
	*ret = NULL;
	if (!state->policy)
		return 0;
	return group_policy_parse(state->policy, strlen(state->policy), state->name, ret, reterr);
}

static int check(const struct group_state *state, const struct service_spec *before,
	const struct service_spec *after, struct error *reterr)
{
	_cleanup_group_policy_ struct group_policy *policy = NULL;
	int r = parse(state, &policy, reterr);

	return r < 0 ? r
		     : group_policy_check_service(policy, state->name, &state->used, before, after,
			       reterr);
}

int quota_check_service(struct fs *fs, const struct object *service,
	const struct service_spec *before, const struct service_spec *after, struct error *reterr)
{
	_cleanup_group_state_ struct group_state state = {0};
	int r = store_group(fs->store, service->tenant, &state);

	return r < 0 ? r : check(&state, before, after, reterr);
}

int quota_apply_service(struct txn *txn, const struct object *service,
	const struct service_spec *before, const struct service_spec *after, struct error *reterr)
{
	_cleanup_group_state_ struct group_state state = {0};
	struct reserve reserve = group_policy_reserve(after);
	int r = txn_group(txn, service->tenant, &state);

	if (r == 0)
		r = check(&state, before, after, reterr);
	return r < 0 ? r : txn_set_reserve(txn, service->id, &reserve);
}

int quota_apply_create(struct txn *txn, int64_t parent, enum kind kind, struct error *reterr)
{
	_cleanup_group_state_ struct group_state state = {0};
	_cleanup_group_policy_ struct group_policy *policy = NULL;
	int64_t count = 0;
	int r = txn_group(txn, parent, &state);

	if (r == 0)
		r = parse(&state, &policy, reterr);
	if (r < 0 || group_policy_count_limit(policy, kind) == GROUP_NO_LIMIT)
		return r;
	r = txn_group_count(txn, state.group, kind, &count);
	return r < 0 ? r : group_policy_check_count(policy, state.name, kind, count, reterr);
}
