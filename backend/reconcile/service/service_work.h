/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service_work - one look at one service, handed from step to step of its reconciler.
 * Promises: steps run in the order of this header; each is idempotent.
 * Threads: belongs to the worker that reconciles the service.
 * Ownership: service_work_done frees all of it.
 */
#ifndef DUPLOFS_RECONCILE_SERVICE_SERVICE_WORK_H
#define DUPLOFS_RECONCILE_SERVICE_SERVICE_WORK_H

#include "model/instance.h"
#include "model/service.h"
#include "model/service_status.h"
#include "reconcile/context.h"
#include "plan/plan_replicas.h"

/* An instance of the service. */
struct member {
	int64_t id;
	struct instance_spec spec;
	struct instance_status status;
	bool same_template; /* its template means the same as the wanted one */
	bool away; /* its host does not answer */
	bool lost; /* ... and has not for too long */
	bool gone; /* ... and was removed */
	bool leaving; /* its host gives it away, or has no room for it any more */
	bool abandoned; /* by the plan that was just written */
};

struct service_work {
	struct reconciler *r;
	struct object service;
	struct service_spec *spec;
	struct service_status status; /* as it will be */
	char tenant[OBJECT_NAME_MAX + 1];
	struct member *members; /* by ordinal */
	struct replica *replicas; /* the planner's view of them, same order */
	size_t count, room;
	struct replica_plan plan;
	bool away; /* a host that it needs does not answer; why is in away_words */
	char away_words[400];
	int64_t unplaced; /* so many that it wants have no place; why is in no_place */
	struct error no_place;
	bool changed; /* a step has written something that needs another look */
	bool watching; /* the first update domain is new; the others wait to see it last */
	bool traffic_in_place; /* balancer and name are as wanted */
	char warning[256]; /* what they lack although they are; "" */
	struct error trouble; /* what a step before settling could not do */
	char failing[560]; /* why the generation cannot be reached; "" while it may be */
	int64_t next_ns; /* monotonic: when to look again */
};

void service_work_done(struct service_work *work);

/* True when the container that is asked for is there and healthy. */
bool member_ready(const struct member *member);
/* True when it has a container that may hold connections. */
bool member_has_container(const struct member *member);

/* Reads the service, its tenant's name and its instances. -ENOENT: it is gone. */
int service_load(struct service_work *work, struct reconciler *r, int64_t id, struct error *reterr);
/* Fills work->failing. */
void service_judge(struct service_work *work);
/* Plans and writes what is asked of the instances, in one commit. */
int service_plan(struct service_work *work, struct error *reterr);
/* Balancer, name, and word to the instances that nothing comes any more. */
int service_traffic(struct service_work *work, struct error *reterr);
/* Status, events, settling, rollback. */
int service_settle(struct service_work *work, struct error *reterr);

/* Takes everything of a deleted service down and purges it; 0 also while instances remain, the
 * last of which wakes it. */
int service_teardown(struct service_work *work, struct error *reterr);
/* Takes down what the journal has under this type and name: a load balancer or a DNS name. Gone, or
 * not ours: 0. */
int service_remove_external(struct service_work *work, const char *type, const char *name,
	struct error *reterr);

/* Forgets what the balancer was told. */
void service_forget_traffic(struct reconciler *r, int64_t id);

#endif
