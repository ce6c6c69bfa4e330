/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/service.h"

#include <string.h>

#define FORM   "application/x-www-form-urlencoded; charset=utf-8"
#define JSON10 "application/x-amz-json-1.0"
#define JSON11 "application/x-amz-json-1.1"

static const struct aws_service sts = {
	"sts", "STS", "2011-06-15", CODEC_QUERY, SCOPE_REGION, NULL, FORM};
static const struct aws_service ec2 = {
	"ec2", "EC2", "2016-11-15", CODEC_EC2, SCOPE_REGION, NULL, FORM};
static const struct aws_service iam = {
	"iam", "IAM", "2010-05-08", CODEC_QUERY, SCOPE_GLOBAL, NULL, FORM};
static const struct aws_service elb = {"elasticloadbalancing", "ELASTIC_LOAD_BALANCING_V2",
	"2015-12-01", CODEC_QUERY, SCOPE_REGION, NULL, FORM};
static const struct aws_service acm = {
	"acm", "ACM", "2015-12-08", CODEC_JSON, SCOPE_REGION, "CertificateManager", JSON11};
static const struct aws_service r53 = {
	"route53", "ROUTE_53", "2013-04-01", CODEC_REST_XML, SCOPE_GLOBAL, NULL, "application/xml"};
static const struct aws_service s3 = {
	"s3", "S3", "2006-03-01", CODEC_REST_XML, SCOPE_REGION, NULL, "application/xml"};
static const struct aws_service sqs = {
	"sqs", "SQS", "2012-11-05", CODEC_JSON, SCOPE_REGION, "AmazonSQS", JSON10};
static const struct aws_service ssm = {
	"ssm", "SSM", "2014-11-06", CODEC_JSON, SCOPE_REGION, "AmazonSSM", JSON11};
static const struct aws_service dynamodb = {"dynamodb", "DYNAMODB", "2012-08-10", CODEC_JSON,
	SCOPE_REGION, "DynamoDB_20120810", JSON10};
static const struct aws_service rds = {
	"rds", "RDS", "2014-10-31", CODEC_QUERY, SCOPE_REGION, NULL, FORM};
static const struct aws_service cache = {
	"elasticache", "ELASTICACHE", "2015-02-02", CODEC_QUERY, SCOPE_REGION, NULL, FORM};
static const struct aws_service swf = {
	"swf", "SWF", "2012-01-25", CODEC_JSON, SCOPE_REGION, "SimpleWorkflowService", JSON10};
static const struct aws_service lambda = {
	"lambda", "LAMBDA", "2015-03-31", CODEC_REST_JSON, SCOPE_REGION, NULL, "application/json"};
static const struct aws_service logs = {
	"logs", "CLOUDWATCH_LOGS", "2014-03-28", CODEC_JSON, SCOPE_REGION, "Logs_20140328", JSON11};
static const struct aws_service ce = {"ce", "COST_EXPLORER", "2017-10-25", CODEC_JSON, SCOPE_HOME,
	"AWSInsightsIndexService", "application/x-amz-json-1.1"};

#define ACTION(of, action, how)                                                                    \
	{                                                                                          \
		.service = &(of), .name = (action), .again = (how)                                 \
	}
#define PAGED(of, action, in, out)                                                                 \
	{                                                                                          \
		.service = &(of), .name = (action), .page_in = (in), .page_out = (out)             \
	}
#define REST(of, action, verb, where)                                                              \
	{                                                                                          \
		.service = &(of), .name = (action), .method = (verb), .path = (where)              \
	}
#define REST_CREATE(of, action, where)                                                             \
	{                                                                                          \
		.service = &(of), .name = (action), .path = (where), .again = AGAIN_LOOK           \
	}

#define FUNCTION "/2015-03-31/functions/{FunctionName}"
#define MAPPINGS "/2015-03-31/event-source-mappings"

