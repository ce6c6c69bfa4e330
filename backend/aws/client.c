/* SPDX-License-Identifier: Apache-2.0 */
#include "aws/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aws/attempt.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#define PAGES_MAX 10000

struct aws_client {
	struct attempt_context context; /* net, cancel, skew, counter */
	struct retry_budget budget;
	struct credential_cache cache;
	struct lock lock; /* region */
	char region[64];
};

int aws_client_new(struct aws_client **ret, struct error *reterr)
{
	struct aws_client *client = calloc(1, sizeof(*client));
	int r;

	if (!client)
		return error_oom(reterr);
	retry_init(&client->budget);
	credential_cache_init(&client->cache);
	lock_init(&client->lock, LOCK_LEAF);
	r = net_new(&client->context.net, reterr);
	if (r == 0)
		r = net_cancel_new(&client->context.cancel, reterr);
	if (r < 0)
		aws_client_free(client);
	else
		*ret = client;
	return r;
}

void aws_client_stop(struct aws_client *client)
{
	net_cancel_set(client->context.cancel);
}

void aws_client_free(struct aws_client *client)
{
	if (!client)
		return;
	net_free(client->context.net);
	net_cancel_free(client->context.cancel);
	credential_cache_done(&client->cache);
	retry_done(&client->budget);
	lock_done(&client->lock);
	free(client);
}

struct net *aws_client_net(struct aws_client *client)
{
	return client->context.net;
}

struct net_cancel *aws_client_cancel(struct aws_client *client)
{
	return client->context.cancel;
}

int64_t aws_client_sent(const struct aws_client *client)
{
	return atomic_load(&client->context.sent);
}

