/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service - the services of AWS that we speak to, and what each can be asked: a row an action.
 * Promises: constant tables; what a request looks like on the wire derives from them.
 * Threads: no state.
 * Ownership: nothing to free.
 */
#ifndef DUPLOFS_AWS_SERVICE_H
#define DUPLOFS_AWS_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

/* How a request is written; sources: the service models of botocore. */
enum codec {
	CODEC_EC2, /* form in, XML out; lists as Name.1 */
	CODEC_QUERY, /* form in, XML out in <Action>Result; lists as Name.member.1 */
	CODEC_JSON, /* JSON both ways; X-Amz-Target names the action */
	CODEC_REST_XML, /* method and path name the action */
	CODEC_REST_JSON,
};

enum service_scope {
	SCOPE_REGION, /* https://prefix.region.amazonaws.com */
	SCOPE_GLOBAL, /* https://prefix.amazonaws.com, signed for us-east-1 */
	SCOPE_HOME, /* https://prefix.us-east-1.amazonaws.com, whatever the region */
};

struct aws_service {
	const char *name; /* of the endpoint and in signatures */
	const char *variable; /* AWS_ENDPOINT_URL_<variable> leads it elsewhere */
	const char *version;
	enum codec codec;
	enum service_scope scope;
	const char *target; /* CODEC_JSON: prefix of X-Amz-Target */
	const char *content_type;
};

/* May a request whose fate is unknown be sent again? */
enum again {
	AGAIN_SAFE, /* reads; deletes and changes that name what they are about */
	AGAIN_TOKEN, /* creates with a token of ours: the same token gives the same thing */
	AGAIN_LOOK, /* all else: look at what there is first. Not sent again by the client */
};

struct aws_action {
	const struct aws_service *service;
	const char *name;
	const char *method; /* NULL: POST */
	const char *path; /* NULL: "/"; {Name} stands for that field, {Name+} keeps its slashes */
	enum again again;
	/* Pages: the member of the answer that names the next page goes into this field of the
	 * next request. NULL: the answer is always whole. */
	const char *page_in, *page_out;
	/* Of an answer without a body: this header is its only node. NULL: it says nothing. */
	const char *header;
};

