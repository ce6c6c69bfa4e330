/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "cloud/aws/balancer/balancer_survey.h"
#include "cloud/aws/balancer/balancer_work.h"
#include "cloud/aws/dns/dns.h"
#include "cloud/aws/machine/machine.h"
#include "cloud/aws/resource/resource.h"
#include "cloud/aws/settled.h"
#include "cloud/aws/shared.h"
#include "cloud/aws/survey.h"

/* In order of making; removing goes the other way. */
static const struct aws_thing *const things[] = {
	&aws_balancer_group, /* the tenant's group refers to it */
	&aws_security_group,
	&aws_role,
	&aws_instance_profile,
	&aws_key_pair,
};

struct aws_estate {
	struct estate estate;
	struct aws_shared *shared; /* the cloud's, as the table is */
	struct machine_table *machines;
};

struct aws_shared *aws_estate_shared(struct estate *estate)
{
	return ((struct aws_estate *)estate)->shared;
}

static size_t aws_things(const struct estate_owner *owner,
	struct estate_thing ret[ESTATE_THINGS_MAX])
{
	for (size_t i = 0; i < ARRAY_SIZE(things); i++) {
		ret[i].type = things[i]->type;
		account_name(owner, ret[i].name);
	}
	return ARRAY_SIZE(things);
}

static const struct aws_thing *row_of(const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(things); i++)
		if (strcmp(things[i]->type, type) == 0)
			return things[i];
	return NULL;
}

static int refuse_type(const struct estate_thing *thing, struct error *reterr)
{
	return error_set(reterr, -EINVAL, "nothing is known of a %s", thing->type);
}

static int aws_ensure(struct estate *estate, const struct estate_owner *owner,
	const struct estate_thing *thing, struct error *reterr)
{
	_cleanup_account_ struct account account = ACCOUNT_INIT;
	const struct aws_thing *row = row_of(thing->type);
	int r = account_open(&account, aws_estate_shared(estate), reterr);

	if (r < 0)
		return r;
	return row ? row->ensure(&account, owner, thing->name, reterr) : refuse_type(thing, reterr);
}

static int aws_remove(struct estate *estate, const struct estate_owner *owner,
	const struct estate_thing *thing, struct error *reterr)
{
	_cleanup_account_ struct account account = ACCOUNT_INIT;
	const struct aws_thing *row = row_of(thing->type);
	int r = account_open_bare(&account, aws_estate_shared(estate), reterr);

	if (r < 0)
		return r;
	return row ? row->remove(&account, owner, thing->name, reterr) : refuse_type(thing, reterr);
}

static int aws_ask_costs(struct estate *estate, const char *from, const char *to, estate_cost_fn fn,
	void *arg, struct error *reterr)
{
	_cleanup_account_ struct account account = ACCOUNT_INIT;
	int r = account_open(&account, aws_estate_shared(estate), reterr);

	return r < 0 ? r : aws_costs(&account, from, to, fn, arg, reterr);
}

/* What is not a tenant's as a whole. */
static int survey_owned(const struct survey *survey, struct machine_table *machines,
	struct error *reterr)
{
	static const struct {
		const char *type;
		int (*survey)(const struct survey *survey, struct error *reterr);
	} lists[] = {{BALANCER_TYPE, balancer_survey}, {DNS_TYPE, aws_dns_survey}};
	int r = machine_survey(machines, survey, reterr);

	for (size_t i = 0; i < ARRAY_SIZE(lists) && r == 0; i++) {
		struct error error = ERROR_INIT;

		r = survey_tried(survey, lists[i].type, lists[i].survey(survey, &error), &error,
			reterr);
	}
	return r < 0 ? r : resources_survey(survey, reterr);
}

static int survey_all(const struct survey *survey, struct machine_table *machines,
	struct error *reterr)
{
	int64_t began_ns = clock_now_ns();
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(things) && r == 0; i++)
		if (things[i]->survey)
			r = things[i]->survey(survey, reterr);
	if (r == 0)
		r = survey_owned(survey, machines, reterr);
	return r < 0 ? r : settled_compare(survey->account->settled, survey, began_ns);
}

/* Of a queue that the policy names wrongly nobody else would hear. */
static int tell_deaf(const struct survey *survey, struct aws_shared *shared)
{
	struct error error;

	aws_shared_deaf(shared, &error);
	return error.code ? survey->hearer->unseen(survey->hearer->arg, "events of hosts", &error)
			  : 0;
}

static int aws_survey(struct estate *estate, const struct estate_hearer *hearer,
	struct error *reterr)
{
	_cleanup_account_ struct account account = ACCOUNT_INIT;
	struct survey_seen seen = {.unseen_count = 0};
	const struct survey survey = {&account, hearer, &seen};
	struct aws_estate *aws = (struct aws_estate *)estate;
	int r = account_open(&account, aws->shared, reterr);

	if (r == 0)
		r = survey_all(&survey, aws->machines, reterr);
	if (r == 0)
		r = tell_deaf(&survey, aws->shared);
	key_map_done(&seen.facts);
	return r;
}

static bool aws_can_survey(const char *type)
{
	const struct aws_thing *row = row_of(type);

	return row && row->survey;
}

static int aws_set_policy(struct estate *estate, const char *text, struct error *reterr)
{
	return aws_shared_set_policy(aws_estate_shared(estate), text, reterr);
}

static void aws_stop(struct estate *estate)
{
	aws_shared_stop(aws_estate_shared(estate));
}

static void aws_free(struct estate *estate)
{
	free(estate);
}

static const struct estate_ops aws_ops = {
	.things = aws_things,
	.ensure = aws_ensure,
	.remove = aws_remove,
	.costs = aws_ask_costs,
	.survey = aws_survey,
	.can_survey = aws_can_survey,
	.set_policy = aws_set_policy,
	.stop = aws_stop,
	.free = aws_free,
};

int aws_estate_new(struct estate **ret, struct aws_shared *shared, struct machine_table *machines,
	struct error *reterr)
{
	struct aws_estate *aws = calloc(1, sizeof(*aws));

	if (!aws)
		return error_oom(reterr);
	aws->estate.ops = &aws_ops;
	aws->estate.resources = &aws_resource_ops;
	aws->shared = shared;
	aws->machines = machines;
	*ret = &aws->estate;
	return 0;
}
