/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view_work - what the files about views share: where a view is, and whose views there are.
 * Promises: none to others; they include view.h.
 * Threads: the thread of the queue whose work it is, unless said.
 * Ownership: said at each function.
 */
#ifndef DUPLOFS_RECONCILE_VIEW_VIEW_WORK_H
#define DUPLOFS_RECONCILE_VIEW_VIEW_WORK_H

#include "reconcile/context.h"

/* Directory of a service's view. Any thread. */
void view_path(const struct reconciler *r, int64_t service, char *path, size_t size);

struct view_services {
	struct reconciler *r;
	int64_t *ids;
	size_t count, room;
};

/* Living services of a tenant that have a view; view_services_done frees. */
int view_services_list(struct view_services *services, struct reconciler *r, int64_t tenant);
void view_services_done(struct view_services *services);
#define _cleanup_view_services_ __attribute__((cleanup(view_services_done)))

/* Work functions; results as queue_work_fn. */
int64_t view_peer(struct reconciler *r, int64_t peer);
int64_t view_rosters(struct reconciler *r, int64_t tenant);
/* neighbors/, neighbors.json and hosts of one service. */
int view_peers_sync(struct reconciler *r, int64_t service, struct error *reterr);
/* Its lines are written anew at the next look. Any thread. */
void view_forget_peer(struct reconciler *r, int64_t peer);

#endif
