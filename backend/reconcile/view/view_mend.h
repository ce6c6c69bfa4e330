/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view_mend - containers that look at a view which is lost: the memory behind it was unmounted
 *             while the platform was not there, and a new view was made since.
 * Promises: such a service is restarted once, by its update domains; nobody else is touched.
 * Threads: any; may wait for the view to be complete.
 * Ownership: values only.
 */
#ifndef DUPLOFS_RECONCILE_VIEW_VIEW_MEND_H
#define DUPLOFS_RECONCILE_VIEW_VIEW_MEND_H

#include "reconcile/instance/instance_work.h"

/* For a container that runs, and was started then (wall clock). */
int view_mend(struct instance_work *work, int64_t started_wall_ns, struct error *reterr);

#endif
