/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/turn.h"

#define KNOWN_NS (600 * NS_PER_SECOND)

struct network_cache {
	struct turn turn;
	struct lock lock; /* LOCK_LEAF: what follows */
	struct network known;
	uint64_t hash; /* of the policy's ids */
	int64_t ranges_until_ns, until_ns; /* monotonic: how long the ranges are good, and all */
};

struct network_cache *network_cache_new(void)
{
	struct network_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return NULL;
	lock_init(&cache->lock, LOCK_LEAF);
	turn_init(&cache->turn);
	return cache;
}

void network_cache_free(struct network_cache *cache)
{
	if (!cache)
		return;
	turn_done(&cache->turn);
	lock_done(&cache->lock);
	free(cache);
}

static uint64_t hash_of(const struct policy *policy)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	const char *id;

	buf_printf(&text, "%s %s", policy_text(policy, "region"), policy_text(policy, "vpc_id"));
	for (size_t i = 0; (id = policy_item(policy, "public_subnet_ids", i)) != NULL; i++)
		buf_printf(&text, " %s", id);
	return text_hash(buf_string(&text), text.len);
}

/* "10.0.0.0/16" */
static bool parse_range(const char *range, uint32_t *ret_base, uint32_t *ret_mask)
{
	const char *slash = strchr(range, '/');
	struct in_addr address;
	char base[16];
	int64_t bits;

	if (!slash || slash - range >= (ptrdiff_t)sizeof(base) ||
		text_parse_int(slash + 1, 0, 32, &bits) < 0)
		return false;
	(void)snprintf(base, sizeof(base), "%.*s", (int)(slash - range), range);
	if (inet_pton(AF_INET, base, &address) != 1)
		return false;
	*ret_mask = bits == 0 ? 0 : UINT32_MAX << (32 - bits);
	*ret_base = ntohl(address.s_addr) & *ret_mask;
	return true;
}

bool network_holds(const struct network *network, const char *address)
{
	struct in_addr one;
	uint32_t base, mask;

	if (inet_pton(AF_INET, address, &one) != 1)
		return false;
	for (size_t i = 0; i < network->range_count; i++)
		if (parse_range(network->ranges[i], &base, &mask) &&
			(ntohl(one.s_addr) & mask) == base)
			return true;
	return false;
}

static void add_range(struct network *network, const char *range)
{
	uint32_t base, mask;

	if (!parse_range(range, &base, &mask) || network->range_count == NETWORK_RANGES_MAX)
		return;
	for (size_t i = 0; i < network->range_count; i++)
		if (strcmp(network->ranges[i], range) == 0)
			return;
	(void)text_copy(network->ranges[network->range_count++], sizeof(network->ranges[0]), range);
}

static int read_ranges(const struct account *account, struct network *ret, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(EC2_DESCRIBE_VPCS);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	const char *id = policy_text(account->policy, "vpc_id");
	const struct answer_node *vpc, *range;
	int r;

	aws_request_set(&request, "VpcId.1", id);
	r = account_call(account, &request, &answer, FAULT_MISSING, reterr);
	if (r < 0)
		return r;
	vpc = answer_find(answer.root, "vpcSet/item");
	add_range(ret, answer_text(vpc, "cidrBlock"));
	range = answer_find(vpc, "cidrBlockAssociationSet/item");
	for (; range; range = answer_next(range))
		add_range(ret, answer_text(range, "cidrBlock"));
	if (ret->range_count > 0)
		return 0;
	return error_set(reterr, -EINVAL,
		"the policy's vpc_id %s: AWS does not have it, and the administrator corrects "
		".platform/policy/infrastructure.json",
		id);
}

