/* SPDX-License-Identifier: Apache-2.0 */
/* The instance's metadata service, version 2 only: a session token first, then everything else. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "aws/answer.h"
#include "aws/client.h"
#include "aws/credentials.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "net/net.h"

#define IMDS_URL        "http://169.254.169.254"
#define IMDS_TIMEOUT_MS 2000
#define IMDS_MAX        65536

static int imds_call(struct aws_client *client, const char *method, const char *path,
	const char *header, struct net_response *response, struct error *reterr)
{
	const char *base = getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	const char *const headers[] = {header, NULL};
	_cleanup_buf_ struct buf url = BUF_INIT;
	struct net_request request = {
		.method = method,
		.headers = headers,
		.timeout_ms = IMDS_TIMEOUT_MS,
		.max_bytes = IMDS_MAX,
		.direct = true,
		.cancel = aws_client_cancel(client),
	};
	int r;

	buf_puts(&url, base && *base ? base : IMDS_URL);
	while (url.len > 0 && url.data[url.len - 1] == '/')
		buf_truncate(&url, url.len - 1);
	buf_puts(&url, path);
	if (url.error)
		return error_oom(reterr);
	request.url = url.data;
	r = net_call(aws_client_net(client), &request, response, reterr);
	if (r < 0)
		return r;
	if (response->status != 200)
		return error_set(reterr, response->status == 404 ? -ENOENT : -EIO,
			"the instance's metadata service answers %d for %s", response->status,
			path);
	return 0;
}

/* "X-aws-ec2-metadata-token: ..."; -ENOENT: this is no instance. */
static int imds_session(struct aws_client *client, struct buf *ret_header, struct error *reterr)
{
	_cleanup_response_ struct net_response response = NET_RESPONSE_INIT;
	const char *disabled = getenv("AWS_EC2_METADATA_DISABLED");
	int r;

	if (disabled && strcasecmp(disabled, "true") == 0)
		return -ENOENT;
	r = imds_call(client, "PUT", "/latest/api/token",
		"X-aws-ec2-metadata-token-ttl-seconds: 21600", &response, reterr);
	/* Nobody there, or somebody else. */
	if (r < 0)
		return r == -ECANCELED || r == -ENOMEM ? r : -ENOENT;
	buf_printf(ret_header, "X-aws-ec2-metadata-token: %s", buf_string(&response.body));
	return ret_header->error ? error_oom(reterr) : 0;
}

static int imds_get(struct aws_client *client, const char *session, const char *path,
	struct net_response *response, struct error *reterr)
{
	return imds_call(client, "GET", path, session, response, reterr);
}

#define ROLES_PATH "/latest/meta-data/iam/security-credentials/"

int credentials_from_instance(struct aws_client *client, struct credentials *ret,
	struct error *reterr)
{
	_cleanup_response_ struct net_response response = NET_RESPONSE_INIT;
	_cleanup_buf_ struct buf session = BUF_INIT, path = BUF_INIT;
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	int r;

	r = imds_session(client, &session, reterr);
	if (r == 0)
		r = imds_get(client, session.data, ROLES_PATH, &response, reterr);
	if (r < 0)
		return r;
	buf_puts(&path, ROLES_PATH);
	response.body.data[strcspn(buf_string(&response.body), "\r\n")] = '\0';
	net_escape(&path, buf_string(&response.body));
	if (path.error)
		return error_oom(reterr);
	r = imds_get(client, session.data, path.data, &response, reterr);
	if (r == 0)
		r = answer_parse_json(&answer, buf_string(&response.body), response.body.len,
			reterr);
	buf_wipe(&response.body);
	if (r < 0)
		return error_prefix(reterr, "keys of the instance's role");
	if (!*answer_text(answer.root, "AccessKeyId"))
		return error_set(reterr, -ENOKEY, "the instance's role gives no keys: %s",
			answer_text(answer.root, "Code"));
	return credentials_set(ret, answer_text(answer.root, "AccessKeyId"),
		answer_text(answer.root, "SecretAccessKey"), answer_text(answer.root, "Token"),
		answer_text(answer.root, "Expiration"));
}

int instance_region(struct aws_client *client, char *ret, size_t size, struct error *reterr)
{
	_cleanup_response_ struct net_response response = NET_RESPONSE_INIT;
	_cleanup_buf_ struct buf session = BUF_INIT;
	int r;

	r = imds_session(client, &session, reterr);
	if (r == 0)
		r = imds_get(client, session.data, "/latest/meta-data/placement/region", &response,
			reterr);
	if (r == 0)
		(void)text_copy(ret, size, buf_string(&response.body));
	return r;
}
