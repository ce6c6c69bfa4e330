/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_records - record sets of the policy's zone in Route 53: what stands under a name, and
 *               changes.
 * Promises: the changes of one request are made all together or not at all, which Route 53
 *           promises.
 * Threads: no state.
 * Ownership: records are borrowed from struct dns_records until its _done.
 */
#ifndef DUPLOFS_CLOUD_AWS_DNS_DNS_RECORDS_H
#define DUPLOFS_CLOUD_AWS_DNS_DNS_RECORDS_H

#include "cloud/aws/account.h"
#include "cloud/cloud.h"

struct dns_page;

#define DNS_MARK_PREFIX "_duplofs."

struct dns_records {
	struct dns_page *page; /* with the name */
	struct answer rest; /* the mark, where it is on another one */
	const struct answer_node *a, *aaaa; /* NULL: none */
	const struct answer_node *mark; /* the text record beside the name */
	bool any; /* records of any type stand under the name itself */
};

#define DNS_RECORDS_INIT                                                                           \
	(struct dns_records)                                                                       \
	{                                                                                          \
		.rest = ANSWER_INIT                                                                \
	}

/* young: as they are now; else as they were some seconds ago. -ENOENT: there is no such zone. */
int dns_records_find(struct dns_records *ret, struct account *account, const char *name, bool young,
	struct error *reterr);
void dns_records_done(struct dns_records *records);
#define _cleanup_dns_records_ __attribute__((cleanup(dns_records_done)))

/* The first value of a record; "" for an alias. */
const char *dns_record_value(const struct answer_node *record);
/* Is it an alias of this balancer? record may be NULL. */
bool dns_record_leads_to(const struct answer_node *record, const struct balancer_state *balancer);

/* Calls fn for each record in the zone, until it returns another value than 0. */
int dns_records_each(const struct account *account,
	int (*fn)(void *arg, const struct answer_node *record), void *arg, struct error *reterr);

/* Changes: any number of them, written one behind the other, then sent. */
void dns_change_alias(struct buf *changes, const char *action, const char *name, const char *type,
	const struct balancer_state *balancer);
void dns_change_mark(struct buf *changes, const char *action, const char *name, const char *mark);
/* Of a record exactly as it was found. */
void dns_change_delete(struct buf *changes, const struct answer_node *record);
/* In the zone of the policy. fault may be NULL. */
int dns_change_send(const struct buf *changes, const struct account *account, struct fault *fault,
	struct error *reterr);

#endif
