/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/balancer/balancer_roll.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "cloud/aws/balancer/balancer_name.h"

#define PAGE "400" /* the most that AWS gives at once */

void balancer_roll_init(struct balancer_roll *roll, enum aws_action_id action)
{
	*roll = (struct balancer_roll){.action = action};
	turn_init(&roll->turn);
	lock_init(&roll->lock, LOCK_LEAF);
}

void balancer_roll_done(struct balancer_roll *roll)
{
	idmap_done(&roll->states);
	lock_done(&roll->lock);
	turn_done(&roll->turn);
}

void balancer_roll_doubt(struct balancer_roll *roll)
{
	LOCKED(&roll->lock);
	roll->asked_ns = 0;
}

static enum roll_state state_of(const struct answer_node *node)
{
	const char *word = answer_text(node, "State/Code");

	/* Target groups have no state. */
	return !*word || strncmp(word, "active", strlen("active")) == 0 ? ROLL_ACTIVE : ROLL_THERE;
}

struct list {
	const struct account *account;
	const char *path, *name; /* in the answer */
	struct idmap states;
};

static int take_page(void *arg, const struct answer_node *root)
{
	struct list *list = arg;
	const struct answer_node *node = answer_find(root, list->path);
	int64_t service;
	int r = 0;

	for (; node && r == 0; node = answer_next(node)) {
		uintptr_t state = (uintptr_t)state_of(node);

		if (balancer_name_parse(answer_text(node, list->name), list->account->platform,
			    &service))
			r = idmap_put(&list->states, service,
				(void *)state); /* NOLINT: a number, not a place */
	}
	return r;
}

static int ask(struct balancer_roll *roll, struct account *account, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(roll->action);
	bool balancers = roll->action == ELB_DESCRIBE_LOAD_BALANCERS;
	struct list list = {.account = account,
		.path = balancers ? "LoadBalancers/member" : "TargetGroups/member",
		.name = balancers ? "LoadBalancerName" : "TargetGroupName"};
	int64_t began_ns = clock_now_ns();
	struct idmap old;
	struct fault fault;
	int r;

	aws_request_set(&request, "PageSize", PAGE);
	r = aws_client_pages(account->client, &request, take_page, &list, &fault, reterr);
	lock_acquire(&roll->lock);
	old = roll->states;
	if (r == 0) {
		roll->states = list.states;
		roll->asked_ns = began_ns;
		list.states = old;
	}
	lock_release(&roll->lock);
	idmap_done(&list.states);
	return r;
}

static bool recall(struct balancer_roll *roll, int64_t service, int64_t age_ns,
	enum roll_state *ret)
{
	LOCKED(&roll->lock);
	if (roll->asked_ns == 0 || clock_now_ns() - roll->asked_ns >= age_ns)
		return false;
	*ret = (enum roll_state)(uintptr_t)idmap_get(&roll->states, service);
	return true;
}

int balancer_roll_look(struct balancer_roll *roll, struct account *account, int64_t service,
	int64_t age_ns, enum roll_state *ret, struct error *reterr)
{
	bool mine;
	int r = 0;

	*ret = ROLL_NONE;
	if (recall(roll, service, age_ns, ret))
		return 0;
	mine = turn_take(&roll->turn);
	if (mine || !recall(roll, service, age_ns, ret)) {
		r = ask(roll, account, reterr);
		/* Doubted already: who asked looks for himself. */
		if (r == 0 && !recall(roll, service, CLOCK_FOREVER, ret))
			*ret = ROLL_THERE;
	}
	if (mine)
		turn_give(&roll->turn);
	return r;
}
