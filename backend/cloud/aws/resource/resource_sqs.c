/* SPDX-License-Identifier: Apache-2.0 */
/* Queues of messages. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "cloud/aws/resource/resource.h"

/* What may be changed of one that is there. */
struct attribute {
	const char *name;
	size_t offset; /* of the number in the spec */
};

#define AT(member) offsetof(struct resource_spec, member)
static const struct attribute attributes[] = {
	{"VisibilityTimeout", AT(visibility_s)},
	{"MessageRetentionPeriod", AT(message_retention_s)},
	{"DelaySeconds", AT(delay_s)},
};
#define ATTRIBUTES (sizeof(attributes) / sizeof(attributes[0]))

static void wanted_text(const struct resource_call *call, const struct attribute *attribute,
	char ret[24])
{
	const char *spec = (const char *)call->wanted->spec;

	(void)snprintf(ret, 24, "%" PRId64,
		*(const int64_t *)(const void *)(spec + attribute->offset));
}

static json_t *wanted_attributes(const struct resource_call *call)
{
	json_t *object = json_object();
	char text[24];

	for (size_t i = 0; i < ATTRIBUTES; i++) {
		wanted_text(call, &attributes[i], text);
		(void)json_object_set_new(object, attributes[i].name, json_string(text));
	}
	return object;
}

/* The answer has the queue's URL; its attributes replace it. */
static int look_attributes(struct resource_call *call, const char *url, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(SQS_GET_ATTRIBUTES);
	_cleanup_request_ struct aws_request tags = aws_request_of(SQS_LIST_QUEUE_TAGS);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	int r;

	aws_request_set(&tags, "QueueUrl", url);
	r = account_call(call->account, &tags, &answer, FAULT_MISSING, reterr);
	/* Without an answer it is not shown yet. */
	if (r < 0 || !answer.root)
		return r;
	call->ours = account_owns_map(answer_find(answer.root, "Tags"), call->owner);
	call->bare = account_is_bare(answer_find(answer.root, "Tags"));
	aws_request_set(&request, "QueueUrl", url);
	request.json = json_pack("{s:[s]}", "AttributeNames", "All");
	r = account_call(call->account, &request, &call->answer, FAULT_MISSING, reterr);
	call->thing = r == 0 ? answer_find(call->answer.root, "Attributes") : NULL;
	call->state = call->thing ? THING_READY : THING_MISSING;
	(void)text_copy(call->arn, sizeof(call->arn), answer_text(call->thing, "QueueArn"));
	return r;
}

static int find_url(struct resource_call *call, char ret[512], struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(SQS_GET_QUEUE_URL);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	int r;

	aws_request_set(&request, "QueueName", call->wanted->external);
	r = account_call(call->account, &request, &answer, FAULT_MISSING, reterr);
	(void)text_copy(ret, 512, r == 0 ? answer_text(answer.root, "QueueUrl") : "");
	return r;
}

static int look(struct resource_call *call, struct error *reterr)
{
	char url[512];
	int r = find_url(call, url, reterr);

	return r < 0 || !*url ? r : look_attributes(call, url, reterr);
}

static int create(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(SQS_CREATE_QUEUE);
	json_t *attributes_json = wanted_attributes(call);

	if (call->wanted->spec->fifo)
		(void)json_object_set_new(attributes_json, "FifoQueue", json_string("true"));
	aws_request_set(&request, "QueueName", call->wanted->external);
	request.json =
		json_pack("{s:o, s:o}", "Attributes", attributes_json, "tags", resource_tags(call));
	if (!request.json)
		return error_oom(reterr);
	return resource_do(call, &request, FAULT_EXISTS, reterr);
}

static bool is_as_wanted(const struct resource_call *call)
{
	char text[24];

	for (size_t i = 0; i < ATTRIBUTES; i++) {
		wanted_text(call, &attributes[i], text);
		if (strcmp(answer_text(call->thing, attributes[i].name), text) != 0)
			return false;
	}
	return true;
}

static int adjust(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(SQS_SET_ATTRIBUTES);
	char url[512];
	int r;

	if (is_as_wanted(call))
		return 0;
	r = find_url(call, url, reterr);
	if (r < 0)
		return r;
	aws_request_set(&request, "QueueUrl", url);
	request.json = json_pack("{s:o}", "Attributes", wanted_attributes(call));
	return request.json ? resource_do(call, &request, FAULT_OTHER, reterr) : error_oom(reterr);
}

static int retag(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(SQS_TAG_QUEUE);
	char url[512];
	int r = find_url(call, url, reterr);

	if (r < 0)
		return r;
	aws_request_set(&request, "QueueUrl", url);
	request.json = json_pack("{s:o}", "Tags", resource_tags(call));
	return request.json ? resource_do(call, &request, FAULT_OTHER, reterr) : error_oom(reterr);
}

static void tell(struct resource_call *call)
{
	char url[512];

	if (find_url(call, url, NULL) == 0)
		resource_output(call, "url", url);
	resource_tell_usual(call);
}

static int remove_queue(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(SQS_DELETE_QUEUE);
	char url[512];
	int r = find_url(call, url, reterr);

	if (r < 0 || !*url)
		return r;
	aws_request_set(&request, "QueueUrl", url);
	return resource_do(call, &request, FAULT_MISSING, reterr);
}

/* In pages only when it is told how large they are. */
static void ask_prefix(const struct survey *survey, struct aws_request *request)
{
	char prefix[64];

	(void)snprintf(prefix, sizeof(prefix), ACCOUNT_NAME_PREFIX, survey->account->platform);
	aws_request_set(request, "QueueNamePrefix", prefix);
	request->json = json_pack("{s:i}", "MaxResults", 1000);
}

const struct aws_resource aws_queue = {
	.type = "sqs",
	.look = look,
	.create = create,
	.adjust = adjust,
	.retag = retag,
	.tell = tell,
	.remove = remove_queue,
	.list = {.action = SQS_LIST_QUEUES,
		.path = "QueueUrls/item",
		.name = "",
		.ask = ask_prefix},
	.actions = WORDS("sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage",
		"sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes", "sqs:GetQueueUrl"),
	.endings = WORDS(""),
};
