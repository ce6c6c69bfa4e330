/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet - the hosts that instances can run on: each with its container engine and what is known of
 *         it by now.
 * Promises: a host that was taken stays, with its engine, until it is given back; what a host is
 *           (engine, address) never changes: another engine is another struct host.
 * Threads: any. Engines call host_event on threads of their own.
 * Ownership: the fleet owns the engines of attached hosts; the local one is its maker's.
 */
#ifndef DUPLOFS_RECONCILE_FLEET_H
#define DUPLOFS_RECONCILE_FLEET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "engine/engine.h"
#include "model/kind.h"

#define HOST_LOCAL    "local" /* name of the host that needs no object: this machine */
#define HOST_LOCAL_ID 0

struct fleet;
struct gate;
struct reconciler;

struct host {
	struct reconciler *r;
	int64_t id; /* object; HOST_LOCAL_ID */
	int64_t tenant; /* whose instances may run there; 0: everybody's */
	char name[OBJECT_NAME_MAX + 1];
	char address[64]; /* where it publishes ports, as others reach them */
	struct engine *engine;
	struct gate *networks; /* by tenant */
	atomic_bool up; /* the engine answers */
	atomic_llong epoch; /* grows whenever the engine came up; from 1 */
	struct error error; /* guarded by the reconciler's lock: why it is not up */
	char version[64]; /* likewise: of the engine */
	int refs; /* guarded by the fleet */
	bool attached; /* the engine is ours to free */
};

int fleet_new(struct fleet **ret, struct reconciler *r, struct error *reterr);
/* Starts watching the engine of the local host. */
int fleet_watch(struct fleet *fleet, struct error *reterr);
/* Frees the engines of attached hosts: no worker may run any more. */
void fleet_stop(struct fleet *fleet);
void fleet_free(struct fleet *fleet);

/* Borrowed; lives as long as the fleet. */
struct host *fleet_local(struct fleet *fleet);

/* The host by its object's id; NULL: there is none, or it has no engine yet. */
struct host *fleet_take(struct fleet *fleet, int64_t id);
/* One more for who has one. */
struct host *host_ref(struct host *host);
void host_unref(struct host *host);

static inline void cleanup_host(struct host **host)
{
	host_unref(*host);
}
#define _cleanup_host_ __attribute__((cleanup(cleanup_host)))

/* Name of the pool that a host's ports are taken from. */
void host_pool(int64_t host, char *pool, size_t size);

/* The engine's events come here; arg is the struct host. */
void host_event(void *arg, const struct engine_event *event);

#endif
