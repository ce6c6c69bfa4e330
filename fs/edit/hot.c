/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/edit/hot.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "fs/tree/shared.h"

/* Longer than any request is under way. A writer that idles for longer is cold until it goes on. */
#define HOT_NS (2 * NS_PER_SECOND)

/* Nodes that share a place share their warmth. */
#define PLACES 4096

static _Atomic int64_t own[PLACES];
static _Atomic int64_t *until_ns = own;

int hot_open(const char *path, struct error *reterr)
{
	void *memory;
	int r = shared_map(path, sizeof(own), &memory, reterr);

	if (r == 0)
		until_ns = memory;
	return r;
}

static _Atomic int64_t *place(uint64_t node)
{
	node ^= node >> 28;
	node *= UINT64_C(0x9e3779b97f4a7c15);
	return &until_ns[node >> 52];
}

void hot_touch(uint64_t node)
{
	atomic_store_explicit(place(node), clock_now_ns() + HOT_NS, memory_order_release);
}

bool hot_is(uint64_t node)
{
	int64_t until = atomic_load_explicit(place(node), memory_order_acquire);

	return until != 0 && until > clock_now_ns();
}
