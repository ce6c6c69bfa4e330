/* SPDX-License-Identifier: Apache-2.0 */
#include "net/transfer.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define REFUSAL_MAX ((size_t)64 << 10)
#define WAIT_MAX_MS 3600000 /* without any limit: there is nothing to check */
#define CONNECT_MS  10000
#define CONNECTIONS 4L

static pthread_once_t global_once = PTHREAD_ONCE_INIT;
static CURLcode global_code;

static void transfer_global_once(void)
{
	global_code = curl_global_init(CURL_GLOBAL_DEFAULT);
}

int transfer_global_init(struct error *reterr)
{
	(void)pthread_once(&global_once, transfer_global_once);
	if (global_code != CURLE_OK)
		return error_set(reterr, -ENOMEM, "libcurl does not start: %s",
			curl_easy_strerror(global_code));
	return 0;
}

int transfer_init(struct transfer *transfer, struct error *reterr)
{
	*transfer = (struct transfer){0};
	transfer->easy = curl_easy_init();
	return transfer->easy ? 0 : error_oom(reterr);
}

void transfer_done(struct transfer *transfer)
{
	curl_easy_cleanup(transfer->easy);
	curl_slist_free_all(transfer->headers);
	curl_slist_free_all(transfer->place);
	buf_done(&transfer->body);
	buf_done(&transfer->answer_headers);
	*transfer = (struct transfer){0};
}

static bool transfer_is_success(const struct transfer *transfer)
{
	return transfer->status >= 200 && transfer->status < 300;
}

static size_t transfer_limit(const struct transfer *transfer)
{
	if (transfer->request->data)
		return transfer_is_success(transfer) ? transfer->request->max_bytes
							       ? transfer->request->max_bytes
							       : SIZE_MAX
						     : REFUSAL_MAX;
	return transfer->request->max_bytes ? transfer->request->max_bytes : NET_BODY_MAX;
}

static int transfer_take(struct transfer *transfer, const char *data, size_t len)
{
	if (len > transfer_limit(transfer) - transfer->received_bytes)
		return -EFBIG;
	transfer->received_bytes += len;
	transfer->progress_ns = clock_now_ns();
	if (transfer->request->data && transfer_is_success(transfer))
		return transfer->request->data(transfer->request->arg, data, len);
	buf_add(&transfer->body, data, len);
	return transfer->body.error;
}

static size_t transfer_on_data(char *data, size_t size, size_t count, void *arg)
{
	struct transfer *transfer = arg;
	size_t len = size * count;
	int r;

	if (transfer->callback_error < 0)
		return CURL_WRITEFUNC_ERROR;
	r = transfer_take(transfer, data, len);
	if (r < 0) {
		transfer->callback_error = r;
		return CURL_WRITEFUNC_ERROR;
	}
	return len;
}

/* Called a line at a time; an interim answer (1xx) starts over. */
static size_t transfer_on_header(char *data, size_t size, size_t count, void *arg)
{
	struct transfer *transfer = arg;
	size_t len = size * count;
	long status = 0;

	if (len >= 5 && memcmp(data, "HTTP/", 5) == 0)
		buf_reset(&transfer->answer_headers);
	if (len > NET_HEADERS_MAX - transfer->answer_headers.len) {
		transfer->callback_error = -EFBIG;
		return 0;
	}
	buf_add(&transfer->answer_headers, data, len);
	transfer->progress_ns = clock_now_ns();
	/* Lines after the answer's body are trailers. */
	if (len > 2 || transfer->status)
		return len;
	(void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 200) {
		transfer->status = (int)status;
		if (transfer->opened)
			transfer->opened(transfer->opened_arg, (int)status);
	}
	return len;
}

static int transfer_add_header(struct transfer *transfer, const char *header, struct error *reterr)
{
	struct curl_slist *longer;

	if (strpbrk(header, "\r\n"))
		return error_set(reterr, -EINVAL, "a header may not contain a line break");
	longer = curl_slist_append(transfer->headers, header);
	if (!longer)
		return error_oom(reterr);
	transfer->headers = longer;
	return 0;
}

