/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of DynamoDB. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "cloud/aws/resource/resource.h"

static const struct state_word states[] = {
	{"ACTIVE", THING_READY},
	{"CREATING", THING_MAKING},
	{"UPDATING", THING_MAKING},
	{"DELETING", THING_LEAVING},
	{NULL, THING_FAILED},
};

static int look_tags(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(DYNAMODB_LIST_TAGS);

	aws_request_set(&request, "ResourceArn", call->arn);
	return resource_look_tags(call, &request, "Tags/item", "Key", "Value", reterr);
}

static const struct thing_place place = {"Table", "TableStatus", "TableArn", states};

static int look(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(DYNAMODB_DESCRIBE_TABLE);
	int r;

	aws_request_set(&request, "TableName", call->wanted->external);
	r = resource_find(call, &request, &place, reterr);
	if (!call->thing)
		return r;
	return look_tags(call, reterr);
}

static json_t *key_list(const struct resource_spec *spec)
{
	json_t *list = json_array();

	(void)json_array_append_new(list,
		json_pack("{s:s, s:s}", "AttributeName", spec->hash_key, "KeyType", "HASH"));
	if (spec->range_key)
		(void)json_array_append_new(list, json_pack("{s:s, s:s}", "AttributeName",
							  spec->range_key, "KeyType", "RANGE"));
	return list;
}

static json_t *attribute_list(const struct resource_spec *spec)
{
	json_t *list = json_array();

	(void)json_array_append_new(list, json_pack("{s:s, s:s}", "AttributeName", spec->hash_key,
						  "AttributeType", spec->hash_key_type));
	if (spec->range_key)
		(void)json_array_append_new(list,
			json_pack("{s:s, s:s}", "AttributeName", spec->range_key, "AttributeType",
				spec->range_key_type));
	return list;
}

static json_t *tag_list(const struct resource_call *call)
{
	struct account_tag tags[ACCOUNT_TAGS];
	json_t *list = json_array();
	char id[ACCOUNT_ID_SIZE];

	account_tags(call->owner, call->wanted->external, id, tags);
	for (size_t i = 0; i < ACCOUNT_TAGS; i++)
		(void)json_array_append_new(list,
			json_pack("{s:s, s:s}", "Key", tags[i].key, "Value", tags[i].value));
	return list;
}

/* Paid by request, or so many reads and writes a second. */
static int set_capacity(struct aws_request *request, const struct resource_spec *spec)
{
	bool by_request = spec->read_units == 0;
	json_t *mode = json_string(by_request ? "PAY_PER_REQUEST" : "PROVISIONED");
	json_t *units = by_request ? NULL
				   : json_pack("{s:I, s:I}", "ReadCapacityUnits",
					     (json_int_t)spec->read_units, "WriteCapacityUnits",
					     (json_int_t)spec->write_units);
	int r = json_object_set_new(request->json, "BillingMode", mode);

	if (r == 0 && !by_request)
		r = json_object_set_new(request->json, "ProvisionedThroughput", units);
	return r;
}

static int create(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(DYNAMODB_CREATE_TABLE);
	const struct resource_spec *spec = call->wanted->spec;

	aws_request_set(&request, "TableName", call->wanted->external);
	request.json = json_pack("{s:o, s:o, s:o}", "KeySchema", key_list(spec),
		"AttributeDefinitions", attribute_list(spec), "Tags", tag_list(call));
	if (!request.json || set_capacity(&request, spec) < 0)
		return error_oom(reterr);
	return resource_do(call, &request, FAULT_EXISTS, reterr);
}

static bool is_as_wanted(const struct resource_call *call)
{
	const struct resource_spec *spec = call->wanted->spec;
	const struct answer_node *units = answer_find(call->thing, "ProvisionedThroughput");
	const char *mode = answer_text(call->thing, "BillingModeSummary/BillingMode");
	int64_t reads = 0, writes = 0;

	if (strcmp(mode, "PAY_PER_REQUEST") == 0)
		return spec->read_units == 0;
	(void)text_parse_int(answer_text(units, "ReadCapacityUnits"), 0, INT64_MAX, &reads);
	(void)text_parse_int(answer_text(units, "WriteCapacityUnits"), 0, INT64_MAX, &writes);
	return reads == spec->read_units && writes == spec->write_units;
}

static int adjust(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(DYNAMODB_UPDATE_TABLE);
	int r;

	if (is_as_wanted(call))
		return 0;
	aws_request_set(&request, "TableName", call->wanted->external);
	request.json = json_object();
	if (!request.json || set_capacity(&request, call->wanted->spec) < 0)
		return error_oom(reterr);
	r = resource_do(call, &request, FAULT_OTHER, reterr);
	return r < 0 ? r
		     : error_set(reterr, -EAGAIN, "the capacity of table \"%s\" is being changed",
			       call->wanted->external);
}

/* ---- removing ---- */

static int has_backup(struct resource_call *call, const char *name, bool *ret, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(DYNAMODB_LIST_BACKUPS);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	const struct answer_node *backup;
	int r;

	aws_request_set(&request, "TableName", call->wanted->external);
	r = account_call(call->account, &request, &answer, FAULT_OTHER, reterr);
	backup = r == 0 ? answer_find(answer.root, "BackupSummaries/item") : NULL;
	while (backup && strcmp(answer_text(backup, "BackupName"), name) != 0)
		backup = answer_next(backup);
	*ret = backup != NULL;
	return r;
}

/* Once, whatever happens in between. */
static int back_up(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(DYNAMODB_CREATE_BACKUP);
	char name[EXTERNAL_SIZE + 8];
	bool there;
	int r;

	(void)snprintf(name, sizeof(name), "%s-final", call->wanted->external);
	r = has_backup(call, name, &there, reterr);
	if (r < 0 || there)
		return r;
	aws_request_set(&request, "TableName", call->wanted->external);
	aws_request_set(&request, "BackupName", name);
	return resource_do(call, &request, FAULT_OTHER, reterr);
}

static int remove_table(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(DYNAMODB_DELETE_TABLE);
	int r = call->wanted->spec->final_snapshot ? back_up(call, reterr) : 0;

	if (r < 0)
		return r;
	aws_request_set(&request, "TableName", call->wanted->external);
	return resource_do(call, &request, FAULT_MISSING, reterr);
}

const struct aws_resource aws_table = {
	.type = "dynamodb",
	.look = look,
	.create = create,
	.adjust = adjust,
	.tell = resource_tell_usual,
	.remove = remove_table,
	.list = {.action = DYNAMODB_LIST_TABLES, .path = "TableNames/item", .name = ""},
	.actions = WORDS("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query",
		"dynamodb:Scan", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem",
		"dynamodb:BatchWriteItem", "dynamodb:ConditionCheckItem", "dynamodb:DescribeTable"),
	.endings = WORDS("", "/index/*"),
};
