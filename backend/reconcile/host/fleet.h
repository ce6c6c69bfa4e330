/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet - the hosts that instances can run on: each with its container engine, what is known of it
 *         by now, and what instances have reserved of it.
 * Promises: a host that was taken stays, with its engine, until it is given back; what a host is
 *           (engine, address) never changes: another engine is another struct host.
 * Threads: any. Engines call host_event on threads of their own. Nothing here waits for I/O but
 *          giving back the last reference to a host, which ends its engine.
 * Ownership: the fleet owns the engines of attached hosts; the local one is its maker's.
 */
#ifndef DUPLOFS_RECONCILE_HOST_FLEET_H
#define DUPLOFS_RECONCILE_HOST_FLEET_H

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

/* What may change of a host while it is the same; guarded by the fleet. */
struct host_facts {
	int64_t cpu_milli, memory_mib; /* capacity; 0: it has no bounds */
	bool known; /* its engine was asked what it has: nothing is placed there before */
	bool expected; /* it has no engine yet, and had one before the platform was started */
	bool spot;
	bool schedulable; /* takes new instances */
	bool leaving; /* its instances shall go elsewhere */
	bool removed; /* its object is deleted */
	const char *tags; /* a line each; the fleet's own copy */
};

struct host {
	struct reconciler *r;
	int64_t id; /* object; HOST_LOCAL_ID */
	int64_t tenant; /* whose instances may run there; 0: everybody's */
	char name[OBJECT_NAME_MAX + 1];
	char url[256]; /* of the engine; "" local */
	char address[64]; /* where it publishes ports, as others reach them */
	bool shares_files; /* containers there may be given directories of this machine */
	bool attached; /* the engine is ours to free */
	struct engine *engine; /* NULL: not there yet; then never up */
	struct gate *networks; /* by tenant */
	atomic_bool up; /* the engine answers */
	atomic_bool was_up; /* it has answered, and then did not */
	atomic_bool down; /* it was asked and did not answer; neither: not known yet */
	atomic_llong epoch; /* another number whenever the engine came up */
	atomic_llong looked; /* the epoch in which its containers were last listed */
	atomic_llong away_ns; /* monotonic: since when it does not answer */
	atomic_llong cpu_milli, memory_mib; /* that the engine has; 0: not known */
	struct error error; /* guarded by the reconciler's lock: why it is not up */
	char version[64]; /* likewise: of the engine */
	struct host_facts facts;
	int refs; /* guarded by the fleet */
};

/* What an instance has of a host. */
struct claim {
	int64_t host;
	int64_t instance; /* set by the fleet */
	int64_t cpu_milli, memory_mib;
};

struct tally {
	int64_t cpu_milli, memory_mib;
	int64_t instances;
};

int fleet_new(struct fleet **ret, struct reconciler *r, struct error *reterr);
/* Starts watching the engine of the local host. */
int fleet_watch(struct fleet *fleet, struct error *reterr);
/* Ends all calls of engines, and lets none begin. */
void fleet_interrupt(struct fleet *fleet);
/* Frees the engines of attached hosts: no worker may run any more. */
void fleet_stop(struct fleet *fleet);
void fleet_free(struct fleet *fleet);

/* Borrowed; lives as long as the fleet. */
struct host *fleet_local(struct fleet *fleet);

/* The host by its object's id; NULL: there is none, or it was not looked at yet. */
struct host *fleet_take(struct fleet *fleet, int64_t id);
/* One more for who has one. */
struct host *host_ref(struct host *host);
void host_unref(struct host *host);

static inline void cleanup_host(struct host **host)
{
	host_unref(*host);
}
#define _cleanup_host_ __attribute__((cleanup(cleanup_host)))

/* A host of an object, as wanted. */
struct host_wish {
	int64_t id, tenant;
	const char *name, *url, *address; /* url "": no engine yet */
	bool shares_files;
	bool replaces; /* what was there is gone for good: its instances are made anew */
	struct host_facts facts; /* of a new one, until fleet_tell */
};

/* Makes it the host of its object, with its engine watched; the same again does nothing. -EBUSY:
 * instances are on it with another engine or address. -EEXIST: the engine is another host already,
 * of the same tenant's or the platform's own. */
int fleet_attach(struct fleet *fleet, const struct host_wish *wish, struct error *reterr);
void fleet_detach(struct fleet *fleet, int64_t id);

/* tags are copied; those that are kept change only here. */
void fleet_tell(struct fleet *fleet, int64_t id, const struct host_facts *facts);
void host_facts(struct host *host, struct host_facts *ret); /* without tags */

/* The engine came up: its containers have to be looked at anew. */
void host_came(struct host *host);
/* Away for longer than the grace: what was on it is to be replaced. */
bool host_is_lost(const struct host *host);
/* When it will be; CLOCK_FOREVER while it answers. */
int64_t host_lost_ns(const struct host *host);

/* Those that a tenant's instances may be placed on; there may be none. fn runs with the fleet
 * locked: it copies. */
typedef void (*fleet_fn)(void *arg, const struct host *host, const struct tally *tally);
void fleet_each(struct fleet *fleet, int64_t tenant, fleet_fn fn, void *arg);

/* What instances have of hosts. Claiming again changes it. Inside a transaction, which runs alone:
 * who plans next sees it. -ENOMEM. */
int fleet_claim(struct fleet *fleet, int64_t instance, const struct claim *claim);
void fleet_release(struct fleet *fleet, int64_t instance);
/* Ids of the instances that have something of a host, tombstones included; the caller frees. */
int fleet_instances(struct fleet *fleet, int64_t host, int64_t **ret, size_t *ret_count);
void fleet_tally(struct fleet *fleet, int64_t host, struct tally *ret);

/* Name of the pool that a host's ports are taken from. */
void host_pool(int64_t host, char *pool, size_t size);

/* The engine's events come here; arg is the struct host. */
void host_event(void *arg, const struct engine_event *event);

#endif
