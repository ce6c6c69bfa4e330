/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files_host - what a tenant's files tell of its hosts.
 * Promises: hosts that were removed are told, too, until their instances have left.
 * Threads: any.
 * Ownership: as row.h says.
 */
#ifndef DUPLOFS_FS_FILES_FILES_HOST_H
#define DUPLOFS_FS_FILES_FILES_HOST_H

#include "base/json.h"
#include "fs/tree/context.h"

/* A line a host, or a member of an array (NULL: lines). Nothing when the tenant has none. */
int host_render_list(struct fs *fs, const struct ref *tenant, struct content *content,
	json_t *array);

#endif
