/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logs - keeps the output of containers in <logs_dir>/<instance id>.log.
 * Promises: a line comes once, also across a restart of ours; a container that is replaced goes on
 *           in the same file; a file stays below LOG_SIZE_MAX: its older half goes, whole lines.
 *           The file's mtime is the time of its last line.
 * Threads: any; follow and drop of one instance from one thread at a time.
 * Ownership: files are made 0600 and belong to the instance until drop; a follow keeps its host.
 */
#ifndef DUPLOFS_RECONCILE_INSTANCE_LOGS_H
#define DUPLOFS_RECONCILE_INSTANCE_LOGS_H

#include "base/buf.h"
#include "reconcile/context.h"

#define LOG_SIZE_MAX (2 * 1024 * 1024) /* so one MiB is always kept, but for a line */

int logs_new(struct logs **ret, struct error *reterr);
/* Removes the files of instances that are gone: their end may have come while nobody ran. */
void logs_sweep(struct reconciler *r);
/* Ends all following; files stay. */
void logs_free(struct reconciler *r);

/* Follows this container from where the file ends. The same container again: from anew only when
 * the stream has ended. Failing is no error of the instance's: it is tried at the next occasion. */
void logs_follow(struct host *host, int64_t instance, const char *container);
void logs_drop(struct reconciler *r, int64_t instance);

/* The last lines that the container wrote, parted by " | ", at most 300 bytes. dead: waits a moment
 * for the stream to end; only from the instance's own worker. */
void logs_tail(struct reconciler *r, int64_t instance, int lines, bool dead, struct buf *out);

#endif
