/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idmap - a hash table from numbers to pointers, 16 bytes a slot.
 * Promises: lookups never fail; memory follows the number of entries, both ways.
 * Threads: none of its own; the owner's lock guards it.
 * Ownership: values stay the owner's; idmap_done frees the table alone.
 */
#ifndef DUPLOFS_BASE_IDMAP_H
#define DUPLOFS_BASE_IDMAP_H

#include <stddef.h>
#include <stdint.h>

struct idmap_slot {
	int64_t key;
	void *value; /* NULL: the slot is free */
};

struct idmap {
	struct idmap_slot *slots;
	size_t capacity; /* a power of two, or 0 */
	size_t count;
};

/* NULL when key is not there. */
void *idmap_get(const struct idmap *map, int64_t key);

/* value must not be NULL. Replaces what was there. 0 or -ENOMEM (map unchanged). */
int idmap_put(struct idmap *map, int64_t key, void *value);

/* Takes key out and returns its value, or NULL. */
void *idmap_remove(struct idmap *map, int64_t key);

/* Walks all entries in no order, from *position 0; NULL at the end. No put or remove between. */
void *idmap_next(const struct idmap *map, size_t *position);

void idmap_done(struct idmap *map);

#endif
