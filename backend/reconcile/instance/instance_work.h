/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instance_work - one look at one instance, handed from step to step of the host's reconciler.
 * Promises: each step is idempotent and may be the last before a crash.
 * Threads: belongs to the worker that reconciles the instance.
 * Ownership: instance_work_done frees all of it.
 */
#ifndef DUPLOFS_RECONCILE_INSTANCE_INSTANCE_WORK_H
#define DUPLOFS_RECONCILE_INSTANCE_INSTANCE_WORK_H

#include "model/instance.h"
#include "model/service.h"
#include "reconcile/context.h"
#include "reconcile/host/fleet.h"
#include "reconcile/instance/units.h"

#define JOURNAL_NAMES_MAX 8

struct instance_work {
	struct reconciler *r;
	struct host *host; /* that it is placed on; NULL: it is not there (any more, or yet) */
	struct object object;
	struct object service;
	struct service_spec *template; /* of spec.template_generation; read when it is needed */
	struct instance_spec spec;
	struct instance_status status; /* as it will be */
	struct unit unit;
	char tenant[OBJECT_NAME_MAX + 1];
	char name[160]; /* of the container that is wanted */
	char journal[JOURNAL_NAMES_MAX][160]; /* names that the journal has for it */
	size_t journal_count;
	int64_t started_wall_ns; /* of the container, when it was looked at */
	bool wanted; /* shall have a container */
};

/* What goes into one commit with the status. */
struct instance_news {
	bool intent_add; /* of the wanted name */
	bool intents_done; /* of all names but the wanted one */
	const char *severity; /* of the event on the service, or NULL: none */
	char event[900];
	int64_t port_taken; /* by somebody else: allocate another one; 0: none */
	bool purge;
};

void instance_work_done(struct instance_work *work);

/* -ENOENT: it is gone. */
int instance_load(struct instance_work *work, struct reconciler *r, int64_t id,
	struct error *reterr);
/* Its host is not up. */
int64_t instance_alone(struct instance_work *work);
/* Where others reach it: the container itself, or the port that its host publishes. */
void instance_address_set(struct instance_work *work, const struct container_state *state);
/* Reads work->template. */
int instance_template(struct instance_work *work, struct error *reterr);

/* Sets the phase with the time and the words; reason "" when all is well. */
void instance_phase_set(struct instance_work *work, enum instance_phase phase, const char *reason);
/* Writes status and news in one commit, when there is anything new. */
int instance_commit(struct instance_work *work, const struct instance_news *news,
	struct error *reterr);

/* Steps; results as queue_work_fn, or 0 with *ret_next_ns untouched to go on with the next step. */
int64_t instance_make(struct instance_work *work);
int64_t instance_leave(struct instance_work *work, const char *why);
int64_t instance_watch(struct instance_work *work);
int64_t instance_revive(struct instance_work *work);

/* Finds out which container is there, from the journal and the engine. */
int instance_look(struct instance_work *work, struct error *reterr);

/* It could not be done: says so in the status and comes again after a backoff. */
int64_t instance_fail(struct instance_work *work, const struct error *error);

/* Adds "; last output: ..." to words, as far as there is any. dead: waits a moment for the rest. */
void instance_add_output(struct reconciler *r, int64_t id, bool dead, char *words, size_t size);

/* Not again under this name before a backoff that grows with the crashes in a row is over. */
void instance_back_off(struct instance_work *work);
/* When it may be started, monotonic; in the past: now. */
int64_t instance_may_start_ns(const struct instance_work *work);

/* Starts the container and looks at it: STARTING, with words on why it was started anew. */
int64_t instance_start(struct instance_work *work, const char *words);

/* Work of the slow queue: stops and removes the container of an instance that leaves. */
int64_t instance_stop(struct reconciler *r, int64_t id);

#endif
