/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world - a store in a directory of its own with a reconciler at work on it, for tests.
 * Promises: waiting ends when the condition holds, or fails the test after a deadline.
 * Threads: the test's thread.
 * Ownership: world_end removes everything that world_begin made.
 */
#ifndef DUPLOFS_TESTS_WORLD_H
#define DUPLOFS_TESTS_WORLD_H

#include "base/lock.h"
#include "model/service_status.h"
#include "reconcile/reconcile.h"
#include "store/store.h"

struct world {
	char dir[64], view_dir[96], logs_dir[96];
	struct store *store;
	struct engine *engine;
	struct cloud *cloud;
	struct reconciler *reconciler;
	struct reconciler_options options;
	/* Set before world_start by who wants something else. */
	reconciler_engine_fn engine_new;
	void *engine_arg;
	int host_grace_s, port_low, port_high;
	struct estate *estate; /* borrowed */
	struct lock lock;
	struct cond changed;
	int64_t changes;
};

typedef bool (*world_condition)(struct world *world, void *arg);

void world_begin(struct world *world);
/* engine and cloud become the world's. */
void world_start(struct world *world, struct engine *engine, struct cloud *cloud, bool simulated);
void world_stop(struct world *world); /* store, engine and cloud too */
void world_open(struct world *world);
void world_end(struct world *world);

int64_t world_tenant(struct world *world, const char *name);
int64_t world_service(struct world *world, int64_t tenant, const char *name);
/* A host of a tenant's; the spec of one that is there may be set again. */
int64_t world_host(struct world *world, int64_t tenant, const char *name, const char *text);
/* A new spec; returns its generation. */
int64_t world_spec(struct world *world, int64_t service, const char *name, const char *text);
int64_t world_value(struct world *world, int64_t parent, bool secret, const char *name,
	const char *value);
void world_delete(struct world *world, int64_t id);
void world_rollout(struct world *world, int64_t service, bool restart, bool paused);

/* Waits up to seconds; false when it did not come true. */
bool world_wait(struct world *world, int seconds, world_condition condition, void *arg);
/* The service has settled its newest generation, well or not. */
bool world_settled(struct world *world, int64_t service, int seconds);
bool world_failed(struct world *world, int64_t service, int64_t generation, int seconds);
bool world_gone(struct world *world, int64_t id, int seconds);
void world_status(struct world *world, int64_t service, struct service_status *ret);
/* True when the events of the object contain text. */
bool world_told(struct world *world, int64_t id, const char *text);

#endif
