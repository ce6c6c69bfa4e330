/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/attempt.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/fault_meaning.h"
#include "aws/sigv4.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

#define TIMEOUT_MS   60000
#define OPEN_MS      40000
#define HEADERS_MAX  8
#define SKEW_SMALL_S 30
#define SKEW_LARGE_S 240 /* below the five minutes that services take */

/* The headers that are signed; the last ones are optional. */
struct signing {
	struct sigv4_header headers[HEADERS_MAX];
	size_t count;
	char date[SIGV4_DATE_SIZE], hash[SIGV4_HASH_SIZE], target[160];
	char checksum[48]; /* of the body, as S3 wants it beside the signature */
};

static void signing_add(struct signing *signing, const char *name, const char *value)
{
	signing->headers[signing->count++] = (struct sigv4_header){name, value};
}

/* The hash, which is hexadecimal, in base64. */
static void print_checksum(const char *hash, char *ret)
{
	unsigned char bytes[32];
	unsigned value;

	for (size_t i = 0; i < sizeof(bytes); i++) {
		(void)sscanf(hash + 2 * i, "%2x", &value);
		bytes[i] = (unsigned char)value;
	}
	(void)EVP_EncodeBlock((unsigned char *)ret, bytes, sizeof(bytes));
}

/* https://host:port of the service: AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, or AWS's own. */
static void endpoint(const struct aws_service *service, const char *region, struct buf *ret)
{
	char name[96];
	const char *url;

	(void)snprintf(name, sizeof(name), "AWS_ENDPOINT_URL_%s", service->variable);
	url = getenv(name);
	if (!url || !*url)
		url = getenv("AWS_ENDPOINT_URL");
	if (!url || !*url) {
		aws_service_endpoint(service, region, ret);
		return;
	}
	buf_puts(ret, url);
	while (ret->len > 0 && ret->data[ret->len - 1] == '/')
		buf_truncate(ret, ret->len - 1);
}

static void host_of(const char *url, struct buf *ret)
{
	const char *start = strstr(url, "://");

	start = start ? start + 3 : url;
	buf_add(ret, start, strcspn(start, "/"));
}

static int sign(struct attempt_context *context, const struct attempt *attempt,
	const struct aws_wire *wire, const char *host, struct signing *signing, struct buf *ret,
	struct error *reterr)
{
	const struct aws_action *action = attempt->request->action;
	const struct aws_service *service = action->service;
	time_t now = (time_t)(clock_wall_ns() / NS_PER_SECOND + atomic_load(&context->skew_s));
	struct sigv4_scope scope = {
		.access_key = attempt->credentials->access_key,
		.secret_key = attempt->credentials->secret_key,
		.region = aws_service_region(service, attempt->region),
		.service = service->name,
		.time = now,
		.path_as_is = strcmp(service->name, "s3") == 0,
	};
	struct sigv4_request request = {
		.method = wire->method,
		.path = buf_string(&wire->path),
		.query = buf_string(&wire->query),
		.headers = signing->headers,
		.payload_hash = signing->hash,
	};
	int r = sigv4_hash(wire->body.data, wire->body.len, signing->hash);

	if (r < 0)
		return error_set(reterr, r, "the request to AWS cannot be signed");
	sigv4_date(now, signing->date);
	signing_add(signing, "Host", host);
	signing_add(signing, "X-Amz-Date", signing->date);
	signing_add(signing, "Content-Type", service->content_type);
	if (scope.path_as_is)
		signing_add(signing, "X-Amz-Content-Sha256", signing->hash);
	if (scope.path_as_is && wire->body.len > 0) {
		print_checksum(signing->hash, signing->checksum);
		signing_add(signing, "X-Amz-Checksum-Sha256", signing->checksum);
	}
	if (service->target) {
		(void)snprintf(signing->target, sizeof(signing->target), "%s.%s", service->target,
			action->name);
		signing_add(signing, "X-Amz-Target", signing->target);
	}
	if (*attempt->credentials->token)
		signing_add(signing, "X-Amz-Security-Token", attempt->credentials->token);
	request.header_count = signing->count;
	return sigv4_authorization(&request, &scope, ret, reterr);
}

