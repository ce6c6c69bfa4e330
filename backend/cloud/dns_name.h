/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_name - host names: check, put into lower case, compare with a domain.
 * Promises: a normalized name has letters, digits, '-' and '.' only, at most 253 bytes (RFC 1123).
 * Threads: no state.
 * Ownership: values only.
 */
#ifndef DUPLOFS_CLOUD_DNS_NAME_H
#define DUPLOFS_CLOUD_DNS_NAME_H

#include <stdbool.h>

#include "base/error.h"

#define DNS_NAME_MAX 256

/* Lower case, without a dot at the end. -EINVAL with a sentence. */
int dns_name_normalize(const char *name, char ret[DNS_NAME_MAX], struct error *reterr);

/* True when name (normalized) is domain or below it. */
bool dns_name_within(const char *name, const char *domain);

/* The name without its first label; "" for a single label. Borrowed from name. */
const char *dns_name_parent(const char *name);

#endif
