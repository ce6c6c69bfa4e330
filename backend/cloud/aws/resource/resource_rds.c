/* SPDX-License-Identifier: Apache-2.0 */
/* Databases of RDS, in the tenant's security group and the policy's subnets. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cloud/aws/resource/managed.h"

#define SNAPSHOTS_MAX 9 /* names that are tried for the last snapshot */

/* As the API reference of DBInstance lists them; all others mean that AWS is at work. */
static const struct state_word states[] = {
	{"available", THING_READY},
	{"backing-up", THING_READY},
	{"storage-optimization", THING_READY},
	{"storage-full", THING_READY},
	{"deleting", THING_LEAVING},
	{"failed", THING_FAILED},
	{"stopped", THING_FAILED},
	{"restore-error", THING_FAILED},
	{"incompatible-network", THING_FAILED},
	{"incompatible-option-group", THING_FAILED},
	{"incompatible-parameters", THING_FAILED},
	{"incompatible-restore", THING_FAILED},
	{"inaccessible-encryption-credentials", THING_FAILED},
	{NULL, THING_MAKING},
};

static struct aws_request request_of(const struct resource_call *call, enum aws_action_id action)
{
	struct aws_request request = aws_request_of(action);

	aws_request_set(&request, "DBInstanceIdentifier", call->wanted->external);
	return request;
}

static const struct thing_place place = {
	"DBInstances/DBInstance", "DBInstanceStatus", "DBInstanceArn", states};

static int look(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = request_of(call, RDS_DESCRIBE_INSTANCES);
	int r = resource_find(call, &request, &place, reterr);

	if (!call->thing)
		return r;
	call->ours =
		account_owns(answer_find(call->thing, "TagList/Tag"), "Key", "Value", call->owner);
	return 0;
}

static const struct managed_words words = {
	.noun = "database",
	.instance_class = "DBInstanceClass",
	.security_group = "VpcSecurityGroupIds.VpcSecurityGroupId.1",
	.subnets = "DBSubnetGroupName",
	.subnets_of_policy = "db_subnet_group",
	.parameters = "DBParameterGroupName",
	.parameters_of_policy = "db_parameter_group",
};

/* The password comes last: what was written before it moves no more while it is there. */
static int create(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = request_of(call, RDS_CREATE_INSTANCE);
	const struct resource_spec *spec = call->wanted->spec;
	int r = managed_set(call, &request, &words, reterr);

	if (r < 0)
		return r;
	aws_request_set_number(&request, "AllocatedStorage", spec->size_gib);
	aws_request_set_truth(&request, "MultiAZ", spec->multi_az);
	aws_request_set_number(&request, "BackupRetentionPeriod", spec->backup_days);
	aws_request_set(&request, "DBName", spec->database);
	aws_request_set(&request, "MasterUsername", spec->username);
	aws_request_set_truth(&request, "PubliclyAccessible", false);
	aws_request_set_truth(&request, "StorageEncrypted", true);
	aws_request_set_truth(&request, "CopyTagsToSnapshot", true);
	aws_request_set(&request, "MasterUserPassword", call->wanted->password);
	return resource_do(call, &request, FAULT_EXISTS, reterr);
}

static bool has_number(const struct resource_call *call, const char *name, int64_t number)
{
	int64_t there = -1;

	(void)text_parse_int(answer_text(call->thing, name), 0, INT64_MAX, &there);
	return there == number;
}

/* Sets what differs; false: nothing does. */
static bool set_changes(const struct resource_call *call, struct aws_request *request)
{
	const struct resource_spec *spec = call->wanted->spec;
	bool multi_az = strcmp(answer_text(call->thing, "MultiAZ"), "true") == 0;
	bool any = managed_set_class(call, request, &words);

	if (!has_number(call, "AllocatedStorage", spec->size_gib)) {
		aws_request_set_number(request, "AllocatedStorage", spec->size_gib);
		any = true;
	}
	if (!has_number(call, "BackupRetentionPeriod", spec->backup_days)) {
		aws_request_set_number(request, "BackupRetentionPeriod", spec->backup_days);
		any = true;
	}
	if (multi_az != spec->multi_az) {
		aws_request_set_truth(request, "MultiAZ", spec->multi_az);
		any = true;
	}
	if (managed_set_version(call, call->thing, request)) {
		aws_request_set_truth(request, "AllowMajorVersionUpgrade", true);
		any = true;
	}
	return any;
}

static int adjust(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = request_of(call, RDS_MODIFY_INSTANCE);

	return managed_change(call, &request, set_changes, &words, reterr);
}

static void tell(struct resource_call *call)
{
	resource_output(call, "endpoint", answer_text(call->thing, "Endpoint/Address"));
	resource_output(call, "port", answer_text(call->thing, "Endpoint/Port"));
	resource_output(call, "username", call->wanted->spec->username);
	resource_output(call, "database", call->wanted->spec->database);
	resource_output(call, "name", call->wanted->external);
	resource_output(call, "arn", call->arn);
}

/* ---- removing ---- */

/* -EEXIST: a snapshot of that name is there. */
static int delete_with(struct resource_call *call, const char *snapshot, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = request_of(call, RDS_DELETE_INSTANCE);

	aws_request_set_truth(&request, "SkipFinalSnapshot", snapshot == NULL);
	if (snapshot)
		aws_request_set(&request, "FinalDBSnapshotIdentifier", snapshot);
	return resource_do(call, &request, FAULT_MISSING, reterr);
}

/* A snapshot whose database did not go after all keeps its name: the next one has another. */
static int remove_database(struct resource_call *call, struct error *reterr)
{
	char name[EXTERNAL_SIZE + 16];
	int r;

	if (!call->wanted->spec->final_snapshot)
		return delete_with(call, NULL, reterr);
	(void)snprintf(name, sizeof(name), "%s-final", call->wanted->external);
	r = delete_with(call, name, reterr);
	for (int number = 2; r == -EEXIST && number <= SNAPSHOTS_MAX; number++) {
		(void)snprintf(name, sizeof(name), "%s-final-%d", call->wanted->external, number);
		error_clear(reterr);
		r = delete_with(call, name, reterr);
	}
	return r == -EEXIST ? -EBUSY : r;
}

const struct aws_resource aws_database = {
	.type = "rds",
	.look = look,
	.create = create,
	.adjust = adjust,
	.tell = tell,
	.remove = remove_database,
	.list = {.action = RDS_DESCRIBE_INSTANCES,
		.path = "DBInstances/DBInstance",
		.name = "DBInstanceIdentifier",
		.state = "DBInstanceStatus",
		.settings = WORDS("DBInstanceClass", "AllocatedStorage", "BackupRetentionPeriod",
			"MultiAZ", "EngineVersion")},
};
