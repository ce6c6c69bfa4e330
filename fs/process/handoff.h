/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handoff - memory that outlives a worker and a supervisor: what the kernel was told at the mount.
 * Promises: written once by the supervisor that mounts; later versions of the program read it too.
 * Threads: the fields are constant after handoff_new's caller has filled them, but for the atomics.
 * Ownership: the fd (a memfd) is inherited by every process of the mount; the mapping is for life.
 */
#ifndef DUPLOFS_FS_PROCESS_HANDOFF_H
#define DUPLOFS_FS_PROCESS_HANDOFF_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "fs/kernel/inflight.h"
#include "fs/kernel/session.h"

struct handoff {
	char magic[8];
	uint64_t version;
	char mount[33]; /* random name of this mount session */
	struct session_init request, reply;
	atomic_bool ending; /* SIGTERM means the end, not a successor */
	atomic_bool stopping; /* it was taken out of the tree */
	atomic_bool settled; /* a worker has served */
	struct inflight inflight;
};

int handoff_new(int *ret_fd, struct handoff **ret, struct error *reterr);
int handoff_open(struct handoff **ret, int fd, struct error *reterr);

#endif
