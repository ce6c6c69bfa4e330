/* SPDX-License-Identifier: Apache-2.0 */
/* botocore is asked whether our requests are what it would send, and rightly signed. The calls are
 * those of CASES in tests/aws/judge.py, in that order. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "aws/client.h"
#include "base/child.h"
#include "base/cleanup.h"

#define PYTHON      "build/test-aws/venv/bin/python"
#define PATIENCE_MS 60000

static pid_t judge;
static struct aws_client *client;
static struct error error;

static int read_port(int fd, char *port, size_t size)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	ssize_t n = poll(&ready, 1, PATIENCE_MS) == 1 ? read(fd, port, size - 1) : -1;

	if (n <= 0)
		return -1;
	port[n] = '\0';
	port[strcspn(port, "\n")] = '\0';
	return 0;
}

static int set_up(void **state)
{
	static const char *const argv[] = {PYTHON, "tests/aws/judge.py", NULL};
	char port[32], url[64];
	int fds[2];

	(void)state;
	if (access(PYTHON, X_OK) < 0) {
		print_error("no " PYTHON ": run tests/aws/setup.sh build/test-aws\n");
		return -1;
	}
	if (pipe(fds) < 0 || child_start(argv, fds[1], &judge, &error) < 0)
		return -1;
	(void)close(fds[1]);
	if (read_port(fds[0], port, sizeof(port)) < 0)
		return -1;
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%s", port);
	(void)unsetenv("AWS_PROFILE");
	(void)setenv("AWS_ENDPOINT_URL", url, 1);
	(void)setenv("AWS_ACCESS_KEY_ID", "AKID", 1);
	(void)setenv("AWS_SECRET_ACCESS_KEY", "verysecret", 1);
	(void)setenv("AWS_SESSION_TOKEN", "to/k+en==", 1);
	(void)setenv("AWS_REGION", "us-west-2", 1);
	return aws_client_new(&client, &error);
}

static int tear_down(void **state)
{
	(void)state;
	aws_client_free(client);
	if (judge > 0)
		child_stop(judge, 1000);
	return 0;
}

#define MAPPING "14e0db71-5d35-4eb5-b481-8945cf9d10c2"

struct pair {
	const char *name, *value;
};

#define TAG_KEY   "duplo.tenant"
#define TAG_VALUE "a b+c/é"

static const struct {
	enum aws_action_id action;
	struct pair fields[12];
	const char *json;
} cases[] = {
	{EC2_CREATE_SECURITY_GROUP,
		{{"GroupName", "g"}, {"GroupDescription", "a & b = é"}, {"VpcId", "vpc-1"},
			{"TagSpecification.1.ResourceType", "security-group"},
			{"TagSpecification.1.Tag.1.Key", TAG_KEY},
			{"TagSpecification.1.Tag.1.Value", TAG_VALUE}},
		NULL},
	{EC2_AUTHORIZE_INGRESS,
		{{"GroupId", "sg-1"}, {"IpPermissions.1.IpProtocol", "tcp"},
			{"IpPermissions.1.FromPort", "80"}, {"IpPermissions.1.ToPort", "81"},
			{"IpPermissions.1.IpRanges.1.CidrIp", "10.0.0.0/8"},
			{"IpPermissions.1.IpRanges.1.Description", "x"},
			{"IpPermissions.1.Groups.1.GroupId", "sg-2"}},
		NULL},
	{EC2_DESCRIBE_SECURITY_GROUPS,
		{{"Filter.1.Name", "tag:duplo.tenant"}, {"Filter.1.Value.1", "a"},
			{"Filter.1.Value.2", "b*"}},
		NULL},
	{IAM_CREATE_ROLE,
		{{"RoleName", "r"}, {"Path", "/duplofs/"},
			{"AssumeRolePolicyDocument", "{\"Version\":\"2012-10-17\"}"},
			{"Tags.member.1.Key", TAG_KEY}, {"Tags.member.1.Value", TAG_VALUE}},
		NULL},
	{STS_GET_CALLER_IDENTITY, {{NULL, NULL}}, NULL},
	{ELB_CREATE_TARGET_GROUP,
		{{"Name", "t"}, {"Protocol", "HTTP"}, {"Port", "80"}, {"VpcId", "vpc-1"},
			{"Tags.member.1.Key", TAG_KEY}, {"Tags.member.1.Value", TAG_VALUE}},
		NULL},
	{R53_LIST_RECORDS, {{"Id", "Z1"}, {"name", "*.a b.example"}, {"type", "A"}}, NULL},
	{S3_GET_TAGS, {{"Bucket", "my.bucket"}}, NULL},
	{S3_LIST_OBJECTS,
		{{"Bucket", "my.bucket"}, {"prefix", "a b/ü+~*'()"}, {"encoding-type", "url"}},
		NULL},
	{S3_DELETE_BUCKET, {{"Bucket", "my.bucket"}}, NULL},
	{SQS_CREATE_QUEUE, {{"QueueName", "q"}}, "{\"tags\":{\"duplo.tenant\":\"é\"}}"},
	{DYNAMODB_DESCRIBE_TABLE, {{"TableName", "my-table"}}, NULL},
	{CACHE_CREATE_GROUP,
		{{"ReplicationGroupId", "c"}, {"ReplicationGroupDescription", "c"},
			{"Engine", "redis"}, {"CacheNodeType", "cache.t3.micro"},
			{"SecurityGroupIds.SecurityGroupId.1", "sg-1"}, {"Tags.Tag.1.Key", TAG_KEY},
			{"Tags.Tag.1.Value", TAG_VALUE}, {"NumCacheClusters", "2"},
			{"AutomaticFailoverEnabled", "true"}, {"TransitEncryptionEnabled", "true"},
			{"AuthToken", "x"}},
		NULL},
	{CACHE_DECREASE_REPLICAS,
		{{"ReplicationGroupId", "c"}, {"NewReplicaCount", "0"},
			{"ApplyImmediately", "true"}},
		NULL},
	{LAMBDA_GET_FUNCTION,
		{{"FunctionName", "arn:aws:lambda:us-west-2:123456789012:function:f"}}, NULL},
	{LAMBDA_CREATE_FUNCTION, {{NULL, NULL}},
		"{\"FunctionName\":\"f\",\"PackageType\":\"Zip\",\"Runtime\":\"python3.12\","
		"\"Handler\":\"main.handler\","
		"\"Code\":{\"S3Bucket\":\"code\",\"S3Key\":\"v1/a'(b).zip\"},"
		"\"Role\":\"arn:aws:iam::1:role/duplofs/functions/f\",\"Timeout\":3,"
		"\"MemorySize\":128,"
		"\"Environment\":{\"Variables\":{\"GREETING\":\"a \\\"fine\\\" day é\"}},"
		"\"VpcConfig\":{\"SubnetIds\":[\"subnet-1\"],\"SecurityGroupIds\":[\"sg-1\"]},"
		"\"Tags\":{\"duplo.tenant\":\"é\"}}"},
	{LAMBDA_UPDATE_CODE, {{"FunctionName", "f"}},
		"{\"ImageUri\":\"1.dkr.ecr.us-west-2.amazonaws.com/a:2\"}"},
	{LAMBDA_UPDATE_CONFIGURATION, {{"FunctionName", "f"}}, "{\"Timeout\":9}"},
	{LAMBDA_TAG, {{"Resource", "arn:aws:lambda:us-west-2:123456789012:function:f"}},
		"{\"Tags\":{\"duplo.code\":\"0a\"}}"},
	{LAMBDA_CREATE_MAPPING, {{NULL, NULL}},
		"{\"FunctionName\":\"f\",\"EventSourceArn\":\"arn:aws:sqs:us-west-2:1:q.fifo\","
		"\"BatchSize\":10}"},
	{LAMBDA_LIST_MAPPINGS, {{"FunctionName", "f"}}, NULL},
	{LAMBDA_UPDATE_MAPPING, {{"UUID", MAPPING}}, "{\"BatchSize\":1,\"Enabled\":true}"},
	{LAMBDA_DELETE_MAPPING, {{"UUID", MAPPING}}, NULL},
	{LAMBDA_DELETE_FUNCTION, {{"FunctionName", "f"}}, NULL},
	{LOGS_CREATE_GROUP, {{"logGroupName", "/aws/lambda/f"}},
		"{\"tags\":{\"duplo.tenant\":\"é\"}}"},
	{LOGS_PUT_RETENTION, {{"logGroupName", "/aws/lambda/f"}}, "{\"retentionInDays\":30}"},
	{CE_GET_COST_AND_USAGE, {{"Granularity", "DAILY"}},
		"{\"TimePeriod\":{\"Start\":\"2026-10-01\",\"End\":\"2026-11-01\"},"
		"\"Metrics\":[\"UnblendedCost\"],"
		"\"GroupBy\":[{\"Type\":\"TAG\",\"Key\":\"duplo.tenant-id\"}]}"},
};

static void asks_what_botocore_would(void **state)
{
	int wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_request_ struct aws_request request = aws_request_of(cases[i].action);
		_cleanup_answer_ struct answer answer = ANSWER_INIT;

		for (const struct pair *field = cases[i].fields; field->name; field++)
			aws_request_set(&request, field->name, field->value);
		if (cases[i].json)
			request.json = json_loads(cases[i].json, 0, NULL);
		if (aws_client_call(client, &request, &answer, NULL, &error) < 0) {
			print_message("# %s\n", error.text);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(asks_what_botocore_would)};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
