/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/balancer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cloud/aws/balancer_facts.h"
#include "cloud/aws/balancer_memo.h"
#include "cloud/aws/certificate.h"

struct aws_balancers {
	struct balancer_memo memo;
	struct network_cache networks;
	struct certificate_cache certificates;
};

int aws_balancers_new(struct aws_balancers **ret, struct error *reterr)
{
	struct aws_balancers *b = calloc(1, sizeof(*b));

	if (!b)
		return error_oom(reterr);
	balancer_memo_init(&b->memo);
	network_cache_init(&b->networks);
	certificate_cache_init(&b->certificates);
	*ret = b;
	return 0;
}

void aws_balancers_free(struct aws_balancers *b)
{
	if (!b)
		return;
	balancer_memo_done(&b->memo);
	network_cache_done(&b->networks);
	certificate_cache_done(&b->certificates);
	free(b);
}

/* ---- ensure ---- */

/* Of all but the targets. */
static uint64_t hash_of(const struct account *account, const struct balancer *wanted)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	const char *item;

	buf_printf(&text, "%lld %s %s %d %s %s %lld\n", (long long)wanted->tenant_id,
		wanted->tenant, wanted->name, wanted->port, wanted->dns,
		wanted->health_path ? wanted->health_path : "", (long long)wanted->drain_s);
	buf_printf(&text, "%s %s %s %s\n", policy_text(account->policy, "region"),
		policy_text(account->policy, "vpc_id"),
		policy_text(account->policy, "certificate_arn"),
		policy_text(account->policy, "domain"));
	for (size_t i = 0; (item = policy_item(account->policy, "public_subnet_ids", i)); i++)
		buf_printf(&text, "%s\n", item);
	for (size_t i = 0; (item = policy_item(account->policy, "load_balancer_cidrs", i)); i++)
		buf_printf(&text, "%s\n", item);
	return text_hash(buf_string(&text), text.len);
}

/* Trouble with the certificate leaves the plain port alone. */
static void find_certificate(struct aws_balancers *b, struct balancer_work *work)
{
	struct error error = ERROR_INIT;

	if (certificate_covers(&b->certificates, work->account, work->wanted->dns, &work->tls,
		    &error) < 0)
		(void)text_copy(work->state.warning, sizeof(work->state.warning), error.text);
	text_trim_utf8(work->state.warning);
	work->state.tls = work->tls;
}

static int ensure_all(struct aws_balancers *b, struct balancer_work *work, struct error *reterr)
{
	struct settled *settled = work->account->settled;
	int64_t service = work->wanted->service;
	bool made;
	int r = network_get(&b->networks, work->account, &work->network, reterr);

	if (r < 0)
		return r;
	settled_drop(settled, service, SETTLED_BALANCER);
	find_certificate(b, work);
	r = balancer_look(work, service, reterr);
	made = work->balancer.node == NULL;
	if (r == 0)
		r = balancer_settle_groups(work, reterr);
	if (r == 0)
		r = balancer_settle_target_group(work, reterr);
	if (r == 0)
		r = balancer_settle_itself(work, reterr);
	if (r == 0)
		r = balancer_settle_listeners(work, made, reterr);
	work->settled.type = BALANCER_TYPE;
	if (r == 0)
		settled_put(settled, service, SETTLED_BALANCER, &work->settled);
	return r;
}

static void remember(struct aws_balancers *b, const struct balancer_work *work, uint64_t hash)
{
	struct balancer_known known = {
		.hash = hash,
		.active = work->active,
		.network = work->network,
		.state = work->state,
	};

	(void)text_copy(known.balancer, sizeof(known.balancer), work->balancer_arn);
	(void)text_copy(known.target_group, sizeof(known.target_group), work->target_group_arn);
	balancer_memo_put(&b->memo, work->wanted->service, &known);
}

static void recall(struct balancer_work *work, const struct balancer_known *known)
{
	work->active = known->active;
	work->network = known->network;
	work->state = known->state;
	(void)text_copy(work->balancer_arn, sizeof(work->balancer_arn), known->balancer);
	(void)text_copy(work->target_group_arn, sizeof(work->target_group_arn),
		known->target_group);
}

/* So that it is looked at anew, from its start. */
static int forget(struct aws_balancers *b, struct account *account, int64_t service, int r,
	struct error *reterr)
{
	if (r != -EAGAIN && r != -EADDRNOTAVAIL) {
		balancer_memo_drop(&b->memo, service);
		settled_drop(account->settled, service, SETTLED_BALANCER);
	}
	/* What a policy names and AWS does not have is no missing service. */
	if (r == -ENOENT && reterr)
		reterr->code = -EINVAL;
	return r == -ENOENT ? -EINVAL : r;
}

