/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificate - which names the policy's certificate is for.
 * Promises: asked of AWS once in a while, however many balancers are made.
 * Threads: all calls from any thread at once.
 * Ownership: certificate_cache_done frees what is known.
 */
#ifndef DUPLOFS_CLOUD_AWS_BALANCER_CERTIFICATE_H
#define DUPLOFS_CLOUD_AWS_BALANCER_CERTIFICATE_H

#include "base/buf.h"
#include "base/turn.h"
#include "cloud/aws/account.h"

struct certificate_cache {
	struct turn turn;
	struct lock lock;
	char arn[256];
	struct buf names; /* a line each, "*.example.com" */
	int64_t until_ns;
};

void certificate_cache_init(struct certificate_cache *cache);
void certificate_cache_done(struct certificate_cache *cache);

/* Has the policy a certificate for this name? -EINVAL: it has one that cannot be used. */
int certificate_covers(struct certificate_cache *cache, struct account *account, const char *dns,
	bool *ret, struct error *reterr);

/* Is it one of these names, a line each? A wildcard stands for one label (RFC 6125, 6.4.3). Pure.
 * */
bool certificate_names_cover(const char *names, const char *dns);

#endif
