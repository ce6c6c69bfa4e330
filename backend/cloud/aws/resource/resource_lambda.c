/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of Lambda, in the policy's private subnets and the tenant's security group, with a role
 * and a log group of their own. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "aws/sigv4.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "cloud/aws/resource/function_code.h"
#include "cloud/aws/resource/function_logs.h"
#include "cloud/aws/resource/function_role.h"
#include "cloud/aws/resource/function_trigger.h"

/* Of the code that the function was given: a hash of where it is, and its state there. */
#define TAG_CODE "duplo.code"
#define TAG_ETAG "duplo.code-etag"

static const struct state_word states[] = {
	{"Active", THING_READY},
	{"Inactive", THING_READY}, /* it was not called for long: the next call brings it back */
	{"", THING_READY}, /* from before states were told */
	{"Failed", THING_FAILED},
	{NULL, THING_MAKING},
};

static struct aws_request request_of(const struct resource_call *call, enum aws_action_id action)
{
	struct aws_request request = aws_request_of(action);

	aws_request_set(&request, "FunctionName", call->wanted->external);
	return request;
}

/* The thing is its configuration. */
static const struct thing_place place = {"Configuration", "State", "FunctionArn", states};

static int look(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = request_of(call, LAMBDA_GET_FUNCTION);
	int r = resource_find(call, &request, &place, reterr);

	if (!call->thing)
		return r;
	if (call->state == THING_READY &&
		strcmp(answer_text(call->thing, "LastUpdateStatus"), "InProgress") == 0)
		call->state = THING_MAKING;
	if (call->state == THING_FAILED)
		(void)text_copy(call->word, sizeof(call->word),
			answer_text(call->thing, "StateReason"));
	call->ours = account_owns_map(answer_find(call->answer.root, "Tags"), call->owner);
	call->bare = account_is_bare(answer_find(call->answer.root, "Tags"));
	return 0;
}

/* ---- what is wanted ---- */

/* Another bucket than the tenant's own only where the policy names it: what the platform may read
 * is no tenant's to choose. */
static int find_bucket(const struct resource_call *call, const char **ret, struct error *reterr)
{
	const char *wanted = call->wanted->spec->code_bucket, *allowed;

	*ret = call->wanted->code_bucket;
	if (!wanted || **ret)
		return 0;
	for (size_t i = 0;
		(allowed = policy_item(call->account->policy, "code_buckets", i)) != NULL; i++)
		if (strcmp(allowed, wanted) == 0)
			*ret = wanted;
	if (**ret)
		return 0;
	return error_set(reterr, -EINVAL,
		"CodeBucket: \"%s\" is no resource of this tenant, nor in the policy's "
		"code_buckets",
		wanted);
}

/* Where its code is. */
static json_t *code_json(const struct resource_call *call, const char *bucket)
{
	const struct resource_spec *spec = call->wanted->spec;

	if (spec->image)
		return json_pack("{s:s}", "ImageUri", spec->image);
	return json_pack("{s:s, s:s}", "S3Bucket", bucket, "S3Key", spec->code_key);
}

static int hash_code(const json_t *code, char ret[SIGV4_HASH_SIZE])
{
	_cleanup_buf_ struct buf text = BUF_INIT;

	json_print(code, JSON_COMPACT | JSON_SORT_KEYS, &text);
	return text.error ? text.error : sigv4_hash(text.data, text.len, ret);
}

static json_t *environment_json(const struct resource_call *call)
{
	json_t *variables = json_object();

	for (char *const *pair = call->wanted->environment; pair && *pair; pair++) {
		size_t len = strcspn(*pair, "=");
		_cleanup_free_ char *key = strndup(*pair, len);

		if (!key || json_object_set_new(variables, key, json_string(*pair + len + 1)) < 0) {
			json_decref(variables);
			return NULL;
		}
	}
	return json_pack("{s:o}", "Variables", variables);
}

static json_t *network_json(const struct resource_call *call, const char *group)
{
	json_t *subnets = json_array();
	const char *subnet;

	for (size_t i = 0;
		(subnet = policy_item(call->account->policy, "private_subnet_ids", i)) != NULL; i++)
		(void)json_array_append_new(subnets, json_string(subnet));
	return json_pack("{s:o, s:[s]}", "SubnetIds", subnets, "SecurityGroupIds", group);
}

/* What UpdateFunctionConfiguration can change. */
static json_t *configuration_json(const struct resource_call *call, const char *role_arn,
	const char *group)
{
	const struct resource_spec *spec = call->wanted->spec;
	json_t *object = json_pack("{s:s, s:I, s:I, s:o, s:o}", "Role", role_arn, "Timeout",
		(json_int_t)spec->timeout_s, "MemorySize", (json_int_t)spec->memory_mib,
		"Environment", environment_json(call), "VpcConfig", network_json(call, group));

	if (spec->image || !object)
		return object;
	if (json_object_set_new(object, "Runtime", json_string(spec->runtime)) == 0 &&
		json_object_set_new(object, "Handler", json_string(spec->handler)) == 0)
		return object;
	json_decref(object);
	return NULL;
}

