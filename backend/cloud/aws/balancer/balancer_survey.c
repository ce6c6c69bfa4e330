/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/balancer/balancer_survey.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cloud/aws/balancer/balancer_facts.h"

#define LISTENERS_A_CALL 20
#define TARGETS_A_SURVEY 10 /* groups whose targets are asked for */
#define BALANCERS_A_PAGE "400" /* the most that AWS takes */

/* A list that is being gone through, and what it is asked for next. */
struct search {
	const struct survey *survey;
	char (*arns)[ARN_SIZE]; /* of listeners */
	size_t count, room;
	struct due {
		int64_t service, asked_ns;
		char target_group[ARN_SIZE];
	} turns[TARGETS_A_SURVEY]; /* whose targets were asked for the longest ago */
	size_t turn_count;
};

/* ---- what there is ---- */

static int tell(const struct survey *survey, const char *type, const char *name, int64_t service,
	const char *tenant)
{
	char id[24];
	const struct estate_found found = {
		.type = type,
		.name = name,
		.level = ESTATE_OF_SERVICE,
		.owner = service,
		.journal = id,
		.tenant_name = tenant ? tenant : "",
		.tags = tenant ? ESTATE_TAGS_OURS : ESTATE_TAGS_UNTOLD,
		.fit = ESTATE_AS_WANTED,
	};

	(void)snprintf(id, sizeof(id), "%" PRId64, service);
	return survey->hearer->found(survey->hearer->arg, &found);
}

int balancer_survey_group(const struct survey *survey, const struct answer_node *group)
{
	_cleanup_group_rules_ struct group_rules rules = GROUP_RULES_INIT;
	const struct sighting sighting = {
		.tags = answer_find(group, "tagSet/item"), .key = "key", .value = "value"};
	const char *name = answer_text(group, "groupName");
	int64_t service;
	int r;

	if (!balancer_name_parse(name, survey->account->platform, &service) ||
		!account_owns_service(survey->account, sighting.tags, "key", "value", service))
		return 0;
	group_rules_read(&rules, group);
	if (rules.failed)
		return -ENOMEM;
	r = survey_fact(survey, balancer_fact_group(answer_text(group, "groupId"), &rules));
	return r < 0 ? r
		     : tell(survey, "service-group", name, service,
			       survey_tag(&sighting, TAG_TENANT));
}

static int add_listener(struct search *search, const char *prefix, const char *tail)
{
	if (search->count == search->room) {
		size_t room = search->room ? search->room * 2 : LISTENERS_A_CALL;
		void *arns = realloc(search->arns, room * sizeof(*search->arns));

		if (!arns)
			return -ENOMEM;
		search->arns = arns;
		search->room = room;
	}
	(void)snprintf(search->arns[search->count++], ARN_SIZE, "%.200s%.40s", prefix, tail);
	return 0;
}

static int take_balancer(struct search *search, const struct answer_node *balancer)
{
	const struct survey *survey = search->survey;
	const char *name = answer_text(balancer, "LoadBalancerName");
	struct settled_entry settled;
	char prefix[ARN_SIZE];
	int64_t service;
	int r;

	if (!balancer_name_parse(name, survey->account->platform, &service))
		return 0;
	r = survey_fact(survey, balancer_fact_itself_seen(balancer));
	if (r == 0)
		r = tell(survey, BALANCER_TYPE, name, service, NULL);
	if (r < 0 || !settled_get(survey->account->settled, service, SETTLED_BALANCER, &settled))
		return r;
	balancer_listener_prefix(answer_text(balancer, "LoadBalancerArn"), prefix);
	for (size_t i = 0; i < SETTLED_LISTENERS && r == 0; i++)
		if (settled.listeners[i][0])
			r = add_listener(search, prefix, settled.listeners[i]);
	return r;
}

/* Those that were asked for the longest ago have their turn. */
static void take_turn(struct search *search, int64_t service, int64_t asked_ns, const char *arn)
{
	struct due *place = &search->turns[0];

	if (search->turn_count < TARGETS_A_SURVEY)
		place = &search->turns[search->turn_count++];
	else
		for (size_t i = 1; i < TARGETS_A_SURVEY; i++)
			if (search->turns[i].asked_ns > place->asked_ns)
				place = &search->turns[i];
	if (*place->target_group && place->asked_ns <= asked_ns)
		return;
	*place = (struct due){.service = service, .asked_ns = asked_ns};
	(void)text_copy(place->target_group, ARN_SIZE, arn);
}

