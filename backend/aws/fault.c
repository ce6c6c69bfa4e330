/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/fault.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

/* Codes by what is to be done about them. A "*" at either end stands for any text. */
static const struct {
	const char *code;
	enum fault_kind kind;
} codes[] = {
	/* Throttling and transient codes: the SDKs' standard retry mode. */
	{"Throttling", FAULT_THROTTLED},
	{"ThrottlingException", FAULT_THROTTLED},
	{"ThrottledException", FAULT_THROTTLED},
	{"RequestThrottledException", FAULT_THROTTLED},
	{"RequestThrottled", FAULT_THROTTLED},
	{"TooManyRequestsException", FAULT_THROTTLED},
	{"ProvisionedThroughputExceededException", FAULT_THROTTLED},
	{"TransactionInProgressException", FAULT_THROTTLED},
	{"RequestLimitExceeded", FAULT_THROTTLED},
	{"BandwidthLimitExceeded", FAULT_THROTTLED},
	{"PriorRequestNotComplete", FAULT_THROTTLED},
	{"SlowDown", FAULT_THROTTLED},
	{"EC2ThrottledException", FAULT_THROTTLED},
	{"RequestTimeout", FAULT_TRANSIENT},
	{"RequestTimeoutException", FAULT_TRANSIENT},
	{"InternalError", FAULT_TRANSIENT},
	{"InternalFailure", FAULT_TRANSIENT},
	{"ServiceUnavailable", FAULT_TRANSIENT},
	{"Unavailable", FAULT_TRANSIENT},

	{"ExpiredToken", FAULT_EXPIRED},
	{"ExpiredTokenException", FAULT_EXPIRED},
	{"RequestExpired", FAULT_EXPIRED},
	{"RequestTimeTooSkewed", FAULT_SKEWED},
	{"RequestInTheFuture", FAULT_SKEWED},
	{"InvalidClientTokenId", FAULT_CREDENTIALS},
	{"UnrecognizedClientException", FAULT_CREDENTIALS},
	{"InvalidAccessKeyId", FAULT_CREDENTIALS},
	{"AuthFailure", FAULT_CREDENTIALS},
	{"SignatureDoesNotMatch", FAULT_CREDENTIALS},
	{"InvalidSignatureException", FAULT_CREDENTIALS},
	{"IncompleteSignature", FAULT_CREDENTIALS},
	{"MissingAuthenticationToken*", FAULT_CREDENTIALS},
	{"InvalidToken", FAULT_CREDENTIALS},
	{"AccessDenied*", FAULT_DENIED},
	{"UnauthorizedOperation", FAULT_DENIED},
	{"OptInRequired", FAULT_DENIED},

	{"DependencyViolation", FAULT_IN_USE},
	{"DeleteConflict", FAULT_IN_USE},
	{"ResourceInUse*", FAULT_IN_USE},
	{"*.InUse", FAULT_IN_USE},
	{"OperationAborted", FAULT_IN_USE},
	{"InvalidDBInstanceState*", FAULT_IN_USE},
	{"InvalidCacheClusterState*", FAULT_IN_USE},
	{"InvalidReplicationGroupState*", FAULT_IN_USE},
	{"ConcurrentModification*", FAULT_IN_USE},
	{"EntityTemporarilyUnmodifiable", FAULT_IN_USE},
	{"BucketNotEmpty", FAULT_IN_USE},
	{"QueueDeletedRecently", FAULT_NOT_READY},

	{"*NotFoundException", FAULT_MISSING},
	{"*NotFound", FAULT_MISSING},
	{"*NotFoundFault", FAULT_MISSING},
	{"NoSuch*", FAULT_MISSING},
	{"*NonExistentQueue", FAULT_MISSING},
	{"QueueDoesNotExist", FAULT_MISSING},
	{"UnknownResourceFault", FAULT_MISSING},
	{"*.Duplicate", FAULT_EXISTS},
	{"*AlreadyExists*", FAULT_EXISTS},
	{"BucketAlreadyOwnedByYou", FAULT_EXISTS},
	{"Duplicate*", FAULT_EXISTS},
	{"QueueNameExists", FAULT_EXISTS},

	{"Insufficient*", FAULT_NO_ROOM}, /* InstanceCapacity, FreeAddressesInSubnet, ... */
	{"UnfulfillableCapacity", FAULT_NO_ROOM},
	{"SpotMaxPriceTooLow", FAULT_NO_ROOM},
	{"*LimitExceeded*", FAULT_QUOTA},
	{"*QuotaExceeded*", FAULT_QUOTA},
	{"*QuotaFor*", FAULT_QUOTA}, /* ElastiCache's: NodeQuotaForCustomerExceeded */
	{"MaxSpotInstanceCountExceeded", FAULT_QUOTA},
	{"CodeStorageExceededException", FAULT_QUOTA},
	{"TooMany*", FAULT_QUOTA},
	{"Invalid*", FAULT_INVALID},
	{"Malformed*", FAULT_INVALID},
	{"Missing*", FAULT_INVALID},
	{"Validation*", FAULT_INVALID},
	{"IdempotentParameterMismatch", FAULT_INVALID},
};

