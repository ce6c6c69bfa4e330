/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host_work - one look at one host that a tenant has: its machine, its engine, its status, and
 *             its leaving.
 * Promises: each step is idempotent and may be the last before a crash.
 * Threads: belongs to the worker that reconciles the host.
 * Ownership: host_work_done frees all of it.
 */
#ifndef DUPLOFS_RECONCILE_HOST_HOST_WORK_H
#define DUPLOFS_RECONCILE_HOST_HOST_WORK_H

#include "model/host.h"
#include "reconcile/context.h"
#include "reconcile/host/fleet.h"

struct host_work {
	struct reconciler *r;
	struct object object;
	struct host_spec *spec; /* NULL: none yet */
	struct host_status before, status; /* status: as it will be */
	char tenant[OBJECT_NAME_MAX + 1];
	struct host *host; /* NULL: has no engine yet */
	struct tally tally;
	struct error trouble; /* why it cannot be had */
	char waiting[256]; /* what the cloud waits for */
	struct charge charges[CHARGES_MAX]; /* what the account pays for it, as the cloud says */
	size_t charge_count;
	bool own; /* a machine that the account does not pay for is there */
	bool made; /* the cloud makes its machine */
	bool again; /* it could not be made just now */
	bool moving; /* its machine is on its way, or another takes its place */
};

/* Version, capacity, and the containers that are there. */
int host_greet(struct host *host, struct error *reterr);

int64_t host_object_reconcile(struct reconciler *r, int64_t id);

/* Does the cloud make hosts' machines? */
bool host_machine_makes(const struct reconciler *r);
/* Hears from the cloud what becomes of machines. */
int host_machine_watch(struct reconciler *r, struct error *reterr);
/* Has the cloud make the machine, or tell of it; a new one when it has ended. The trouble is the
 * work's. -EOPNOTSUPP: this cloud has none. */
int host_machine_ask(struct host_work *work, struct machine_state *state);
/* Gives it back. -EAGAIN: it is on its way out. */
int host_machine_remove(struct host_work *work, struct error *reterr);

/* Writes the status, with an event when the phase is another one; settles the generation when
 * settled (failed: with the trouble). */
int host_commit(struct host_work *work, bool settled, struct error *reterr);

/* Whether others have to look because of what became of the host. */
bool host_is_news(const struct host_work *work);

/* The host is deleted: waits until nothing is on it, then takes down what the tenant had there. */
int64_t host_leave(struct host_work *work);

/* Everything that a host means something to is looked at: the tenant's services, and what of its
 * instances is on the host. */
int feed_host_all(struct reconciler *r, int64_t host, int64_t tenant);

#endif
