/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network - the policy's network as AWS knows it: its ranges, and where its public subnets are.
 * Promises: asked once in a while, however many balancers are made; a sentence says what is wrong.
 * Threads: all calls from any thread at once.
 * Ownership: plain values.
 */
#ifndef DUPLOFS_CLOUD_AWS_NETWORK_H
#define DUPLOFS_CLOUD_AWS_NETWORK_H

#include "cloud/aws/account.h"

#define NETWORK_ZONES_MAX  8
#define NETWORK_RANGES_MAX 8

struct network {
	char subnets[NETWORK_ZONES_MAX][32]; /* one in each zone, as balancers want them */
	size_t subnet_count;
	bool dual_stack; /* each of them has IPv6 addresses, too */
	char ranges[NETWORK_RANGES_MAX][32]; /* IPv4, as 10.0.0.0/16 */
	size_t range_count;
};

struct network_cache; /* of one account: holds one network */

struct network_cache *network_cache_new(void); /* NULL: no memory */
void network_cache_free(struct network_cache *cache);

/* -EINVAL: the policy's ids do not make a network for load balancers. */
int network_get(const struct account *account, struct network *ret, struct error *reterr);
/* The same without subnets. */
int network_ranges(const struct account *account, struct network *ret, struct error *reterr);
/* The same, but nobody is asked. False: they are not known just now. */
bool network_recall_ranges(const struct account *account, struct network *ret);

/* Is the address within one of its ranges? Pure. */
bool network_holds(const struct network *network, const char *address);

#endif
