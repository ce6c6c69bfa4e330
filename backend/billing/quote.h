/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quote - what an hour of what specs want would cost, before it runs: machines, balancers and
 *         resources by the price table, services by their part of the machine that all share.
 * Promises: today's prices; what has none counts as nothing, as it does on the bill. What a
 *           service uses beyond its reservation is not foreseen.
 * Threads: any; a quote is only read once it is begun.
 * Ownership: quote_done frees.
 */
#ifndef DUPLOFS_BILLING_QUOTE_H
#define DUPLOFS_BILLING_QUOTE_H

#include "billing/money.h"
#include "billing/prices.h"
#include "model/host.h"
#include "model/policy.h"
#include "model/resource.h"
#include "model/service.h"
#include "store/wanted.h"

#define QUOTE_MONTH_HOURS 730 /* of a month in figures that are to be compared */

struct quote {
	struct prices *prices;
	struct usage_subject machine; /* that all share; cpu_milli 0: not known yet */
	int64_t machine_nano; /* an hour of all of it */
	int64_t now_ns;
};

int quote_begin(struct quote *quote, struct store *store, struct error *reterr);
void quote_done(struct quote *quote);
#define _cleanup_quote_ __attribute__((cleanup(quote_done)))

/* Each gives an hour's price. */
int64_t quote_reserve(const struct quote *quote, int64_t cpu_milli, int64_t memory_mib);
int64_t quote_parts(const struct quote *quote, const struct usage_subject *parts, size_t count);
int64_t quote_sum(const struct quote *quote, const struct wanted_sum *sum);
/* alone: its tenant has no hosts of its own, which would be paid whole anyway. */
int64_t quote_service(const struct quote *quote, const char *cloud, const struct service_spec *spec,
	bool alone);

/* What a spec wants that is paid by itself (sku, region, quantity); cloud as fs_options says.
 * Writes at most USAGE_PARTS_MAX and returns how many. */
size_t quote_service_parts(const char *cloud, const struct service_spec *spec,
	struct usage_subject *parts);
/* policy: of the AWS account, for the types that it names; may be NULL. */
size_t quote_host_parts(const char *cloud, const struct policy *policy,
	const struct host_spec *spec, struct usage_subject *parts);
size_t quote_resource_parts(const struct resource_spec *spec, struct usage_subject *parts);

#endif
