/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_change - all that will become of a service's instances on the way to another spec, provided
 *               that what is made gets healthy: plan_replicas, asked until it has nothing to do.
 * Promises: pure. The steps are those that the reconciler takes, in its order; those of one round
 *           are taken together, and each round waits for the one before it.
 * Threads: any.
 * Ownership: plan_change_done frees the steps.
 */
#ifndef DUPLOFS_PLAN_PLAN_CHANGE_H
#define DUPLOFS_PLAN_PLAN_CHANGE_H

#include "plan/plan_replicas.h"

enum step_action {
	STEP_CREATE,
	STEP_REPLACE,
	STEP_REMOVE,
};

struct plan_step {
	enum step_action action;
	int64_t ordinal;
	int64_t domain; /* of a replacement, from 0; -1: none, what does not serve goes at once */
	int64_t round;
};

struct plan_change {
	struct plan_step *steps;
	size_t count, room;
	int64_t *kept; /* ordinals of the containers that nothing is done to */
	size_t kept_count;
	int64_t domains; /* as many as there really are */
	int64_t serving_least; /* never fewer serve on the way */
};

/* replicas as they are now, `current` as the wanted spec sees them; by ordinal. -ENOMEM. */
int plan_change(const struct replica *replicas, size_t count, const struct replica_wish *wish,
	struct plan_change *ret);
void plan_change_done(struct plan_change *change);
#define _cleanup_plan_change_ __attribute__((cleanup(plan_change_done)))

#endif
