/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address - the IPv4 range that gives each load balancer its address; listen addresses.
 * Promises: pure arithmetic; a slot always maps to the same address of a range.
 * Threads: no state.
 * Ownership: values only.
 */
#ifndef DUPLOFS_CLOUD_LOCAL_ADDRESS_H
#define DUPLOFS_CLOUD_LOCAL_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define ADDRESS_MAX 16 /* "255.255.255.255" and a NUL */

struct address_range {
	uint32_t first; /* host byte order */
	uint32_t last;
};

/* Parses "127.88.0.0/16"; bits below the prefix must be zero. -EINVAL. */
int address_range_parse(const char *cidr, struct address_range *ret, struct error *reterr);

/* The address of a slot: first + 2 + slot, for first is the network and first + 1 the name server.
 * The last address of the range is never used. -ENOSPC: the range has no such slot. */
int address_of_slot(const struct address_range *range, int64_t slot, char ret[ADDRESS_MAX],
	struct error *reterr);

/* Parses "127.88.0.1:53". -EINVAL. */
int address_listen_parse(const char *text, char ret_address[ADDRESS_MAX], int *ret_port,
	struct error *reterr);

/* True for an IPv4 or IPv6 address in numbers. */
bool address_is_numeric(const char *text);

#endif
