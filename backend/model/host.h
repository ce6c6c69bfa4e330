/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host - a machine that a tenant's containers run on: what is asked for (fields in one table, see
 *        spec.h), and what became of it.
 * Promises: as spec.h and record.h.
 * Threads: plain values.
 * Ownership: host_spec_free frees; strings inside belong to the spec.
 */
#ifndef DUPLOFS_MODEL_HOST_H
#define DUPLOFS_MODEL_HOST_H

#include "model/spec.h"

#define HOST_DISK_MAX_GIB   16384 /* of a gp3 volume that every region has */
#define HOST_DISK_USUAL_GIB 8 /* of the images of the usual systems */

struct host_spec {
	char *name; /* NULL: not given */
	char *os; /* NULL: the policy's */
	int64_t cpu_milli; /* 0: what the machine has */
	int64_t memory_gib_milli; /* likewise */
	int64_t disk_gib; /* of its root disk; 0: the policy's, else as large as its image */
	char *region; /* NULL: the policy's */
	bool spot;
	char **tags; /* NULL: none */
	bool schedulable; /* takes new instances */
	bool drain; /* gives away those that it has, too */
	char *engine; /* NULL: a machine of the cloud's; else one that the administrator attached */
	char *address; /* of such a one; NULL: as the engine's URL says */
};

static inline int64_t host_spec_memory_mib(const struct host_spec *spec)
{
	return spec->memory_gib_milli * 1024 / 1000;
}

extern const struct field host_fields[];
extern const struct spec_type host_type;

int host_spec_parse(const char *text, size_t len, const char *name, struct host_spec **ret,
	struct error *reterr);
void host_spec_free(struct host_spec *spec);

static inline void cleanup_host_spec(struct host_spec **spec)
{
	host_spec_free(*spec);
}
#define _cleanup_host_spec_ __attribute__((cleanup(cleanup_host_spec)))

/* True when both have the same fields that only the administrator may set. NULL: none is set. */
bool host_spec_same_engine(const struct host_spec *a, const struct host_spec *b);

/* Whether a host whose disk has so much (0: not known) may be given this spec: -EINVAL for a
 * smaller disk than it has. before NULL: it had none; what it had it may keep. */
int host_spec_check_disk(const struct host_spec *before, const struct host_spec *after,
	int64_t disk_gib, struct error *reterr);

enum host_phase {
	HOST_NEW, /* no spec accepted yet */
	HOST_WAITING, /* being made, or its engine has not answered yet */
	HOST_READY,
	HOST_AWAY, /* its engine answered and does not any more */
	HOST_DRAINING, /* gives its instances away */
	HOST_DRAINED, /* has none left */
	HOST_FAILED, /* cannot be had as wanted */
};

struct host_status {
	enum host_phase phase;
	char address[64]; /* where its ports are reached; "" not known yet */
	char engine[64]; /* name and version; "" not known yet */
	char machine[64]; /* that the cloud made: its id, type and state; "" none */
	int64_t cpu_milli, memory_mib; /* capacity; 0: not known */
	int64_t cpu_milli_reserved, memory_mib_reserved; /* of it, by instances */
	int64_t disk_gib; /* of its root disk; 0: not known, or not the cloud's */
	int64_t instances;
	int64_t since_ns; /* wall clock: in this phase since */
	int64_t tries; /* HOST_FAILED: how often that has happened in a row, and when last (wall) */
	int64_t tried_ns;
	char message[400]; /* one sentence; "" when all is well */
	char warning[256]; /* of one that serves all the same; "" */
};

const char *host_phase_name(enum host_phase phase);
void host_status_print(const struct host_status *status, struct buf *out);
int host_status_parse(const char *json, struct host_status *ret);

#endif