static char *header_text(const char *name, const char *value)
{
	return text_format("%s: %s", name, value);
}

static int send_signed(struct attempt_context *context, const struct attempt *attempt,
	const struct aws_wire *wire, const char *url, const struct signing *signing,
	const char *authorization, struct net_response *response, struct error *reterr)
{
	char *lines[HEADERS_MAX + 2] = {NULL};
	size_t count = 0;
	bool whole = true;
	struct net_request request = {
		.method = wire->method,
		.url = url,
		.headers = (const char *const *)lines,
		.body = wire->body.data,
		.body_len = wire->body.len,
		.timeout_ms = TIMEOUT_MS,
		.open_timeout_ms = OPEN_MS,
		.fresh = attempt->request->action->again == AGAIN_LOOK,
		.cancel = context->cancel,
	};
	int r = -ENOMEM;

	for (; count < signing->count; count++) {
		lines[count] =
			header_text(signing->headers[count].name, signing->headers[count].value);
		whole = whole && lines[count];
	}
	lines[count] = header_text("Authorization", authorization);
	if (whole && lines[count]) {
		(void)atomic_fetch_add(&context->sent, 1);
		r = net_call(context->net, &request, response, reterr);
	} else {
		(void)error_oom(reterr);
	}
	for (size_t i = 0; i <= count; i++)
		free(lines[i]);
	return r;
}

static int64_t retry_after(const struct net_response *response)
{
	char value[32];
	int64_t after_ms = 0;

	if (!net_header(response, "x-amz-retry-after", value, sizeof(value)) ||
		text_parse_int(value, 0, INT32_MAX, &after_ms) < 0)
		return 0;
	return after_ms;
}

/* "Thu, 26 Nov 2026 12:00:00 GMT": how far our clock is behind. False: it does not say. */
static bool read_skew(const struct net_response *response, int64_t *ret_s)
{
	char value[64];
	struct tm tm = {0};

	if (!net_header(response, "date", value, sizeof(value)) ||
		!strptime(value, "%a, %d %b %Y %H:%M:%S", &tm))
		return false;
	*ret_s = (int64_t)timegm(&tm) - clock_wall_ns() / NS_PER_SECOND;
	if (llabs(*ret_s) < SKEW_SMALL_S)
		*ret_s = 0;
	return true;
}

/* A wrong time has many codes: EC2 says RequestExpired, as for old keys, others that the signature
 * is wrong. As the SDKs do, what counts is whether AWS has another time than we signed for. */
static void learn_skew(struct attempt_context *context, const struct net_response *response,
	struct fault *fault)
{
	int64_t skew_s;

	if (fault->kind != FAULT_SKEWED && fault->kind != FAULT_EXPIRED &&
		fault->kind != FAULT_CREDENTIALS)
		return;
	if (!read_skew(response, &skew_s))
		return;
	if (llabs(skew_s - (int64_t)atomic_load(&context->skew_s)) > SKEW_LARGE_S)
		fault->kind = FAULT_SKEWED;
	if (fault->kind == FAULT_SKEWED)
		atomic_store(&context->skew_s, skew_s);
}

/* Query services wrap what they have to say in <Action>Result. */
static void unwrap(struct answer *answer, const struct aws_action *action)
{
	const struct answer_node *result;
	char name[96];

	(void)snprintf(name, sizeof(name), "%sResult", action->name);
	result = answer_find(answer->root, name);
	if (result)
		answer->root = (struct answer_node *)result;
}

/* One that has no body may say it in a header. */
static int read_header(struct answer *answer, const char *header,
	const struct net_response *response, struct error *reterr)
{
	struct answer_node *root, *node;
	char value[160];

	if (!header || !net_header(response, header, value, sizeof(value)))
		return 0;
	root = answer_add(answer, NULL, "", 0);
	node = root ? answer_add(answer, root, header, strlen(header)) : NULL;
	if (node)
		node->text = answer_keep(answer, value, strlen(value));
	if (node && node->text)
		return 0;
	answer_done(answer);
	return error_oom(reterr);
}

