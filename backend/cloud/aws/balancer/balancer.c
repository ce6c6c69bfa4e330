/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/balancer/balancer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cloud/aws/balancer/balancer_facts.h"
#include "cloud/aws/balancer/balancer_memo.h"
#include "cloud/aws/balancer/balancer_roll.h"
#include "cloud/aws/balancer/certificate.h"
#include "cloud/aws/dns/dns.h"
#include "cloud/aws/dns/dns_page.h"

#define FRESH_NS  (5 * NS_PER_SECOND) /* a look at all balancers tells so long of new ones */
#define ACTIVE_NS (2 * NS_PER_SECOND) /* while AWS makes some, all are looked at so often */

struct aws_balancers {
	struct balancer_memo memo;
	struct balancer_roll roll, target_groups;
	struct certificate_cache certificates;
};

int aws_balancers_new(struct aws_balancers **ret, struct error *reterr)
{
	struct aws_balancers *b = calloc(1, sizeof(*b));

	if (!b)
		return error_oom(reterr);
	balancer_memo_init(&b->memo);
	balancer_roll_init(&b->roll, ELB_DESCRIBE_LOAD_BALANCERS);
	balancer_roll_init(&b->target_groups, ELB_DESCRIBE_TARGET_GROUPS);
	certificate_cache_init(&b->certificates);
	*ret = b;
	return 0;
}

void aws_balancers_free(struct aws_balancers *b)
{
	if (!b)
		return;
	balancer_memo_done(&b->memo);
	balancer_roll_done(&b->roll);
	balancer_roll_done(&b->target_groups);
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

/* A service that has neither balancer nor target group needs no look of its own. */
static int look(struct aws_balancers *b, struct balancer_work *work, struct error *reterr)
{
	int64_t service = work->wanted->service;
	enum roll_state balancer, target_group;
	int r = balancer_roll_look(&b->roll, work->account, service, FRESH_NS, &balancer, reterr);

	if (r == 0)
		r = balancer_roll_look(&b->target_groups, work->account, service, FRESH_NS,
			&target_group, reterr);
	if (r < 0)
		return r;
	work->fresh = balancer == ROLL_NONE && target_group == ROLL_NONE;
	return work->fresh ? 0 : balancer_look(work, service, reterr);
}

static void doubt(struct aws_balancers *b)
{
	balancer_roll_doubt(&b->roll);
	balancer_roll_doubt(&b->target_groups);
}

static int settle_all(struct aws_balancers *b, struct balancer_work *work, struct error *reterr)
{
	struct settled *settled = work->account->settled;
	int64_t service = work->wanted->service;
	bool made;
	int r = look(b, work, reterr);

	settled_drop(settled, service, SETTLED_BALANCER);
	work->looked_ns = clock_now_ns();
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

static int ensure_all(struct aws_balancers *b, struct balancer_work *work, struct error *reterr)
{
	int r = network_get(work->account, &work->network, reterr);

	if (r < 0)
		return r;
	find_certificate(b, work);
	r = settle_all(b, work, reterr);
	/* A part of it may have been made, of which nobody knows. */
	if (r < 0)
		doubt(b);
	return r;
}

/* Has AWS made it by now? One look tells of all of them. */
static int look_state(struct aws_balancers *b, struct balancer_work *work, struct error *reterr)
{
	enum roll_state state;
	int r = balancer_roll_look(&b->roll, work->account, work->wanted->service, ACTIVE_NS,
		&state, reterr);

	if (r < 0)
		return r;
	work->active = state == ROLL_ACTIVE;
	/* The list may be older than the balancer. */
	if (state != ROLL_NONE || clock_now_ns() - work->looked_ns < 2 * ACTIVE_NS)
		return 0;
	return balancer_look_state(work, reterr);
}

static void remember(struct aws_balancers *b, const struct balancer_work *work, uint64_t hash)
{
	struct balancer_known known = {
		.hash = hash,
		.active = work->active,
		.looked_ns = work->looked_ns,
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
	work->looked_ns = known->looked_ns;
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

/* is_known: nobody but us has changed them. */
static int ensure_targets(struct aws_balancers *b, struct balancer_work *work, bool is_known,
	struct error *reterr)
{
	_cleanup_seen_targets_ struct seen_targets seen = {.targets = NULL};
	int64_t service = work->wanted->service;
	bool recalled = work->fresh
				? seen_targets_none(&seen)
				: is_known && balancer_memo_get_targets(&b->memo, service, &seen);
	int r = balancer_settle_targets(work->account, &work->network, work->target_group_arn,
		work->wanted, recalled, &seen, reterr);

	settled_put_targets(work->account->settled, work->wanted->service,
		r == 0 ? balancer_targets_hash(&seen) : 0);
	if (seen.targets)
		balancer_memo_put_targets(&b->memo, service, &seen);
	if (r != -ENOENT)
		return r;
	/* The target group was made just now, or somebody has removed it: both are looked at. */
	balancer_memo_drop(&b->memo, service);
	doubt(b);
	return account_young(r, reterr);
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
		r = look_state(b, &work, reterr);
	if (r == 0) {
		remember(b, &work, hash);
		r = ensure_targets(b, &work, is_known, reterr);
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
	doubt(b);
	balancer_name(account->platform, service, work.name);
	r = balancer_look(&work, service, reterr);
	if (r == 0 && work.balancer.node)
		r = balancer_delete(account, work.balancer_arn, reterr);
	if (r == 0 && work.target_group.node)
		r = balancer_delete_target_group(account, work.target_group_arn, reterr);
	return r < 0 ? r : delete_groups(&work, service, reterr);
}

/* ---- its name ---- */

static uint64_t name_hash(const struct account *account, const char *name,
	const struct balancer_state *state)
{
	_cleanup_buf_ struct buf text = BUF_INIT;

	buf_printf(&text, "%s %s %s %s %s %d", policy_text(account->policy, "hosted_zone_id"),
		policy_text(account->policy, "domain"), name, state->address, state->zone,
		state->dual_stack);
	return text_hash(buf_string(&text), text.len);
}

int aws_balancer_name(struct aws_balancers *b, struct account *account, int64_t service,
	const char *name, const struct balancer_state *state, struct error *reterr)
{
	uint64_t hash = name_hash(account, name, state);
	struct settled_entry ignored;
	int r;

	if (balancer_memo_has_name(&b->memo, service, hash)) {
		if (settled_get(account->settled, service, SETTLED_NAME, &ignored))
			return 0;
		dns_pages_touch(account->pages, name); /* a survey saw more */
	}
	r = aws_dns_ensure(account, service, name, state, reterr);
	if (r == 0)
		balancer_memo_put_name(&b->memo, service, hash);
	return r;
}

void aws_balancer_unname(struct aws_balancers *b, int64_t service)
{
	balancer_memo_put_name(&b->memo, service, 0);
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
	_cleanup_seen_targets_ struct seen_targets seen = {.targets = NULL};
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
