/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mirror_agent - the container of ours on a host whose files we cannot reach, in which
 *                backend/agent runs.
 * Promises: journalled before it is made; one of another version of this program goes.
 * Threads: one at a time for a host.
 * Ownership: arguments are borrowed for the call.
 */
#ifndef DUPLOFS_RECONCILE_VIEW_MIRROR_AGENT_H
#define DUPLOFS_RECONCILE_VIEW_MIRROR_AGENT_H

#include "base/buf.h"
#include "reconcile/context.h"

/* Where views lie on such a host. */
void mirror_agent_directory(const struct reconciler *r, char *path, size_t size);

/* It is there and runs when this returns 0. */
int mirror_agent_ensure(struct host *host, struct error *reterr);
/* Unpacks the archive where the agent works. */
int mirror_agent_put(struct host *host, const struct buf *tar, struct error *reterr);
/* Runs the agent's program with arguments (NULL-terminated, without its own name). */
int mirror_agent_run(struct host *host, const char *const *arguments, struct error *reterr);

/* It goes, with all that it has brought. Gone: 0. */
int mirror_agent_leave(struct host *host, struct error *reterr);

#endif