struct wanted {
	json_t *code, *configuration;
	char hash[SIGV4_HASH_SIZE]; /* of where the code is */
	char etag[CODE_ETAG_SIZE]; /* "": of an image, or not to be seen */
};

static void wanted_done(struct wanted *wanted)
{
	json_decref(wanted->code);
	json_decref(wanted->configuration);
}
#define _cleanup_wanted_ __attribute__((cleanup(wanted_done)))

/* What is there may become another thing under its name: the survey is told what it was. */
static int look_at_code(struct resource_call *call, const char *bucket, struct wanted *ret,
	struct error *reterr)
{
	const char *key = call->wanted->spec->code_key;
	int r;

	function_codes_drop(call->account->codes, call->wanted->id);
	if (call->wanted->spec->image)
		return 0;
	r = function_code_look(call->account, bucket, key, ret->etag, reterr);
	if (r < 0 || !ret->etag[0])
		return r;
	call->fact = function_code_fact(bucket, key, ret->etag);
	function_codes_put(call->account->codes, call->wanted->id, bucket, key, ret->etag);
	return 0;
}

static int find_wanted(struct resource_call *call, struct wanted *ret, struct error *reterr)
{
	char role_arn[ROLE_ARN_SIZE], group[GROUP_ID_SIZE];
	const char *bucket;
	int r = find_bucket(call, &bucket, reterr);

	if (r == 0)
		r = look_at_code(call, bucket, ret, reterr);
	if (r == 0)
		r = resource_group(call, group, reterr);
	if (r == 0)
		r = function_role_ensure(call, role_arn, reterr);
	if (r < 0)
		return r;
	ret->code = code_json(call, bucket);
	ret->configuration = configuration_json(call, role_arn, group);
	if (ret->code && ret->configuration && hash_code(ret->code, ret->hash) == 0)
		return 0;
	return error_oom(reterr);
}

/* ---- making ---- */

static json_t *tags_json(const struct resource_call *call, const struct wanted *wanted)
{
	json_t *tags = resource_tags(call);

	if (json_object_set_new(tags, TAG_CODE, json_string(wanted->hash)) == 0 &&
		json_object_set_new(tags, TAG_ETAG, json_string(wanted->etag)) == 0)
		return tags;
	json_decref(tags);
	return NULL;
}

/* A role that was made seconds ago cannot be taken by Lambda yet: then it is asked again. */
static int create(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(LAMBDA_CREATE_FUNCTION);
	_cleanup_wanted_ struct wanted wanted = {.code = NULL};
	int r = find_wanted(call, &wanted, reterr);

	if (r == 0)
		r = function_logs_make(call, reterr);
	if (r < 0)
		return r;
	request.json = json_pack("{s:s, s:s, s:O, s:o}", "FunctionName", call->wanted->external,
		"PackageType", call->wanted->spec->image ? "Image" : "Zip", "Code", wanted.code,
		"Tags", tags_json(call, &wanted));
	if (!request.json || json_object_update(request.json, wanted.configuration) < 0)
		return error_oom(reterr);
	return resource_do(call, &request, FAULT_EXISTS, reterr);
}

/* ---- changing ---- */

static size_t count_children(const struct answer_node *node)
{
	size_t count = 0;

	for (node = node ? node->child : NULL; node; node = node->next)
		count++;
	return count;
}

static bool is_text(const char *there, const json_t *wanted)
{
	char number[24];

	if (json_is_string(wanted))
		return strcmp(there, json_string_value(wanted)) == 0;
	(void)snprintf(number, sizeof(number), "%" PRId64, (int64_t)json_integer_value(wanted));
	return strcmp(there, number) == 0;
}

/* The same texts, in any order. */
static bool is_set(const struct answer_node *node, const json_t *wanted)
{
	const struct answer_node *item;
	const json_t *text;
	size_t i;

	if (count_children(node) != json_array_size(wanted))
		return false;
	json_array_foreach((json_t *)(uintptr_t)wanted, i, text)
	{
		item = answer_find(node, "item");
		while (item && !is_text(item->text, text))
			item = answer_next(item);
		if (!item)
			return false;
	}
	return true;
}

static bool is_map(const struct answer_node *node, const json_t *wanted)
{
	const json_t *value;
	const char *key;

	if (count_children(node) != json_object_size(wanted))
		return false;
	json_object_foreach((json_t *)(uintptr_t)wanted, key, value)
	{
		const struct answer_node *there = node->child;

		while (there && strcmp(there->name, key) != 0)
			there = there->next;
		if (!there || !is_text(there->text, value))
			return false;
	}
	return true;
}

