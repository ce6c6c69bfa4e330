/* SPDX-License-Identifier: Apache-2.0 */
/* What the client makes of everything that AWS may answer, and where it gets its keys. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "aws/client.h"
#include "aws_peer.h"
#include "base/cleanup.h"
#include "base/file.h"

static struct aws_peer peer;
static struct aws_client *client;
static struct error error;
static struct fault fault;
static char directory[] = "/tmp/duplofs-test-aws.XXXXXX";

#define TELL(...)                                                                                  \
	aws_peer_tell(&peer, (const struct aws_peer_answer[]){__VA_ARGS__},                        \
		sizeof((const struct aws_peer_answer[]){__VA_ARGS__}) /                            \
			sizeof(struct aws_peer_answer))
#define GROUPS "<R><securityGroupInfo><item><groupId>sg-1</groupId></item></securityGroupInfo></R>"
#define EC2_ERROR(code, message)                                                                   \
	"<?xml version=\"1.0\"?>\n<Response><Errors><Error><Code>" code "</Code><Message>" message \
	"</Message></Error></Errors><RequestID>r-1</RequestID></Response>"

static int set_up_all(void **state)
{
	(void)state;
	return mkdtemp(directory) ? aws_peer_start(&peer) : -1;
}

static int tear_down_all(void **state)
{
	(void)state;
	aws_peer_stop(&peer);
	return file_remove_tree(directory, &error);
}

static int set_up(void **state)
{
	static const char *const variables[] = {"AWS_PROFILE", "AWS_SESSION_TOKEN",
		"AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL_STS", "AWS_CONFIG_FILE",
		"AWS_SHARED_CREDENTIALS_FILE", "AWS_EC2_METADATA_SERVICE_ENDPOINT"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		(void)unsetenv(variables[i]);
	(void)setenv("HOME", directory, 1);
	(void)setenv("AWS_ACCESS_KEY_ID", "AKID", 1);
	(void)setenv("AWS_SECRET_ACCESS_KEY", "verysecret", 1);
	(void)setenv("AWS_REGION", "us-west-2", 1);
	(void)setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	(void)setenv("AWS_ENDPOINT_URL", peer.url, 1);
	error_clear(&error);
	return aws_client_new(&client, &error);
}

static int tear_down(void **state)
{
	(void)state;
	aws_client_free(client);
	client = NULL;
	return 0;
}

static int call(enum aws_action_id action)
{
	_cleanup_request_ struct aws_request request = aws_request_of(action);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;

	aws_request_set(&request, "GroupName", "a b&c=d");
	return aws_client_call(client, &request, &answer, &fault, &error);
}

#define asked(number, text) assert_non_null(strstr(buf_string(&peer.requests[number]), text))

static void signs_and_sends_a_form(void **state)
{
	(void)state;
	TELL({.body = GROUPS});
	assert_int_equal(call(EC2_DESCRIBE_SECURITY_GROUPS), 0);
	assert_int_equal(peer.request_count, 1);
	asked(0, "POST / HTTP/1.1\r\n");
	asked(0, "Action=DescribeSecurityGroups&Version=2016-11-15&GroupName=a+b%26c%3Dd");
	asked(0, "Authorization: AWS4-HMAC-SHA256 Credential=AKID/");
	asked(0, "/us-west-2/ec2/aws4_request, SignedHeaders=content-type;host;x-amz-date, ");
	assert_null(strstr(peer.requests[0].data, "verysecret"));
}

static void tells_who_refused_and_what_to_do(void **state)
{
	(void)state;
	TELL({.status = 403, .body = EC2_ERROR("UnauthorizedOperation", "You are not.")});
	assert_int_equal(call(EC2_DESCRIBE_SECURITY_GROUPS), -EACCES);
	assert_string_equal(error.text,
		"AWS ec2 DescribeSecurityGroups: UnauthorizedOperation: You are not.; the "
		"platform's role lacks this permission: the administrator can add it (request "
		"r-1)");
	assert_int_equal(fault.kind, FAULT_DENIED);
	assert_int_equal(peer.request_count, 1);
}

/* The envelopes of all protocols; each answer is refused for good, so that one request is made. */
struct envelope {
	struct aws_peer_answer answer;
	enum fault_kind kind;
	const char *code;
};

static void assert_read(enum aws_action_id action, const struct envelope *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		TELL(cases[i].answer);
		assert_true(call(action) < 0);
		assert_int_equal(fault.kind, cases[i].kind);
		assert_string_equal(fault.code, cases[i].code);
		assert_int_equal(peer.request_count, 1);
	}
}

