/* SPDX-License-Identifier: Apache-2.0 */
/*
 * firewall - lets containers of one network open connections to those of another, where the engine
 *            refuses everything between its networks.
 * Promises: touches one chain of its own and the one rule of DOCKER-USER that leads there; its
 *           rules change all at once; without any permit nothing of it is left.
 * Threads: one call at a time. Runs programs: blocks for up to some seconds.
 * Ownership: the caller frees. The rules stay in the kernel as containers do.
 */
#ifndef DUPLOFS_CLOUD_LOCAL_FIREWALL_H
#define DUPLOFS_CLOUD_LOCAL_FIREWALL_H

#include "cloud/cloud.h"

struct firewall;

int firewall_new(struct firewall **ret, const struct cloud_local_options *options,
	struct error *reterr);
void firewall_free(struct firewall *firewall);

/* As cloud.h says of permit. */
int firewall_permit(struct firewall *firewall, const struct permit *permits, size_t count,
	struct error *reterr);

/* The rules as iptables-restore reads them. -EINVAL: an address is none. */
int firewall_format(const char *chain, const struct permit *permits, size_t count, struct buf *out,
	struct error *reterr);

#endif