static bool is_as_wanted(const struct answer_node *thing, const json_t *wanted)
{
	const json_t *network = json_object_get(wanted, "VpcConfig");
	static const char *const texts[] = {"Role", "Timeout", "MemorySize", "Runtime", "Handler"};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const json_t *value = json_object_get(wanted, texts[i]);

		if (value && !is_text(answer_text(thing, texts[i]), value))
			return false;
	}
	return is_map(answer_find(thing, "Environment/Variables"),
		       json_get_path(wanted, "Environment", "Variables", NULL)) &&
	       is_set(answer_find(thing, "VpcConfig/SubnetIds"),
		       json_object_get(network, "SubnetIds")) &&
	       is_set(answer_find(thing, "VpcConfig/SecurityGroupIds"),
		       json_object_get(network, "SecurityGroupIds"));
}

/* The tag comes last: code that was given and not noted is given once more. */
static int change_code(struct resource_call *call, const struct wanted *wanted,
	struct error *reterr)
{
	_cleanup_request_ struct aws_request request = request_of(call, LAMBDA_UPDATE_CODE);
	_cleanup_request_ struct aws_request tag = aws_request_of(LAMBDA_TAG);
	int r;

	request.json = json_incref(wanted->code);
	aws_request_set(&tag, "Resource", call->arn);
	tag.json =
		json_pack("{s:{s:s, s:s}}", "Tags", TAG_CODE, wanted->hash, TAG_ETAG, wanted->etag);
	r = tag.json ? resource_do(call, &request, FAULT_OTHER, reterr) : error_oom(reterr);
	if (r == 0)
		r = resource_do(call, &tag, FAULT_OTHER, reterr);
	return r < 0 ? r : error_set(reterr, -EAGAIN, "the function gets new code");
}

/* A change that failed is tried again, with the pauses that a failed resource has. */
static int change_configuration(struct resource_call *call, json_t *configuration, bool failed,
	struct error *reterr)
{
	_cleanup_request_ struct aws_request request =
		request_of(call, LAMBDA_UPDATE_CONFIGURATION);
	int r;

	request.json = json_incref(configuration);
	r = resource_do(call, &request, FAULT_OTHER, reterr);
	if (r == 0 && failed)
		return error_set(reterr, -EIO, "AWS could not change the function: %.200s",
			answer_text(call->thing, "LastUpdateStatusReason"));
	return r < 0 ? r : error_set(reterr, -EAGAIN, "the function is being changed");
}

/* An object that is not to be seen just now changes nothing, and cannot be given anew to a function
 * whose tag was taken away. */
static bool has_code(const struct resource_call *call, const struct wanted *wanted)
{
	const struct answer_node *tags = answer_find(call->answer.root, "Tags");
	const char *hash = answer_text(tags, TAG_CODE), *etag = answer_text(tags, TAG_ETAG);
	bool unseen = !wanted->etag[0] && !call->wanted->spec->image;

	if (!*hash)
		return unseen;
	return strcmp(hash, wanted->hash) == 0 &&
	       (!wanted->etag[0] || strcmp(etag, wanted->etag) == 0);
}

static int adjust(struct resource_call *call, struct error *reterr)
{
	_cleanup_wanted_ struct wanted wanted = {.code = NULL};
	bool failed = strcmp(answer_text(call->thing, "LastUpdateStatus"), "Failed") == 0, same;
	int r = find_wanted(call, &wanted, reterr);

	if (r < 0)
		return r;
	if (!has_code(call, &wanted))
		return change_code(call, &wanted, reterr);
	same = is_as_wanted(call->thing, wanted.configuration);
	if (!same || failed)
		return change_configuration(call, wanted.configuration, same && failed, reterr);
	return function_trigger_settle(call, reterr);
}

/* Which code it was given its tag does not say any more: it is given once more. */
static int retag(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(LAMBDA_TAG);

	aws_request_set(&request, "Resource", call->arn);
	request.json = json_pack("{s:o}", "Tags", resource_tags(call));
	return request.json ? resource_do(call, &request, FAULT_OTHER, reterr) : error_oom(reterr);
}

/* ---- removing ---- */

static int remove_function(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = request_of(call, LAMBDA_DELETE_FUNCTION);
	int r = function_trigger_remove(call, reterr);

	return r < 0 ? r : resource_do(call, &request, FAULT_MISSING, reterr);
}

static int clear(struct resource_call *call, struct error *reterr)
{
	int r = function_role_remove(call, reterr);

	function_codes_drop(call->account->codes, call->wanted->id);
	return r < 0 ? r : function_logs_remove(call, reterr);
}

const struct aws_resource aws_function = {
	.type = "lambda",
	.look = look,
	.create = create,
	.adjust = adjust,
	.retag = retag,
	.tell = resource_tell_usual,
	.remove = remove_function,
	.clear = clear,
	.list = {.action = LAMBDA_LIST_FUNCTIONS,
		.path = "Functions/item",
		.name = "FunctionName",
		.settings = WORDS("Runtime", "Handler", "MemorySize", "Timeout", "CodeSha256")},
	.actions = WORDS("lambda:InvokeFunction"),
	.endings = WORDS(""),
};
