/* SPDX-License-Identifier: Apache-2.0 */
/*
 * context - what the reconcilers of this room share: queues, keys, and who is woken how.
 * Promises: keys carry the kind of what they name; waking never blocks on I/O.
 * Threads: the pointers are fixed from start to stop; each part guards itself.
 * Ownership: reconcile.c makes and frees all of it.
 */
#ifndef DUPLOFS_RECONCILE_CONTEXT_H
#define DUPLOFS_RECONCILE_CONTEXT_H

#include <stdatomic.h>

#include "base/idmap.h"
#include "base/lock.h"
#include "cloud/cloud.h"
#include "engine/engine.h"
#include "model/kind.h"
#include "reconcile/queue.h"
#include "reconcile/reconcile.h"
#include "store/store.h"

#define SETTLE_DELAY_NS   (10 * NS_PER_MILLISECOND) /* gathers the news of many instances */
#define STOP_GRACE_S      10 /* SIGTERM to SIGKILL */
#define INTENT_CONTAINER  "container"
#define INTENT_NETWORK    "network"
#define INTENT_VOLUME     "volume"
#define INTENT_BALANCER   "balancer"
#define INTENT_DNS        "dns"
#define INTENT_AGENT      "agent"
#define INTENT_RESOURCE   "resource"
#define INTENT_MADE       "made" /* a resource: it was there once, and ours */
#define INTENT_MACHINE    "machine"
#define INTENT_MACHINE_ID "machine-id" /* by which the cloud knows what it made */
#define POOL_BALANCERS    "lb"
#define BALANCER_SLOT_MAX 60000

struct fleet;
struct gate;
struct host;
struct images;
struct inquiries;
struct joint;
struct logs;
struct mirrors;
struct prober;
struct units;
struct view_readers;

struct reconciler {
	struct reconciler_options options;
	const char *platform;
	struct queue *plans; /* services, tenants, the platform */
	struct queue *hosts; /* instances, and the host as a whole */
	struct queue *slow; /* pulls and stops: they may take long and must not keep others */
	struct queue *probes; /* health checks that are commands in a container */
	struct queue *views; /* values of views, one thread */
	struct queue *peerings; /* neighbors in views, one thread: storms of them delay no value */
	struct mirrors *mirrors; /* copies of views on other machines */
	struct fleet *fleet;
	struct units *units;
	struct images *images;
	struct inquiries *inquiries; /* NULL: nothing can be asked */
	struct logs *logs;
	struct prober *prober;
	struct view_readers *readers; /* NULL: nothing is shown */
	struct gate *view_gate; /* by service */
	struct joint *permissions; /* by tenant: what its role may use */
	struct lock view_lock; /* LOCK_RECONCILE: view_waits, view_paces, views_lost */
	struct cond view_done;
	struct idmap view_waits; /* by service: who waits for its view */
	struct idmap views_lost; /* services that are restarted because their view was lost */
	struct idmap view_paces; /* by service: how fast its view may switch */
	struct lock lock; /* LOCK_RECONCILE: traffic, starting, peers, told, hosts' errors */
	struct idmap traffic; /* by service: hash of what balancer and name were last told */
	struct idmap starting; /* services whose balancer was not yet stated since the start */
	struct idmap peers; /* by service: hash of its neighbors' lines as last written */
	struct idmap readings; /* of containers' counters, by instance (the slow queue's) */
	struct idmap told; /* hashes of stray containers that were already reported */
	atomic_bool local_closed; /* this machine runs nothing of tenants that have no hosts */
	atomic_llong traffic_epoch; /* what was told to balancers before it changed is not known */
	bool listed; /* starting is complete */
	char swept[640]; /* under lock: how the last sweep of the cloud's account came out */
	int64_t policy_generation; /* platform's worker: the policy that the estate has */
	atomic_llong policies_written; /* how often the feed has told of one */
	atomic_llong policies_taken; /* so many of them the estate had when it was last asked */
	bool watching; /* the store's feed has us */
	bool settled; /* cloud's settle was called */
	int64_t roster_next_ns; /* when the next roster may be made (the peerings' thread's) */
	int64_t since_ns;
	atomic_llong granting; /* services that grant something to other tenants */
	atomic_llong permits_stated; /* hash of what the firewall was last told */
	int64_t permits_again_ns; /* when it is told again (the plan queue's) */
	bool permits_failed; /* and it was told (the plan queue's) */
	bool names_stated; /* what containers knew before the start was looked at (likewise) */
	atomic_llong tenants, services, instances;
};

/* A key is an object's id with its kind below, so that workers need not ask the store. */
static inline int64_t key_of(int kind, int64_t id)
{
	return id * 16 + kind;
}

static inline int64_t key_id(int64_t key)
{
	return key / 16;
}

static inline int key_kind(int64_t key)
{
	return (int)(key % 16);
}

/* Work for the plan queue that is no object's, in the place of the kind. */
#define PLAN_KEY_PERMITS 15

/* What the firewall was told by who ran before is not known. */
#define PERMITS_UNKNOWN (-1)

