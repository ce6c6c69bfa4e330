/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/tree/nodes.h"

#include <errno.h>
#include <stdlib.h>

int nodes_add(struct nodes *nodes, uint64_t node)
{
	if (nodes->count == nodes->capacity) {
		size_t capacity = nodes->capacity ? 2 * nodes->capacity : 64;
		uint64_t *grown = reallocarray(nodes->all, capacity, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		nodes->all = grown;
		nodes->capacity = capacity;
	}
	nodes->all[nodes->count++] = node;
	return 0;
}

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

void nodes_tidy(struct nodes *nodes)
{
	size_t i, kept = 0;

	if (nodes->count > 1)
		qsort(nodes->all, nodes->count, sizeof(*nodes->all), compare);
	for (i = 0; i < nodes->count; i++)
		if (i == 0 || nodes->all[i] != nodes->all[i - 1])
			nodes->all[kept++] = nodes->all[i];
	nodes->count = kept;
}

void nodes_done(struct nodes *nodes)
{
	free(nodes->all);
	*nodes = (struct nodes){0};
}
