/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "engine/docker.h"

#define ANSWER_MAX ((size_t)256 << 20) /* a list of 30,000 containers is 60 MB */
#define PING_MS    5000
#define API_WANTED "1.41"

/* Where it is, for people. */
static const char *docker_place(const struct docker *docker)
{
	if (docker->socket_path)
		return docker->socket_path;
	return docker->connect_to ? docker->connect_to : docker->base;
}

int docker_unreachable(const struct docker *docker, int code, struct error *reterr)
{
	const char *where = docker_place(docker);

	switch (code) {
	case -ENOENT:
	case -ECONNREFUSED:
	case -EHOSTUNREACH:
	case -ENETUNREACH:
		return error_set(reterr, -ENOTCONN,
			"the container engine does not answer at %s: is dockerd running? "
			"(systemctl start docker)",
			where);
	case -EACCES:
		return error_set(reterr, -ENOTCONN,
			"the container engine at %s may not be used: duplofs must run as root",
			where);
	case -ECONNRESET:
		return error_set(reterr, -ENOTCONN,
			"the container engine at %s broke off the connection; it may be restarting",
			where);
	case -ETIMEDOUT:
		return error_set(reterr, -ETIMEDOUT,
			"the container engine at %s does not answer in time; it may be overloaded",
			where);
	default:
		return code;
	}
}

void docker_request(const struct docker *docker, const char *method, const char *url,
	struct net_request *request)
{
	*request = (struct net_request){
		.method = method,
		.url = url,
		.socket_path = docker->socket_path,
		.connect_to = docker->connect_to,
		.ca_file = docker->ca_file,
		.cert_file = docker->cert_file,
		.direct = true,
		.cancel = docker->cancel,
	};
}

/* "1.9" < "1.41": numbers, not text. */
static int docker_version_compare(const char *a, const char *b)
{
	int a_major = 0, a_minor = 0, b_major = 0, b_minor = 0;

	(void)sscanf(a, "%d.%d", &a_major, &a_minor);
	(void)sscanf(b, "%d.%d", &b_major, &b_minor);
	return a_major != b_major ? a_major - b_major : a_minor - b_minor;
}

static void docker_version_choose(const json_t *answer, char version[16])
{
	const char *newest = json_get_string(answer, "ApiVersion", API_WANTED);
	const char *oldest = json_get_string(answer, "MinAPIVersion", API_WANTED);
	const char *chosen = API_WANTED;

	if (docker_version_compare(newest, chosen) < 0)
		chosen = newest;
	else if (docker_version_compare(oldest, chosen) > 0)
		chosen = oldest;
	(void)text_copy(version, 16, chosen);
}

int docker_version(struct docker *docker, char version[16], struct error *reterr)
{
	_cleanup_response_ struct net_response response = NET_RESPONSE_INIT;
	_cleanup_json_ json_t *answer = NULL;
	_cleanup_buf_ struct buf url = BUF_INIT;
	struct net_request request;
	int r;

	lock_acquire(&docker->lock);
	(void)text_copy(version, 16, docker->version);
	lock_release(&docker->lock);
	if (version[0])
		return 0;
	buf_printf(&url, "%s/version", docker->base);
	if (url.error)
		return error_oom(reterr);
	docker_request(docker, "GET", url.data, &request);
	request.timeout_ms = PING_MS;
	request.max_bytes = ANSWER_MAX;
	r = net_call(docker->net, &request, &response, reterr);
	if (r < 0)
		return docker_unreachable(docker, r, reterr);
	answer = json_loadb(buf_string(&response.body), response.body.len, 0, NULL);
	if (response.status != 200 || !json_is_object(answer))
		return error_set(reterr, -EPROTO, "what answers at %s is not a container engine",
			docker_place(docker));
	docker_version_choose(answer, version);
	LOCKED(&docker->lock);
	(void)text_copy(docker->version, sizeof(docker->version), version);
	return 0;
}

void docker_version_forget(struct docker *docker)
{
	LOCKED(&docker->lock);
	docker->version[0] = '\0';
}

static int docker_answer_failure(struct docker *docker, const struct docker_call *call,
	const struct net_response *response, struct error *reterr)
{
	_cleanup_json_ json_t *answer = NULL;
	const char *message;

	answer = json_loadb(buf_string(&response->body), response->body.len, 0, NULL);
	message = json_get_string(answer, "message", NULL);
	if (!message)
		message = response->body.len > 0 ? buf_string(&response->body) : "no reason given";
	if (response->status == 400 && strstr(message, "client version"))
		docker_version_forget(docker);
	return docker_failure(response->status, message, call->subject, reterr);
}