static void reads_every_envelope(void **state)
{
	static const struct envelope cases[] = {
		{{400, EC2_ERROR("InvalidGroup.NotFound", "no"), NULL, 0}, FAULT_MISSING,
			"InvalidGroup.NotFound"},
		{{409,
			 "<ErrorResponse "
			 "xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error>"
			 "<Type>Sender</Type><Code>DeleteConflict</Code><Message>m</Message></"
			 "Error>"
			 "<RequestId>r</RequestId></ErrorResponse>",
			 NULL, 0},
			FAULT_IN_USE, "DeleteConflict"},
		{{404, "<?xml version=\"1.0\"?><Error><Code>NoSuchBucket</Code></Error>", NULL, 0},
			FAULT_MISSING, "NoSuchBucket"},
		{{400,
			 "{\"__type\":\"com.amazonaws.dynamodb.v20120810#"
			 "ResourceNotFoundException\","
			 "\"message\":\"m\"}",
			 NULL, 0},
			FAULT_MISSING, "ResourceNotFoundException"},
		{{400, "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\"}",
			 "x-amzn-query-error: AWS.SimpleQueueService.NonExistentQueue;Sender\r\n",
			 0},
			FAULT_MISSING, "AWS.SimpleQueueService.NonExistentQueue"},
		{{404, NULL, "x-amz-request-id: q\r\n", 0}, FAULT_MISSING, ""},
		{{403, "<html><body>Forbidden</body></html>", NULL, 0}, FAULT_DENIED, ""},
		{{400, "<Response><Errors><Err", NULL, 0}, FAULT_OTHER, ""},
		{{400, "{\"__type\":", NULL, 0}, FAULT_OTHER, ""},
		{{400, EC2_ERROR("VcpuLimitExceeded", "m"), NULL, 0}, FAULT_QUOTA,
			"VcpuLimitExceeded"},
	};

	(void)state;
	assert_read(EC2_DESCRIBE_SECURITY_GROUPS, cases, ARRAY_SIZE(cases));
}

static void reads_what_lambda_says(void **state)
{
	static const struct envelope cases[] = {
		/* Lambda has one word for two things. */
		{{409, "{\"Message\":\"Function already exist: f\"}",
			 "x-amzn-ErrorType: ResourceConflictException:http://x/\r\n", 0},
			FAULT_EXISTS, "ResourceConflictException"},
		{{409, "{\"Message\":\"An update is in progress\"}",
			 "x-amzn-ErrorType: ResourceConflictException\r\n", 0},
			FAULT_IN_USE, "ResourceConflictException"},
		{{400,
			 "{\"message\":\"The role defined for the function cannot be assumed by "
			 "Lambda.\"}",
			 "x-amzn-ErrorType: InvalidParameterValueException\r\n", 0},
			FAULT_NOT_READY, "InvalidParameterValueException"},
		{{400,
			 "{\"message\":\"The function execution role does not have permissions to "
			 "call ReceiveMessage on SQS\"}",
			 "x-amzn-ErrorType: InvalidParameterValueException\r\n", 0},
			FAULT_NOT_READY, "InvalidParameterValueException"},
		{{404, "{\"Message\":\"Function not found\"}",
			 "x-amzn-ErrorType: ResourceNotFoundException\r\n", 0},
			FAULT_MISSING, "ResourceNotFoundException"},
	};

	(void)state;
	assert_read(LAMBDA_CREATE_FUNCTION, cases, ARRAY_SIZE(cases));
}

static void sends_again_what_was_throttled(void **state)
{
	const struct aws_peer_answer slow = {
		.status = 503, .body = EC2_ERROR("RequestLimitExceeded", "m")};

	(void)state;
	TELL(slow, {.body = GROUPS});
	assert_int_equal(call(EC2_CREATE_SECURITY_GROUP), 0);
	assert_int_equal(peer.request_count, 2);
	TELL(slow, slow, slow, {.body = GROUPS});
	assert_int_equal(call(EC2_DESCRIBE_SECURITY_GROUPS), -EAGAIN);
	assert_int_equal(peer.request_count, 3);
}

/* A read is asked for again; what may have made something is not. */
static void sends_again_only_what_does_no_harm(void **state)
{
	static const struct aws_peer_answer bad[] = {
		{.status = 500, .body = "<!DOCTYPE html><html><title>500</title></html>"},
		{.status = 500, .body = EC2_ERROR("InternalError", "m")},
		{.body = GROUPS, .fate = PEER_CUT},
		{.body = "<R><securityGroupInfo><item>"},
		{.body = "<!DOCTYPE html><html></html>"},
		{.fate = PEER_RESET},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		TELL(bad[i], {.body = GROUPS});
		assert_int_equal(call(EC2_DESCRIBE_SECURITY_GROUPS), 0);
		assert_int_equal(peer.request_count, 2);
		TELL(bad[i], {.body = GROUPS});
		assert_true(call(EC2_CREATE_SECURITY_GROUP) < 0);
		assert_int_equal(peer.request_count, 1);
	}
}

