/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view - keeps <view_dir>/<service id>/ as the service's containers shall see it at /duplo.
 * Promises: a reader sees the old content of a file or the new one, never half of either; only what
 *           changed is written; nothing of any other service; a view exists from the first
 *           container of its service to the end of the service.
 * Threads: ensure and remove from any worker; the rest on the view queue's one thread.
 * Ownership: the directory is ours alone, containers have it read-only.
 */
#ifndef DUPLOFS_RECONCILE_VIEW_VIEW_H
#define DUPLOFS_RECONCILE_VIEW_VIEW_H

#include "reconcile/context.h"

/* Makes the view when it is not there yet; returns when it is complete. */
int view_ensure(struct reconciler *r, int64_t service, struct error *reterr);
/* The service was purged: its view goes. */
void view_remove(struct reconciler *r, int64_t service);
/* Frees what is remembered of all views; no queue may run. */
void view_forget_all(struct reconciler *r);

#endif
