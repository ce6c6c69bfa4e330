/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/transfer.h"

/* In one piece: the pointers, then what they point to. */
static const char *const *strings_copy(const char *const *strings)
{
	size_t count = 0, size = 0;
	char **copy, *text;

	for (; strings[count]; count++)
		size += strlen(strings[count]) + 1;
	copy = malloc((count + 1) * sizeof(*copy) + size);
	if (!copy)
		return NULL;
	text = (char *)&copy[count + 1];
	for (size_t i = 0; i < count; i++) {
		copy[i] = text;
		size = strlen(strings[i]) + 1;
		memcpy(text, strings[i], size);
		text += size;
	}
	copy[count] = NULL;
	return (const char *const *)copy;
}

void net_request_done(struct net_request *request)
{
	free((void *)request->headers);
	free((char *)request->method);
	free((char *)request->url);
	free((char *)request->socket_path);
	free((char *)request->connect_to);
	free((char *)request->ca_file);
	free((char *)request->cert_file);
	free((void *)request->body);
}

static char *text_or_null(const char *text, bool *failed)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		*failed = true;
	return copy;
}

int net_request_copy(struct net_request *target, const struct net_request *request)
{
	bool failed = false;
	void *body = NULL;

	*target = *request;
	target->method = text_or_null(request->method, &failed);
	target->url = text_or_null(request->url, &failed);
	target->socket_path = text_or_null(request->socket_path, &failed);
	target->connect_to = text_or_null(request->connect_to, &failed);
	target->ca_file = text_or_null(request->ca_file, &failed);
	target->cert_file = text_or_null(request->cert_file, &failed);
	target->cancel = NULL;
	target->headers = NULL;
	if (request->headers) {
		target->headers = strings_copy(request->headers);
		failed = failed || !target->headers;
	}
	if (request->body_len > 0) {
		body = malloc(request->body_len);
		failed = failed || !body;
		if (body)
			memcpy(body, request->body, request->body_len);
	}
	target->body = body;
	return failed ? -ENOMEM : 0;
}
