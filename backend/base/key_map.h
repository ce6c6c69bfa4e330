/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_map - finds a small number by a 64-bit key: open addressing, at most 3/4 full.
 * Promises: amortised constant time; put is the only call that can fail.
 * Threads: a map belongs to who holds its lock.
 * Ownership: key_map_done frees.
 */
#ifndef DUPLOFS_BASE_KEY_MAP_H
#define DUPLOFS_BASE_KEY_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct key_map_item {
	int64_t key;
	uint32_t value;
	bool used;
};

struct key_map {
	struct key_map_item *items;
	size_t count, capacity; /* a power of two, or 0 */
};

/* Adds or replaces; -ENOMEM. */
int key_map_put(struct key_map *map, int64_t key, uint32_t value);
bool key_map_get(const struct key_map *map, int64_t key, uint32_t *ret);
void key_map_remove(struct key_map *map, int64_t key);
void key_map_done(struct key_map *map);

#endif
