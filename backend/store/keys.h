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

#include <limits.h>
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
	struct vault *vault; /* locked memory; the lock guards its masters and its cache */
	char path[PATH_MAX]; /* of the master key file */
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

/* ---- rotation (rotate.c): these from one thread at a time ---- */

/* Version of the newest master key; 0: there is none. */
int64_t keys_master(struct keys *keys);

/* Makes that version, in the file and here, unless it is there: what is sealed from now on is
 * sealed under it. */
int keys_add_master(struct keys *keys, int64_t version, struct error *reterr);

/* Removes all others. Only once it is on disk that nothing is sealed under them any more. */
int keys_keep_master(struct keys *keys, int64_t version, struct error *reterr);

/* Seals a tenant's key anew, under the newest master key. -EBADMSG: it cannot be opened. */
int keys_rewrap(struct keys *keys, struct txn *txn, int64_t tenant, int64_t version);

/* Makes a newer key of the tenant: what is sealed from now on is sealed under it. */
int keys_renew(struct keys *keys, struct txn *txn, int64_t tenant);

/* Proof, in the database, that the newest master key is its own. */
int keys_write_check(struct keys *keys, struct connection *writer);

/* Wipes the cached keys of tenants: they are unsealed again when they are needed. */
void keys_forget(struct keys *keys);

/* How many tenants' keys are kept unsealed at a time. */
#define KEYS_CACHED 64

#endif