static int transfer_set_headers(struct transfer *transfer, struct error *reterr)
{
	const char *const *header = transfer->request->headers;
	int r;

	/* Waiting for "100 Continue" would cost a second with servers that do not know it. */
	r = transfer_add_header(transfer, "Expect:", reterr);
	for (; r == 0 && header && *header; header++)
		r = transfer_add_header(transfer, *header, reterr);
	if (r == 0)
		(void)curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
	return r;
}

static CURLcode transfer_set_method(struct transfer *transfer)
{
	const struct net_request *request = transfer->request;
	CURL *easy = transfer->easy;

	if (strcmp(request->method, "HEAD") == 0)
		return curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	if (request->body_len > 0 || strcmp(request->method, "POST") == 0 ||
		strcmp(request->method, "PUT") == 0) {
		(void)curl_easy_setopt(easy, CURLOPT_POST, 1L);
		(void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
			request->body ? request->body : "");
		(void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
			(curl_off_t)request->body_len);
	}
	return curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

static CURLcode transfer_set_place(struct transfer *transfer)
{
	const char *place = transfer->request->connect_to;
	char rule[300];

	if (!place)
		return CURLE_OK;
	if (snprintf(rule, sizeof(rule), "::%s", place) >= (int)sizeof(rule))
		return CURLE_URL_MALFORMAT;
	transfer->place = curl_slist_append(NULL, rule);
	if (!transfer->place)
		return CURLE_OUT_OF_MEMORY;
	return curl_easy_setopt(transfer->easy, CURLOPT_CONNECT_TO, transfer->place);
}

static CURLcode transfer_set_identity(struct transfer *transfer)
{
	const struct net_request *request = transfer->request;
	CURL *easy = transfer->easy;
	CURLcode code = CURLE_OK;

	if (request->ca_file)
		code = curl_easy_setopt(easy, CURLOPT_CAINFO, request->ca_file);
	if (code == CURLE_OK && request->cert_file)
		code = curl_easy_setopt(easy, CURLOPT_SSLCERT, request->cert_file);
	if (code == CURLE_OK && request->cert_file)
		code = curl_easy_setopt(easy, CURLOPT_SSLKEY, request->cert_file);
	return code;
}

static CURLcode transfer_set_peer(struct transfer *transfer)
{
	const struct net_request *request = transfer->request;
	CURL *easy = transfer->easy;
	CURLcode code;

	code = curl_easy_setopt(easy, CURLOPT_URL, request->url);
	if (code == CURLE_OK && request->socket_path)
		code = curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, request->socket_path);
	if (code == CURLE_OK && (request->socket_path || request->direct))
		code = curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
	if (code == CURLE_OK)
		code = transfer_set_place(transfer);
	return code == CURLE_OK ? transfer_set_identity(transfer) : code;
}

static void transfer_set_common(struct transfer *transfer)
{
	CURL *easy = transfer->easy;

	(void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	(void)curl_easy_setopt(easy, CURLOPT_USERAGENT, "duplofs/" DUPLOFS_VERSION);
	(void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->detail);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, transfer_on_data);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	(void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, transfer_on_header);
	(void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	(void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	(void)curl_easy_setopt(easy, CURLOPT_MAXCONNECTS, CONNECTIONS);
	(void)curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, transfer->request->fresh ? 1L : 0L);
}

static void transfer_forget(struct transfer *transfer)
{
	curl_easy_reset(transfer->easy);
	curl_slist_free_all(transfer->headers);
	transfer->headers = NULL;
	curl_slist_free_all(transfer->place);
	transfer->place = NULL;
	buf_reset(&transfer->body);
	buf_reset(&transfer->answer_headers);
	transfer->status = 0;
	transfer->callback_error = 0;
	transfer->received_bytes = 0;
	transfer->moved_bytes = 0;
	transfer->detail[0] = '\0';
	transfer->started_ns = transfer->progress_ns = clock_now_ns();
}

int transfer_prepare(struct transfer *transfer, const struct net_request *request,
	struct error *reterr)
{
	CURLcode code;

	if (strncmp(request->url, "http://", 7) != 0 && strncmp(request->url, "https://", 8) != 0)
		return error_set(reterr, -EINVAL, "\"%s\" is no HTTP address", request->url);
	transfer_forget(transfer);
	transfer->request = request;
	(void)snprintf(transfer->peer, sizeof(transfer->peer), "%.*s",
		(int)strcspn(request->socket_path ? request->socket_path : request->url, "?"),
		request->socket_path ? request->socket_path : request->url);
	transfer_set_common(transfer);
	code = transfer_set_peer(transfer);
	if (code == CURLE_OK)
		code = transfer_set_method(transfer);
	if (code != CURLE_OK)
		return error_set(reterr, code == CURLE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL,
			"request to %s: %s", request->url, curl_easy_strerror(code));
	return transfer_set_headers(transfer, reterr);
}

static curl_off_t transfer_moved(const struct transfer *transfer)
{
	curl_off_t down = 0, up = 0;
	long headers = 0;

	(void)curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
	(void)curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_UPLOAD_T, &up);
	(void)curl_easy_getinfo(transfer->easy, CURLINFO_HEADER_SIZE, &headers);
	return down + up + headers;
}