static int take_target_group(struct search *search, const struct answer_node *group)
{
	const struct survey *survey = search->survey;
	const char *name = answer_text(group, "TargetGroupName");
	int64_t service, asked_ns;
	int r;

	if (!balancer_name_parse(name, survey->account->platform, &service))
		return 0;
	asked_ns = settled_asked_ns(survey->account->settled, service);
	if (asked_ns >= 0)
		take_turn(search, service, asked_ns, answer_text(group, "TargetGroupArn"));
	r = survey_fact(survey, balancer_fact_target_group_seen(group));
	return r < 0 ? r : tell(survey, "target-group", name, service, NULL);
}

/* ---- the lists ---- */

struct list {
	struct search *search;
	const char *path;
	int (*take)(struct search *search, const struct answer_node *node);
};

static int take_page(void *arg, const struct answer_node *root)
{
	const struct list *list = arg;
	const struct answer_node *node = answer_find(root, list->path);
	int r = 0;

	for (; node && r == 0; node = answer_next(node))
		r = list->take(list->search, node);
	return r;
}

static int go_through(struct search *search, enum aws_action_id action, struct list list,
	struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(action);

	list.search = search;
	aws_request_set(&request, "PageSize", BALANCERS_A_PAGE);
	return aws_client_pages(search->survey->account->client, &request, take_page, &list, NULL,
		reterr);
}

/* Where one of them is gone AWS tells of none: then all are looked at by their services. */
static int list_listeners(struct search *search, size_t from, size_t count, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(ELB_DESCRIBE_LISTENERS);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	const struct answer_node *listener;
	int r;

	for (size_t i = 0; i < count; i++)
		aws_request_setf(&request, search->arns[from + i], "ListenerArns.member.%zu",
			i + 1);
	r = account_call(search->survey->account, &request, &answer, FAULT_MISSING, reterr);
	listener = r == 0 ? answer_find(answer.root, "Listeners/member") : NULL;
	for (; listener && r == 0; listener = answer_next(listener))
		r = survey_fact(search->survey, balancer_fact_listener_seen(listener));
	return r;
}

static int ask_targets(const struct search *search, const struct due *turn, struct error *reterr)
{
	_cleanup_seen_targets_ struct seen_targets seen = {.targets = NULL};
	const struct survey *survey = search->survey;
	int r = seen_targets_read(survey->account, turn->target_group, &seen, reterr);

	if (r == -ENOENT)
		error_clear(reterr);
	if (r < 0)
		return r == -ENOENT ? 0 : r; /* the group has gone meanwhile */
	return settled_check_targets(survey->account->settled, turn->service,
		       balancer_targets_hash(&seen))
		       ? 0
		       : survey->hearer->differs(survey->hearer->arg, ESTATE_OF_SERVICE,
				 turn->service);
}

static int survey_all(struct search *search, struct error *reterr)
{
	int r = go_through(search, ELB_DESCRIBE_LOAD_BALANCERS,
		(struct list){.path = "LoadBalancers/member", .take = take_balancer}, reterr);

	if (r == 0)
		r = go_through(search, ELB_DESCRIBE_TARGET_GROUPS,
			(struct list){.path = "TargetGroups/member", .take = take_target_group},
			reterr);
	for (size_t i = 0; i < search->count && r == 0; i += LISTENERS_A_CALL) {
		size_t left = search->count - i;

		r = list_listeners(search, i, left < LISTENERS_A_CALL ? left : LISTENERS_A_CALL,
			reterr);
	}
	for (size_t i = 0; i < search->turn_count && r == 0; i++)
		r = ask_targets(search, &search->turns[i], reterr);
	return r;
}

int balancer_survey(const struct survey *survey, struct error *reterr)
{
	struct search search = {.survey = survey};
	int r = survey_all(&search, reterr);

	free(search.arns);
	return r;
}
