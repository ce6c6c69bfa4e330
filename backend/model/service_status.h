/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service_status - what the reconciler says of a service as a whole; stored as its status.
 * Promises: print and parse are inverse; parse takes NULL and unknown members. The counters suffice
 *           for `status`, `rollout` and `url` without reading every instance.
 * Threads: plain values.
 * Ownership: no pointers inside.
 */
#ifndef DUPLOFS_MODEL_SERVICE_STATUS_H
#define DUPLOFS_MODEL_SERVICE_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum service_phase {
	SERVICE_NEW, /* no spec accepted yet */
	SERVICE_DEPLOYING, /* on its way to the wanted generation */
	SERVICE_RUNNING, /* settled: all replicas healthy, balancer and name in place */
	SERVICE_DEGRADED, /* was running; some replicas are not healthy */
	SERVICE_FAILED, /* the generation cannot be reached; retried */
	SERVICE_PAUSED,
	SERVICE_ROLLING_BACK,
	SERVICE_DELETING,
};

struct service_status {
	enum service_phase phase;
	int64_t replicas; /* wanted */
	int64_t total; /* instances that exist */
	int64_t updated; /* of the wanted template generation and healthy */
	int64_t healthy; /* of any generation */
	int64_t generation; /* of the spec that is being worked on, or was last */
	int64_t template_generation; /* being rolled out, or last rolled out */
	int64_t step_ns; /* wall clock: when the work last got on */
	int64_t good_generation; /* last spec generation that settled well; 0: none */
	int64_t good_template; /* its template generation */
	int64_t domains; /* update domains */
	int64_t domain; /* the one in work, from 0; equal to domains: done */
	bool paused;
	int64_t restart; /* instance_spec.restart of the rollout that goes on */
	int64_t lb_slot; /* 0: none */
	char lb_address[256]; /* "" none */
	int64_t lb_port;
	bool tls;
	char dns[256];
	char image[256];
	char message
		[560]; /* one sentence: what it waits for or what is wrong; "" when all is well */
};

const char *service_phase_name(enum service_phase phase);

void service_status_print(const struct service_status *status, struct buf *out);
int service_status_parse(const char *json, struct service_status *ret);

#endif