/* What is left of a limit that runs since since_ns; the least of all goes into *wait_ms. */
static bool transfer_is_within(int64_t limit_ms, int64_t since_ns, int64_t now_ns, int64_t *wait_ms)
{
	int64_t left_ms = limit_ms - (now_ns - since_ns) / NS_PER_MILLISECOND;

	if (limit_ms <= 0)
		return true;
	if (left_ms < *wait_ms)
		*wait_ms = left_ms;
	return left_ms > 0;
}

int transfer_check(struct transfer *transfer, int *ret_wait_ms, struct error *reterr)
{
	const struct net_request *request = transfer->request;
	int64_t now_ns = clock_now_ns(), wait_ms = WAIT_MAX_MS;
	curl_off_t moved = transfer_moved(transfer);

	if (request->cancel && net_cancel_is_set(request->cancel))
		return error_set(reterr, -ECANCELED, "cancelled");
	if (moved != transfer->moved_bytes) {
		transfer->moved_bytes = moved;
		transfer->progress_ns = now_ns;
	}
	if (!transfer_is_within(request->timeout_ms, transfer->started_ns, now_ns, &wait_ms))
		return error_set(reterr, -ETIMEDOUT, "no %sanswer from %s within %lld ms",
			transfer->status ? "complete " : "", transfer->peer,
			(long long)request->timeout_ms);
	if (!transfer->status && !transfer_is_within(request->open_timeout_ms, transfer->started_ns,
					 now_ns, &wait_ms))
		return error_set(reterr, -ETIMEDOUT, "no answer from %s within %lld ms",
			transfer->peer, (long long)request->open_timeout_ms);
	if (!transfer_is_within(request->idle_timeout_ms, transfer->progress_ns, now_ns, &wait_ms))
		return error_set(reterr, -ETIMEDOUT, "nothing came from %s for %lld ms",
			transfer->peer, (long long)request->idle_timeout_ms);
	*ret_wait_ms = (int)wait_ms;
	return 0;
}

static int transfer_connect_errno(const struct transfer *transfer)
{
	long os_errno = 0;

	(void)curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &os_errno);
	switch (os_errno) {
	case ENOENT:
	case EACCES:
	case EHOSTUNREACH:
	case ENETUNREACH:
		return -(int)os_errno;
	default:
		return -ECONNREFUSED;
	}
}

static int transfer_errno(const struct transfer *transfer, CURLcode code)
{
	switch (code) {
	case CURLE_COULDNT_CONNECT:
		return transfer_connect_errno(transfer);
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return -EHOSTUNREACH;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
		return -ECONNRESET;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	case CURLE_URL_MALFORMAT:
		return -EINVAL;
	default:
		return -EPROTO;
	}
}

int transfer_result(const struct transfer *transfer, CURLcode code, struct error *reterr)
{
	if (transfer->callback_error == -EFBIG)
		return error_set(reterr, -EFBIG, "the answer from %s is too long", transfer->peer);
	if (transfer->callback_error < 0)
		return error_errno(reterr, -transfer->callback_error, "answer from %s",
			transfer->peer);
	if (code == CURLE_OK)
		return 0;
	return error_set(reterr, transfer_errno(transfer, code), "%s: %s", transfer->peer,
		transfer->detail[0] ? transfer->detail : curl_easy_strerror(code));
}
