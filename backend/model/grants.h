/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grants - who of other tenants may see a service: `tenant` or `tenant/service` a line; "#" begins
 *          a comment.
 * Promises: what grants_check has accepted is read without errors; no I/O, no allocation.
 * Threads: any.
 * Ownership: text is borrowed.
 */
#ifndef DUPLOFS_MODEL_GRANTS_H
#define DUPLOFS_MODEL_GRANTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct grant {
	char tenant[64];
	char service[64]; /* "": all of the tenant's */
};

/* -EINVAL names the line; -ENODATA: the last line may go on. */
int grants_check(const char *text, size_t len, struct error *reterr);

/* The next grant of a text that ends with a NUL; *at starts at its beginning. False: no more. */
bool grants_next(const char **at, struct grant *ret);

/* True when text lets a service of a tenant see the one that it belongs to. */
bool grants_allow(const char *text, const char *tenant, const char *service);

/* Splits "tenant/service", as Neighbors lists it. False: it has no tenant, or is none of both. */
bool grants_split(const char *name, struct grant *ret);

#endif
