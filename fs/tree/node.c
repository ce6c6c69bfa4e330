/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/tree/node.h"

#define KEY_MASK     ((uint64_t)NODE_KEY_MAX)
#define SCRATCH_MASK ((UINT64_C(1) << NODE_ROW_SHIFT) - 1)

uint64_t node_make(const struct row *row, int64_t object, int64_t sub)
{
	if (row->number == ROW_ROOT)
		return NODE_ROOT;
	return (uint64_t)row->number << NODE_ROW_SHIFT |
	       ((uint64_t)object & KEY_MASK) << NODE_KEY_BITS | ((uint64_t)sub & KEY_MASK);
}

uint64_t node_make_scratch(uint64_t inode)
{
	return (uint64_t)ROW_SCRATCH << NODE_ROW_SHIFT | (inode & SCRATCH_MASK);
}

uint8_t node_row(uint64_t node)
{
	uint8_t row = (uint8_t)(node >> NODE_ROW_SHIFT);

	if (node == NODE_ROOT)
		return ROW_ROOT;
	return row == ROW_ROOT ? 0 : row;
}

int64_t node_object(uint64_t node)
{
	if (node == NODE_ROOT)
		return PLATFORM_ID;
	return (int64_t)(node >> NODE_KEY_BITS & KEY_MASK);
}

int64_t node_sub(uint64_t node)
{
	return node == NODE_ROOT ? 0 : (int64_t)(node & KEY_MASK);
}

uint64_t node_scratch(uint64_t node)
{
	return node & SCRATCH_MASK;
}
