/* SPDX-License-Identifier: Apache-2.0 */
#include "net/net.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/lock.h"
#include "base/text.h"
#include "net/transfer.h"

#define IDLE_MAX 16

/* A libcurl handle with its connections. */
struct slot {
	struct transfer transfer;
	CURLM *multi;
	uint64_t origin; /* of the last request: who its open connections lead to */
};

struct net {
	struct lock lock;
	struct slot *idle[IDLE_MAX]; /* last used last */
	size_t idle_count;
};

static void slot_free(struct slot *slot)
{
	if (!slot)
		return;
	transfer_done(&slot->transfer);
	(void)curl_multi_cleanup(slot->multi);
	free(slot);
}

static struct slot *slot_new(struct error *reterr)
{
	struct slot *slot = calloc(1, sizeof(*slot));

	if (!slot || transfer_init(&slot->transfer, NULL) < 0) {
		free(slot);
		(void)error_oom(reterr);
		return NULL;
	}
	slot->multi = curl_multi_init();
	if (!slot->multi) {
		slot_free(slot);
		(void)error_oom(reterr);
		return NULL;
	}
	return slot;
}

int net_new(struct net **ret, struct error *reterr)
{
	struct net *net;
	int r;

	r = transfer_global_init(reterr);
	if (r < 0)
		return r;
	net = calloc(1, sizeof(*net));
	if (!net)
		return error_oom(reterr);
	lock_init(&net->lock, LOCK_NET);
	*ret = net;
	return 0;
}

void net_free(struct net *net)
{
	if (!net)
		return;
	while (net->idle_count > 0)
		slot_free(net->idle[--net->idle_count]);
	lock_done(&net->lock);
	free(net);
}

static uint64_t net_origin(const struct net_request *request)
{
	const char *host, *end;

	if (request->socket_path)
		return text_hash(request->socket_path, strlen(request->socket_path));
	host = strstr(request->url, "://");
	end = host ? strchr(host + 3, '/') : NULL;
	return text_hash(request->url, end ? (size_t)(end - request->url) : strlen(request->url));
}

static void net_forget(struct net *net, size_t i)
{
	net->idle_count--;
	memmove(&net->idle[i], &net->idle[i + 1], (net->idle_count - i) * sizeof(net->idle[0]));
}

/* An idle handle with a connection to origin, or NULL. */
static struct slot *net_take(struct net *net, uint64_t origin)
{
	struct slot *slot;

	LOCKED(&net->lock);
	for (size_t i = net->idle_count; i-- > 0;) {
		slot = net->idle[i];
		if (slot->origin != origin)
			continue;
		net_forget(net, i);
		return slot;
	}
	return NULL;
}

static void net_give(struct net *net, struct slot *slot)
{
	struct slot *oldest = NULL;

	lock_acquire(&net->lock);
	if (net->idle_count == IDLE_MAX) {
		oldest = net->idle[0];
		net_forget(net, 0);
	}
	net->idle[net->idle_count++] = slot;
	lock_release(&net->lock);
	slot_free(oldest);
}

/* True when the transfer is over, with its code. */
static bool slot_is_over(struct slot *slot, CURLcode *ret_code)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(slot->multi, &left)) != NULL) {
		if (message->msg != CURLMSG_DONE)
			continue;
		*ret_code = message->data.result;
		return true;
	}
	return false;
}

static int slot_drive(struct slot *slot, struct error *reterr)
{
	const struct net_request *request = slot->transfer.request;
	struct curl_waitfd wake = {
		.fd = net_cancel_fd(request->cancel), .events = CURL_WAIT_POLLIN};
	CURLcode code = CURLE_OK;
	int r, running, wait_ms;

	for (;;) {
		if (curl_multi_perform(slot->multi, &running) != CURLM_OK)
			return error_oom(reterr);
		if (slot_is_over(slot, &code))
			return transfer_result(&slot->transfer, code, reterr);
		r = transfer_check(&slot->transfer, &wait_ms, reterr);
		if (r < 0)
			return r;
		if (curl_multi_poll(slot->multi, &wake, request->cancel ? 1 : 0, wait_ms, NULL) !=
			CURLM_OK)
			return error_oom(reterr);
	}
}

static int slot_run(struct slot *slot, const struct net_request *request, struct error *reterr)
{
	int r;

	r = transfer_prepare(&slot->transfer, request, reterr);
	if (r < 0)
		return r;
	if (curl_multi_add_handle(slot->multi, slot->transfer.easy) != CURLM_OK)
		return error_oom(reterr);
	r = slot_drive(slot, reterr);
	(void)curl_multi_remove_handle(slot->multi, slot->transfer.easy);
	return r;
}

static int net_take_response(struct transfer *transfer, struct net_response *response,
	struct error *reterr)
{
	if (transfer->body.error || transfer->answer_headers.error)
		return error_oom(reterr);
	net_response_done(response);
	response->status = transfer->status;
	response->body = transfer->body;
	response->headers = transfer->answer_headers;
	transfer->body = transfer->answer_headers = BUF_INIT;
	return 0;
}

int net_call(struct net *net, const struct net_request *request, struct net_response *response,
	struct error *reterr)
{
	uint64_t origin = net_origin(request);
	struct slot *slot;
	int r;

	slot = net_take(net, origin);
	if (!slot)
		slot = slot_new(reterr);
	if (!slot)
		return -ENOMEM;
	slot->origin = origin;
	r = slot_run(slot, request, reterr);
	if (r == 0)
		r = net_take_response(&slot->transfer, response, reterr);
	if (r == 0)
		net_give(net, slot);
	else
		slot_free(slot);
	return r;
}

bool net_header(const struct net_response *response, const char *name, char *value, size_t size)
{
	const char *line = buf_string(&response->headers), *end, *from, *found = NULL;
	size_t name_len = strlen(name), found_len = 0;

	for (; (end = strpbrk(line, "\r\n")) != NULL; line = end + strspn(end, "\r\n")) {
		if (strncasecmp(line, name, name_len) != 0 || line[name_len] != ':')
			continue;
		from = line + name_len + 1;
		from += strspn(from, " \t");
		found = from;
		found_len = from < end ? (size_t)(end - from) : 0;
		while (found_len > 0 && strchr(" \t", from[found_len - 1]))
			found_len--;
	}
	if (!found || size == 0)
		return false;
	if (found_len >= size)
		found_len = size - 1;
	memcpy(value, found, found_len);
	value[found_len] = '\0';
	return true;
}

void net_response_done(struct net_response *response)
{
	buf_done(&response->body);
	buf_done(&response->headers);
	response->status = 0;
}

void net_escape(struct buf *buf, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~";
	size_t run;

	while (*text) {
		run = strspn(text, plain);
		buf_add(buf, text, run);
		text += run;
		if (*text)
			buf_printf(buf, "%%%02X", (unsigned char)*text++);
	}
}
