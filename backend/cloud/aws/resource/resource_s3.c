/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets: nobody but the account may read them; one with objects in it is only removed when its
 * spec says that they go with it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cloud/aws/resource/resource.h"

#define XMLNS           " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
#define EMPTY_PAGES_MAX 20 /* of a thousand objects each, before others have their turn */

static struct aws_request request_of(const struct resource_call *call, enum aws_action_id action)
{
	struct aws_request request = aws_request_of(action);

	aws_request_set(&request, "Bucket", call->wanted->external);
	return request;
}

static void add_escaped(struct buf *buf, const char *text)
{
	for (; *text; text++)
		switch (*text) {
		case '&':
			buf_puts(buf, "&amp;");
			break;
		case '<':
			buf_puts(buf, "&lt;");
			break;
		case '>':
			buf_puts(buf, "&gt;");
			break;
		case '\r':
			buf_puts(buf, "&#13;");
			break;
		default:
			buf_putc(buf, *text);
		}
}

static const char *partition(const struct resource_call *call)
{
	const char *region = resource_region(call);

	if (strncmp(region, "cn-", 3) == 0)
		return "aws-cn";
	return strncmp(region, "us-gov-", 7) == 0 ? "aws-us-gov" : "aws";
}

/* One without any tags is ours, too: we were stopped between making and tagging. */
static int look_tags(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = request_of(call, S3_GET_TAGS);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	const struct answer_node *tags;
	int r = account_call(call->account, &request, &answer, FAULT_MISSING, reterr);

	tags = r == 0 ? answer_find(answer.root, "TagSet/Tag") : NULL;
	call->ours = !tags || account_owns(tags, "Key", "Value", call->owner);
	(void)snprintf(call->word, sizeof(call->word), "%s", tags ? "" : "untagged");
	return r;
}

static int look(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = request_of(call, S3_HEAD_BUCKET);
	struct fault fault;
	int r = aws_client_call(call->account->client, &request, &call->answer, &fault, reterr);

	if (r < 0 && fault.kind == FAULT_MISSING) {
		error_clear(reterr);
		return 0;
	}
	if (r < 0 && fault.kind == FAULT_DENIED)
		return error_set(reterr, -EACCES,
			"the platform may not look at the bucket \"%s\": it belongs to another AWS "
			"account, or the platform's role lacks s3:ListBucket",
			call->wanted->external);
	if (r < 0)
		return r;
	call->state = THING_READY;
	(void)snprintf(call->arn, sizeof(call->arn), "arn:%s:s3:::%s", partition(call),
		call->wanted->external);
	return look_tags(call, reterr);
}

static int create(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = request_of(call, S3_CREATE_BUCKET);
	const char *region = resource_region(call);

	/* The first region of all is the one that must not be named. */
	if (strcmp(region, "us-east-1") != 0)
		buf_printf(&request.body,
			"<CreateBucketConfiguration" XMLNS
			"<LocationConstraint>%s</LocationConstraint></CreateBucketConfiguration>",
			region);
	return resource_do(call, &request, FAULT_EXISTS, reterr);
}

static int put_tags(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = request_of(call, S3_PUT_TAGS);
	struct account_tag tags[ACCOUNT_TAGS];
	char id[ACCOUNT_ID_SIZE];

	account_tags(call->owner, call->wanted->external, id, tags);
	buf_puts(&request.body, "<Tagging" XMLNS "<TagSet>");
	for (size_t i = 0; i < ACCOUNT_TAGS; i++)
		buf_printf(&request.body, "<Tag><Key>%s</Key><Value>%s</Value></Tag>", tags[i].key,
			tags[i].value);
	buf_puts(&request.body, "</TagSet></Tagging>");
	return resource_do(call, &request, FAULT_OTHER, reterr);
}

static int block_public(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = request_of(call, S3_PUT_PUBLIC_BLOCK);

	buf_puts(&request.body,
		"<PublicAccessBlockConfiguration" XMLNS "<BlockPublicAcls>true</BlockPublicAcls>"
		"<IgnorePublicAcls>true</IgnorePublicAcls><BlockPublicPolicy>true"
		"</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets>"
		"</PublicAccessBlockConfiguration>");
	return resource_do(call, &request, FAULT_OTHER, reterr);
}

/* One that never had versions says nothing of them. */
static int adjust_versioning(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request get = request_of(call, S3_GET_VERSIONING);
	_cleanup_request_ struct aws_request put = request_of(call, S3_PUT_VERSIONING);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	bool wanted = call->wanted->spec->versioning, there;
	int r = account_call(call->account, &get, &answer, FAULT_OTHER, reterr);

	if (r < 0)
		return r;
	there = strcmp(answer_text(answer.root, "Status"), "Enabled") == 0;
	if (there == wanted)
		return 0;
	buf_printf(&put.body,
		"<VersioningConfiguration" XMLNS "<Status>%s</Status></VersioningConfiguration>",
		wanted ? "Enabled" : "Suspended");
	return resource_do(call, &put, FAULT_OTHER, reterr);
}