static const struct aws_action actions[AWS_ACTIONS] = {
	[STS_GET_CALLER_IDENTITY] = ACTION(sts, "GetCallerIdentity", AGAIN_SAFE),
	[STS_ASSUME_ROLE] = ACTION(sts, "AssumeRole", AGAIN_SAFE),

	[EC2_CREATE_SECURITY_GROUP] = ACTION(ec2, "CreateSecurityGroup", AGAIN_LOOK),
	[EC2_DESCRIBE_SECURITY_GROUPS] =
		PAGED(ec2, "DescribeSecurityGroups", "NextToken", "nextToken"),
	[EC2_DESCRIBE_SECURITY_GROUP_RULES] =
		PAGED(ec2, "DescribeSecurityGroupRules", "NextToken", "nextToken"),
	[EC2_AUTHORIZE_INGRESS] = ACTION(ec2, "AuthorizeSecurityGroupIngress", AGAIN_SAFE),
	[EC2_AUTHORIZE_EGRESS] = ACTION(ec2, "AuthorizeSecurityGroupEgress", AGAIN_SAFE),
	[EC2_REVOKE_INGRESS] = ACTION(ec2, "RevokeSecurityGroupIngress", AGAIN_SAFE),
	[EC2_REVOKE_EGRESS] = ACTION(ec2, "RevokeSecurityGroupEgress", AGAIN_SAFE),
	[EC2_DELETE_SECURITY_GROUP] = ACTION(ec2, "DeleteSecurityGroup", AGAIN_SAFE),
	[EC2_IMPORT_KEY_PAIR] = ACTION(ec2, "ImportKeyPair", AGAIN_LOOK),
	[EC2_DESCRIBE_KEY_PAIRS] = ACTION(ec2, "DescribeKeyPairs", AGAIN_SAFE),
	[EC2_DELETE_KEY_PAIR] = ACTION(ec2, "DeleteKeyPair", AGAIN_SAFE),
	[EC2_CREATE_TAGS] = ACTION(ec2, "CreateTags", AGAIN_SAFE),
	[EC2_DESCRIBE_VPCS] = PAGED(ec2, "DescribeVpcs", "NextToken", "nextToken"),
	[EC2_DESCRIBE_SUBNETS] = PAGED(ec2, "DescribeSubnets", "NextToken", "nextToken"),
	[EC2_RUN_INSTANCES] = ACTION(ec2, "RunInstances", AGAIN_TOKEN),
	[EC2_DESCRIBE_INSTANCES] = PAGED(ec2, "DescribeInstances", "NextToken", "nextToken"),
	[EC2_DESCRIBE_IMAGES] = PAGED(ec2, "DescribeImages", "NextToken", "nextToken"),
	[EC2_DESCRIBE_VOLUMES] = PAGED(ec2, "DescribeVolumes", "NextToken", "nextToken"),
	[EC2_MODIFY_VOLUME] = ACTION(ec2, "ModifyVolume", AGAIN_SAFE),
	[EC2_TERMINATE_INSTANCES] = ACTION(ec2, "TerminateInstances", AGAIN_SAFE),

	[SSM_GET_PARAMETER] = ACTION(ssm, "GetParameter", AGAIN_SAFE),

	[IAM_CREATE_ROLE] = ACTION(iam, "CreateRole", AGAIN_LOOK),
	[IAM_GET_ROLE] = ACTION(iam, "GetRole", AGAIN_SAFE),
	[IAM_LIST_ROLES] = PAGED(iam, "ListRoles", "Marker", "Marker"),
	[IAM_GET_ACCOUNT_DETAILS] =
		PAGED(iam, "GetAccountAuthorizationDetails", "Marker", "Marker"),
	[IAM_DELETE_ROLE] = ACTION(iam, "DeleteRole", AGAIN_SAFE),
	[IAM_PUT_ROLE_POLICY] = ACTION(iam, "PutRolePolicy", AGAIN_SAFE),
	[IAM_GET_ROLE_POLICY] = ACTION(iam, "GetRolePolicy", AGAIN_SAFE),
	[IAM_LIST_ROLE_POLICIES] = PAGED(iam, "ListRolePolicies", "Marker", "Marker"),
	[IAM_DELETE_ROLE_POLICY] = ACTION(iam, "DeleteRolePolicy", AGAIN_SAFE),
	[IAM_LIST_ATTACHED_ROLE_POLICIES] =
		PAGED(iam, "ListAttachedRolePolicies", "Marker", "Marker"),
	[IAM_ATTACH_ROLE_POLICY] = ACTION(iam, "AttachRolePolicy", AGAIN_SAFE),
	[IAM_DETACH_ROLE_POLICY] = ACTION(iam, "DetachRolePolicy", AGAIN_SAFE),
	[IAM_CREATE_INSTANCE_PROFILE] = ACTION(iam, "CreateInstanceProfile", AGAIN_LOOK),
	[IAM_GET_INSTANCE_PROFILE] = ACTION(iam, "GetInstanceProfile", AGAIN_SAFE),
	[IAM_LIST_INSTANCE_PROFILES] = PAGED(iam, "ListInstanceProfiles", "Marker", "Marker"),
	[IAM_ADD_ROLE_TO_INSTANCE_PROFILE] = ACTION(iam, "AddRoleToInstanceProfile", AGAIN_LOOK),
	[IAM_REMOVE_ROLE_FROM_INSTANCE_PROFILE] =
		ACTION(iam, "RemoveRoleFromInstanceProfile", AGAIN_SAFE),
	[IAM_DELETE_INSTANCE_PROFILE] = ACTION(iam, "DeleteInstanceProfile", AGAIN_SAFE),

	[ELB_CREATE_LOAD_BALANCER] = ACTION(elb, "CreateLoadBalancer", AGAIN_LOOK),
	[ELB_DESCRIBE_LOAD_BALANCERS] = PAGED(elb, "DescribeLoadBalancers", "Marker", "NextMarker"),
	[ELB_DELETE_LOAD_BALANCER] = ACTION(elb, "DeleteLoadBalancer", AGAIN_SAFE),
	[ELB_SET_SECURITY_GROUPS] = ACTION(elb, "SetSecurityGroups", AGAIN_SAFE),
	[ELB_SET_SUBNETS] = ACTION(elb, "SetSubnets", AGAIN_SAFE),
	[ELB_CREATE_TARGET_GROUP] = ACTION(elb, "CreateTargetGroup", AGAIN_LOOK),
	[ELB_DESCRIBE_TARGET_GROUPS] = PAGED(elb, "DescribeTargetGroups", "Marker", "NextMarker"),
	[ELB_DELETE_TARGET_GROUP] = ACTION(elb, "DeleteTargetGroup", AGAIN_SAFE),
	[ELB_MODIFY_TARGET_GROUP] = ACTION(elb, "ModifyTargetGroup", AGAIN_SAFE),
	[ELB_DESCRIBE_TARGET_GROUP_ATTRIBUTES] =
		ACTION(elb, "DescribeTargetGroupAttributes", AGAIN_SAFE),
	[ELB_MODIFY_TARGET_GROUP_ATTRIBUTES] =
		ACTION(elb, "ModifyTargetGroupAttributes", AGAIN_SAFE),
	[ELB_REGISTER_TARGETS] = ACTION(elb, "RegisterTargets", AGAIN_SAFE),
	[ELB_DEREGISTER_TARGETS] = ACTION(elb, "DeregisterTargets", AGAIN_SAFE),
	[ELB_DESCRIBE_TARGET_HEALTH] = ACTION(elb, "DescribeTargetHealth", AGAIN_SAFE),
	[ELB_CREATE_LISTENER] = ACTION(elb, "CreateListener", AGAIN_LOOK),
	[ELB_DESCRIBE_LISTENERS] = PAGED(elb, "DescribeListeners", "Marker", "NextMarker"),
	[ELB_DELETE_LISTENER] = ACTION(elb, "DeleteListener", AGAIN_SAFE),
	[ELB_MODIFY_LISTENER] = ACTION(elb, "ModifyListener", AGAIN_SAFE),
	[ELB_DESCRIBE_TAGS] = ACTION(elb, "DescribeTags", AGAIN_SAFE),

	[ACM_DESCRIBE_CERTIFICATE] = ACTION(acm, "DescribeCertificate", AGAIN_SAFE),

	/* What it was sent for may have become somebody else's meanwhile. */
	[R53_CHANGE_RECORDS] = {.service = &r53,
		.name = "ChangeResourceRecordSets",
		.method = "POST",
		.path = "/2013-04-01/hostedzone/{Id}/rrset/",
		.again = AGAIN_LOOK},
	[R53_LIST_RECORDS] =
		REST(r53, "ListResourceRecordSets", "GET", "/2013-04-01/hostedzone/{Id}/rrset"),

	[S3_LIST_BUCKETS] = {.service = &s3,
		.name = "ListBuckets",
		.method = "GET",
		.path = "/",
		.page_in = "continuation-token",
		.page_out = "ContinuationToken"},
	[S3_CREATE_BUCKET] = REST(s3, "CreateBucket", "PUT", "/{Bucket}"),
	[S3_HEAD_BUCKET] = REST(s3, "HeadBucket", "HEAD", "/{Bucket}"),
	[S3_HEAD_OBJECT] = {.service = &s3,
		.name = "HeadObject",
		.method = "HEAD",
		.path = "/{Bucket}/{Key+}",
		.header = "ETag"},
	[S3_DELETE_BUCKET] = REST(s3, "DeleteBucket", "DELETE", "/{Bucket}"),
	[S3_GET_TAGS] = REST(s3, "GetBucketTagging", "GET", "/{Bucket}?tagging"),
	[S3_PUT_TAGS] = REST(s3, "PutBucketTagging", "PUT", "/{Bucket}?tagging"),
	[S3_LIST_OBJECTS] = {.service = &s3,
		.name = "ListObjectsV2",
		.method = "GET",
		.path = "/{Bucket}?list-type=2",
		.page_in = "continuation-token",
		.page_out = "NextContinuationToken"},
	[S3_LIST_VERSIONS] = REST(s3, "ListObjectVersions", "GET", "/{Bucket}?versions"),
	[S3_DELETE_OBJECTS] = REST(s3, "DeleteObjects", "POST", "/{Bucket}?delete"),
	[S3_GET_VERSIONING] = REST(s3, "GetBucketVersioning", "GET", "/{Bucket}?versioning"),
	[S3_PUT_VERSIONING] = REST(s3, "PutBucketVersioning", "PUT", "/{Bucket}?versioning"),
	[S3_PUT_PUBLIC_BLOCK] =
		REST(s3, "PutPublicAccessBlock", "PUT", "/{Bucket}?publicAccessBlock"),

	[SQS_LIST_QUEUES] = PAGED(sqs, "ListQueues", "NextToken", "NextToken"),
	[SQS_CREATE_QUEUE] = ACTION(sqs, "CreateQueue", AGAIN_SAFE),
	[SQS_GET_QUEUE_URL] = ACTION(sqs, "GetQueueUrl", AGAIN_SAFE),
	[SQS_LIST_QUEUE_TAGS] = ACTION(sqs, "ListQueueTags", AGAIN_SAFE),
	[SQS_TAG_QUEUE] = ACTION(sqs, "TagQueue", AGAIN_SAFE),
	[SQS_GET_ATTRIBUTES] = ACTION(sqs, "GetQueueAttributes", AGAIN_SAFE),
	[SQS_SET_ATTRIBUTES] = ACTION(sqs, "SetQueueAttributes", AGAIN_SAFE),
	[SQS_DELETE_QUEUE] = ACTION(sqs, "DeleteQueue", AGAIN_SAFE),
	[SQS_RECEIVE_MESSAGE] = ACTION(sqs, "ReceiveMessage", AGAIN_SAFE),
	[SQS_DELETE_MESSAGE] = ACTION(sqs, "DeleteMessage", AGAIN_SAFE),

	[DYNAMODB_LIST_TABLES] =
		PAGED(dynamodb, "ListTables", "ExclusiveStartTableName", "LastEvaluatedTableName"),
	[DYNAMODB_CREATE_TABLE] = ACTION(dynamodb, "CreateTable", AGAIN_LOOK),
	[DYNAMODB_DESCRIBE_TABLE] = ACTION(dynamodb, "DescribeTable", AGAIN_SAFE),
	[DYNAMODB_LIST_TAGS] = PAGED(dynamodb, "ListTagsOfResource", "NextToken", "NextToken"),
	[DYNAMODB_UPDATE_TABLE] = ACTION(dynamodb, "UpdateTable", AGAIN_SAFE),
	[DYNAMODB_LIST_BACKUPS] = ACTION(dynamodb, "ListBackups", AGAIN_SAFE),
	[DYNAMODB_CREATE_BACKUP] = ACTION(dynamodb, "CreateBackup", AGAIN_LOOK),
	[DYNAMODB_DELETE_TABLE] = ACTION(dynamodb, "DeleteTable", AGAIN_SAFE),

	[RDS_CREATE_INSTANCE] = ACTION(rds, "CreateDBInstance", AGAIN_LOOK),
	[RDS_DESCRIBE_INSTANCES] = PAGED(rds, "DescribeDBInstances", "Marker", "Marker"),
	[RDS_MODIFY_INSTANCE] = ACTION(rds, "ModifyDBInstance", AGAIN_SAFE),
	[RDS_DELETE_INSTANCE] = ACTION(rds, "DeleteDBInstance", AGAIN_LOOK),
	[CACHE_CREATE_CLUSTER] = ACTION(cache, "CreateCacheCluster", AGAIN_LOOK),
	[CACHE_DESCRIBE_CLUSTERS] = PAGED(cache, "DescribeCacheClusters", "Marker", "Marker"),
	[CACHE_MODIFY_CLUSTER] = ACTION(cache, "ModifyCacheCluster", AGAIN_SAFE),
	[CACHE_DELETE_CLUSTER] = ACTION(cache, "DeleteCacheCluster", AGAIN_LOOK),
	[CACHE_LIST_TAGS] = ACTION(cache, "ListTagsForResource", AGAIN_SAFE),
	[CACHE_CREATE_GROUP] = ACTION(cache, "CreateReplicationGroup", AGAIN_LOOK),
	[CACHE_DESCRIBE_GROUPS] = PAGED(cache, "DescribeReplicationGroups", "Marker", "Marker"),
	[CACHE_MODIFY_GROUP] = ACTION(cache, "ModifyReplicationGroup", AGAIN_SAFE),
	[CACHE_INCREASE_REPLICAS] = ACTION(cache, "IncreaseReplicaCount", AGAIN_SAFE),
	[CACHE_DECREASE_REPLICAS] = ACTION(cache, "DecreaseReplicaCount", AGAIN_SAFE),
	[CACHE_DELETE_GROUP] = ACTION(cache, "DeleteReplicationGroup", AGAIN_LOOK),

	[SWF_LIST_DOMAINS] = PAGED(swf, "ListDomains", "nextPageToken", "nextPageToken"),
	[SWF_REGISTER_DOMAIN] = ACTION(swf, "RegisterDomain", AGAIN_LOOK),
	[SWF_DESCRIBE_DOMAIN] = ACTION(swf, "DescribeDomain", AGAIN_SAFE),
	[SWF_LIST_TAGS] = ACTION(swf, "ListTagsForResource", AGAIN_SAFE),
	[SWF_DEPRECATE_DOMAIN] = ACTION(swf, "DeprecateDomain", AGAIN_SAFE),
	[SWF_UNDEPRECATE_DOMAIN] = ACTION(swf, "UndeprecateDomain", AGAIN_SAFE),

	[LAMBDA_LIST_FUNCTIONS] = {.service = &lambda,
		.name = "ListFunctions",
		.method = "GET",
		.path = "/2015-03-31/functions",
		.page_in = "Marker",
		.page_out = "NextMarker"},
	[LAMBDA_CREATE_FUNCTION] = REST_CREATE(lambda, "CreateFunction", "/2015-03-31/functions"),
	[LAMBDA_GET_FUNCTION] = REST(lambda, "GetFunction", "GET", FUNCTION),
	[LAMBDA_UPDATE_CODE] = REST(lambda, "UpdateFunctionCode", "PUT", FUNCTION "/code"),
	[LAMBDA_UPDATE_CONFIGURATION] =
		REST(lambda, "UpdateFunctionConfiguration", "PUT", FUNCTION "/configuration"),
	[LAMBDA_TAG] = REST(lambda, "TagResource", "POST", "/2017-03-31/tags/{Resource}"),
	[LAMBDA_DELETE_FUNCTION] = REST(lambda, "DeleteFunction", "DELETE", FUNCTION),
	[LAMBDA_CREATE_MAPPING] = REST_CREATE(lambda, "CreateEventSourceMapping", MAPPINGS),
	[LAMBDA_LIST_MAPPINGS] = {.service = &lambda,
		.name = "ListEventSourceMappings",
		.method = "GET",
		.path = MAPPINGS,
		.page_in = "Marker",
		.page_out = "NextMarker"},
	[LAMBDA_UPDATE_MAPPING] =
		REST(lambda, "UpdateEventSourceMapping", "PUT", MAPPINGS "/{UUID}"),
	[LAMBDA_DELETE_MAPPING] =
		REST(lambda, "DeleteEventSourceMapping", "DELETE", MAPPINGS "/{UUID}"),

	[LOGS_CREATE_GROUP] = ACTION(logs, "CreateLogGroup", AGAIN_LOOK),
	[LOGS_DESCRIBE_GROUPS] = PAGED(logs, "DescribeLogGroups", "nextToken", "nextToken"),
	[LOGS_LIST_TAGS] = ACTION(logs, "ListTagsForResource", AGAIN_SAFE),
	[LOGS_PUT_RETENTION] = ACTION(logs, "PutRetentionPolicy", AGAIN_SAFE),
	[LOGS_DELETE_GROUP] = ACTION(logs, "DeleteLogGroup", AGAIN_SAFE),

	[CE_GET_COST_AND_USAGE] = PAGED(ce, "GetCostAndUsage", "NextPageToken", "NextPageToken"),
};

