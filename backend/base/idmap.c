/* SPDX-License-Identifier: Apache-2.0 */
#include "base/idmap.h"

#include <errno.h>
#include <stdlib.h>

#define CAPACITY_MIN 16

static size_t idmap_home(const struct idmap *map, int64_t key)
{
	/* Fibonacci hashing: ids are dense, their high product bits are not. */
	return (size_t)(((uint64_t)key * UINT64_C(0x9E3779B97F4A7C15)) >> 20) & (map->capacity - 1);
}

static size_t idmap_find(const struct idmap *map, int64_t key)
{
	size_t i = idmap_home(map, key);

	while (map->slots[i].value && map->slots[i].key != key)
		i = (i + 1) & (map->capacity - 1);
	return i;
}

static int idmap_resize(struct idmap *map, size_t capacity)
{
	struct idmap bigger = {.capacity = capacity, .count = map->count};

	bigger.slots = calloc(capacity, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < map->capacity; i++) {
		if (map->slots[i].value)
			bigger.slots[idmap_find(&bigger, map->slots[i].key)] = map->slots[i];
	}
	free(map->slots);
	*map = bigger;
	return 0;
}

void *idmap_get(const struct idmap *map, int64_t key)
{
	return map->capacity ? map->slots[idmap_find(map, key)].value : NULL;
}

int idmap_put(struct idmap *map, int64_t key, void *value)
{
	size_t i;

	if (map->count * 4 >= map->capacity * 3) {
		size_t capacity = map->capacity ? map->capacity * 2 : CAPACITY_MIN;
		int r = idmap_resize(map, capacity);

		if (r < 0)
			return r;
	}
	i = idmap_find(map, key);
	if (!map->slots[i].value)
		map->count++;
	map->slots[i] = (struct idmap_slot){.key = key, .value = value};
	return 0;
}

void *idmap_remove(struct idmap *map, int64_t key)
{
	size_t hole, i;
	void *value;

	if (!map->capacity)
		return NULL;
	hole = idmap_find(map, key);
	value = map->slots[hole].value;
	if (!value)
		return NULL;
	map->count--;
	/* Entries behind the hole move up unless that would put them before their home. */
	for (i = (hole + 1) & (map->capacity - 1); map->slots[i].value;
		i = (i + 1) & (map->capacity - 1)) {
		size_t home = idmap_home(map, map->slots[i].key);

		if (((i - home) & (map->capacity - 1)) >= ((i - hole) & (map->capacity - 1))) {
			map->slots[hole] = map->slots[i];
			hole = i;
		}
	}
	map->slots[hole].value = NULL;
	if (map->capacity > CAPACITY_MIN && map->count * 8 < map->capacity)
		(void)idmap_resize(map, map->capacity / 2); /* too big is no error */
	return value;
}

void *idmap_next(const struct idmap *map, size_t *position)
{
	while (*position < map->capacity) {
		void *value = map->slots[(*position)++].value;

		if (value)
			return value;
	}
	return NULL;
}

void idmap_done(struct idmap *map)
{
	free(map->slots);
	*map = (struct idmap){0};
}
