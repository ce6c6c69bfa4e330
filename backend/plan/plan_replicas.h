/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_replicas - what to do next with the instances of a service: make, replace, join, retire.
 * Promises: pure: the same input gives the same answer, and repeating it until nothing is left to
 *           do comes to an end. What serves is only taken away while as many are left as promised:
 *           all but one update domain, with surge all. While fewer serve, nothing that serves is
 *           taken. One whose host gives it away is replaced first and taken then, whatever holds.
 * Threads: any.
 * Ownership: the caller's array; plan_replicas writes the action members.
 */
#ifndef DUPLOFS_PLAN_PLAN_REPLICAS_H
#define DUPLOFS_PLAN_PLAN_REPLICAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum replica_action {
	REPLICA_KEEP,
	REPLICA_REPLACE, /* ask for the wanted template and restart; leave traffic first */
	REPLICA_JOIN, /* let it into traffic */
	REPLICA_RETIRE, /* ask for no container */
	REPLICA_PURGE, /* its container is gone: the object goes too */
	REPLICA_ABANDON, /* give it up, once another one can be made in its place */
};

struct replica {
	int64_t ordinal; /* ascending in the array */
	/* What is asked of it so far. */
	bool run, join;
	bool current; /* the wanted template and restart */
	/* What is. */
	bool ready; /* the container that is asked for is there and healthy */
	bool empty; /* no container */
	bool leaving; /* its host gives it away: counts only until others serve in its place */
	bool lost; /* its host has been away for too long */
	enum replica_action action;
};

struct replica_wish {
	int64_t replicas, domains, surge;
	bool hold; /* paused, failed, or watching the domain just done: begin no domain */
};

struct replica_plan {
	int64_t create; /* so many more, of the wanted template, under the lowest free ordinals */
	int64_t domains; /* as many as there really are: at most replicas */
	int64_t domain; /* the first that is not done; domains: all are */
	bool rolling; /* a replacement is under way */
};

void plan_replicas(struct replica *replicas, size_t count, const struct replica_wish *wish,
	struct replica_plan *ret);

/* The update domain (from 0) of the replica with so many active ones before it; domains: it is an
 * extra one of a surge. */
int64_t plan_domain(int64_t rank, int64_t replicas, int64_t domains);

/* The lowest ordinal from *next on that nobody in the array has; moves *next behind it. */
int64_t plan_free_ordinal(const struct replica *replicas, size_t count, int64_t *next);

#endif
