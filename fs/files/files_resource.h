/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files_resource - what a tenant's files tell of its resources.
 * Promises: resources that were removed are told, too, until they are gone.
 * Threads: any.
 * Ownership: as row.h says.
 */
#ifndef DUPLOFS_FS_FILES_FILES_RESOURCE_H
#define DUPLOFS_FS_FILES_FILES_RESOURCE_H

#include "base/json.h"
#include "fs/tree/context.h"

/* A line a resource, or a member of an array (NULL: lines). Nothing when the tenant has none. */
int resource_render_list(struct fs *fs, const struct ref *tenant, struct content *content,
	json_t *array);

#endif
