/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker - serves the file system and does the platform's work, until unmounted or replaced.
 * Promises: may be killed at any time; what it had read is served by its successor. When the
 *           supervisor dies it starts another.
 * Threads: worker_run is the process's main thread.
 * Ownership: borrows options and service.
 */
#ifndef DUPLOFS_FS_PROCESS_WORKER_H
#define DUPLOFS_FS_PROCESS_WORKER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "fs/process/options.h"

struct fuse_lowlevel_ops;
struct fuse_session;

struct worker_context {
	const struct options *options;
	const char *runtime; /* the platform's directory in memory */
	const char *mount; /* name of the mount session */
};

/* What a worker serves, in the order of the calls. */
struct worker_service {
	const struct fuse_lowlevel_ops *operations;
	size_t operations_size;
	/* Makes what the calls below take, and the operations' userdata. */
	int (*open)(const struct worker_context *context, void **ret, void **ret_userdata,
		struct error *reterr);
	/* Nothing is served yet. */
	int (*attach)(void *arg, struct fuse_session *fuse, struct error *reterr);
	/* The file system answers: begin the work behind it. */
	int (*start)(void *arg, struct error *reterr);
	/* End that work; keep: a successor goes on with what runs outside. Any thread. */
	void (*stop)(void *arg, bool keep);
	/* Nothing is served any more, and libfuse's session is about to go. */
	void (*detach)(void *arg);
	void (*close)(void *arg);
};

/* The program's exit status. */
int worker_run(const struct options *options, const struct worker_service *service);

#endif
