/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_batch - changes of names on their way to Route 53, which takes five requests a second from an
 *             account, but a thousand changes with each of them.
 * Promises: a change that comes alone goes at once; those that come within a second of it go
 *           together. They wait in nobody's thread: who has given one asks again. One that is
 *           refused keeps no other from being made.
 * Threads: all calls from any thread at once; send waits for the network with nothing locked,
 *          cancel for a request that is under way.
 * Ownership: texts are copied; a fixed number of names, those that nobody asks about are forgotten.
 */
#ifndef DUPLOFS_CLOUD_AWS_DNS_DNS_BATCH_H
#define DUPLOFS_CLOUD_AWS_DNS_DNS_BATCH_H

#include "cloud/aws/account.h"

struct dns_batch; /* of one account */

enum dns_batch_state {
	DNS_BATCH_NONE, /* there is no such change */
	DNS_BATCH_WAITS,
	DNS_BATCH_DONE,
	DNS_BATCH_ALONE, /* it went with others, and one of them was refused: look, and go alone */
};

struct dns_batch *dns_batch_new(void); /* NULL: no memory */
void dns_batch_free(struct dns_batch *batch);

/* What has become of a change of this name to what wanted is a hash of; one to anything else is
 * given up. What has come to its end is told once. */
enum dns_batch_state dns_batch_look(struct dns_batch *batch, const char *name, uint64_t wanted);

/* One more, as dns_change_... write it, in the zone of the policy. False: there is no room. */
bool dns_batch_add(const struct account *account, const char *name, uint64_t wanted,
	const struct buf *changes);

/* Sends all that wait, if it is time. 0: this name's change is made. -EINPROGRESS: not yet; look
 * again in a second. */
int dns_batch_send(const struct account *account, const char *name, struct error *reterr);

/* Nothing is changed about the name any more. */
void dns_batch_cancel(struct dns_batch *batch, const char *name);

#endif
