/* SPDX-License-Identifier: Apache-2.0 */
/* Caches of ElastiCache, in the tenant's security group and the policy's subnets. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cloud/aws/resource.h"

static const struct state_word states[] = {
	{"available", THING_READY},
	{"snapshotting", THING_READY},
	{"deleting", THING_LEAVING},
	{"deleted", THING_LEAVING},
	{"incompatible-network", THING_FAILED},
	{"restore-failed", THING_FAILED},
	{"create-failed", THING_FAILED},
	{NULL, THING_MAKING},
};

static struct aws_request request_of(const struct resource_call *call, enum aws_action_id action)
{
	struct aws_request request = aws_request_of(action);

	aws_request_set(&request, "CacheClusterId", call->wanted->external);
	return request;
}

static int look_tags(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(CACHE_LIST_TAGS);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	int r;

	aws_request_set(&request, "ResourceName", call->arn);
	r = account_call(call->account, &request, &answer, FAULT_MISSING, reterr);
	call->ours = r == 0 && account_owns(answer_find(answer.root, "TagList/Tag"), "Key", "Value",
				       call->owner);
	return r;
}

static int look(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = request_of(call, CACHE_DESCRIBE_CLUSTERS);
	int r;

	aws_request_set(&request, "ShowCacheNodeInfo", "true");
	r = account_call(call->account, &request, &call->answer, FAULT_MISSING, reterr);
	call->thing = r == 0 ? answer_find(call->answer.root, "CacheClusters/CacheCluster") : NULL;
	if (!call->thing)
		return r;
	resource_set_state(call, answer_text(call->thing, "CacheClusterStatus"), states);
	(void)text_copy(call->arn, sizeof(call->arn), answer_text(call->thing, "ARN"));
	/* A new one can be asked for its tags when it is there. */
	if (call->state == THING_MAKING || call->state == THING_LEAVING) {
		call->ours = true;
		return 0;
	}
	return look_tags(call, reterr);
}

static void set_place(struct resource_call *call, struct aws_request *request)
{
	const struct policy *policy = call->account->policy;
	const char *subnets = policy_text(policy, "cache_subnet_group");
	const char *parameters = policy_text(policy, "cache_parameter_group");

	if (*subnets)
		aws_request_set(request, "CacheSubnetGroupName", subnets);
	if (*parameters)
		aws_request_set(request, "CacheParameterGroupName", parameters);
}

static int create(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = request_of(call, CACHE_CREATE_CLUSTER);
	const struct resource_spec *spec = call->wanted->spec;
	char group[GROUP_ID_SIZE];
	int r = resource_group(call, group, reterr);

	if (r < 0)
		return r;
	aws_request_set(&request, "Engine", spec->engine);
	if (spec->engine_version)
		aws_request_set(&request, "EngineVersion", spec->engine_version);
	aws_request_set(&request, "CacheNodeType", spec->instance_class);
	aws_request_set_number(&request, "NumCacheNodes", spec->nodes);
	aws_request_set(&request, "SecurityGroupIds.SecurityGroupId.1", group);
	set_place(call, &request);
	account_tag(&request, "Tags.Tag", call->owner, call->wanted->external);
	return resource_do(call, &request, FAULT_EXISTS, reterr);
}

/* Fewer nodes: the last ones go. They are called 0001, 0002 and so on. */
static void set_nodes(struct aws_request *request, int64_t there, int64_t wanted)
{
	char id[24];

	aws_request_set_number(request, "NumCacheNodes", wanted);
	for (int64_t i = wanted + 1; i <= there; i++) {
		(void)snprintf(id, sizeof(id), "%04" PRId64, i);
		aws_request_setf(request, id, "CacheNodeIdsToRemove.CacheNodeId.%" PRId64,
			i - wanted);
	}
}

/* Sets what differs; false: nothing does. */
static bool set_changes(const struct resource_call *call, struct aws_request *request)
{
	const struct resource_spec *spec = call->wanted->spec;
	int64_t nodes = spec->nodes;
	bool any = false;

	(void)text_parse_int(answer_text(call->thing, "NumCacheNodes"), 0, 1000, &nodes);
	if (nodes != spec->nodes) {
		set_nodes(request, nodes, spec->nodes);
		any = true;
	}
	if (strcmp(answer_text(call->thing, "CacheNodeType"), spec->instance_class) != 0) {
		aws_request_set(request, "CacheNodeType", spec->instance_class);
		any = true;
	}
	if (!resource_has_version(call, spec->engine_version)) {
		aws_request_set(request, "EngineVersion", spec->engine_version);
		any = true;
	}
	return any;
}

static int adjust(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = request_of(call, CACHE_MODIFY_CLUSTER);
	const struct answer_node *pending = answer_find(call->thing, "PendingModifiedValues");
	int r;

	if (pending && pending->child)
		return error_set(reterr, -EAGAIN, "the cache is about to be changed");
	if (!set_changes(call, &request))
		return 0;
	aws_request_set(&request, "ApplyImmediately", "true");
	r = resource_do(call, &request, FAULT_OTHER, reterr);
	return r < 0 ? r : error_set(reterr, -EAGAIN, "the cache is being changed");
}

/* Several nodes are found through one more address. */
static void tell(struct resource_call *call)
{
	const struct answer_node *endpoint = answer_find(call->thing, "ConfigurationEndpoint");

	if (!endpoint || !*answer_text(endpoint, "Address"))
		endpoint = answer_find(call->thing, "CacheNodes/CacheNode/Endpoint");
	resource_output(call, "endpoint", answer_text(endpoint, "Address"));
	resource_output(call, "port", answer_text(endpoint, "Port"));
	resource_output(call, "name", call->wanted->external);
	resource_output(call, "arn", call->arn);
}

/* Only redis has something to keep. */
static int remove_cache(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = request_of(call, CACHE_DELETE_CLUSTER);
	const struct resource_spec *spec = call->wanted->spec;
	char name[EXTERNAL_SIZE + 8];

	(void)snprintf(name, sizeof(name), "%s-final", call->wanted->external);
	if (spec->final_snapshot && strcmp(spec->engine, "redis") == 0)
		aws_request_set(&request, "FinalSnapshotIdentifier", name);
	return resource_do(call, &request, FAULT_MISSING, reterr);
}

const struct aws_resource aws_cache = {
	.type = "elasticache",
	.look = look,
	.create = create,
	.adjust = adjust,
	.tell = tell,
	.remove = remove_cache,
};
