/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files_plan - the file `plan`: what the spec that waits would change, and what would be done.
 * Promises: changes nothing. What becomes of the instances is asked of the reconciler's own planner
 *           (plan/plan_change.h); a further line is a further row of the table in files_plan.c.
 * Threads: any.
 * Ownership: as row.h says.
 */
#ifndef DUPLOFS_FS_FILES_FILES_PLAN_H
#define DUPLOFS_FS_FILES_FILES_PLAN_H

#include "fs/tree/context.h"
#include "model/service.h"
#include "plan/plan_change.h"

/* What the lines of a plan are about. */
struct plan_view {
	struct fs *fs;
	const struct ref *ref; /* the service, with texts */
	const struct service_spec *now; /* NULL: nothing is deployed yet */
	const struct service_spec *next;
	struct replica *replicas; /* as they are, seen by next; by ordinal */
	size_t count, room;
	struct plan_change change;
};

int plan_render(struct fs *fs, const struct ref *ref, struct content *content);

/* Fills replicas. files_plan_load.c */
int plan_load(struct plan_view *view);

#endif
