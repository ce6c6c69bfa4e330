/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service_place - which hosts the instances of a service go to, from what is known of the fleet.
 * Promises: as plan_placement.h; what was placed counts for what is placed after it.
 * Threads: belongs to the worker that reconciles the service.
 * Ownership: placing_done frees.
 */
#ifndef DUPLOFS_RECONCILE_SERVICE_SERVICE_PLACE_H
#define DUPLOFS_RECONCILE_SERVICE_SERVICE_PLACE_H

#include "plan/plan_placement.h"
#include "reconcile/service/service_work.h"

struct placed {
	int64_t instance, ordinal, host;
};

struct placing {
	const struct service_work *work;
	struct placement_host *hosts;
	size_t count, room;
	struct placed *placed; /* by this placing */
	size_t placed_count;
	int result; /* -ENOMEM: not all hosts are in the list */
};

int placing_begin(struct placing *placing, const struct service_work *work, struct error *reterr);
void placing_done(struct placing *placing);

/* Finds a host for the ordinal and writes it, with what is reserved there, into spec. -ENOSPC: the
 * words of plan_placement. */
int placing_find(struct placing *placing, int64_t ordinal, struct instance_spec *spec,
	struct error *reterr);
/* The instance was made there. */
int placing_note(struct placing *placing, int64_t instance, const struct instance_spec *spec);
/* None was made after all: frees too. */
void placing_undo(struct placing *placing);

/* Marks those members whose new version reserves more than their hosts have left: they leave. */
int placing_mark_grown(struct service_work *work, struct error *reterr);

#endif
