/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine_type - types of machines that a cloud rents out: a table that ships, which the bill and
 *                the choice of a host's machine share, and the choice itself.
 * Promises: pure.
 * Threads: plain values.
 * Ownership: nothing to free.
 */
#ifndef DUPLOFS_MODEL_MACHINE_TYPE_H
#define DUPLOFS_MODEL_MACHINE_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Name, CPUs, MiB, list price of an hour in USD: x86-64 types of EC2 in us-east-1, Linux, on
 * demand, as of 2026-11. In order of price. */
#define MACHINE_TYPES(X)                                                                           \
	X("t3.nano", 2, 512, "0.0052")                                                             \
	X("t3.micro", 2, 1024, "0.0104")                                                           \
	X("t3.small", 2, 2048, "0.0208")                                                           \
	X("t3.medium", 2, 4096, "0.0416")                                                          \
	X("t3.large", 2, 8192, "0.0832")                                                           \
	X("c5.large", 2, 4096, "0.085")                                                            \
	X("m5.large", 2, 8192, "0.096")                                                            \
	X("r5.large", 2, 16384, "0.126")                                                           \
	X("t3.xlarge", 4, 16384, "0.1664")                                                         \
	X("c5.xlarge", 4, 8192, "0.17")                                                            \
	X("m5.xlarge", 4, 16384, "0.192")                                                          \
	X("r5.xlarge", 4, 32768, "0.252")                                                          \
	X("t3.2xlarge", 8, 32768, "0.3328")                                                        \
	X("c5.2xlarge", 8, 16384, "0.34")                                                          \
	X("m5.2xlarge", 8, 32768, "0.384")                                                         \
	X("r5.2xlarge", 8, 65536, "0.504")                                                         \
	X("c5.4xlarge", 16, 32768, "0.68")                                                         \
	X("m5.4xlarge", 16, 65536, "0.768")                                                        \
	X("r5.4xlarge", 16, 131072, "1.008")                                                       \
	X("m5.8xlarge", 32, 131072, "1.536")

#define MACHINE_TYPE_NAME 32
#define MACHINE_TYPES_MAX 256

struct policy;

struct machine_type {
	char name[MACHINE_TYPE_NAME];
	int64_t cpu_milli, memory_mib;
	int64_t price_nano; /* of an hour */
};

/* A row of the table that ships; false behind the last. */
bool machine_type_shipped(size_t index, struct machine_type *ret);

/* Those that the policy (may be NULL) names, else all that ship; the number of them. */
size_t machine_types_known(const struct policy *policy, struct machine_type ret[MACHINE_TYPES_MAX]);

/* "m5.large:2:8:0.096": name, CPUs, GiB, price of an hour. -EINVAL with the sentence. */
int machine_type_parse(const char *text, struct machine_type *ret, struct error *reterr);

/* The cheapest ones that have so much, and the memory that a host needs at least: the cheapest
 * first, at most max; of the same price the one with more memory first. The number of them; 0:
 * none has. */
size_t machine_type_choose(const struct machine_type *types, size_t count, int64_t cpu_milli,
	int64_t memory_mib, struct machine_type *ret, size_t max);

#endif
