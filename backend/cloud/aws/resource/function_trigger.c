/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/resource/function_trigger.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"

/* One look at all that is tied to the function. */
struct mappings {
	struct resource_call *call;
	const char *queue_arn; /* wanted; "" none */
	bool there, leaving; /* the wanted one is; another one of ours is on its way out */
	struct error *reterr;
};

/* "arn:aws:sqs:us-west-2:123456789012:duplofs-<platform>-..." */
static bool is_ours(const struct resource_call *call, const char *queue_arn)
{
	const char *name = strrchr(queue_arn, ':');
	char prefix[64];

	(void)snprintf(prefix, sizeof(prefix), ":" ACCOUNT_NAME_PREFIX, call->owner->platform);
	return strstr(queue_arn, ":sqs:") && name && strncmp(name, prefix, strlen(prefix)) == 0;
}

static int untie(struct mappings *mappings, const struct answer_node *mapping)
{
	_cleanup_request_ struct aws_request request = aws_request_of(LAMBDA_DELETE_MAPPING);

	mappings->leaving = true;
	if (strcmp(answer_text(mapping, "State"), "Deleting") == 0)
		return 0;
	aws_request_set(&request, "UUID", answer_text(mapping, "UUID"));
	return resource_do(mappings->call, &request, FAULT_MISSING, mappings->reterr);
}

static int wait_for(const char *state, struct error *reterr)
{
	return error_set(reterr, -EAGAIN, "AWS ties the queue to the function: %.40s", state);
}

/* Of the wanted queue: as wanted, and at work. */
static int adjust(struct mappings *mappings, const struct answer_node *mapping)
{
	_cleanup_request_ struct aws_request request = aws_request_of(LAMBDA_UPDATE_MAPPING);
	const char *state = answer_text(mapping, "State");
	int64_t batch = mappings->call->wanted->spec->batch_size, there = 0;
	int r;

	(void)text_parse_int(answer_text(mapping, "BatchSize"), 0, INT64_MAX, &there);
	mappings->there = true;
	if (strcmp(state, "Enabled") != 0 && strcmp(state, "Disabled") != 0)
		return wait_for(state, mappings->reterr);
	if (strcmp(state, "Enabled") == 0 && there == batch)
		return 0;
	aws_request_set(&request, "UUID", answer_text(mapping, "UUID"));
	request.json = json_pack("{s:I, s:b}", "BatchSize", (json_int_t)batch, "Enabled", 1);
	if (!request.json)
		return error_oom(mappings->reterr);
	r = resource_do(mappings->call, &request, FAULT_OTHER, mappings->reterr);
	return r < 0 ? r : wait_for("changed", mappings->reterr);
}

static int look_at_page(void *arg, const struct answer_node *root)
{
	const struct answer_node *mapping = answer_find(root, "EventSourceMappings/item");
	struct mappings *mappings = arg;
	int r = 0;

	for (; mapping && r == 0; mapping = answer_next(mapping)) {
		const char *queue_arn = answer_text(mapping, "EventSourceArn");

		if (*mappings->queue_arn && strcmp(queue_arn, mappings->queue_arn) == 0 &&
			strcmp(answer_text(mapping, "State"), "Deleting") != 0)
			r = adjust(mappings, mapping);
		else if (is_ours(mappings->call, queue_arn))
			r = untie(mappings, mapping);
	}
	return r;
}

static int look_at_all(struct mappings *mappings)
{
	_cleanup_request_ struct aws_request request = aws_request_of(LAMBDA_LIST_MAPPINGS);
	struct fault fault;
	int r;

	aws_request_set(&request, "FunctionName", mappings->call->wanted->external);
	r = aws_client_pages(mappings->call->account->client, &request, look_at_page, mappings,
		&fault, mappings->reterr);
	if (r == -ENOENT) {
		error_clear(mappings->reterr);
		return 0;
	}
	return r;
}

/* The role may not be known everywhere yet, which AWS says and the client knows. */
static int tie(struct mappings *mappings)
{
	_cleanup_request_ struct aws_request request = aws_request_of(LAMBDA_CREATE_MAPPING);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	struct resource_call *call = mappings->call;
	const char *state;
	int r;

	request.json = json_pack("{s:s, s:s, s:I}", "FunctionName", call->wanted->external,
		"EventSourceArn", mappings->queue_arn, "BatchSize",
		(json_int_t)call->wanted->spec->batch_size);
	if (!request.json)
		return error_oom(mappings->reterr);
	r = account_call(call->account, &request, &answer, FAULT_EXISTS, mappings->reterr);
	state = answer_text(answer.root, "State");
	return r < 0 || strcmp(state, "Enabled") == 0 ? r : wait_for(state, mappings->reterr);
}

int function_trigger_settle(struct resource_call *call, struct error *reterr)
{
	struct mappings mappings = {
		.call = call, .queue_arn = call->wanted->queue_arn, .reterr = reterr};
	int r = look_at_all(&mappings);

	if (r == 0 && *mappings.queue_arn && !mappings.there)
		r = tie(&mappings);
	return r;
}

int function_trigger_remove(struct resource_call *call, struct error *reterr)
{
	struct mappings mappings = {.call = call, .queue_arn = "", .reterr = reterr};
	int r = look_at_all(&mappings);

	/* They are looked for once more: who was told to go at once is gone. */
	if (r == 0 && mappings.leaving) {
		mappings.leaving = false;
		r = look_at_all(&mappings);
	}
	if (r < 0 || !mappings.leaving)
		return r;
	return error_set(reterr, -EAGAIN, "the queue is being untied from the function");
}
