/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_query - asks one name server for the IPv4 address of one name (RFC 1035, one UDP datagram).
 * Promises: a deadline; an answer to another question is not taken.
 * Threads: any, at once.
 * Ownership: values only.
 */
#ifndef DUPLOFS_CLOUD_LOCAL_DNS_QUERY_H
#define DUPLOFS_CLOUD_LOCAL_DNS_QUERY_H

#include "cloud/local/address.h"

/* 0 with the first address; -ENOENT: the server says that there is none; -ETIMEDOUT; -ECONNREFUSED:
 * no server there; -EPROTO: it refuses or fails. */
int dns_query(const char *server, int port, const char *name, int timeout_ms,
	char ret[ADDRESS_MAX]);

#endif
