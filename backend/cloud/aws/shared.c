/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/shared.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/lock.h"
#include "cloud/aws/account.h"
#include "cloud/aws/account_memo.h"
#include "cloud/aws/dns/dns_batch.h"
#include "cloud/aws/dns/dns_page.h"
#include "cloud/aws/network.h"
#include "cloud/aws/resource/function_code.h"
#include "cloud/aws/settled.h"

struct aws_shared {
	struct aws_client *client;
	struct account_memo *memo;
	struct dns_pages *pages;
	struct function_codes *codes;
	struct dns_batch *names;
	struct network_cache *networks;
	char *platform;
	struct settled *settled;
	int port_low, port_high;
	struct lock lock; /* of what follows */
	struct cond changed;
	bool stopped;
	char *policy; /* text; each call parses a copy of its own */
	struct error deaf; /* why the queue of hosts' events cannot be read */
};

int aws_shared_new(struct aws_shared **ret, const struct cloud_aws_options *options,
	struct error *reterr)
{
	struct aws_shared *shared = calloc(1, sizeof(*shared));
	int r;

	if (!shared)
		return error_oom(reterr);
	lock_init(&shared->lock, LOCK_LEAF);
	cond_init(&shared->changed);
	shared->platform = strdup(options->platform);
	shared->port_low = options->port_low;
	shared->port_high = options->port_high;
	shared->settled = settled_new();
	shared->memo = account_memo_new();
	shared->pages = dns_pages_new();
	shared->codes = function_codes_new();
	shared->names = dns_batch_new();
	shared->networks = network_cache_new();
	r = shared->platform && shared->settled && shared->memo && shared->pages && shared->codes &&
			    shared->names && shared->networks
		    ? aws_client_new(&shared->client, reterr)
		    : error_oom(reterr);
	if (r < 0)
		aws_shared_free(shared);
	else
		*ret = shared;
	return r;
}

void aws_shared_stop(struct aws_shared *shared)
{
	aws_client_stop(shared->client);
	LOCKED(&shared->lock);
	shared->stopped = true;
	cond_broadcast(&shared->changed);
}

bool aws_shared_wait(struct aws_shared *shared, int64_t due_ns)
{
	LOCKED(&shared->lock);
	if (!shared->stopped)
		(void)cond_wait_until(&shared->changed, &shared->lock, due_ns);
	return !shared->stopped;
}

void aws_shared_set_deaf(struct aws_shared *shared, const struct error *error)
{
	LOCKED(&shared->lock);
	shared->deaf = *error;
}

void aws_shared_deaf(struct aws_shared *shared, struct error *ret)
{
	LOCKED(&shared->lock);
	*ret = shared->deaf;
}

void aws_shared_free(struct aws_shared *shared)
{
	if (!shared)
		return;
	aws_client_free(shared->client);
	settled_free(shared->settled);
	account_memo_free(shared->memo);
	dns_pages_free(shared->pages);
	function_codes_free(shared->codes);
	dns_batch_free(shared->names);
	network_cache_free(shared->networks);
	cond_done(&shared->changed);
	lock_done(&shared->lock);
	free(shared->platform);
	free(shared->policy);
	free(shared);
}

int aws_shared_set_policy(struct aws_shared *shared, const char *text, struct error *reterr)
{
	_cleanup_policy_ struct policy *policy = NULL;
	char *copy;
	int r;

	if (!text || !*text)
		return 0;
	r = policy_parse(text, strlen(text), &policy, reterr);
	if (r == 0)
		r = aws_client_set_region(shared->client, policy_text(policy, "region"), reterr);
	if (r < 0)
		return r;
	copy = strdup(text);
	if (!copy)
		return error_oom(reterr);
	LOCKED(&shared->lock);
	free(shared->policy);
	shared->policy = copy;
	cond_broadcast(&shared->changed);
	return 0;
}

int account_open_bare(struct account *ret, struct aws_shared *shared, struct error *reterr)
{
	_cleanup_free_ char *text = NULL;
	bool there;

	*ret = (struct account){
		.client = shared->client,
		.memo = shared->memo,
		.pages = shared->pages,
		.codes = shared->codes,
		.names = shared->names,
		.networks = shared->networks,
		.platform = shared->platform,
		.settled = shared->settled,
		.port_low = shared->port_low,
		.port_high = shared->port_high,
	};
	lock_acquire(&shared->lock);
	there = shared->policy != NULL;
	text = there ? strdup(shared->policy) : NULL;
	lock_release(&shared->lock);
	if (!there)
		return 0;
	return text ? policy_parse(text, strlen(text), &ret->policy, reterr) : error_oom(reterr);
}

int account_open(struct account *ret, struct aws_shared *shared, struct error *reterr)
{
	int r = account_open_bare(ret, shared, reterr);

	if (r < 0 || ret->policy)
		return r;
	return error_set(reterr, -ENODATA,
		"there is no policy yet: the administrator writes "
		".platform/policy/infrastructure.json");
}

void account_done(struct account *account)
{
	policy_free(account->policy);
}
