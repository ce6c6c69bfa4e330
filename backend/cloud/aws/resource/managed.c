/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/resource/managed.h"

#include <errno.h>
#include <string.h>

static void set_of_policy(const struct resource_call *call, struct aws_request *request,
	const char *name, const char *of_policy)
{
	const char *value = policy_text(call->account->policy, of_policy);

	if (*value)
		aws_request_set(request, name, value);
}

int managed_set(struct resource_call *call, struct aws_request *request,
	const struct managed_words *words, struct error *reterr)
{
	const struct resource_spec *spec = call->wanted->spec;
	char group[GROUP_ID_SIZE];
	int r = resource_group(call, group, reterr);

	if (r < 0)
		return r;
	aws_request_set(request, "Engine", spec->engine);
	if (spec->engine_version)
		aws_request_set(request, "EngineVersion", spec->engine_version);
	aws_request_set(request, words->instance_class, spec->instance_class);
	aws_request_set(request, words->security_group, group);
	set_of_policy(call, request, words->subnets, words->subnets_of_policy);
	set_of_policy(call, request, words->parameters, words->parameters_of_policy);
	account_tag(request, "Tags.Tag", call->owner, call->wanted->external);
	return 0;
}

bool managed_set_class(const struct resource_call *call, struct aws_request *request,
	const struct managed_words *words)
{
	const char *wanted = call->wanted->spec->instance_class;

	if (strcmp(answer_text(call->thing, words->instance_class), wanted) == 0)
		return false;
	aws_request_set(request, words->instance_class, wanted);
	return true;
}

/* "16" is what 16.3 is. */
bool managed_set_version(const struct resource_call *call, const struct answer_node *thing,
	struct aws_request *request)
{
	const char *there = answer_text(thing, "EngineVersion");
	const char *wanted = call->wanted->spec->engine_version;
	size_t len = wanted ? strlen(wanted) : 0;

	if (!wanted ||
		(strncmp(there, wanted, len) == 0 && (there[len] == '\0' || there[len] == '.')))
		return false;
	aws_request_set(request, "EngineVersion", wanted);
	return true;
}

int managed_change(struct resource_call *call, struct aws_request *request,
	managed_changes_fn set_changes, const struct managed_words *words, struct error *reterr)
{
	const struct answer_node *pending = answer_find(call->thing, "PendingModifiedValues");
	int r;

	if (pending && pending->child)
		return error_set(reterr, -EAGAIN, "the %s is about to be changed", words->noun);
	if (!set_changes(call, request))
		return 0;
	aws_request_set_truth(request, "ApplyImmediately", true);
	r = resource_do(call, request, FAULT_OTHER, reterr);
	return r < 0 ? r : error_set(reterr, -EAGAIN, "the %s is being changed", words->noun);
}
