/* SPDX-License-Identifier: Apache-2.0 */
/*
 * due_heap - slots (small numbers) by the time when they are due, the earliest first.
 * Promises: put, move and remove in logarithmic time; only due_heap_reserve can fail.
 * Threads: a heap belongs to who holds its lock.
 * Ownership: due_heap_done frees.
 */
#ifndef DUPLOFS_NET_DUE_HEAP_H
#define DUPLOFS_NET_DUE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct due {
	int64_t at_ns;
	uint32_t slot;
};

struct due_heap {
	struct due *items;
	uint32_t *positions; /* by slot: index in items plus one, 0: not in the heap */
	size_t count, capacity;
};

/* Makes room for the slots below capacity; -ENOMEM. */
int due_heap_reserve(struct due_heap *heap, size_t capacity);

/* Adds slot, or moves it to another time. */
void due_heap_put(struct due_heap *heap, uint32_t slot, int64_t at_ns);
void due_heap_remove(struct due_heap *heap, uint32_t slot);

/* The earliest, or NULL; borrowed until the next call. */
const struct due *due_heap_first(const struct due_heap *heap);
void due_heap_done(struct due_heap *heap);

#endif
