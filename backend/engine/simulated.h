/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simulated - what the files of the simulated engine share: its containers, a table in memory, and
 *             its events.
 * Promises: about 200 bytes and its names for a container; every look-up in constant time.
 * Threads: all here is called with the engine's lock held.
 * Ownership: pointers to containers are borrowed until the lock is released.
 */
#ifndef DUPLOFS_ENGINE_SIMULATED_H
#define DUPLOFS_ENGINE_SIMULATED_H

#include "base/key_map.h"
#include "base/lock.h"
#include "engine/engine.h"

/* How images misbehave, by name: "simulated/exits:3" is "exits". */
enum sim_behaviour {
	SIM_GOOD,
	SIM_MISSING, /* simulated/missing: in no registry */
	SIM_EXITS, /* simulated/exits: dies at once, with status 1 */
	SIM_CRASHES, /* simulated/crashes: dies a second after its start, with status 139 */
	SIM_UNHEALTHY, /* simulated/unhealthy: runs, and is not well */
};

struct sim_container {
	int64_t serial; /* from 1, never used again; the id is made of it */
	int64_t instance, generation;
	int64_t started_wall_ns, finished_wall_ns;
	int32_t host_port, exit_code;
	uint8_t phase; /* enum container_phase */
	uint8_t behaviour; /* enum sim_behaviour */
	uint8_t service_at, tenant_at; /* where in text they begin: name, tenant, service */
	char text[];
};

struct sim_table {
	struct sim_container **slots;
	uint32_t *free_slots;
	size_t free_count, capacity, count;
	struct key_map by_serial, by_name, by_port; /* by_port: of those that run */
	int64_t last_serial;
};

/* What has happened to a container, or will. */
struct sim_news {
	struct sim_news *next;
	int64_t due_ns; /* of a death to come; 0: it is an event to be told */
	int64_t serial, instance;
	int64_t started_wall_ns; /* of a death to come: the life that it ends */
	int exit_code;
	enum engine_event_type type;
};

struct sim_queue {
	struct sim_news *first, **last;
};

struct sim_network {
	struct sim_network *next;
	char name[];
};

struct simulated {
	struct engine engine; /* first: an engine is a simulated */
	int64_t latency_ms;
	struct lock lock; /* guards all below */
	struct cond changed; /* for the thread: news, or the end */
	struct cond interrupted; /* for callers in their latency */
	bool interrupt, quit, watched;
	engine_event_fn fn;
	void *arg;
	pthread_t thread;
	struct sim_queue events; /* to be told */
	struct sim_queue deaths; /* to come, all equally long after their start */
	struct sim_table table;
	struct sim_network *networks;
};

static inline struct simulated *sim_of(struct engine *engine)
{
	return (struct simulated *)engine;
}

/* Lets the latency go by, with the lock held before and after. */
int sim_begin(struct simulated *sim, struct error *reterr);

/* The rows of the engine's table that are about other things than containers. */
int sim_image_find(struct engine *engine, const char *image, char ret_id[ENGINE_ID_MAX],
	struct error *reterr);
int sim_image_pull(struct engine *engine, const char *image, engine_pull_fn progress, void *arg,
	struct error *reterr);
int sim_network_ensure(struct engine *engine, const char *name, const struct label *labels,
	size_t label_count, struct error *reterr);
int sim_network_remove(struct engine *engine, const char *name, struct error *reterr);
int sim_network_list(struct engine *engine, engine_name_fn fn, void *arg, struct error *reterr);
int sim_volume_list(struct engine *engine, engine_name_fn fn, void *arg, struct error *reterr);
int sim_volume_remove(struct engine *engine, const char *name, struct error *reterr);

void sim_events_init(struct simulated *sim);

/* The thread must have been joined. */
void sim_events_done(struct simulated *sim);
int sim_watch(struct engine *engine, engine_event_fn fn, void *arg, struct error *reterr);
void sim_tell(struct simulated *sim, const struct sim_container *container,
	enum engine_event_type type);
/* Lets container die in a second, unless it is started anew before. */
void sim_plan_death(struct simulated *sim, const struct sim_container *container);
/* Does nothing when it does not run. */
void sim_die(struct simulated *sim, struct sim_container *container, int exit_code);

/* A number among the labels of spec; 0. */
int64_t sim_spec_number(const struct container_spec *spec, const char *key);

enum sim_behaviour sim_behaviour_of(const char *image);

/* -EEXIST with *ret set: the name is taken. */
int sim_table_add(struct sim_table *table, const struct container_spec *spec,
	struct sim_container **ret);
/* By id or name; NULL. */
struct sim_container *sim_table_find(const struct sim_table *table, const char *id);
struct sim_container *sim_table_by_serial(const struct sim_table *table, int64_t serial);
void sim_table_remove(struct sim_table *table, struct sim_container *container);

/* -EADDRINUSE: another one that runs has the host port. */
int sim_table_take_port(struct sim_table *table, const struct sim_container *container);
void sim_table_give_port(struct sim_table *table, const struct sim_container *container);
void sim_table_done(struct sim_table *table);

void sim_container_id(int64_t serial, char id[ENGINE_ID_MAX]);
void sim_container_state(const struct sim_container *container, struct container_state *ret);

#endif
