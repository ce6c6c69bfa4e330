/* SPDX-License-Identifier: Apache-2.0 */
/*
 * master - the file that holds the master key: lines "version hex-of-32-bytes", # for comments.
 * Promises: never half written; refused when others than its owner may read it.
 * Threads: at open.
 * Ownership: keys are copied into the caller's memory.
 */
#ifndef DUPLOFS_STORE_MASTER_H
#define DUPLOFS_STORE_MASTER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "store/seal.h"

#define MASTER_KEYS_MAX 4 /* the one in use and older ones that something is still sealed under */

struct master_key {
	int64_t version; /* from 1 */
	unsigned char key[SEAL_KEY_SIZE];
};

/* Makes the file with one random key; -EEXIST. Synced when it returns 0. */
int master_make(const char *path, struct error *reterr);

/* Puts these keys, the newest first, in the place of what the file holds. Synced as above. */
int master_write(const char *path, const struct master_key *keys, size_t count,
	struct error *reterr);

/* Fills keys (room for MASTER_KEYS_MAX), the newest first. */
int master_read(const char *path, struct master_key *keys, size_t *ret_count, struct error *reterr);

#endif