/* What a person reads before and behind AWS's own words. */
static const struct {
	int code;
	const char *advice;
	const char *lead; /* NULL: none */
} kinds[] = {
	[FAULT_OTHER] = {-EIO, ""},
	[FAULT_THROTTLED] = {-EAGAIN, "; AWS asks for fewer requests: it is tried again later"},
	[FAULT_TRANSIENT] = {-EAGAIN, "; it is tried again"},
	[FAULT_MISSING] = {-ENOENT, ""},
	[FAULT_EXISTS] = {-EEXIST, ""},
	[FAULT_IN_USE] = {-EBUSY, "; something still uses it: it is tried again"},
	[FAULT_EXPIRED] = {-EKEYEXPIRED,
		"; the platform's credentials have expired: give it new ones (of a file or a role "
		"they are taken at once, of its environment at its next start)"},
	[FAULT_SKEWED] = {-ETIME, "; set this machine's clock"},
	[FAULT_CREDENTIALS] = {-EKEYREJECTED,
		"; AWS does not know the platform's credentials: check them and the policy's "
		"region"},
	[FAULT_DENIED] = {-EACCES,
		"; the platform's role lacks this permission: the administrator can add it"},
	[FAULT_QUOTA] = {-EDQUOT,
		"; a quota of the AWS account is used up: the administrator asks AWS for a higher "
		"one (Service Quotas), or something else is removed"},
	[FAULT_NO_ROOM] = {-EBUSY, "; AWS has no room for it just now: it is tried again"},
	[FAULT_INVALID] = {-EINVAL, ""},
	[FAULT_NOT_READY] = {-EAGAIN, "",
		"AWS does not know everywhere yet what was just made, it is tried again: "},
};

static bool matches(const char *pattern, const char *code)
{
	size_t len = strlen(pattern), code_len = strlen(code);
	bool open_start = pattern[0] == '*', open_end = len > 1 && pattern[len - 1] == '*';
	char middle[64];

	(void)snprintf(middle, sizeof(middle), "%.*s", (int)(len - open_start - open_end),
		pattern + open_start);
	len = strlen(middle);
	if (open_start && open_end)
		return strstr(code, middle) != NULL;
	if (open_end)
		return strncmp(code, middle, len) == 0;
	if (open_start)
		return code_len >= len && strcmp(code + code_len - len, middle) == 0;
	return strcmp(code, middle) == 0;
}

static enum fault_kind kind_of_status(int status)
{
	switch (status) {
	case 401:
	case 403:
		return FAULT_DENIED;
	case 404:
		return FAULT_MISSING;
	case 429:
	case 509:
		return FAULT_THROTTLED;
	case 500:
	case 502:
	case 503:
	case 504:
		return FAULT_TRANSIENT;
	default:
		return FAULT_OTHER;
	}
}

enum fault_kind fault_kind_of(int status, const char *code, const char *message)
{
	if (strcmp(code, "SignatureDoesNotMatch") == 0 &&
		(strstr(message, "Signature expired") || strstr(message, "not yet current")))
		return FAULT_SKEWED;
	if (strcmp(code, "InvalidSignatureException") == 0 && strstr(message, "Signature expired"))
		return FAULT_SKEWED;
	for (size_t i = 0; *code && i < ARRAY_SIZE(codes); i++)
		if (matches(codes[i].code, code))
			return codes[i].kind;
	return kind_of_status(status);
}