/* Work for the queues of views, in the place of the kind. */
enum view_key {
	VIEW_KEY_SERVICE_VALUES = 1, /* what switches as a whole in the view of one service */
	VIEW_KEY_TENANT_VALUES, /* the same for all services of a tenant */
	VIEW_KEY_SERVICE_PEERS, /* all neighbors of one service */
	VIEW_KEY_TENANT_PEERS, /* the same for all services of a tenant */
	VIEW_KEY_PEER, /* neighbors/<service> in all views that show it */
	VIEW_KEY_ROSTER, /* neighbors.json and hosts of all services of a tenant */
	VIEW_KEY_PURGE, /* a secret, config value or output that is gone */
};

/* Work for the slow queue. */
enum slow_key {
	SLOW_KEY_STOP = 1, /* id: instance */
	SLOW_KEY_PULL, /* id: number of the image */
	SLOW_KEY_SIGNAL, /* id: instance */
	SLOW_KEY_ROTATE, /* id: the platform */
	SLOW_KEY_MEASURE, /* id: 1 */
	SLOW_KEY_BUDGET, /* id: 1 */
	SLOW_KEY_SETTLE, /* id: 1 */
	SLOW_KEY_ACTUALS, /* id: 1 */
	SLOW_KEY_TOTALS, /* id: 1 */
	SLOW_KEY_RESOURCE, /* id: resource */
	SLOW_KEY_SWEEP, /* id: 1 */
	SLOW_KEY_CONFIGURED, /* id: tenant, whose config has changed */
	SLOW_KEY_NAMES, /* id: instance */
};

/* Everything in the view of one service. */
static inline void wake_view(struct reconciler *r, int64_t service)
{
	queue_wake(r->views, key_of(VIEW_KEY_SERVICE_VALUES, service));
	queue_wake(r->peerings, key_of(VIEW_KEY_SERVICE_PEERS, service));
}

static inline void wake_service(struct reconciler *r, int64_t id)
{
	queue_wake(r->plans, key_of(KIND_SERVICE, id));
}

static inline void wake_instance(struct reconciler *r, int64_t id)
{
	queue_wake(r->hosts, key_of(KIND_INSTANCE, id));
}

/* Its status tells what is on it; the news of many instances are gathered. */
static inline void wake_host(struct reconciler *r, int64_t id)
{
	if (id > 0)
		queue_wake_at(r->hosts, key_of(KIND_HOST, id),
			clock_now_ns() + 200 * NS_PER_MILLISECOND);
}

/* Its status is seen within 100 ms; the news of many objects are gathered. */
static inline void wake_platform(struct reconciler *r)
{
	queue_wake_at(r->plans, key_of(KIND_PLATFORM, PLATFORM_ID),
		clock_now_ns() + 50 * NS_PER_MILLISECOND);
}

static inline void wake_resource(struct reconciler *r, int64_t id)
{
	queue_wake(r->slow, key_of(SLOW_KEY_RESOURCE, id));
}

static inline void wake_rotation(struct reconciler *r)
{
	queue_wake(r->slow, key_of(SLOW_KEY_ROTATE, PLATFORM_ID));
}

/* Work functions, one a kind; results as queue_work_fn. */
int64_t tenant_reconcile(struct reconciler *r, int64_t id);
int64_t service_reconcile(struct reconciler *r, int64_t id);
int64_t instance_reconcile(struct reconciler *r, int64_t id);
int64_t platform_reconcile(struct reconciler *r);
int64_t host_reconcile(struct reconciler *r, int64_t id);
int64_t resource_reconcile(struct reconciler *r, int64_t id);
/* Wakes the resources of a tenant that have values of its config in them. */
int64_t resource_wake_configured(struct reconciler *r, int64_t tenant);
int64_t platform_rotate(struct reconciler *r);
int64_t view_reconcile(struct reconciler *r, int64_t key);

/* The store's feed comes here. */
void feed_changes(void *arg, const struct change *changes, size_t count);
/* Wakes everything; of what is simulated, what is not at rest. */
int feed_sweep(struct reconciler *r);
/* The hosts that there are and what instances have of them, when it starts. */
int feed_claims(struct reconciler *r);
/* Wakes every service. */
int feed_services(struct reconciler *r);

/* The tenant's network on a host; made at the first need. */
void tenant_network_name(const struct reconciler *r, const char *tenant, int64_t id, char *name,
	size_t size);
int tenant_network_ensure(struct host *host, int64_t tenant, const char *name,
	struct error *reterr);

/* The instance as its balancer knows it. */
struct instance_spec;
struct instance_status;
void instance_target(const struct reconciler *r, int64_t id, const struct instance_spec *spec,
	const struct instance_status *status, struct target *ret);

/* What this intent was about is gone. Where a survey may find it again it is remembered. */
int intent_close(struct txn *txn, const struct reconciler *r, int64_t owner, const char *type,
	const char *name);

/* A service's balancer was stated (or failed) for the first time since the start. */
void service_stated(struct reconciler *r, int64_t id);

#endif
