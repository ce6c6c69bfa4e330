/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/kernel/inflight.h"

#include <stddef.h>

#define INFLIGHT_CRASHES_MAX 2

static struct inflight_suspect *inflight_find(struct inflight *inflight, uint64_t unique)
{
	size_t i;

	for (i = 0; i < INFLIGHT_SLOTS; i++)
		if (inflight->suspects[i].unique == unique)
			return &inflight->suspects[i];
	return NULL;
}

static void inflight_accuse(struct inflight *inflight, uint64_t unique)
{
	struct inflight_suspect *suspect = inflight_find(inflight, unique);

	if (!suspect) {
		suspect = &inflight->suspects[inflight->next_suspect++ % INFLIGHT_SLOTS];
		suspect->unique = unique;
		suspect->crashes = 0;
	}
	suspect->crashes++;
}

void inflight_crashed(struct inflight *inflight)
{
	size_t i;

	for (i = 0; i < INFLIGHT_SLOTS; i++) {
		uint64_t unique = atomic_load(&inflight->serving[i]);

		if (unique)
			inflight_accuse(inflight, unique);
	}
	inflight_reset(inflight);
}

void inflight_reset(struct inflight *inflight)
{
	size_t i;

	for (i = 0; i < INFLIGHT_SLOTS; i++)
		atomic_store(&inflight->serving[i], 0);
}

bool inflight_is_poison(const struct inflight *inflight, uint64_t unique)
{
	size_t i;

	for (i = 0; i < INFLIGHT_SLOTS; i++)
		if (inflight->suspects[i].unique == unique)
			return inflight->suspects[i].crashes >= INFLIGHT_CRASHES_MAX;
	return false;
}
