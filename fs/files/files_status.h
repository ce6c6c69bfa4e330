/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files_status - how a service is, for people, and what steers its rollout.
 * Promises: each is a handler as row.h wants it; `status` and `rollout` read the instances, too.
 * Threads: any.
 * Ownership: as row.h says.
 */
#ifndef DUPLOFS_FS_FILES_FILES_STATUS_H
#define DUPLOFS_FS_FILES_FILES_STATUS_H

#include "fs/tree/context.h"

int status_render(struct fs *fs, const struct ref *ref, struct content *content);
int status_render_url(struct fs *fs, const struct ref *ref, struct content *content);
int status_render_rollout(struct fs *fs, const struct ref *ref, struct content *content);
int rollout_check(const struct draft *draft, struct error *reterr);
int rollout_apply(struct txn *txn, const struct draft *draft, struct error *reterr);

#endif
