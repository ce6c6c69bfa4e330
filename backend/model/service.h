/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service - the spec of a service: fields in one table; parse, print, compare, edit derive from it.
 * Promises: parsing never accepts half a document; errors name line, column, field and, for a
 *           misspelt field, the nearest known one. No I/O.
 * Threads: any; a spec belongs to one thread at a time, or is only read.
 * Ownership: service_spec_free frees; strings inside belong to the spec.
 */
#ifndef DUPLOFS_MODEL_SERVICE_H
#define DUPLOFS_MODEL_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "model/spec.h"

struct health_spec {
	char *path; /* NULL: TCP connect, unless there is a command */
	char **command; /* run in the container; NULL: none */
	int64_t port; /* 0: the container port */
	int64_t interval_s, timeout_s, healthy_threshold, unhealthy_threshold, start_period_s;
};

enum on_change { ON_CHANGE_NONE, ON_CHANGE_SIGNAL, ON_CHANGE_RESTART };

struct service_spec {
	char *name; /* as written, may differ from the directory in case; NULL: not given */
	char *image;
	int64_t replicas;
	int64_t container_port; /* resolved: ContainerPort, else ExternalLBPort, else 80 */
	int64_t lb_port; /* 0: none, internal */
	char *dns; /* "" none; lower case */
	struct health_spec health;
	int64_t update_domains;
	int64_t max_surge;
	bool auto_rollback;
	char **command; /* NULL: the image's */
	char **environment; /* "KEY=value", sorted, NULL-terminated; NULL: none */
	char **volumes; /* "name:/path[:ro]" */
	int64_t cpu_milli;
	int64_t memory_mib;
	char **secrets; /* NULL: all of the tenant's */
	char **neighbors; /* NULL: all of the tenant's; else "service" or "tenant/service" */
	bool spot;
	char **hosts; /* names or tags to prefer; NULL: any */
	int64_t drain_s;
	enum on_change on_change;
	char *on_change_signal; /* "HUP" when on_change is ON_CHANGE_SIGNAL */
};

/* Table of INTERFACE.md, in its order; NULL name ends it. Schema, man page and README derive. */
extern const struct field service_fields[];
extern const struct field_custom service_on_change;
/* For what spec.h does with any kind. */
extern const struct spec_type service_type;

/*
 * Parses text (len bytes, no NUL needed) of the service in directory `name`.
 * -ENODATA: the text is merely incomplete JSON so far (a write in progress may still complete it);
 * -EINVAL: malformed or refused; -EFBIG: over SPEC_SIZE_MAX. The sentence is meant for last_error.
 */
int service_spec_parse(const char *text, size_t len, const char *name, struct service_spec **ret,
	struct error *reterr);
void service_spec_free(struct service_spec *spec);

static inline void cleanup_service_spec(struct service_spec **spec)
{
	service_spec_free(*spec);
}
#define _cleanup_service_spec_ __attribute__((cleanup(cleanup_service_spec)))

/* True when both mean the same. */
bool service_spec_equal(const struct service_spec *a, const struct service_spec *b);

/* True when containers of a need no replacement to be containers of b: replicas, DNS, health,
 * rollout settings and the balancer's port may differ, but not whether there is a balancer. */
bool service_spec_same_template(const struct service_spec *a, const struct service_spec *b);

#endif
