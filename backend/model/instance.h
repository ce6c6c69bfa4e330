/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instance - one replica: where it should run (written by the service's reconciler into spec) and
 *            what became of it (written by the host's reconciler into status).
 * Promises: print and parse are inverse; parse takes NULL and unknown members.
 * Threads: plain values.
 * Ownership: no pointers inside.
 */
#ifndef DUPLOFS_MODEL_INSTANCE_H
#define DUPLOFS_MODEL_INSTANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* Wanted. */
struct instance_spec {
	int64_t ordinal;
	int64_t template_generation; /* of the service: which container it should be */
	char host[64];
	int64_t host_id; /* object of the host; 0: the one that needs none */
	int64_t host_port; /* 0: none yet */
	int64_t cpu_milli, memory_mib; /* reserved of the host */
	bool run; /* false: should have no container */
	bool join; /* may receive traffic (load balancer, neighbors) when healthy */
	int64_t restart; /* grows to ask for a new container of the same template */
};

enum instance_phase {
	INSTANCE_PENDING, /* nothing done yet */
	INSTANCE_PULLING,
	INSTANCE_CREATING,
	INSTANCE_STARTING, /* container runs, not yet healthy */
	INSTANCE_HEALTHY,
	INSTANCE_UNHEALTHY, /* runs, and the probe says no */
	INSTANCE_CRASHED, /* exited; waits for its backoff */
	INSTANCE_FAILED, /* cannot be made as wanted (image, port, engine); retried with backoff */
	INSTANCE_DRAINING,
	INSTANCE_STOPPING,
	INSTANCE_STOPPED, /* no container, as wanted */
};

/* Observed. */
struct instance_status {
	enum instance_phase phase;
	int64_t template_generation; /* of the container that is there; 0: none */
	int64_t restart; /* instance_spec.restart of the container that is there */
	char container[80];
	char address[64]; /* of the container */
	int64_t port; /* container port */
	int64_t restarts; /* starts after the first, since the template changed */
	int64_t since_ns; /* wall clock: in this phase since */
	int64_t retry_ns; /* wall clock: next try; 0: none planned */
	int64_t exit_code;
	char reason[400]; /* words for a person; "" when all is well */
};

const char *instance_phase_name(enum instance_phase phase); /* "healthy" */

void instance_spec_print(const struct instance_spec *spec, struct buf *out);
int instance_spec_parse(const char *json, struct instance_spec *ret);
void instance_status_print(const struct instance_status *status, struct buf *out);
int instance_status_parse(const char *json, struct instance_status *ret);

#endif
