/* SPDX-License-Identifier: Apache-2.0 */
/*
 * canonical - the one spelling of a path, a query and headers that both ends of a signature use.
 * Promises: pure; the first failure (-ENOMEM) sticks in the buf.
 * Threads: no state.
 * Ownership: texts are borrowed for the call.
 */
#ifndef DUPLOFS_AWS_CANONICAL_H
#define DUPLOFS_AWS_CANONICAL_H

#include <stdbool.h>
#include <stddef.h>

#include "aws/sigv4.h"
#include "base/buf.h"

void canonical_path(const char *path, bool as_is, bool keep_segments, struct buf *ret);

/* Parameters escaped in one way, in the order of their bytes. */
void canonical_query(const char *query, struct buf *ret);

/* "name:value\n" in order of names, which are in lower case; values of one name joined. */
void canonical_headers(const struct sigv4_header *headers, size_t count, struct buf *ret);

/* "name;name" */
void canonical_names(const struct sigv4_header *headers, size_t count, struct buf *ret);

#endif