static int read_answer(const struct attempt *attempt, const struct net_response *response,
	struct error *reterr)
{
	const struct aws_action *action = attempt->request->action;
	const char *body = buf_string(&response->body);
	enum codec codec = action->service->codec;
	int r;

	answer_done(attempt->answer);
	if (response->body.len == 0 && (codec == CODEC_REST_XML || codec == CODEC_REST_JSON))
		return read_header(attempt->answer, action->header, response, reterr);
	/* SQS and DynamoDB have answers without anything in them. */
	if (response->body.len == 0 && codec == CODEC_JSON)
		return 0;
	r = codec == CODEC_JSON || codec == CODEC_REST_JSON
		    ? answer_parse_json(attempt->answer, body, response->body.len, reterr)
		    : answer_parse_xml(attempt->answer, body, response->body.len, reterr);
	if (r < 0)
		return error_prefix(reterr, "AWS %s %s", action->service->name, action->name);
	unwrap(attempt->answer, action);
	return 0;
}

static int judge(struct attempt_context *context, const struct attempt *attempt,
	const struct net_response *response, struct attempt_result *ret, struct error *reterr)
{
	const struct aws_action *action = attempt->request->action;
	int r;

	if (response->status >= 200 && response->status < 300) {
		r = read_answer(attempt, response, reterr);
		ret->again = r == -EBADMSG && retry_is_allowed(action->again, FAULT_TRANSIENT);
		return r;
	}
	fault_read(response, attempt->fault);
	learn_skew(context, response, attempt->fault);
	attempt->fault->kind = fault_meaning(attempt->fault, action);
	ret->after_ms = retry_after(response);
	ret->again = retry_is_allowed(action->again, attempt->fault->kind);
	return fault_explain(attempt->fault, action, reterr);
}

static bool is_unreachable(int error)
{
	return error == -ECONNREFUSED || error == -EHOSTUNREACH || error == -ENETUNREACH;
}

/* No answer: nobody there, or it was cut off; then the request may have been executed. */
static bool is_again(const struct aws_action *action, int error)
{
	if (is_unreachable(error))
		return true;
	switch (error) {
	case -ETIMEDOUT:
	case -ECONNRESET:
		return retry_is_allowed(action->again, FAULT_TRANSIENT);
	default:
		return false;
	}
}

int attempt_make(struct attempt_context *context, const struct attempt *attempt,
	struct attempt_result *ret, struct error *reterr)
{
	const struct aws_action *action = attempt->request->action;
	_cleanup_response_ struct net_response response = NET_RESPONSE_INIT;
	_cleanup_buf_ struct buf url = BUF_INIT, host = BUF_INIT, authorization = BUF_INIT;
	_cleanup_wire_ struct aws_wire wire = {0};
	struct signing signing = {.count = 0};
	int r;

	*attempt->fault = (struct fault){0};
	r = aws_wire_make(&wire, attempt->request, attempt->page, reterr);
	if (r < 0)
		return r;
	endpoint(action->service, attempt->region, &url);
	host_of(buf_string(&url), &host);
	buf_printf(&url, "%s%s%s", buf_string(&wire.path), wire.query.len > 0 ? "?" : "",
		buf_string(&wire.query));
	if (url.error || host.error)
		return error_oom(reterr);
	r = sign(context, attempt, &wire, host.data, &signing, &authorization, reterr);
	if (r == 0)
		r = send_signed(context, attempt, &wire, url.data, &signing, authorization.data,
			&response, reterr);
	if (r == 0)
		return judge(context, attempt, &response, ret, reterr);
	ret->again = is_again(action, r);
	return error_prefix(reterr, "AWS %s %s in %s%s", action->service->name, action->name,
		attempt->region,
		is_unreachable(r) ? " cannot be reached, check this machine's network and the "
				    "policy's region"
				  : "");
}
