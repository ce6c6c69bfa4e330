/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names - <service>.<tenant> of granted neighbors, in the containers that may reach them.
 * Promises: a container knows the names that its file <view_dir>.names/<instance id> has, or will
 *           soon; the file outlives the worker, and goes with the instance.
 * Threads: add and state on the plan queue, in the place of one key; the rest any.
 * Ownership: names_done frees what was added.
 */
#ifndef DUPLOFS_RECONCILE_VIEW_NAMES_H
#define DUPLOFS_RECONCILE_VIEW_NAMES_H

#include "reconcile/context.h"

struct name;

struct names {
	struct name *list;
	size_t count, room;
};

/* The containers of an instance know this service by this address. */
int names_add(struct names *names, int64_t instance, const char *address, const char *service,
	const char *tenant);
/* All that any instance knows was added. */
int names_state(struct names *names, struct reconciler *r);
void names_done(struct names *names);

/* The container was started: it knows nothing yet. */
void names_wake(struct reconciler *r, int64_t instance);
/* The instance is gone. */
void names_drop(const struct reconciler *r, int64_t instance);

/* Work of the slow queue. */
int64_t names_tell(struct reconciler *r, int64_t instance);

#endif
