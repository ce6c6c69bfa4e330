/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns - the names of the local cloud, answered by a dnsmasq of our own on one address.
 * Promises: when a call returns 0 the name server answers accordingly; the time to live is 0.
 * Threads: all calls from any thread at once; a manager thread of its own does the work.
 * Ownership: arguments are borrowed for the call.
 */
#ifndef DUPLOFS_CLOUD_LOCAL_DNS_H
#define DUPLOFS_CLOUD_LOCAL_DNS_H

#include "cloud/cloud.h"

struct dns;

/* Adopts a dnsmasq that an earlier process left running. */
int dns_new(struct dns **ret, const struct cloud_local_options *options, struct error *reterr);

int dns_ensure(struct dns *dns, const char *name, const char *address, struct error *reterr);
int dns_remove(struct dns *dns, const char *name, struct error *reterr);
int dns_settle(struct dns *dns, struct error *reterr);
void dns_health(struct dns *dns, bool *ret_up, char *text, size_t size);
void dns_health_watch(struct dns *dns, cloud_health_fn fn, void *arg);
void dns_free(struct dns *dns, bool keep);

#endif
