/* SPDX-License-Identifier: Apache-2.0 */
#include "base/key_map.h"

#include <errno.h>
#include <stdlib.h>

#define CAPACITY_FIRST 64

/* Finalizer of MurmurHash3 (https://github.com/aappleby/smhasher): keys may be in a row. */
static size_t key_home(const struct key_map *map, int64_t key)
{
	uint64_t hash = (uint64_t)key;

	hash ^= hash >> 33;
	hash *= UINT64_C(0xff51afd7ed558ccd);
	hash ^= hash >> 33;
	hash *= UINT64_C(0xc4ceb9fe1a85ec53);
	hash ^= hash >> 33;
	return (size_t)hash & (map->capacity - 1);
}

/* The item of key, or the free one where it would go. */
static struct key_map_item *key_place(const struct key_map *map, int64_t key)
{
	size_t i = key_home(map, key);

	while (map->items[i].used && map->items[i].key != key)
		i = (i + 1) & (map->capacity - 1);
	return &map->items[i];
}

static int key_map_grow(struct key_map *map)
{
	struct key_map bigger = {.count = map->count};

	bigger.capacity = map->capacity ? map->capacity * 2 : CAPACITY_FIRST;
	bigger.items = calloc(bigger.capacity, sizeof(*bigger.items));
	if (!bigger.items)
		return -ENOMEM;
	for (size_t i = 0; i < map->capacity; i++) {
		if (map->items[i].used)
			*key_place(&bigger, map->items[i].key) = map->items[i];
	}
	free(map->items);
	*map = bigger;
	return 0;
}

int key_map_put(struct key_map *map, int64_t key, uint32_t value)
{
	struct key_map_item *item;
	int r;

	if (map->count + 1 > map->capacity / 4 * 3) {
		r = key_map_grow(map);
		if (r < 0)
			return r;
	}
	item = key_place(map, key);
	map->count += !item->used;
	*item = (struct key_map_item){.key = key, .value = value, .used = true};
	return 0;
}

bool key_map_get(const struct key_map *map, int64_t key, uint32_t *ret)
{
	const struct key_map_item *item;

	if (map->count == 0)
		return false;
	item = key_place(map, key);
	if (!item->used)
		return false;
	*ret = item->value;
	return true;
}

/* Later items of the same run move up, so that no search stops too early. */
void key_map_remove(struct key_map *map, int64_t key)
{
	size_t mask = map->capacity - 1, hole, i, home;

	if (map->count == 0 || !key_place(map, key)->used)
		return;
	hole = (size_t)(key_place(map, key) - map->items);
	for (i = (hole + 1) & mask; map->items[i].used; i = (i + 1) & mask) {
		home = key_home(map, map->items[i].key);
		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		map->items[hole] = map->items[i];
		hole = i;
	}
	map->items[hole].used = false;
	map->count--;
}

void key_map_done(struct key_map *map)
{
	free(map->items);
	*map = (struct key_map){0};
}
