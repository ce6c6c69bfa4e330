/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rotate - replaces keys while everything goes on: the master key, the tenants' keys, or both.
 * Promises: each step is one small transaction, and what comes next is in the same one: it may be
 *           killed at any point and goes on from there. A key goes only once nothing is sealed
 *           under it any more. No value is ever half under one key and half under another.
 * Threads: txn_rotate in a transaction; store_rotation on any; store_rotate_step one at a time.
 * Ownership: values only.
 */
#ifndef DUPLOFS_STORE_ROTATE_H
#define DUPLOFS_STORE_ROTATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "store/store.h"

enum rotation_what {
	ROTATE_MASTER = 1, /* a new master key; the tenants' keys are sealed anew under it */
	ROTATE_TENANTS = 2, /* a new key for each tenant; its secrets are sealed anew under it */
	ROTATE_ALL = 3,
};

/* Stored on disk. */
enum rotation_phase {
	ROTATION_IDLE,
	ROTATION_MASTER_MAKE,
	ROTATION_MASTER_WRAP, /* tenants' keys */
	ROTATION_MASTER_DROP,
	ROTATION_TENANT_MAKE,
	ROTATION_VALUE_SEAL,
	ROTATION_TENANT_DROP,
};

struct rotation {
	enum rotation_what what; /* 0: there never was one */
	enum rotation_phase phase;
	int64_t master; /* version of the master key in use, or of the one that is being made */
	int64_t cursor; /* the last object that the phase has dealt with */
	int64_t keys, values; /* sealed anew so far */
	int64_t damaged; /* could not be opened: they stay as they are, and so do their keys */
	int64_t started_ns, finished_ns; /* wall clock */
};

/* "master", "tenants", "all"; 0: none of them. */
enum rotation_what rotation_parse(const char *word);
const char *rotation_word(enum rotation_what what);

/* Asks for it; CHANGE_FLAGS of the platform. -EBUSY while one goes on. */
int txn_rotate(struct txn *txn, enum rotation_what what, struct error *reterr);

int store_rotation(struct store *store, struct rotation *ret);

/* Does a little of it. *ret_more: there is more to do. */
int store_rotate_step(struct store *store, bool *ret_more, struct error *reterr);

#endif
