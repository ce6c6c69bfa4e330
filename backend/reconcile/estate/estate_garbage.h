/* SPDX-License-Identifier: Apache-2.0 */
/*
 * estate_garbage - what a sweep finds that nobody needs: taken away when tag and journal both claim
 *                  it and nothing is lost by that; else left alone; told in either case.
 * Promises: who removes a thing looks at its tags again.
 * Threads: the sweep's.
 * Ownership: borrows its arguments.
 */
#ifndef DUPLOFS_RECONCILE_ESTATE_ESTATE_GARBAGE_H
#define DUPLOFS_RECONCILE_ESTATE_ESTATE_GARBAGE_H

#include "base/key_map.h"
#include "cloud/estate.h"
#include "reconcile/estate/tenant_estate.h"
#include "store/garbage.h"

struct sweep {
	struct reconciler *r;
	struct key_map *seen; /* hashes of types and names: what is there where it should be */
	int64_t started_ns; /* wall */
	int64_t lag_ns; /* lists may be as old */
	int64_t things, repaired, left, busy, removed;
	bool unsure; /* something differs that was brought to its state just before */
	struct buf unseen; /* what could not be listed, in words */
};

/* The type under which the journal has a thing of this kind. */
void estate_found_intent(const struct estate_found *found, char ret[INTENT_TYPE_SIZE]);

/* How the journal stands to what was found. */
struct estate_claim {
	bool known;
	int64_t buried_ns; /* wall; 0: its owner has it */
};

/* Its owner is gone, or has no such thing any more: why. */
int estate_take_orphan(struct sweep *sweep, const struct estate_found *found,
	const struct estate_claim *claim, const char *why);
/* It stays as it is. */
int estate_leave(struct sweep *sweep, const struct estate_found *found, bool known,
	const char *words);

#endif
