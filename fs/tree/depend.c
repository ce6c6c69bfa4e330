/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/tree/depend.h"

#include "fs/tree/rows.h"

int64_t depend_file(const struct row *row, const struct change *change)
{
	unsigned flags = change->flags;

	if (row_is_dir(row))
		return 0;
	if (row->kind == change->kind) {
		bool shown = row->depends & flags ||
			     (row->flags & ROW_WAITS && flags & (CHANGE_STATUS | CHANGE_SPEC));

		return shown ? change->id : 0;
	}
	/* The status of a service shows its instances. */
	if (change->kind == KIND_INSTANCE && row->kind == KIND_SERVICE)
		return row->depends & CHANGE_STATUS ? change->parent : 0;
	/* The events and the status of a tenant show those of its services. */
	if (row->kind == KIND_TENANT && change->tenant != change->id)
		return row->flags & (ROW_POLLED | ROW_WAITS) ? change->tenant : 0;
	return 0;
}

int64_t depend_listing(const struct row *row, const struct change *change)
{
	bool of_service = change->kind == KIND_CONFIG && change->parent != change->tenant;

	if (!row_is_dir(row) || row->child_kind != change->kind ||
		!(change->flags & (CHANGE_CREATED | CHANGE_DELETED)))
		return 0;
	if (change->kind == KIND_CONFIG && of_service != (row->kind == KIND_SERVICE))
		return 0;
	return change->parent;
}
