/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_page - the last page of records that Route 53 gave: names of services stand beside each
 *            other, so that one page tells of many of them.
 * Promises: it is some seconds old at most; a name that we have changed since is not in it.
 * Threads: all calls from any thread at once; take may wait for the network, with nothing locked.
 * Ownership: a page is shared; who has taken it gives it back.
 */
#ifndef DUPLOFS_CLOUD_AWS_DNS_DNS_PAGE_H
#define DUPLOFS_CLOUD_AWS_DNS_DNS_PAGE_H

#include "cloud/aws/account.h"

struct dns_pages; /* of one account: holds one page */
struct dns_page;

struct dns_pages *dns_pages_new(void);
void dns_pages_free(struct dns_pages *pages);

/* All records with names from `from` to `to` that the policy's zone has, if they fit on a page;
 * young: as they are now. Its answer is ListResourceRecordSets'. */
int dns_page_take(struct dns_page **ret, struct account *account, const char *from, const char *to,
	bool young, struct error *reterr);
const struct answer *dns_page_answer(const struct dns_page *page);
/* Does it reach to this name? Else the rest is asked for. */
bool dns_page_reaches(const struct dns_page *page, const char *to);
void dns_page_give(struct dns_page *page);

/* The name was changed, or may have been. */
void dns_pages_touch(struct dns_pages *pages, const char *name);

/* As Route 53 sorts: by bytes, the labels in reverse and each with its dot; as strcmp. Pure. */
int dns_page_order(const char *one, const char *other);

#endif