static int docker_exchange(struct docker *docker, struct docker_call *call,
	struct net_request *limits, struct net_response *response, struct error *reterr)
{
	static const char *const json_header[] = {"Content-Type: application/json", NULL};
	static const char *const tar_header[] = {"Content-Type: application/x-tar", NULL};
	_cleanup_buf_ struct buf url = BUF_INIT, body = BUF_INIT;
	char version[16];
	int r;

	r = docker_version(docker, version, reterr);
	if (r < 0)
		return r;
	buf_printf(&url, "%s/v%s%s", docker->base, version, call->path);
	if (call->body) {
		json_print(call->body, JSON_COMPACT, &body);
		limits->headers = json_header;
		limits->body = body.data;
		limits->body_len = body.len;
	} else if (call->tar) {
		limits->headers = tar_header;
		limits->body = call->tar->data;
		limits->body_len = call->tar->len;
	}
	if (url.error || body.error)
		return error_oom(reterr);
	limits->url = url.data;
	r = net_call(docker->net, limits, response, reterr);
	if (r < 0)
		return docker_unreachable(docker, r, reterr);
	call->ret_status = response->status;
	if ((response->status >= 200 && response->status < 300) ||
		(call->also_fine && response->status == call->also_fine))
		return 0;
	return docker_answer_failure(docker, call, response, reterr);
}

int docker_call(struct docker *docker, struct docker_call *call, json_t **ret_json,
	struct error *reterr)
{
	_cleanup_response_ struct net_response response = NET_RESPONSE_INIT;
	struct net_request request;
	json_error_t where;
	json_t *answer;
	int r;

	docker_request(docker, call->method, NULL, &request);
	request.timeout_ms = call->timeout_ms > 0 ? call->timeout_ms : DOCKER_QUICK_MS;
	request.max_bytes = ANSWER_MAX;
	r = docker_exchange(docker, call, &request, &response, reterr);
	if (r < 0 || !ret_json)
		return r;
	answer = json_loadb(buf_string(&response.body), response.body.len, 0, &where);
	if (!answer)
		return error_set(reterr, -EPROTO, "the container engine's answer is not JSON: %s",
			where.text);
	*ret_json = answer;
	return 0;
}

int docker_get(struct docker *docker, const struct buf *path, const char *subject,
	json_t **ret_json, struct error *reterr)
{
	struct docker_call call = {.method = "GET", .path = path->data, .subject = subject};

	return path->error ? error_oom(reterr) : docker_call(docker, &call, ret_json, reterr);
}

int docker_stream(struct docker *docker, struct docker_call *call, net_data_fn data, void *arg,
	struct error *reterr)
{
	_cleanup_response_ struct net_response response = NET_RESPONSE_INIT;
	struct net_request request;

	docker_request(docker, call->method, NULL, &request);
	request.timeout_ms = call->timeout_ms;
	request.idle_timeout_ms = call->timeout_ms > 0 ? 0 : DOCKER_PULL_IDLE_MS;
	request.data = data;
	request.arg = arg;
	return docker_exchange(docker, call, &request, &response, reterr);
}

void docker_filter(struct buf *url, const char *platform, const char *name)
{
	_cleanup_json_ json_t *filter = NULL;
	_cleanup_buf_ struct buf text = BUF_INIT;

	filter = json_pack("{s:[s++]}", "label", LABEL_PLATFORM, "=", platform);
	if (filter && name)
		(void)json_object_set_new(filter, "name", json_pack("[s]", name));
	if (!filter) {
		url->error = -ENOMEM;
		return;
	}
	json_print(filter, JSON_COMPACT, &text);
	if (text.error)
		url->error = text.error;
	net_escape(url, buf_string(&text));
}

bool docker_is_ours(const struct docker *docker, const json_t *labels)
{
	const char *platform = json_get_string(labels, LABEL_PLATFORM, NULL);

	return platform && strcmp(platform, docker->platform) == 0;
}

json_t *docker_labels(const struct label *labels, size_t count)
{
	json_t *object = json_object();

	for (size_t i = 0; object && i < count; i++) {
		if (json_object_set_new(object, labels[i].key, json_string(labels[i].value)) < 0) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}