static int count_groups(void *arg, const struct answer_node *root)
{
	const struct answer_node *item = answer_find(root, "securityGroupInfo/item");

	for (; item; item = answer_next(item))
		++*(int *)arg;
	return 0;
}

#define PAGE(token) "<R><securityGroupInfo><item/><item/></securityGroupInfo>" token "</R>"

static void follows_pages_to_their_end(void **state)
{
	_cleanup_request_ struct aws_request request = aws_request_of(EC2_DESCRIBE_SECURITY_GROUPS);
	int count = 0;

	(void)state;
	TELL({.body = PAGE("<nextToken>a/b=</nextToken>")}, {.body = PAGE("<nextToken/>")});
	assert_int_equal(aws_client_pages(client, &request, count_groups, &count, NULL, &error), 0);
	assert_int_equal(count, 4);
	asked(1, "&NextToken=a%2Fb%3D");
	TELL({.body = PAGE("<nextToken>x</nextToken>")},
		{.body = PAGE("<nextToken>x</nextToken>")});
	assert_int_equal(aws_client_pages(client, &request, count_groups, &count, NULL, &error),
		-ELOOP);
}

static void sets_its_clock_by_aws(void **state)
{
	char date[64], header[96];
	time_t hour_later = time(NULL) + 3600;
	struct tm tm;

	(void)state;
	(void)gmtime_r(&hour_later, &tm);
	(void)strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	(void)snprintf(header, sizeof(header), "Date: %s\r\n", date);
	TELL({.status = 403, .body = EC2_ERROR("RequestTimeTooSkewed", "m"), .headers = header},
		{.body = GROUPS});
	assert_int_equal(call(EC2_CREATE_SECURITY_GROUP), 0);
	(void)strftime(date, sizeof(date), "X-Amz-Date: %Y%m%dT%H", &tm);
	asked(1, date);
}

static void tells_that_there_are_no_credentials(void **state)
{
	(void)state;
	(void)unsetenv("AWS_ACCESS_KEY_ID");
	TELL({.body = GROUPS});
	assert_int_equal(call(EC2_DESCRIBE_SECURITY_GROUPS), -ENOKEY);
	assert_non_null(strstr(error.text, "no credentials for AWS: give the platform"));
	assert_int_equal(peer.request_count, 0);
}

static void write_file(const char *variable, const char *name, const char *text)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, 0, &error), 0);
	(void)setenv(variable, path, 1);
}

#define ASSUMED(key, expires)                                                                      \
	"<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>" key "</AccessKeyId>"    \
	"<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>" expires   \
	"</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"

static void assumes_the_role_of_a_profile(void **state)
{
	(void)state;
	write_file("AWS_SHARED_CREDENTIALS_FILE", "credentials",
		"# keys\n[default]\naws_access_key_id=WRONG\n\n[base]\naws_access_key_id = "
		"AKBASE\r\n"
		"aws_secret_access_key\t=  s3 \n");
	write_file("AWS_CONFIG_FILE", "config",
		"[profile work]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = base\n"
		"external_id = x y\ns3 =\n  addressing_style = path\nregion = eu-west-1\n");
	(void)setenv("AWS_PROFILE", "work", 1);
	(void)unsetenv("AWS_REGION");
	TELL({.body = ASSUMED("ASIA1", "2999-01-01T00:00:00Z")}, {.body = GROUPS},
		{.body = GROUPS});
	assert_int_equal(call(EC2_DESCRIBE_SECURITY_GROUPS), 0);
	asked(0, "Credential=AKBASE/");
	asked(0, "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr");
	asked(0, "ExternalId=x+y");
	asked(1, "Credential=ASIA1/");
	asked(1, "/eu-west-1/ec2/");
	asked(1, "X-Amz-Security-Token: t\r\n");
	assert_int_equal(call(EC2_DESCRIBE_SECURITY_GROUPS), 0);
	assert_int_equal(peer.request_count, 3);
}

static void role_profile(void)
{
	write_file("AWS_SHARED_CREDENTIALS_FILE", "credentials",
		"[work]\naws_access_key_id=AKBASE\naws_secret_access_key=s\n"
		"role_arn=arn:aws:iam::1:role/r\nsource_profile=work\n");
	(void)setenv("AWS_PROFILE", "work", 1);
}

