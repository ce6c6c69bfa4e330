/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/tree/touched.h"

#include <string.h>

#include "fs/tree/depend.h"
#include "fs/tree/node.h"
#include "fs/tree/rows.h"

void touched_add(struct touched *touched, const struct change *change)
{
	size_t at = (size_t)change->id % TOUCHED_SLOTS;
	struct touched_slot *slot = &touched->slots[at];

	while (slot->id && slot->id != change->id) {
		at = (at + 1) % TOUCHED_SLOTS;
		slot = &touched->slots[at];
	}
	if (slot->id) {
		slot->flags |= change->flags;
		return;
	}
	if (touched->count == TOUCHED_MAX) {
		touched->all = true;
		return;
	}
	touched->count++;
	*slot = (struct touched_slot){
		change->id, change->parent, change->tenant, change->kind, change->flags};
}

static struct change as_change(const struct touched_slot *slot)
{
	return (struct change){.id = slot->id,
		.parent = slot->parent,
		.tenant = slot->tenant,
		.kind = (enum kind)slot->kind,
		.flags = slot->flags};
}

void touched_merge(struct touched *touched, const struct touched *others)
{
	size_t i;

	for (i = 0; i < TOUCHED_SLOTS; i++)
		if (others->slots[i].id) {
			struct change change = as_change(&others->slots[i]);

			touched_add(touched, &change);
		}
	touched->all |= others->all;
}

void touched_clear(struct touched *touched)
{
	memset(touched, 0, sizeof(*touched));
}

bool touched_is_empty(const struct touched *touched)
{
	return touched->count == 0 && !touched->all;
}

/* Children that users make and remove themselves: the kernel tells of those. */
static bool lists_users_own(const struct row *row)
{
	const struct row *child = row_variable(row);

	return child && child->flags & (ROW_OBJECT | ROW_VALUE);
}

static bool is_touched(const struct touched *touched, const struct row *row, int64_t object)
{
	bool listing = row_is_dir(row);
	size_t i;

	/* A `wait` shows nothing. */
	if (listing ? !row_variable(row) || lists_users_own(row) : row->flags & ROW_WAITS)
		return false;
	for (i = 0; i < TOUCHED_SLOTS; i++) {
		struct change change = as_change(&touched->slots[i]);

		if (change.id && (listing ? depend_listing(row, &change)
					  : depend_file(row, &change)) == object)
			return true;
	}
	return touched->all;
}

/* Files whose name is that of an object: values, logs, neighbors. */
static int add_named(const struct touched *touched, const struct row *row, int64_t above,
	struct nodes *nodes)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < TOUCHED_SLOTS; i++) {
		struct change change = as_change(&touched->slots[i]);

		if (change.id && change.parent == above && depend_file(row, &change) == change.id)
			r = nodes_add(nodes, node_make(row, change.id, 0));
	}
	return r;
}

int touched_below(const struct touched *touched, uint64_t node, struct nodes *nodes)
{
	const struct row *row = row_get(node_row(node)), *child;
	int64_t object = node_object(node);
	int r = 0;

	/* What has a key of its own besides its object does not change. */
	if (!row || node_sub(node))
		return 0;
	if (is_touched(touched, row, object))
		r = nodes_add(nodes, node);
	if (r < 0 || !row_is_dir(row))
		return r;
	for (child = row_first(row); r == 0 && child; child = row_next(child))
		if (child->kind == row->kind && is_touched(touched, child, object))
			r = nodes_add(nodes, node_make(child, object, 0));
	child = row_variable(row);
	if (r == 0 && child && !row_is_dir(child) && child->kind != row->kind)
		r = add_named(touched, child, object, nodes);
	return r;
}
