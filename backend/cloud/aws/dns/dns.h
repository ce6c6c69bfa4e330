/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns - names of services in the policy's zone of Route 53: aliases of their load balancers.
 * Promises: a name is ours when a text record beside it says so ("_duplofs.<name>"): both are made,
 *           changed and removed in one step. What has none is never touched.
 * Threads: no state.
 * Ownership: arguments are borrowed for the call.
 */
#ifndef DUPLOFS_CLOUD_AWS_DNS_DNS_H
#define DUPLOFS_CLOUD_AWS_DNS_DNS_H

#include "cloud/aws/account.h"
#include "cloud/aws/survey.h"
#include "cloud/cloud.h"

#define DNS_TYPE "dns-name"

/* -EEXIST: it is not the service's. -EINVAL: the policy has no zone for it. */
int aws_dns_ensure(struct account *account, int64_t service, const char *name,
	const struct balancer_state *balancer, struct error *reterr);
/* Gone, or not the service's: 0. */
int aws_dns_remove(struct account *account, int64_t service, const char *name,
	struct error *reterr);

/* Tells of all in the policy's zone (see survey.h). */
int aws_dns_survey(const struct survey *survey, struct error *reterr);

/* The text of the record beside a name, with the quotes of its zone file; and back: false when it
 * is not this platform's. Pure. */
void dns_mark_print(const char *platform, int64_t service, char *ret, size_t size);
bool dns_mark_parse(const char *mark, const char *platform, int64_t *ret_service);

#endif
