/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/balancer/balancer_targets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

#define PORT_SIZE     8
#define LOOK_EVERY_NS (2 * NS_PER_SECOND)
#define SETTLED_NS    (10 * NS_PER_SECOND)

void seen_targets_done(struct seen_targets *seen)
{
	free(seen->targets);
	*seen = (struct seen_targets){.targets = NULL};
}

bool seen_targets_none(struct seen_targets *ret)
{
	seen_targets_done(ret);
	ret->targets = calloc(1, sizeof(*ret->targets));
	return ret->targets != NULL;
}

static const struct {
	const char *word;
	enum seen_state state;
} states[] = {
	{"healthy", SEEN_IN},
	{"unavailable", SEEN_IN}, /* not looked at: it gets requests */
	{"initial", SEEN_COMING},
	{"unhealthy", SEEN_COMING},
	{"unhealthy.draining", SEEN_LEAVING},
	{"draining", SEEN_LEAVING},
};

/* "unused" is also what AWS says of one that is in, while no listener leads to its group. */
static enum seen_state state_of(const struct answer_node *health)
{
	const char *word = answer_text(health, "State"), *reason = answer_text(health, "Reason");

	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (strcmp(states[i].word, word) == 0)
			return states[i].state;
	return strcmp(reason, "Target.NotInUse") == 0 ? SEEN_COMING : SEEN_OUT;
}

int seen_targets_parse(const struct answer_node *root, struct seen_targets *ret)
{
	const struct answer_node *first = answer_find(root, "TargetHealthDescriptions/member");
	size_t count = 0;

	seen_targets_done(ret);
	for (const struct answer_node *node = first; node; node = answer_next(node))
		count++;
	ret->targets = calloc(count + 1, sizeof(*ret->targets));
	if (!ret->targets)
		return -ENOMEM;
	for (const struct answer_node *node = first; node; node = answer_next(node)) {
		struct seen_target *target = &ret->targets[ret->count++];
		const struct answer_node *health = answer_find(node, "TargetHealth");
		int64_t port = 0;

		(void)text_copy(target->address, sizeof(target->address),
			answer_text(node, "Target/Id"));
		(void)text_parse_int(answer_text(node, "Target/Port"), 0, 65535, &port);
		target->port = (int)port;
		target->state = state_of(health);
		(void)snprintf(target->words, sizeof(target->words), "%.30s %.120s",
			answer_text(health, "State"),
			*answer_text(health, "Description") ? answer_text(health, "Description")
							    : answer_text(health, "Reason"));
		text_trim_utf8(target->words);
	}
	return 0;
}

int seen_targets_read(const struct account *account, const char *target_group,
	struct seen_targets *ret, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(ELB_DESCRIBE_TARGET_HEALTH);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	int64_t now_ns = clock_now_ns();
	int r;

	aws_request_set(&request, "TargetGroupArn", target_group);
	r = account_call(account, &request, &answer, FAULT_OTHER, reterr);
	if (r < 0)
		return r;
	if (seen_targets_parse(answer.root, ret) < 0)
		return error_oom(reterr);
	ret->asked_ns = now_ns;
	return 0;
}

static bool is_same(const struct seen_target *seen, const struct target *target)
{
	return seen->port == target->port && strcmp(seen->address, target->address) == 0;
}

static const struct seen_target *find(const struct seen_targets *seen, const struct target *target)
{
	for (size_t i = 0; i < seen->count; i++)
		if (is_same(&seen->targets[i], target))
			return &seen->targets[i];
	return NULL;
}

enum seen_state seen_targets_state(const struct seen_targets *seen, const struct target *target)
{
	const struct seen_target *found = find(seen, target);

	return found ? found->state : SEEN_OUT;
}

bool target_must_enter(const struct target *target, const struct seen_targets *seen)
{
	enum seen_state state = seen_targets_state(seen, target);

	return target->state == TARGET_READY && (state == SEEN_OUT || state == SEEN_LEAVING);
}

bool target_must_leave(const struct seen_target *target, const struct balancer *wanted)
{
	if (target->state == SEEN_LEAVING || target->state == SEEN_OUT)
		return false;
	for (size_t i = 0; i < wanted->target_count; i++)
		if (wanted->targets[i].state == TARGET_READY &&
			is_same(target, &wanted->targets[i]))
			return false;
	return true;
}

static void set_target(struct aws_request *request, size_t number, const char *address, int port)
{
	char text[PORT_SIZE];

	(void)snprintf(text, sizeof(text), "%d", port);
	aws_request_setf(request, address, "Targets.member.%zu.Id", number);
	aws_request_setf(request, text, "Targets.member.%zu.Port", number);
}

