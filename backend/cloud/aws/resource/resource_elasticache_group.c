/* SPDX-License-Identifier: Apache-2.0 */
/* Caches of redis with replicas or a password: replication groups of ElastiCache, of one shard. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "cloud/aws/resource/cache.h"

static struct aws_request request_of(const struct resource_call *call, enum aws_action_id action)
{
	struct aws_request request = aws_request_of(action);

	aws_request_set(&request, "ReplicationGroupId", call->wanted->external);
	return request;
}

static const struct thing_place place = {
	"ReplicationGroups/ReplicationGroup", "Status", "ARN", cache_states};

static int look(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = request_of(call, CACHE_DESCRIBE_GROUPS);
	int r = resource_find(call, &request, &place, reterr);

	if (!call->thing)
		return r;
	return cache_look_tags(call, reterr);
}

/* One with a password speaks TLS alone: the password would be read on the way. It comes last: what
 * was written before it moves no more while it is there. */
static int create(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = request_of(call, CACHE_CREATE_GROUP);
	const struct resource_spec *spec = call->wanted->spec;
	int r = managed_set(call, &request, &cache_words, reterr);

	if (r < 0)
		return r;
	aws_request_set(&request, "ReplicationGroupDescription", call->wanted->name);
	aws_request_set_number(&request, "NumCacheClusters", spec->replicas + 1);
	aws_request_set_truth(&request, "AutomaticFailoverEnabled", spec->replicas > 0);
	aws_request_set_truth(&request, "AtRestEncryptionEnabled", true);
	aws_request_set_truth(&request, "TransitEncryptionEnabled", spec->auth);
	if (spec->auth)
		aws_request_set(&request, "AuthToken", call->wanted->password);
	return resource_do(call, &request, FAULT_EXISTS, reterr);
}

/* ---- changing ---- */

static int64_t count_replicas(const struct resource_call *call)
{
	const struct answer_node *member =
		answer_find(call->thing, "NodeGroups/NodeGroup/NodeGroupMembers/NodeGroupMember");
	int64_t count = -1;

	for (; member; member = answer_next(member))
		count++;
	return count;
}

/* Whether one takes over when another fails: only where there is another one. */
static bool has_failover(const struct resource_call *call)
{
	return strncmp(answer_text(call->thing, "AutomaticFailover"), "enabl", 5) == 0;
}

static bool set_replicas(const struct resource_call *call, struct aws_request *request)
{
	aws_request_set_number(request, "NewReplicaCount", call->wanted->spec->replicas);
	return true;
}

static bool set_failover(const struct resource_call *call, struct aws_request *request)
{
	aws_request_set_truth(request, "AutomaticFailoverEnabled",
		call->wanted->spec->replicas > 0);
	return true;
}

/* The last replica goes when nothing counts on it any more, the first comes before. */
static int adjust_replicas(struct resource_call *call, struct error *reterr)
{
	int64_t there = count_replicas(call), wanted = call->wanted->spec->replicas;
	bool fewer = there > wanted;
	_cleanup_request_ struct aws_request failover = request_of(call, CACHE_MODIFY_GROUP);
	_cleanup_request_ struct aws_request replicas =
		request_of(call, fewer ? CACHE_DECREASE_REPLICAS : CACHE_INCREASE_REPLICAS);

	if (has_failover(call) != (wanted > 0) && (fewer || there == wanted))
		return managed_change(call, &failover, set_failover, &cache_words, reterr);
	if (there == wanted)
		return 0;
	return managed_change(call, &replicas, set_replicas, &cache_words, reterr);
}

static bool set_class(const struct resource_call *call, struct aws_request *request)
{
	return managed_set_class(call, request, &cache_words);
}

/* A group does not tell its version, the machines in it do. */
static int adjust_version(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request describe = aws_request_of(CACHE_DESCRIBE_CLUSTERS);
	_cleanup_request_ struct aws_request modify = request_of(call, CACHE_MODIFY_GROUP);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	int r;

	if (!call->wanted->spec->engine_version)
		return 0;
	aws_request_set(&describe, "CacheClusterId",
		answer_text(call->thing, "MemberClusters/ClusterId"));
	r = account_call(call->account, &describe, &answer, FAULT_OTHER, reterr);
	if (r < 0 || !managed_set_version(call,
			     answer_find(answer.root, "CacheClusters/CacheCluster"), &modify))
		return r;
	aws_request_set_truth(&modify, "ApplyImmediately", true);
	r = resource_do(call, &modify, FAULT_OTHER, reterr);
	return r < 0 ? r : error_set(reterr, -EAGAIN, "the cache is being changed");
}

static int adjust(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = request_of(call, CACHE_MODIFY_GROUP);
	int r = managed_change(call, &request, set_class, &cache_words, reterr);

	if (r == 0)
		r = adjust_replicas(call, reterr);
	return r < 0 ? r : adjust_version(call, reterr);
}

static void tell(struct resource_call *call)
{
	const struct answer_node *shard = answer_find(call->thing, "NodeGroups/NodeGroup");

	resource_output(call, "endpoint", answer_text(shard, "PrimaryEndpoint/Address"));
	resource_output(call, "reader", answer_text(shard, "ReaderEndpoint/Address"));
	resource_output(call, "port", answer_text(shard, "PrimaryEndpoint/Port"));
	resource_output(call, "name", call->wanted->external);
	resource_output(call, "arn", call->arn);
}

static int remove_group(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = request_of(call, CACHE_DELETE_GROUP);

	aws_request_set_truth(&request, "RetainPrimaryCluster", false);
	cache_set_snapshot(call, &request);
	return resource_do(call, &request, FAULT_MISSING, reterr);
}

const struct aws_resource aws_cache_group = {
	.type = "elasticache",
	.makes = resource_is_cache_group,
	.look = look,
	.create = create,
	.adjust = adjust,
	.tell = tell,
	.remove = remove_group,
	.list = {.action = CACHE_DESCRIBE_GROUPS,
		.path = "ReplicationGroups/ReplicationGroup",
		.name = "ReplicationGroupId",
		.state = "Status",
		.settings = WORDS("CacheNodeType", "AutomaticFailover")},
};
