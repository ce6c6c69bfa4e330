/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconcile - makes the world as the store wants it: a queue of keys with due times, workers, and
 *             one reconciler a kind of object.
 * Promises: level-triggered and idempotent: it may be killed at any point and goes on from the
 *           store and its journal. Steady state costs no CPU. Never deletes what the journal and
 *           the label do not both claim.
 * Threads: own ones; start and stop from one thread.
 * Ownership: borrows everything in options until stop returns.
 */
#ifndef DUPLOFS_RECONCILE_RECONCILE_H
#define DUPLOFS_RECONCILE_RECONCILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct cloud;
struct engine;
struct estate;
struct reconciler;
struct store;

/* Makes the engine that a cloud's machine has at url. */
typedef int (*reconciler_engine_fn)(void *arg, struct engine **ret, const char *url,
	struct error *reterr);

struct reconciler_options {
	struct store *store;
	struct engine *engine; /* of this machine, host "local" */
	const char *engine_url; /* its address; NULL: it has none */
	reconciler_engine_fn engine_new; /* for further hosts; NULL: there are none */
	void *engine_arg;
	int host_grace_s; /* so long a host may be away before its instances are replaced */
	struct cloud *cloud;
	struct estate *estate; /* NULL: the cloud has none */
	int sweep_s; /* how often the estate's account is looked over */
	const char *cloud_name; /* "local", "simulated" */
	const char *view_dir; /* <view_dir>/<service id>/ is bind-mounted at /duplo */
	const char *logs_dir;
	const char *inquiry_dir; /* see store/inquiry.h; NULL: nothing is answered */
	const char *host_address; /* where ports are published: 127.0.0.1 */
	int port_low, port_high; /* range of host ports: 20000-29999 */
	bool simulated; /* health is the engine's word, not a probe's */
};

/* Returns at once; looking at what already runs happens on its own threads. */
int reconciler_start(struct reconciler **ret, const struct reconciler_options *options,
	struct error *reterr);

/* Ends the threads; work in progress is finished or left to the journal within a few seconds.
 * Containers go on. Afterwards the store's feed and the engine's events are ignored. */
void reconciler_stop(struct reconciler *reconciler);

/* Frees the memory. Only after engine_free and store_close: until then they may still call. */
void reconciler_free(struct reconciler *reconciler);

#endif
