/* SPDX-License-Identifier: Apache-2.0 */
/*
 * failover_fixture - a small file system whose whole state is a file that outlives every worker:
 *                    flat names, fixed-size contents, one file that blocks its readers.
 * Promises: each change is one atomic store together with the token of the request that made it, so
 *           applying a request twice is seen.
 * Threads: any.
 * Ownership: the mapping is for the life of the process.
 */
#ifndef DUPLOFS_TESTS_FAILOVER_FIXTURE_H
#define DUPLOFS_TESTS_FAILOVER_FIXTURE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define FIXTURE_NAMES 1024
#define FIXTURE_SIZE  1024

struct fixture_file {
	_Atomic uint64_t made; /* token << 1 | exists */
	_Atomic uint32_t length;
	char data[FIXTURE_SIZE];
};

struct fixture {
	_Atomic uint64_t bell; /* a read of "bell" blocks until it differs from what open saw */
	_Atomic uint64_t resent; /* requests that found themselves applied already */
	_Atomic uint64_t workers; /* how many have served */
	_Atomic uint64_t stopped; /* how many have ended in order */
	_Atomic uint32_t linger; /* ms between applying a change and the reply */
	_Atomic uint32_t crash; /* how many workers a write to "poison" still kills */
	struct fixture_file files[FIXTURE_NAMES];
};

struct fuse_lowlevel_ops;
extern const struct fuse_lowlevel_ops fixture_operations;
extern const size_t fixture_operations_size;

/* Maps <dir>/fixture, which is made when missing; NULL on failure. The operations use the last one
 * mapped. */
struct fixture *fixture_open(const char *dir);

#endif
