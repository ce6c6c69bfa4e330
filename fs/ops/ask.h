/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask - files whose content is an answer from the reconciler: commands, usage, processes.
 * Promises: no operation waits for an engine: a read is put off until the answer is there. Each
 *           reader reads one answer, the one that was wanted when it opened or wrote.
 * Threads: any.
 * Ownership: as op.h says.
 */
#ifndef DUPLOFS_FS_OPS_ASK_H
#define DUPLOFS_FS_OPS_ASK_H

#include "fs/ops/op.h"

/* Opens for reading: asks, unless what was asked last will do. */
int ask_open(struct fs *fs, const struct ref *ref, uint64_t *ret_handle);

/* Replies to a read, now or when the answer comes. */
void ask_read(fuse_req_t req, struct ref *ref, const struct fuse_file_info *file, size_t offset,
	size_t size);

#endif