const struct aws_action *aws_action(enum aws_action_id id)
{
	return &actions[id];
}

static const char *domain(const char *region)
{
	return strncmp(region, "cn-", 3) == 0 ? "amazonaws.com.cn" : "amazonaws.com";
}

const char *aws_service_region(const struct aws_service *service, const char *region)
{
	if (service->scope == SCOPE_REGION)
		return region;
	if (strncmp(region, "cn-", 3) == 0)
		return service == &iam ? "cn-north-1" : "cn-northwest-1";
	return strncmp(region, "us-gov-", 7) == 0 ? "us-gov-west-1" : "us-east-1";
}

void aws_service_endpoint(const struct aws_service *service, const char *region, struct buf *ret)
{
	if (service->scope == SCOPE_REGION)
		buf_printf(ret, "https://%s.%s.%s", service->name, region, domain(region));
	else if (service->scope == SCOPE_HOME)
		buf_printf(ret, "https://%s.%s.%s", service->name,
			aws_service_region(service, region), domain(region));
	else if (strncmp(region, "cn-", 3) == 0)
		buf_printf(ret, service == &iam ? "https://%s.cn-north-1.%s" : "https://%s.%s",
			service->name, domain(region));
	else if (strncmp(region, "us-gov-", 7) == 0)
		buf_printf(ret, "https://%s.us-gov.amazonaws.com", service->name);
	else
		buf_printf(ret, "https://%s.amazonaws.com", service->name);
}
