/* SPDX-License-Identifier: Apache-2.0 */
/* Caches of ElastiCache that are machines of their own: those of memcached, and one of redis. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cloud/aws/resource/cache.h"

const struct state_word cache_states[] = {
	{"available", THING_READY},
	{"snapshotting", THING_READY},
	{"deleting", THING_LEAVING},
	{"deleted", THING_LEAVING},
	{"incompatible-network", THING_FAILED},
	{"restore-failed", THING_FAILED},
	{"create-failed", THING_FAILED},
	{NULL, THING_MAKING},
};

const struct managed_words cache_words = {
	.noun = "cache",
	.instance_class = "CacheNodeType",
	.security_group = "SecurityGroupIds.SecurityGroupId.1",
	.subnets = "CacheSubnetGroupName",
	.subnets_of_policy = "cache_subnet_group",
	.parameters = "CacheParameterGroupName",
	.parameters_of_policy = "cache_parameter_group",
};

static bool makes(const struct resource_spec *spec)
{
	return !resource_is_cache_group(spec);
}

static struct aws_request request_of(const struct resource_call *call, enum aws_action_id action)
{
	struct aws_request request = aws_request_of(action);

	aws_request_set(&request, "CacheClusterId", call->wanted->external);
	return request;
}

int cache_look_tags(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(CACHE_LIST_TAGS);

	/* A new one can be asked for them when it is there. */
	if (call->state == THING_MAKING || call->state == THING_LEAVING) {
		call->ours = true;
		return 0;
	}
	aws_request_set(&request, "ResourceName", call->arn);
	return resource_look_tags(call, &request, "TagList/Tag", "Key", "Value", reterr);
}

static const struct thing_place place = {
	"CacheClusters/CacheCluster", "CacheClusterStatus", "ARN", cache_states};

static int look(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = request_of(call, CACHE_DESCRIBE_CLUSTERS);
	int r;

	aws_request_set(&request, "ShowCacheNodeInfo", "true");
	r = resource_find(call, &request, &place, reterr);
	if (!call->thing)
		return r;
	return cache_look_tags(call, reterr);
}

static int create(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = request_of(call, CACHE_CREATE_CLUSTER);
	int r = managed_set(call, &request, &cache_words, reterr);

	aws_request_set_number(&request, "NumCacheNodes", call->wanted->spec->nodes);
	return r < 0 ? r : resource_do(call, &request, FAULT_EXISTS, reterr);
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
	int64_t wanted = call->wanted->spec->nodes, nodes = wanted;
	bool class = managed_set_class(call, request, &cache_words);
	bool version = managed_set_version(call, call->thing, request);

	(void)text_parse_int(answer_text(call->thing, "NumCacheNodes"), 0, 1000, &nodes);
	if (nodes != wanted)
		set_nodes(request, nodes, wanted);
	return class || version || nodes != wanted;
}

static int adjust(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = request_of(call, CACHE_MODIFY_CLUSTER);

	return managed_change(call, &request, set_changes, &cache_words, reterr);
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
void cache_set_snapshot(const struct resource_call *call, struct aws_request *request)
{
	const struct resource_spec *spec = call->wanted->spec;
	char name[EXTERNAL_SIZE + 8];

	(void)snprintf(name, sizeof(name), "%s-final", call->wanted->external);
	if (spec->final_snapshot && strcmp(spec->engine, "redis") == 0)
		aws_request_set(request, "FinalSnapshotIdentifier", name);
}

static int remove_cache(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = request_of(call, CACHE_DELETE_CLUSTER);

	cache_set_snapshot(call, &request);
	return resource_do(call, &request, FAULT_MISSING, reterr);
}

const struct aws_resource aws_cache = {
	.type = "elasticache",
	.makes = makes,
	.look = look,
	.create = create,
	.adjust = adjust,
	.tell = tell,
	.list = {.action = CACHE_DESCRIBE_CLUSTERS,
		.path = "CacheClusters/CacheCluster",
		.name = "CacheClusterId",
		.part_of = "ReplicationGroupId",
		.state = "CacheClusterStatus",
		.settings = WORDS("NumCacheNodes", "CacheNodeType", "EngineVersion")},
	.remove = remove_cache,
};
