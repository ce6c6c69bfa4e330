/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/transfer.h"

static void strings_free(char **strings)
{
	for (size_t i = 0; strings && strings[i]; i++)
		free(strings[i]);
	free(strings);
}

static char **strings_copy(const char *const *strings)
{
	size_t count = 0;
	char **copy;

	while (strings[count])
		count++;
	copy = calloc(count + 1, sizeof(*copy));
	for (size_t i = 0; copy && i < count; i++) {
		copy[i] = strdup(strings[i]);
		if (!copy[i]) {
			strings_free(copy);
			return NULL;
		}
	}
	return copy;
}

void net_request_done(struct net_request *request)
{
	strings_free((char **)request->headers);
	free((char *)request->method);
	free((char *)request->url);
	free((char *)request->socket_path);
	free((char *)request->ca_file);
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
	target->ca_file = text_or_null(request->ca_file, &failed);
	target->cancel = NULL;
	target->headers = NULL;
	if (request->headers) {
		target->headers = (const char *const *)strings_copy(request->headers);
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
