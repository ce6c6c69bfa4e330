/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files_service - how a spec is judged and becomes the one in force, whichever file it came by.
 * Promises: what is checked here may still be refused by the transaction that applies it.
 * Threads: any.
 * Ownership: as row.h says.
 */
#ifndef DUPLOFS_FS_FILES_FILES_SERVICE_H
#define DUPLOFS_FS_FILES_FILES_SERVICE_H

#include "fs/tree/context.h"

/* Whether the draft can be the spec of its service. -ENODATA: it is not complete. */
int service_check_text(const struct draft *draft, struct error *reterr);

/* Makes data the spec text of a service, as a write to spec.json does. */
int service_apply_text(struct txn *txn, struct fs *fs, int64_t id, const char *data, size_t len,
	struct error *reterr);

#endif