static int ensure_targets(struct aws_balancers *b, struct balancer_work *work, struct error *reterr)
{
	_cleanup_seen_targets_ struct seen_targets seen = {NULL, 0};
	int r = balancer_settle_targets(work->account, &work->network, work->target_group_arn,
		work->wanted, &seen, reterr);

	settled_put_targets(work->account->settled, work->wanted->service,
		r == 0 ? balancer_targets_hash(&seen) : 0);
	if (seen.targets)
		balancer_memo_put_targets(&b->memo, work->wanted->service, &seen);
	return r;
}

int aws_balancer_ensure(struct aws_balancers *b, struct account *account,
	const struct balancer *wanted, struct balancer_state *ret, struct error *reterr)
{
	_cleanup_balancer_work_ struct balancer_work work = {.account = account, .wanted = wanted};
	uint64_t hash = hash_of(account, wanted);
	struct settled_entry ignored;
	struct balancer_known known;
	bool is_known;
	int r = 0;

	balancer_name(account->platform, wanted->service, work.name);
	/* What a survey has found to be another is looked at anew. */
	is_known = settled_get(account->settled, wanted->service, SETTLED_BALANCER, &ignored) &&
		   balancer_memo_get(&b->memo, wanted->service, hash, &known);
	if (is_known)
		recall(&work, &known);
	else
		r = ensure_all(b, &work, reterr);
	if (r == 0 && is_known && !work.active)
		r = balancer_look_state(&work, reterr);
	if (r == 0) {
		remember(b, &work, hash);
		r = ensure_targets(b, &work, reterr);
	}
	if (r == 0 && !work.active)
		r = error_set(reterr, -EAGAIN, "AWS makes the load balancer: that takes minutes");
	if (r < 0)
		return forget(b, account, wanted->service, r, reterr);
	*ret = work.state;
	return 0;
}

/* ---- remove ---- */

static int delete_by_arn(struct account *account, enum aws_action_id action, const char *field,
	const char *arn, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(action);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;

	aws_request_set(&request, field, arn);
	return account_call(account, &request, &answer, FAULT_MISSING, reterr);
}

int balancer_delete(struct account *account, const char *arn, struct error *reterr)
{
	return delete_by_arn(account, ELB_DELETE_LOAD_BALANCER, "LoadBalancerArn", arn, reterr);
}

int balancer_delete_target_group(struct account *account, const char *arn, struct error *reterr)
{
	return delete_by_arn(account, ELB_DELETE_TARGET_GROUP, "TargetGroupArn", arn, reterr);
}

static int delete_groups(struct balancer_work *work, int64_t service, struct error *reterr)
{
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	const char *name = work->name;
	const struct answer_node *group;
	int r = group_describe(work->account, NULL, &name, 1, &answer, reterr);

	group = r == 0 ? group_named(&answer, name) : NULL;
	for (; group && r == 0; group = answer_next(group))
		if (account_owns_service(work->account, answer_find(group, "tagSet/item"), "key",
			    "value", service))
			r = group_delete(work->account, answer_text(group, "groupId"), reterr);
	return r;
}

int aws_balancer_remove(struct aws_balancers *b, struct account *account, int64_t service,
	struct error *reterr)
{
	_cleanup_balancer_work_ struct balancer_work work = {.account = account};
	int r;

	balancer_memo_drop(&b->memo, service);
	settled_drop(account->settled, service, SETTLED_BALANCER);
	balancer_name(account->platform, service, work.name);
	r = balancer_look(&work, service, reterr);
	if (r == 0 && work.balancer.node)
		r = balancer_delete(account, work.balancer_arn, reterr);
	if (r == 0 && work.target_group.node)
		r = balancer_delete_target_group(account, work.target_group_arn, reterr);
	return r < 0 ? r : delete_groups(&work, service, reterr);
}

/* ---- draining ---- */

static int find_target_group(struct account *account, int64_t service, char ret[ARN_SIZE],
	struct error *reterr)
{
	_cleanup_balancer_work_ struct balancer_work work = {.account = account};
	int r;

	if (*ret)
		return 0;
	balancer_name(account->platform, service, work.name);
	r = balancer_look(&work, service, reterr);
	(void)text_copy(ret, ARN_SIZE, work.target_group_arn);
	return r;
}

int aws_balancer_connections(struct aws_balancers *b, struct account *account, int64_t service,
	const struct target *target, int64_t *ret, struct error *reterr)
{
	_cleanup_seen_targets_ struct seen_targets seen = {NULL, 0};
	enum seen_state now = SEEN_LEAVING;
	char target_group[ARN_SIZE];
	int r = 0;

	if (balancer_memo_target(&b->memo, service, target, &now, target_group) == MEMO_ASK) {
		r = find_target_group(account, service, target_group, reterr);
		if (r == 0 && *target_group)
			r = seen_targets_read(account, target_group, &seen, reterr);
		if (r < 0)
			return r;
		now = seen_targets_state(&seen, target);
		balancer_memo_put_targets(&b->memo, service, &seen);
	}
	*ret = now != SEEN_OUT;
	return 0;
}