/* The tags come last: what has them is complete. */
static int adjust(struct resource_call *call, struct error *reterr)
{
	bool tagged = call->word[0] == '\0';
	int r = tagged ? 0 : block_public(call, reterr);

	if (r == 0)
		r = adjust_versioning(call, reterr);
	return r == 0 && !tagged ? put_tags(call, reterr) : r;
}

static void tell(struct resource_call *call)
{
	_cleanup_buf_ struct buf url = BUF_INIT, endpoint = BUF_INIT;
	const char *scheme = "https://";

	aws_service_endpoint(aws_action(S3_HEAD_BUCKET)->service, resource_region(call), &endpoint);
	buf_printf(&url, "%s%s.%s/", scheme, call->wanted->external,
		buf_string(&endpoint) + strlen(scheme));
	resource_output(call, "url", buf_string(&url));
	resource_tell_usual(call);
}

/* ---- removing ---- */

/* A page of versions and of marks that something was removed; *ret_count: how many went. */
static void add_objects(struct buf *body, const struct answer_node *root, const char *path,
	size_t *count)
{
	const struct answer_node *object = answer_find(root, path);

	for (; object; object = answer_next(object), (*count)++) {
		buf_puts(body, "<Object><Key>");
		add_escaped(body, answer_text(object, "Key"));
		buf_puts(body, "</Key><VersionId>");
		add_escaped(body, answer_text(object, "VersionId"));
		buf_puts(body, "</VersionId></Object>");
	}
}

static int empty_page(struct resource_call *call, size_t *ret_count, struct error *reterr)
{
	_cleanup_request_ struct aws_request list = request_of(call, S3_LIST_VERSIONS);
	_cleanup_request_ struct aws_request removal = request_of(call, S3_DELETE_OBJECTS);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	int r;

	aws_request_set(&list, "max-keys", "1000");
	r = account_call(call->account, &list, &answer, FAULT_MISSING, reterr);
	*ret_count = 0;
	if (r < 0)
		return r;
	buf_puts(&removal.body, "<Delete" XMLNS "<Quiet>true</Quiet>");
	add_objects(&removal.body, answer.root, "Version", ret_count);
	add_objects(&removal.body, answer.root, "DeleteMarker", ret_count);
	buf_puts(&removal.body, "</Delete>");
	return *ret_count > 0 ? resource_do(call, &removal, FAULT_MISSING, reterr) : 0;
}

static int empty(struct resource_call *call, struct error *reterr)
{
	size_t count = 1;
	int r = 0;

	for (int page = 0; r == 0 && count > 0; page++) {
		if (page == EMPTY_PAGES_MAX)
			return error_set(reterr, -EAGAIN, "the bucket \"%s\" is being emptied",
				call->wanted->external);
		r = empty_page(call, &count, reterr);
	}
	return r;
}

static int remove_bucket(struct resource_call *call, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = request_of(call, S3_DELETE_BUCKET);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	struct fault fault;
	int r = call->wanted->spec->empty_on_removal ? empty(call, reterr) : 0;

	if (r < 0)
		return r;
	r = aws_client_call(call->account->client, &request, &answer, &fault, reterr);
	if (r < 0 && fault.kind == FAULT_MISSING) {
		error_clear(reterr);
		return 0;
	}
	if (r < 0 && strcmp(fault.code, "BucketNotEmpty") == 0)
		return error_set(reterr, -EBUSY,
			"the bucket \"%s\" has objects, and its spec did not say EmptyOnRemoval: "
			"it goes when somebody has emptied it",
			call->wanted->external);
	return r;
}

static void ask_prefix(const struct survey *survey, struct aws_request *request)
{
	char prefix[64];

	(void)snprintf(prefix, sizeof(prefix), ACCOUNT_NAME_PREFIX, survey->account->platform);
	aws_request_set(request, "prefix", prefix);
	aws_request_set(request, "max-buckets", "1000");
}

const struct aws_resource aws_bucket = {
	.type = "s3",
	.look = look,
	.create = create,
	.adjust = adjust,
	.tell = tell,
	.list = {.action = S3_LIST_BUCKETS,
		.path = "Buckets/Bucket",
		.name = "Name",
		.ask = ask_prefix},
	.remove = remove_bucket,
	.actions = WORDS("s3:ListBucket", "s3:GetBucketLocation", "s3:GetObject", "s3:PutObject",
		"s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"),
	.endings = WORDS("", "/*"),
};
