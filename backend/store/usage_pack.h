/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage_pack - what was measured in hours that are over: a row an hour, where a month of rows a
 *              subject and hour would take most of the time that a bill takes to read.
 * Promises: packed and unpacked it is the same; of two measures of a subject the later one counts.
 * Threads: usage_pack inside an update; the rest any.
 * Ownership: values only.
 */
#ifndef DUPLOFS_STORE_USAGE_PACK_H
#define DUPLOFS_STORE_USAGE_PACK_H

#include <stddef.h>
#include <stdint.h>

struct txn;

struct packed_measure {
	int64_t subject, cpu_milli, memory_mib; /* subject: its id */
};

/* Packs the payer's hours before that one. It costs a look when there is nothing to pack. */
int usage_pack(struct txn *txn, int64_t payer, int64_t hour_ns);

/* The measure at an index; how many there are in so many bytes. */
struct packed_measure usage_pack_get(const void *bytes, size_t index);
size_t usage_pack_count(size_t len);

#endif
