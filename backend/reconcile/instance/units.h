/* SPDX-License-Identifier: Apache-2.0 */
/*
 * units - what this host knows of its instances between two looks: the container, its health, and
 *         whether traffic still goes there. Nothing here is needed after a restart.
 * Promises: lookups are short; nothing is done under the lock but copying.
 * Threads: any. A unit is taken, changed and put back by the worker of its key; callbacks of the
 *          engine and of the prober only set single facts.
 * Ownership: copies go out and in; no pointer to a unit leaves.
 */
#ifndef DUPLOFS_RECONCILE_INSTANCE_UNITS_H
#define DUPLOFS_RECONCILE_INSTANCE_UNITS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"

enum unit_health { HEALTH_UNKNOWN, HEALTH_GOOD, HEALTH_BAD };
enum unit_stop { STOP_NONE, STOP_ASKED, STOP_DONE };

struct unit {
	int64_t instance;
	/* The worker's own. */
	int64_t host; /* that the container is on */
	int64_t epoch; /* of its host: grows whenever the engine came up */
	int64_t looked; /* the epoch in which the container was last looked at */
	int64_t probed; /* generation of the spec whose health check the prober has; 0: none */
	bool logged; /* its output is being followed */
	char name[160]; /* of the container that is there; "" none */
	char container[ENGINE_ID_MAX];
	int crashes; /* in a row, for the backoff */
	int64_t healthy_ns; /* monotonic: since when */
	int64_t drain_until_ns;
	int64_t replace_ns; /* monotonic: when an unhealthy one is replaced */
	int64_t again_ns; /* monotonic: not to be started before ... */
	uint64_t again_name; /* ... under the name with this hash */
	/* Facts that come from outside. */
	bool alive; /* the container runs as far as we know */
	bool in_traffic; /* a balancer or a neighbor may still send something */
	enum unit_health health;
	enum unit_stop stop;
	char words[200]; /* what the probe says */
};

struct units;

int units_new(struct units **ret, struct error *reterr);
void units_free(struct units *units);

/* Copies the unit out, an empty one when there is none yet. */
void units_load(struct units *units, int64_t instance, struct unit *ret);
/* Keeps the worker's own part; outside facts stay as they are by now. -ENOMEM. */
int units_save(struct units *units, const struct unit *unit);
void units_drop(struct units *units, int64_t instance);

/* Facts. Those that speak of a container are ignored when the unit has another one by now. */
void units_set_alive(struct units *units, int64_t instance, bool alive);
void units_set_died(struct units *units, int64_t instance, const char *container);
void units_set_health(struct units *units, int64_t instance, enum unit_health health,
	const char *words);
void units_set_stop(struct units *units, int64_t instance, enum unit_stop stop);
/* True when that is news. */
bool units_set_traffic(struct units *units, int64_t instance, bool in_traffic);

#endif
