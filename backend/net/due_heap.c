/* SPDX-License-Identifier: Apache-2.0 */
#include "net/due_heap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int due_heap_reserve(struct due_heap *heap, size_t capacity)
{
	uint32_t *positions;
	struct due *items;

	if (capacity <= heap->capacity)
		return 0;
	items = realloc(heap->items, capacity * sizeof(*items));
	if (!items)
		return -ENOMEM;
	heap->items = items;
	positions = realloc(heap->positions, capacity * sizeof(*positions));
	if (!positions)
		return -ENOMEM;
	heap->positions = positions;
	memset(positions + heap->capacity, 0, (capacity - heap->capacity) * sizeof(*positions));
	heap->capacity = capacity;
	return 0;
}

static void heap_set(struct due_heap *heap, size_t i, struct due due)
{
	heap->items[i] = due;
	heap->positions[due.slot] = (uint32_t)i + 1;
}

static size_t heap_rise(struct due_heap *heap, size_t i, struct due due)
{
	size_t parent;

	for (; i > 0; i = parent) {
		parent = (i - 1) / 2;
		if (heap->items[parent].at_ns <= due.at_ns)
			break;
		heap_set(heap, i, heap->items[parent]);
	}
	return i;
}

static size_t heap_sink(struct due_heap *heap, size_t i, struct due due)
{
	size_t child;

	for (; (child = 2 * i + 1) < heap->count; i = child) {
		if (child + 1 < heap->count &&
			heap->items[child + 1].at_ns < heap->items[child].at_ns)
			child++;
		if (due.at_ns <= heap->items[child].at_ns)
			break;
		heap_set(heap, i, heap->items[child]);
	}
	return i;
}

void due_heap_put(struct due_heap *heap, uint32_t slot, int64_t at_ns)
{
	const struct due due = {at_ns, slot};
	size_t i = heap->positions[slot];

	i = i > 0 ? i - 1 : heap->count++;
	i = heap_rise(heap, i, due);
	heap_set(heap, heap_sink(heap, i, due), due);
}

void due_heap_remove(struct due_heap *heap, uint32_t slot)
{
	size_t i = heap->positions[slot];
	struct due last;

	if (i-- == 0)
		return;
	heap->positions[slot] = 0;
	last = heap->items[--heap->count];
	if (last.slot == slot)
		return;
	i = heap_rise(heap, i, last);
	heap_set(heap, heap_sink(heap, i, last), last);
}

const struct due *due_heap_first(const struct due_heap *heap)
{
	return heap->count > 0 ? &heap->items[0] : NULL;
}

void due_heap_done(struct due_heap *heap)
{
	free(heap->items);
	free(heap->positions);
	*heap = (struct due_heap){0};
}
