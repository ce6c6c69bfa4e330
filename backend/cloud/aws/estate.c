/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "base/text.h"
#include "cloud/aws/account.h"

/* In order of making; removing goes the other way. */
static const struct aws_thing *const things[] = {
	&aws_security_group,
	&aws_role,
	&aws_instance_profile,
};

struct aws_estate {
	struct estate estate;
	struct aws_client *client;
	struct lock lock; /* policy */
	char *policy; /* text; each call parses a copy of its own */
};

static struct aws_estate *estate_of(struct estate *estate)
{
	return (struct aws_estate *)estate;
}

/* "duplofs-<platform>-<tenant>-<id>": at most 64 characters, which is all that a role may have; the
 * tenant's id alone makes it unique on its platform. */
static size_t aws_things(const struct estate_owner *owner,
	struct estate_thing ret[ESTATE_THINGS_MAX])
{
	for (size_t i = 0; i < ARRAY_SIZE(things); i++) {
		ret[i].type = things[i]->type;
		(void)snprintf(ret[i].name, sizeof(ret[i].name), "duplofs-%.12s-%.30s-%" PRId64,
			owner->platform, owner->tenant, owner->id);
	}
	return ARRAY_SIZE(things);
}

static int copy_policy(struct aws_estate *aws, struct policy **ret, struct error *reterr)
{
	_cleanup_free_ char *text = NULL;
	bool there;

	lock_acquire(&aws->lock);
	there = aws->policy != NULL;
	text = there ? strdup(aws->policy) : NULL;
	lock_release(&aws->lock);
	if (!there)
		return error_set(reterr, -ENODATA,
			"there is no policy yet: the administrator writes "
			".platform/policy/infrastructure.json");
	if (!text)
		return error_oom(reterr);
	return policy_parse(text, strlen(text), ret, reterr);
}

static const struct aws_thing *row_of(const struct estate_thing *thing)
{
	for (size_t i = 0; i < ARRAY_SIZE(things); i++)
		if (strcmp(things[i]->type, thing->type) == 0)
			return things[i];
	return NULL;
}

static int aws_ensure(struct estate *estate, const struct estate_owner *owner,
	const struct estate_thing *thing, struct error *reterr)
{
	struct aws_estate *aws = estate_of(estate);
	_cleanup_policy_ struct policy *policy = NULL;
	struct account account = {.client = aws->client};
	const struct aws_thing *row = row_of(thing);
	int r = copy_policy(aws, &policy, reterr);

	if (r < 0)
		return r;
	account.policy = policy;
	return row ? row->ensure(&account, owner, thing->name, reterr)
		   : error_set(reterr, -EINVAL, "nothing is known of a %s", thing->type);
}

static int aws_remove(struct estate *estate, const struct estate_owner *owner,
	const struct estate_thing *thing, struct error *reterr)
{
	struct account account = {.client = estate_of(estate)->client};
	const struct aws_thing *row = row_of(thing);

	return row ? row->remove(&account, owner, thing->name, reterr)
		   : error_set(reterr, -EINVAL, "nothing is known of a %s", thing->type);
}

static int aws_set_policy(struct estate *estate, const char *text, struct error *reterr)
{
	struct aws_estate *aws = estate_of(estate);
	_cleanup_policy_ struct policy *policy = NULL;
	char *copy;
	int r;

	if (!text || !*text)
		return 0;
	r = policy_parse(text, strlen(text), &policy, reterr);
	if (r == 0)
		r = aws_client_set_region(aws->client, policy_text(policy, "region"), reterr);
	if (r < 0)
		return r;
	copy = strdup(text);
	if (!copy)
		return error_oom(reterr);
	LOCKED(&aws->lock);
	free(aws->policy);
	aws->policy = copy;
	return 0;
}

static void aws_stop(struct estate *estate)
{
	aws_client_stop(estate_of(estate)->client);
}

static void aws_free(struct estate *estate)
{
	struct aws_estate *aws = estate_of(estate);

	aws_client_free(aws->client);
	lock_done(&aws->lock);
	free(aws->policy);
	free(aws);
}

static const struct estate_ops aws_ops = {
	.things = aws_things,
	.ensure = aws_ensure,
	.remove = aws_remove,
	.set_policy = aws_set_policy,
	.stop = aws_stop,
	.free = aws_free,
};

int estate_aws_new(struct estate **ret, struct error *reterr)
{
	struct aws_estate *aws = calloc(1, sizeof(*aws));
	int r;

	if (!aws)
		return error_oom(reterr);
	aws->estate.ops = &aws_ops;
	lock_init(&aws->lock, LOCK_LEAF);
	r = aws_client_new(&aws->client, reterr);
	if (r < 0)
		aws_free(&aws->estate);
	else
		*ret = &aws->estate;
	return r;
}
