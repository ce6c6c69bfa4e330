/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/balancer_lost.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "cloud/aws/balancer_work.h"

#define TAGS_MAX 20 /* so many things DescribeTags takes */

/* A type of thing, listed whole: the names of those that nobody stated are ours to look at. */
struct listing {
	enum aws_action_id action;
	const char *members, *name, *arn; /* where they stand in an answer */
	int (*remove)(struct account *account, const char *arn, struct error *reterr);
};

static const struct listing listings[] = {
	{ELB_DESCRIBE_LOAD_BALANCERS, "LoadBalancers/member", "LoadBalancerName", "LoadBalancerArn",
		balancer_delete},
	{ELB_DESCRIBE_TARGET_GROUPS, "TargetGroups/member", "TargetGroupName", "TargetGroupArn",
		balancer_delete_target_group},
};

struct search {
	struct aws_balancers *balancers;
	struct account *account;
	const struct listing *listing;
	char (*arns)[ARN_SIZE];
	int64_t *services;
	size_t count, room;
};

static int add(struct search *search, const char *arn, int64_t service)
{
	if (search->count == search->room) {
		size_t room = search->room ? search->room * 2 : TAGS_MAX;
		void *arns = realloc(search->arns, room * sizeof(*search->arns));
		void *services = realloc(search->services, room * sizeof(*search->services));

		search->arns = arns ? arns : search->arns;
		search->services = services ? services : search->services;
		if (!arns || !services)
			return -ENOMEM;
		search->room = room;
	}
	search->services[search->count] = service;
	(void)text_copy(search->arns[search->count++], ARN_SIZE, arn);
	return 0;
}

static int take_page(void *arg, const struct answer_node *root)
{
	struct search *search = arg;
	const struct answer_node *one = answer_find(root, search->listing->members);
	int64_t service;
	int r = 0;

	for (; one && r == 0; one = answer_next(one))
		if (balancer_name_parse(answer_text(one, search->listing->name),
			    search->account->platform, &service) &&
			!aws_balancers_stated(search->balancers, service))
			r = add(search, answer_text(one, search->listing->arn), service);
	return r;
}

/* Goes on with the others when one cannot go; the first trouble is told. */
static int note(int first, int r, const struct error *error, struct error *reterr)
{
	if (first < 0 || r == 0)
		return first;
	if (reterr)
		*reterr = *error;
	return r;
}

static int remove_tagged(struct search *search, size_t from, size_t count, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(ELB_DESCRIBE_TAGS);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	const struct answer_node *tags;
	int result = 0, r;

	for (size_t i = 0; i < count; i++)
		aws_request_setf(&request, search->arns[from + i], "ResourceArns.member.%zu",
			i + 1);
	r = account_call(search->account, &request, &answer, FAULT_OTHER, reterr);
	if (r < 0)
		return r;
	tags = answer_find(answer.root, "TagDescriptions/member");
	for (; tags; tags = answer_next(tags)) {
		const char *arn = answer_text(tags, "ResourceArn");
		struct error error = ERROR_INIT;

		for (size_t i = from; i < from + count; i++) {
			if (strcmp(search->arns[i], arn) != 0 ||
				!account_owns_service(search->account,
					answer_find(tags, "Tags/member"), "Key", "Value",
					search->services[i]))
				continue;
			r = search->listing->remove(search->account, arn, &error);
			if (r == 0)
				log_info("AWS: %s had lost its service and was removed", arn);
			result = note(result, r, &error, reterr);
		}
	}
	return result;
}

static int remove_listing(struct aws_balancers *b, struct account *account,
	const struct listing *listing, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(listing->action);
	struct search search = {.balancers = b, .account = account, .listing = listing};
	int r = aws_client_pages(account->client, &request, take_page, &search, NULL, reterr);

	for (size_t i = 0; i < search.count && r == 0; i += TAGS_MAX) {
		size_t left = search.count - i;

		r = remove_tagged(&search, i, left < TAGS_MAX ? left : TAGS_MAX, reterr);
	}
	free(search.arns);
	free(search.services);
	return r;
}

/* Groups are found by tags, which EC2 filters by. */
static int remove_groups(struct aws_balancers *b, struct account *account, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(EC2_DESCRIBE_SECURITY_GROUPS);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	const struct answer_node *group;
	int64_t service;
	int result = 0, r;

	aws_request_set(&request, "Filter.1.Name", "tag:" TAG_PLATFORM);
	aws_request_set(&request, "Filter.1.Value.1", account->platform);
	aws_request_set(&request, "Filter.2.Name", "tag-key");
	aws_request_set(&request, "Filter.2.Value.1", TAG_SERVICE_ID);
	r = account_call(account, &request, &answer, FAULT_OTHER, reterr);
	if (r < 0)
		return r;
	group = answer_find(answer.root, "securityGroupInfo/item");
	for (; group; group = answer_next(group)) {
		struct error error = ERROR_INIT;

		if (!balancer_name_parse(answer_text(group, "groupName"), account->platform,
			    &service) ||
			aws_balancers_stated(b, service) ||
			!account_owns_service(account, answer_find(group, "tagSet/item"), "key",
				"value", service))
			continue;
		r = group_delete(account, answer_text(group, "groupId"), &error);
		if (r == 0)
			log_info("AWS: security group %s had lost its service and was removed",
				answer_text(group, "groupName"));
		result = note(result, r, &error, reterr);
	}
	return result;
}

int balancers_remove_lost(struct aws_balancers *b, struct account *account, struct error *reterr)
{
	int result = 0, r = 0;
	struct error error = ERROR_INIT;

	/* What a balancer uses can go only after it. */
	for (size_t i = 0; i < sizeof(listings) / sizeof(listings[0]); i++) {
		r = remove_listing(b, account, &listings[i], &error);
		result = note(result, r, &error, reterr);
	}
	r = remove_groups(b, account, &error);
	return note(result, r, &error, reterr);
}
