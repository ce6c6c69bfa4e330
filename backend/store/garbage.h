/* SPDX-License-Identifier: Apache-2.0 */
/*
 * garbage - what was found outside that belongs to nobody, and what became of it: a line a thing.
 * Promises: a line changes only when what it says does. 500 lines of what was removed are kept.
 * Threads: as store.h.
 * Ownership: strings are borrowed for the call.
 */
#ifndef DUPLOFS_STORE_GARBAGE_H
#define DUPLOFS_STORE_GARBAGE_H

#include "base/buf.h"
#include "store/store.h"

/* Who says that it is ours; it goes when tag and journal both do. */
enum garbage_claims {
	GARBAGE_TAG = 1,
	GARBAGE_NAME = 2, /* the name is one that only this platform gives, and no tag is known */
	GARBAGE_JOURNAL = 4,
};

enum garbage_state {
	GARBAGE_LEFT, /* alone */
	GARBAGE_BUSY, /* it shall go, and could not yet */
	GARBAGE_REMOVED,
};

struct garbage {
	const char *type, *name;
	unsigned claims; /* garbage_claims */
	enum garbage_state state;
	const char *tenant; /* "name/id" as it is claimed; "": nobody's */
	const char *words;
};

/* Found, or found again: the same does not change its line. What is new is an event, too. */
int txn_garbage_add(struct txn *txn, const struct garbage *garbage);
/* A search is over: what was left alone and not added since is not there any more; what should go
 * and was not added since is removed. */
int txn_garbage_end(struct txn *txn, int64_t since_ns);

/* Appends the table, the oldest first; nothing when there is none. ret_changed_ns: when it last
 * changed; 0: never. */
int store_garbage(struct store *store, struct buf *out, int64_t *ret_changed_ns);

#endif