static int call(struct account *account, struct aws_request *request, const char *target_group,
	struct error *reterr)
{
	_cleanup_answer_ struct answer answer = ANSWER_INIT;

	aws_request_set(request, "TargetGroupArn", target_group);
	return account_call(account, request, &answer, FAULT_OTHER, reterr);
}

/* Those that come go in before others go out. *ret_moved: so many did. */
static int move(struct account *account, const struct network *network, const char *target_group,
	const struct balancer *wanted, const struct seen_targets *seen, size_t *ret_moved,
	struct error *reterr)
{
	_cleanup_request_ struct aws_request in = aws_request_of(ELB_REGISTER_TARGETS);
	_cleanup_request_ struct aws_request out = aws_request_of(ELB_DEREGISTER_TARGETS);
	size_t entering = 0, leaving = 0;
	int r = 0;

	for (size_t i = 0; i < wanted->target_count; i++) {
		const struct target *target = &wanted->targets[i];

		if (target_must_enter(target, seen) && network_holds(network, target->address))
			set_target(&in, ++entering, target->address, target->port);
	}
	for (size_t i = 0; i < seen->count; i++)
		if (target_must_leave(&seen->targets[i], wanted))
			set_target(&out, ++leaving, seen->targets[i].address,
				seen->targets[i].port);
	if (entering > 0)
		r = call(account, &in, target_group, reterr);
	if (r == 0 && leaving > 0)
		r = call(account, &out, target_group, reterr);
	*ret_moved = entering + leaving;
	return r;
}

static int refuse_address(const struct network *network, const struct target *target,
	struct error *reterr)
{
	if (strncmp(target->address, "127.", 4) == 0)
		return error_set(reterr, -EADDRNOTAVAIL,
			"an instance runs on the platform's own machine, which no load balancer of "
			"AWS reaches: give the tenant a host");
	return error_set(reterr, -EADDRNOTAVAIL,
		"an instance is at %s, outside of the policy's network (%s ...): no load balancer "
		"reaches it",
		target->address, network->ranges[0]);
}

/* Does traffic follow what is wanted? */
static int judge(const struct network *network, const struct balancer *wanted,
	const struct seen_targets *seen, struct error *reterr)
{
	size_t ready = 0, in = 0;
	const char *words = "";

	for (size_t i = 0; i < seen->count; i++)
		if (target_must_leave(&seen->targets[i], wanted))
			return error_set(reterr, -EAGAIN,
				"the load balancer still sends requests to an instance that "
				"leaves");
	for (size_t i = 0; i < wanted->target_count; i++) {
		const struct target *target = &wanted->targets[i];
		const struct seen_target *found = find(seen, target);

		if (target->state != TARGET_READY)
			continue;
		if (!network_holds(network, target->address))
			return refuse_address(network, target, reterr);
		ready++;
		if (found && found->state == SEEN_IN)
			in++;
		else
			words = found ? found->words : "";
	}
	if (in == ready)
		return 0;
	return error_set(reterr, -EAGAIN,
		"the load balancer sends requests to %zu of %zu instances so far%s%s", in, ready,
		*words ? ": " : "", words);
}

/* Nothing is in, and nothing shall be. */
static bool is_idle(const struct balancer *wanted, const struct seen_targets *seen)
{
	for (size_t i = 0; i < wanted->target_count; i++)
		if (wanted->targets[i].state == TARGET_READY)
			return false;
	return seen->count == 0;
}

/* Need AWS be asked what has become of them? What is not in yet is looked for more often than what
 * was in is doubted. */
static bool is_old(const struct network *network, const struct balancer *wanted,
	const struct seen_targets *seen)
{
	int64_t age_ns = clock_now_ns() - seen->asked_ns;

	if (is_idle(wanted, seen) || (seen->asked_ns > 0 && age_ns < LOOK_EVERY_NS))
		return false;
	return seen->asked_ns == 0 || age_ns >= SETTLED_NS ||
	       judge(network, wanted, seen, NULL) < 0;
}

int balancer_settle_targets(struct account *account, const struct network *network,
	const char *target_group, const struct balancer *wanted, bool recalled,
	struct seen_targets *ret, struct error *reterr)
{
	size_t moved = 0;
	int r = 0;

	if (recalled)
		r = move(account, network, target_group, wanted, ret, &moved, reterr);
	if (r == 0 && moved == 0 && !(recalled && !is_old(network, wanted, ret))) {
		r = seen_targets_read(account, target_group, ret, reterr);
		if (r == 0)
			r = move(account, network, target_group, wanted, ret, &moved, reterr);
	}
	if (r == 0 && moved > 0)
		r = seen_targets_read(account, target_group, ret, reterr);
	return r < 0 ? r : judge(network, wanted, ret, reterr);
}