/* Names of regions go into host names. */
static bool is_region(const char *region)
{
	return *region && strlen(region) < 32 &&
	       region[strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

int aws_client_set_region(struct aws_client *client, const char *region, struct error *reterr)
{
	const char *found = region;
	char other[64];

	if (!found || !*found)
		found = getenv("AWS_REGION");
	if (!found || !*found)
		found = getenv("AWS_DEFAULT_REGION");
	if ((!found || !*found) && profile_get(profile_name(), "region", other, sizeof(other)))
		found = other;
	if ((!found || !*found) && instance_region(client, other, sizeof(other), reterr) == 0)
		found = other;
	if (!found || !*found)
		return error_set(reterr, -ENOENT,
			"no region for AWS: set Region in policy/infrastructure.json, or "
			"AWS_REGION");
	if (!is_region(found))
		return error_set(reterr, -EINVAL, "\"%s\" is no region of AWS", found);
	LOCKED(&client->lock);
	(void)text_copy(client->region, sizeof(client->region), found);
	return 0;
}

static int client_region(struct aws_client *client, const struct aws_request *request, char *ret,
	size_t size, struct error *reterr)
{
	if (request->region && !is_region(request->region))
		return error_set(reterr, -EINVAL, "\"%s\" is no region of AWS", request->region);
	for (int tries = 0; tries < 2; tries++) {
		int r;

		lock_acquire(&client->lock);
		(void)text_copy(ret, size, request->region ? request->region : client->region);
		lock_release(&client->lock);
		if (*ret)
			return 0;
		r = aws_client_set_region(client, NULL, reterr);
		if (r < 0)
			return r;
	}
	return 0;
}

struct call {
	struct aws_client *client;
	const struct credentials *given; /* NULL: the cache's */
	const struct aws_request *request;
	char region[64];
	const char *page;
	struct answer *answer;
	struct fault *fault;
};

static int call_once(struct call *call, struct attempt_result *ret, struct error *reterr)
{
	_cleanup_credentials_ struct credentials own = CREDENTIALS_INIT;
	const struct credentials *credentials = call->given;
	struct aws_client *client = call->client;
	struct attempt attempt = {
		.request = call->request,
		.region = call->region,
		.page = call->page,
		.answer = call->answer,
		.fault = call->fault,
	};
	int r;

	*ret = (struct attempt_result){0};
	if (!credentials) {
		r = credential_cache_get(&client->cache, client, &own, reterr);
		if (r < 0)
			return r;
		credentials = &own;
	}
	attempt.credentials = credentials;
	r = attempt_make(&client->context, &attempt, ret, reterr);
	if (r < 0 && call->fault->kind == FAULT_EXPIRED && !call->given)
		credential_cache_expire(&client->cache, credentials->access_key);
	return r;
}

/* Once each: new keys, another idea of what time it is. */
static bool call_mends(struct call *call, unsigned *mended)
{
	unsigned bit = call->fault->kind == FAULT_EXPIRED ? 1U : 2U;

	if (call->fault->kind == FAULT_EXPIRED ? call->given != NULL
					       : call->fault->kind != FAULT_SKEWED)
		return false;
	if (*mended & bit)
		return false;
	*mended |= bit;
	return true;
}

static bool call_pauses(struct call *call, int attempt, const struct attempt_result *result)
{
	uint32_t random = 0;

	(void)text_random(&random, sizeof(random));
	return !net_cancel_wait(call->client->context.cancel,
		retry_pause_ms(attempt, random, result->after_ms));
}

static int call_make(struct call *call, struct error *reterr)
{
	struct retry_budget *budget = &call->client->budget;
	struct attempt_result result;
	unsigned mended = 0;
	int spent = 0, r;

	for (int attempt = 1;; attempt++) {
		r = call_once(call, &result, reterr);
		if (r == 0) {
			retry_give(budget, spent);
			return 0;
		}
		if (r == -ECANCELED || call_mends(call, &mended)) {
			if (r == -ECANCELED)
				return r;
			continue;
		}
		spent = r == -ETIMEDOUT ? RETRY_COST_SLOW : RETRY_COST;
		if (attempt >= RETRY_ATTEMPTS || !result.again || !retry_take(budget, spent))
			return r;
		log_debug("AWS %s, attempt %d: %s", call->request->action->name, attempt,
			reterr ? reterr->text : "failed");
		if (!call_pauses(call, attempt, &result))
			return error_set(reterr, -ECANCELED, "cancelled");
	}
}

static int client_call(struct aws_client *client, const struct credentials *credentials,
	const struct aws_request *request, const char *page, struct answer *answer,
	struct fault *ret_fault, struct error *reterr)
{
	struct fault ignored;
	struct error own = ERROR_INIT;
	struct call call = {
		.client = client,
		.given = credentials,
		.request = request,
		.page = page,
		.answer = answer,
		.fault = ret_fault ? ret_fault : &ignored,
	};
	int r;

	if (!reterr)
		reterr = &own;
	*call.fault = (struct fault){0};
	r = client_region(client, request, call.region, sizeof(call.region), reterr);
	return r < 0 ? r : call_make(&call, reterr);
}

int aws_client_call(struct aws_client *client, const struct aws_request *request,
	struct answer *answer, struct fault *ret_fault, struct error *reterr)
{
	return client_call(client, NULL, request, NULL, answer, ret_fault, reterr);
}

int aws_client_call_as(struct aws_client *client, const struct credentials *credentials,
	const struct aws_request *request, struct answer *answer, struct fault *ret_fault,
	struct error *reterr)
{
	return client_call(client, credentials, request, NULL, answer, ret_fault, reterr);
}

int aws_client_pages(struct aws_client *client, const struct aws_request *request, aws_page_fn fn,
	void *arg, struct fault *ret_fault, struct error *reterr)
{
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	_cleanup_free_ char *page = NULL;
	const char *next;
	int r;

	for (int count = 0; count < PAGES_MAX; count++) {
		r = client_call(client, NULL, request, page, &answer, ret_fault, reterr);
		if (r < 0)
			return r;
		r = fn(arg, answer.root);
		if (r != 0)
			return r < 0 ? error_set(reterr, r, "AWS %s: its answer is not understood",
					       request->action->name)
				     : 0;
		next = request->action->page_out
			       ? answer_text(answer.root, request->action->page_out)
			       : "";
		if (!*next)
			return 0;
		if (page && strcmp(page, next) == 0)
			break;
		free(page);
		page = strdup(next);
		if (!page)
			return error_oom(reterr);
	}
	return error_set(reterr, -ELOOP, "AWS %s: its pages do not end", request->action->name);
}
