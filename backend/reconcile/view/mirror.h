/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mirror - copies of views on hosts whose files we cannot reach: what containers there have at
 *          /duplo. Each is brought up to date after each change of the view.
 * Promises: a reader there sees a file, or a set of values, as it was or as it is, as on this
 *           machine; values go over connections that nobody listens to (TLS), or not at all; a
 *           host that does not answer delays no other; after its start, or ours, all is compared.
 * Threads: any; mirror_ensure waits for calls to the engine.
 * Ownership: mirrors_free frees all.
 */
#ifndef DUPLOFS_RECONCILE_VIEW_MIRROR_H
#define DUPLOFS_RECONCILE_VIEW_MIRROR_H

#include "reconcile/context.h"

struct mirrors;

int mirrors_new(struct mirrors **ret, struct reconciler *r, struct error *reterr);
/* Work that has begun is finished; who waits in mirror_ensure must have gone. */
void mirrors_stop(struct mirrors *mirrors);
void mirrors_free(struct mirrors *mirrors);

/* Whether views are brought there by copies. */
bool mirror_is_for(const struct host *host);
/* Where the host's containers find views (a directory of the host); false: nowhere. */
bool mirror_directory(const struct host *host, char *path, size_t size);

/* The service's view is on the host, as it is now, when this returns 0. At once where no copy is
 * needed. */
int mirror_ensure(struct host *host, int64_t service, struct error *reterr);

/* The service's view has changed, or has gone. */
void mirror_wake(struct reconciler *r, int64_t service);
/* The host's engine has come up: what is there is not known. */
void mirror_came(struct host *host);
/* Nothing is to be left on the host, whose instances have gone. -EAGAIN: it is being done. */
int mirror_leave(struct host *host);
/* The host has gone. */
void mirror_forget(struct reconciler *r, int64_t host);

#endif
