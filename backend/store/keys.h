/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys - two levels: the master key, a file beside the database, seals a random key of each
 *        tenant; that one seals the tenant's values. Each has a version, so that either can be
 *        replaced while values sealed under the older one are still read.
 * Promises: plain keys live in one region that is kept out of swap and core dumps and wiped.
 * Threads: keys_find on any that holds the connection; keys_newest inside a transaction.
 * Ownership: keys_done wipes and frees; the caller wipes the keys that it was given.
 */
#ifndef DUPLOFS_STORE_KEYS_H
#define DUPLOFS_STORE_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/lock.h"
#include "store/connection.h"
#include "store/seal.h"

struct vault;
struct txn;

struct keys {
	struct lock lock;
	struct vault *vault; /* locked memory */
};

void keys_init(struct keys *keys);
void keys_done(struct keys *keys);

/*
 * Reads DIR/master.key and proves that it is this database's. writer NULL: nothing is made. A
 * database that has sealed nothing yet gets a new key when there is no file.
 */
int keys_open(struct keys *keys, const char *dir, struct connection *reader,
	struct connection *writer, struct error *reterr);

/* The tenant's key of a version, as connection sees it. -ENOENT, -EBADMSG. */
int keys_find(struct keys *keys, struct connection *connection, int64_t tenant, int64_t version,
	unsigned char key[SEAL_KEY_SIZE]);

/* The tenant's newest key; the first one is made when there is none. */
int keys_newest(struct keys *keys, struct txn *txn, int64_t tenant, int64_t *ret_version,
	unsigned char key[SEAL_KEY_SIZE]);

/* How many tenants' keys are kept unsealed at a time. */
#define KEYS_CACHED 64

#endif