enum aws_action_id {
	STS_GET_CALLER_IDENTITY,
	STS_ASSUME_ROLE,
	EC2_CREATE_SECURITY_GROUP,
	EC2_DESCRIBE_SECURITY_GROUPS,
	EC2_DESCRIBE_SECURITY_GROUP_RULES,
	EC2_AUTHORIZE_INGRESS,
	EC2_AUTHORIZE_EGRESS,
	EC2_REVOKE_INGRESS,
	EC2_REVOKE_EGRESS,
	EC2_DELETE_SECURITY_GROUP,
	EC2_IMPORT_KEY_PAIR,
	EC2_DESCRIBE_KEY_PAIRS,
	EC2_DELETE_KEY_PAIR,
	EC2_CREATE_TAGS,
	EC2_DESCRIBE_VPCS,
	EC2_DESCRIBE_SUBNETS,
	EC2_RUN_INSTANCES,
	EC2_DESCRIBE_INSTANCES,
	EC2_DESCRIBE_IMAGES,
	EC2_DESCRIBE_VOLUMES,
	EC2_MODIFY_VOLUME,
	EC2_TERMINATE_INSTANCES,
	SSM_GET_PARAMETER,
	IAM_CREATE_ROLE,
	IAM_GET_ROLE,
	IAM_LIST_ROLES,
	IAM_GET_ACCOUNT_DETAILS,
	IAM_DELETE_ROLE,
	IAM_PUT_ROLE_POLICY,
	IAM_GET_ROLE_POLICY,
	IAM_LIST_ROLE_POLICIES,
	IAM_DELETE_ROLE_POLICY,
	IAM_LIST_ATTACHED_ROLE_POLICIES,
	IAM_ATTACH_ROLE_POLICY,
	IAM_DETACH_ROLE_POLICY,
	IAM_CREATE_INSTANCE_PROFILE,
	IAM_GET_INSTANCE_PROFILE,
	IAM_LIST_INSTANCE_PROFILES,
	IAM_ADD_ROLE_TO_INSTANCE_PROFILE,
	IAM_REMOVE_ROLE_FROM_INSTANCE_PROFILE,
	IAM_DELETE_INSTANCE_PROFILE,
	ELB_CREATE_LOAD_BALANCER,
	ELB_DESCRIBE_LOAD_BALANCERS,
	ELB_DELETE_LOAD_BALANCER,
	ELB_SET_SECURITY_GROUPS,
	ELB_SET_SUBNETS,
	ELB_CREATE_TARGET_GROUP,
	ELB_DESCRIBE_TARGET_GROUPS,
	ELB_DELETE_TARGET_GROUP,
	ELB_MODIFY_TARGET_GROUP,
	ELB_DESCRIBE_TARGET_GROUP_ATTRIBUTES,
	ELB_MODIFY_TARGET_GROUP_ATTRIBUTES,
	ELB_REGISTER_TARGETS,
	ELB_DEREGISTER_TARGETS,
	ELB_DESCRIBE_TARGET_HEALTH,
	ELB_CREATE_LISTENER,
	ELB_DESCRIBE_LISTENERS,
	ELB_DELETE_LISTENER,
	ELB_MODIFY_LISTENER,
	ELB_DESCRIBE_TAGS,
	ACM_DESCRIBE_CERTIFICATE,
	R53_CHANGE_RECORDS,
	R53_LIST_RECORDS,
	S3_LIST_BUCKETS,
	S3_CREATE_BUCKET,
	S3_HEAD_BUCKET,
	S3_HEAD_OBJECT,
	S3_DELETE_BUCKET,
	S3_GET_TAGS,
	S3_PUT_TAGS,
	S3_LIST_OBJECTS,
	S3_LIST_VERSIONS,
	S3_DELETE_OBJECTS,
	S3_GET_VERSIONING,
	S3_PUT_VERSIONING,
	S3_PUT_PUBLIC_BLOCK,
	SQS_LIST_QUEUES,
	SQS_CREATE_QUEUE,
	SQS_GET_QUEUE_URL,
	SQS_LIST_QUEUE_TAGS,
	SQS_TAG_QUEUE,
	SQS_GET_ATTRIBUTES,
	SQS_SET_ATTRIBUTES,
	SQS_DELETE_QUEUE,
	SQS_RECEIVE_MESSAGE,
	SQS_DELETE_MESSAGE,
	DYNAMODB_LIST_TABLES,
	DYNAMODB_CREATE_TABLE,
	DYNAMODB_DESCRIBE_TABLE,
	DYNAMODB_LIST_TAGS,
	DYNAMODB_UPDATE_TABLE,
	DYNAMODB_LIST_BACKUPS,
	DYNAMODB_CREATE_BACKUP,
	DYNAMODB_DELETE_TABLE,
	RDS_CREATE_INSTANCE,
	RDS_DESCRIBE_INSTANCES,
	RDS_MODIFY_INSTANCE,
	RDS_DELETE_INSTANCE,
	CACHE_CREATE_CLUSTER,
	CACHE_DESCRIBE_CLUSTERS,
	CACHE_MODIFY_CLUSTER,
	CACHE_DELETE_CLUSTER,
	CACHE_LIST_TAGS,
	CACHE_CREATE_GROUP,
	CACHE_DESCRIBE_GROUPS,
	CACHE_MODIFY_GROUP,
	CACHE_INCREASE_REPLICAS,
	CACHE_DECREASE_REPLICAS,
	CACHE_DELETE_GROUP,
	SWF_LIST_DOMAINS,
	SWF_REGISTER_DOMAIN,
	SWF_DESCRIBE_DOMAIN,
	SWF_LIST_TAGS,
	SWF_DEPRECATE_DOMAIN,
	SWF_UNDEPRECATE_DOMAIN,
	LAMBDA_LIST_FUNCTIONS,
	LAMBDA_CREATE_FUNCTION,
	LAMBDA_GET_FUNCTION,
	LAMBDA_UPDATE_CODE,
	LAMBDA_UPDATE_CONFIGURATION,
	LAMBDA_TAG,
	LAMBDA_DELETE_FUNCTION,
	LAMBDA_CREATE_MAPPING,
	LAMBDA_LIST_MAPPINGS,
	LAMBDA_UPDATE_MAPPING,
	LAMBDA_DELETE_MAPPING,
	LOGS_CREATE_GROUP,
	LOGS_DESCRIBE_GROUPS,
	LOGS_LIST_TAGS,
	LOGS_PUT_RETENTION,
	LOGS_DELETE_GROUP,
	CE_GET_COST_AND_USAGE,
	AWS_ACTIONS,
};

const struct aws_action *aws_action(enum aws_action_id id);

/* Where the service is in region: appends "https://ec2.us-west-2.amazonaws.com". */
void aws_service_endpoint(const struct aws_service *service, const char *region, struct buf *ret);
/* The region that requests are signed for. */
const char *aws_service_region(const struct aws_service *service, const char *region);

#endif