/* A balancer takes one subnet in each zone. */
static void add_subnet(struct network *network, const struct answer_node *subnet,
	const char *zones[NETWORK_ZONES_MAX])
{
	const char *zone = answer_text(subnet, "availabilityZone");

	for (size_t i = 0; i < network->subnet_count; i++)
		if (strcmp(zones[i], zone) == 0)
			return;
	if (network->subnet_count == NETWORK_ZONES_MAX)
		return;
	if (!answer_find(subnet, "ipv6CidrBlockAssociationSet/item"))
		network->dual_stack = false;
	zones[network->subnet_count] = zone;
	(void)text_copy(network->subnets[network->subnet_count++], sizeof(network->subnets[0]),
		answer_text(subnet, "subnetId"));
}

static int read_subnets(const struct account *account, struct network *ret, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(EC2_DESCRIBE_SUBNETS);
	_cleanup_answer_ struct answer answer = ANSWER_INIT;
	const char *zones[NETWORK_ZONES_MAX] = {NULL}, *id;
	const struct answer_node *subnet;
	int r;

	for (size_t i = 0; (id = policy_item(account->policy, "public_subnet_ids", i)); i++)
		aws_request_setf(&request, id, "SubnetId.%zu", i + 1);
	r = account_call(account, &request, &answer, FAULT_OTHER, reterr);
	if (r == -ENOENT)
		return error_prefix(reterr, "the policy's public_subnet_ids");
	if (r < 0)
		return r;
	ret->dual_stack = true;
	subnet = answer_find(answer.root, "subnetSet/item");
	for (; subnet; subnet = answer_next(subnet))
		add_subnet(ret, subnet, zones);
	if (ret->subnet_count >= 2)
		return 0;
	return error_set(reterr, -EINVAL,
		"the policy's public_subnet_ids are %s%s: a load balancer needs subnets in two "
		"zones at least",
		ret->subnet_count ? "all in zone " : "not there", zones[0] ? zones[0] : "");
}

static bool recall(struct network_cache *cache, uint64_t hash, bool whole, struct network *ret)
{
	LOCKED(&cache->lock);
	if (cache->hash != hash ||
		clock_now_ns() >= (whole ? cache->until_ns : cache->ranges_until_ns))
		return false;
	*ret = cache->known;
	return true;
}

static void remember(struct network_cache *cache, uint64_t hash, const struct network *found,
	bool ranges_new, bool whole)
{
	int64_t until_ns = clock_now_ns() + KNOWN_NS;

	LOCKED(&cache->lock);
	cache->known = *found;
	cache->hash = hash;
	cache->until_ns = whole ? until_ns : 0;
	if (ranges_new)
		cache->ranges_until_ns = until_ns;
}

static int ask(const struct account *account, uint64_t hash, bool whole, struct network *ret,
	struct error *reterr)
{
	struct network found = {.subnet_count = 0};
	bool known = recall(account->networks, hash, false, &found);
	int r = 0;

	found.subnet_count = 0;
	if (!known)
		r = read_ranges(account, &found, reterr);
	if (r == 0 && whole)
		r = read_subnets(account, &found, reterr);
	if (r < 0)
		return r;
	*ret = found;
	remember(account->networks, hash, &found, !known, whole);
	return 0;
}

static int find(const struct account *account, bool whole, struct network *ret,
	struct error *reterr)
{
	struct network_cache *cache = account->networks;
	uint64_t hash = hash_of(account->policy);
	bool mine;
	int r = 0;

	if (recall(cache, hash, whole, ret))
		return 0;
	mine = turn_take(&cache->turn);
	if (mine || !recall(cache, hash, whole, ret))
		r = ask(account, hash, whole, ret, reterr);
	if (mine)
		turn_give(&cache->turn);
	return r;
}

int network_get(const struct account *account, struct network *ret, struct error *reterr)
{
	return find(account, true, ret, reterr);
}

int network_ranges(const struct account *account, struct network *ret, struct error *reterr)
{
	return find(account, false, ret, reterr);
}

bool network_recall_ranges(const struct account *account, struct network *ret)
{
	return recall(account->networks, hash_of(account->policy), false, ret);
}