static int get_key(struct credential_cache *cache, const char *key)
{
	_cleanup_credentials_ struct credentials found = CREDENTIALS_INIT;
	int r = credential_cache_get(cache, client, &found, &error);

	if (r == 0)
		assert_string_equal(found.access_key, key);
	return r;
}

static void renews_keys_before_they_expire(void **state)
{
	struct credential_cache cache;

	(void)state;
	role_profile();
	credential_cache_init(&cache);
	TELL({.body = ASSUMED("ASIA1", "2999-01-01T00:00:00Z")},
		{.status = 403, .body = EC2_ERROR("AccessDenied", "m")},
		{.body = ASSUMED("ASIA2", "2999-01-01T00:00:00Z")},
		{.body = ASSUMED("ASIA3", "2001-01-01T00:00:00Z")});
	assert_int_equal(get_key(&cache, "ASIA1"), 0);
	assert_int_equal(get_key(&cache, "ASIA1"), 0);
	assert_int_equal(peer.request_count, 1);
	/* Time to renew, which fails: the old ones hold, and it is not tried at once again. */
	cache.refresh_s = 1;
	assert_int_equal(get_key(&cache, "ASIA1"), 0);
	assert_int_equal(get_key(&cache, "ASIA1"), 0);
	assert_int_equal(peer.request_count, 2);
	cache.failed_s = 0;
	assert_int_equal(get_key(&cache, "ASIA2"), 0);
	/* Nothing holds, and what comes is of no use: no endless search. */
	credential_cache_expire(&cache, "ASIA2");
	assert_int_equal(get_key(&cache, ""), -ENOKEY);
	assert_int_equal(peer.request_count, 4);
	credential_cache_done(&cache);
}

static void asks_for_new_keys_when_aws_says_they_expired(void **state)
{
	(void)state;
	role_profile();
	TELL({.body = ASSUMED("ASIA1", "2999-01-01T00:00:00Z")},
		{.status = 403, .body = EC2_ERROR("ExpiredToken", "m")},
		{.body = ASSUMED("ASIA2", "2999-01-01T00:00:00Z")}, {.body = GROUPS});
	assert_int_equal(call(EC2_CREATE_SECURITY_GROUP), 0);
	asked(3, "Credential=ASIA2/");
}

static void takes_the_instances_role(void **state)
{
	(void)state;
	(void)unsetenv("AWS_ACCESS_KEY_ID");
	(void)unsetenv("AWS_REGION");
	(void)unsetenv("AWS_EC2_METADATA_DISABLED");
	(void)setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", peer.url, 1);
	TELL({.body = "session"}, {.body = "us-east-2"}, {.body = "session"}, {.body = "my-role"},
		{.body = "{\"Code\":\"Success\",\"AccessKeyId\":\"ASIAI\",\"SecretAccessKey\":"
			 "\"s\","
			 "\"Token\":\"tok\",\"Expiration\":\"2999-01-01T00:00:00Z\"}"},
		{.body = GROUPS});
	assert_int_equal(call(EC2_DESCRIBE_SECURITY_GROUPS), 0);
	asked(0, "PUT /latest/api/token ");
	asked(4, "GET /latest/meta-data/iam/security-credentials/my-role ");
	asked(4, "X-aws-ec2-metadata-token: session\r\n");
	asked(5, "Credential=ASIAI/");
	asked(5, "/us-east-2/ec2/");
}

static void ends_when_it_is_stopped(void **state)
{
	(void)state;
	aws_client_stop(client);
	TELL({.body = GROUPS});
	assert_int_equal(call(EC2_DESCRIBE_SECURITY_GROUPS), -ECANCELED);
}

static void refuses_a_region_that_is_no_host_name(void **state)
{
	(void)state;
	(void)setenv("AWS_REGION", "evil.example/x", 1);
	assert_int_equal(call(EC2_DESCRIBE_SECURITY_GROUPS), -EINVAL);
	assert_string_equal(error.text, "\"evil.example/x\" is no region of AWS");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(signs_and_sends_a_form),
		TEST(tells_who_refused_and_what_to_do),
		TEST(reads_every_envelope),
		TEST(reads_what_lambda_says),
		TEST(sends_again_what_was_throttled),
		TEST(sends_again_only_what_does_no_harm),
		TEST(follows_pages_to_their_end),
		TEST(sets_its_clock_by_aws),
		TEST(tells_that_there_are_no_credentials),
		TEST(assumes_the_role_of_a_profile),
		TEST(renews_keys_before_they_expire),
		TEST(asks_for_new_keys_when_aws_says_they_expired),
		TEST(takes_the_instances_role),
		TEST(ends_when_it_is_stopped),
		TEST(refuses_a_region_that_is_no_host_name),
	};

	return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
