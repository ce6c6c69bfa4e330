/* SPDX-License-Identifier: Apache-2.0 */
/* Domains of SWF, which AWS keeps for ever: a removed one is deprecated. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "cloud/aws/resource/resource.h"

static const struct state_word states[] = {
	{"REGISTERED", THING_READY},
	{"DEPRECATED", THING_MISSING},
	{NULL, THING_MAKING},
};

static int look_tags(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(SWF_LIST_TAGS);

	aws_request_set(&request, "resourceArn", call->arn);
	return resource_look_tags(call, &request, "tags/item", "key", "value", reterr);
}

static const struct thing_place place = {"domainInfo", "status", "arn", states};

static int look(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(SWF_DESCRIBE_DOMAIN);
	int r;

	aws_request_set(&request, "name", call->wanted->external);
	r = resource_find(call, &request, &place, reterr);
	if (!call->thing)
		return r;
	return call->state == THING_MISSING ? 0 : look_tags(call, reterr);
}

static int create(struct resource_call *call, struct error *reterr)
{
	bool deprecated = call->thing != NULL;
	_cleanup_request_ struct aws_request request =
		aws_request_of(deprecated ? SWF_UNDEPRECATE_DOMAIN : SWF_REGISTER_DOMAIN);
	struct account_tag tags[ACCOUNT_TAGS];
	json_t *list = json_array();
	char id[ACCOUNT_ID_SIZE], days[24];

	account_tags(call->owner, call->wanted->external, id, tags);
	for (size_t i = 0; i < ACCOUNT_TAGS; i++)
		(void)json_array_append_new(list,
			json_pack("{s:s, s:s}", "key", tags[i].key, "value", tags[i].value));
	(void)snprintf(days, sizeof(days), "%" PRId64, call->wanted->spec->history_days);
	aws_request_set(&request, "name", call->wanted->external);
	if (deprecated) {
		json_decref(list);
	} else {
		aws_request_set(&request, "workflowExecutionRetentionPeriodInDays", days);
		request.json = json_pack("{s:o}", "tags", list);
		if (!request.json)
			return error_oom(reterr);
	}
	return resource_do(call, &request, FAULT_EXISTS, reterr);
}

static int remove_domain(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(SWF_DEPRECATE_DOMAIN);

	aws_request_set(&request, "name", call->wanted->external);
	return resource_do(call, &request, FAULT_MISSING, reterr);
}

static void ask_registered(const struct survey *survey, struct aws_request *request)
{
	(void)survey;
	aws_request_set(request, "registrationStatus", "REGISTERED");
}

const struct aws_resource aws_domain = {
	.type = "swf",
	.look = look,
	.create = create,
	.tell = resource_tell_usual,
	.remove = remove_domain,
	.list = {.action = SWF_LIST_DOMAINS,
		.path = "domainInfos/item",
		.name = "name",
		.ask = ask_registered},
	.actions = WORDS("swf:PollFor*", "swf:Respond*", "swf:RecordActivityTaskHeartbeat",
		"swf:*WorkflowExecution*", "swf:Register*Type", "swf:Describe*", "swf:List*Types",
		"swf:Count*", "swf:GetWorkflowExecutionHistory"),
	.endings = WORDS(""),
};