static void read_xml(const struct answer *answer, struct fault *ret)
{
	/* EC2: Response/Errors/Error; query: ErrorResponse/Error; S3: Error itself. */
	static const char *const paths[] = {"Errors/Error", "Error", ""};
	const struct answer_node *error;

	for (size_t i = 0; i < ARRAY_SIZE(paths) && !ret->code[0]; i++) {
		error = answer_find(answer->root, paths[i]);
		(void)text_copy(ret->code, sizeof(ret->code), answer_text(error, "Code"));
		(void)text_copy(ret->message, sizeof(ret->message), answer_text(error, "Message"));
	}
	(void)text_copy(ret->request_id, sizeof(ret->request_id),
		answer_find(answer->root, "RequestID") ? answer_text(answer->root, "RequestID")
						       : answer_text(answer->root, "RequestId"));
}

/* "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException:http://..." */
static void take_code(const char *type, struct fault *ret)
{
	const char *start = strrchr(type, '#');

	start = start ? start + 1 : type;
	(void)snprintf(ret->code, sizeof(ret->code), "%.*s", (int)strcspn(start, ":;"), start);
}

static void read_json(const struct answer *answer, struct fault *ret)
{
	take_code(answer_text(answer->root, "__type"), ret);
	(void)text_copy(ret->message, sizeof(ret->message),
		answer_find(answer->root, "message") ? answer_text(answer->root, "message")
						     : answer_text(answer->root, "Message"));
	if (!ret->code[0])
		take_code(answer_text(answer->root, "code"), ret);
}

static void read_headers(const struct net_response *response, struct fault *ret)
{
	char value[160];

	if (net_header(response, "x-amzn-requestid", value, sizeof(value)) ||
		net_header(response, "x-amz-request-id", value, sizeof(value)))
		(void)text_copy(ret->request_id, sizeof(ret->request_id), value);
	if (net_header(response, "x-amzn-errortype", value, sizeof(value)))
		take_code(value, ret);
	/* SQS in JSON: the code that it had before, and the SDKs know. */
	if (net_header(response, "x-amzn-query-error", value, sizeof(value))) {
		value[strcspn(value, ";")] = '\0';
		(void)text_copy(ret->code, sizeof(ret->code), value);
	}
}

/* EC2 says more to who may decode it: long, cut by us, and another text each time. */
static void drop_encoded(char *message)
{
	char *encoded = strstr(message, " Encoded authorization failure message:");

	if (encoded)
		*encoded = '\0';
}

void fault_read(const struct net_response *response, struct fault *ret)
{
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	const char *body = buf_string(&response->body);
	size_t blank = strspn(body, " \t\r\n");

	*ret = (struct fault){.status = response->status};
	if (body[blank] == '<' && answer_parse_xml(&answer, body, response->body.len, NULL) == 0)
		read_xml(&answer, ret);
	else if (body[blank] == '{' &&
		 answer_parse_json(&answer, body, response->body.len, NULL) == 0)
		read_json(&answer, ret);
	read_headers(response, ret);
	drop_encoded(ret->message);
	text_mend(ret->message);
	text_mend(ret->code);
	ret->kind = fault_kind_of(ret->status, ret->code, ret->message);
}

int fault_errno(const struct fault *fault)
{
	return kinds[fault->kind].code;
}

int fault_explain(const struct fault *fault, const struct aws_action *action, struct error *reterr)
{
	char said[520];

	if (fault->code[0])
		(void)snprintf(said, sizeof(said), "%s%s%s", fault->code,
			fault->message[0] ? ": " : "", fault->message);
	else
		(void)snprintf(said, sizeof(said), "HTTP status %d without an error code",
			fault->status);
	text_trim_utf8(said);
	return error_set(reterr, fault_errno(fault), "%sAWS %s %s: %.240s%s%s%s%s",
		kinds[fault->kind].lead ? kinds[fault->kind].lead : "", action->service->name,
		action->name, said, kinds[fault->kind].advice,
		fault->request_id[0] ? " (request " : "", fault->request_id,
		fault->request_id[0] ? ")" : "");
}
