/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resource - what a tenant's services use and a cloud makes: databases, buckets, queues. Each type
 *            has a table of fields of its own (see spec.h); what became of it is its status.
 * Promises: as spec.h and record.h.
 * Threads: plain values.
 * Ownership: resource_spec_free frees; strings inside belong to the spec.
 */
#ifndef DUPLOFS_MODEL_RESOURCE_H
#define DUPLOFS_MODEL_RESOURCE_H

#include "model/spec.h"

/* The members that a type has no field for are zero. */
struct resource_spec {
	char *name; /* NULL: not given */
	char *type;

	/* rds, elasticache */
	char *engine;
	char *engine_version; /* NULL: the cloud's */
	char *instance_class;
	int64_t size_gib;
	bool multi_az;
	int64_t backup_days;
	char *database, *username;
	int64_t nodes;
	int64_t replicas; /* beside the one that is written to */
	bool auth; /* a password is asked for, and what goes over the network is encrypted */

	bool final_snapshot; /* before it is removed; rds, elasticache, dynamodb */

	/* s3 */
	bool versioning;
	bool empty_on_removal; /* what is in it goes with it */

	/* dynamodb */
	char *hash_key, *hash_key_type;
	char *range_key, *range_key_type; /* NULL: none */
	int64_t read_units, write_units; /* both 0: paid by request */

	/* sqs */
	bool fifo;
	int64_t visibility_s, message_retention_s, delay_s;

	/* lambda */
	char *runtime, *handler; /* NULL with an image */
	char *code_bucket, *code_key; /* a resource of the tenant's or a bucket, a file in it */
	char *image; /* NULL: none */
	int64_t memory_mib, timeout_s;
	char **environment; /* "KEY=value" */
	char **config; /* names of values of the tenant's */
	char **secrets; /* always NULL: none is taken */
	char *queue; /* a resource of the tenant's; NULL: none */
	int64_t batch_size;

	/* swf */
	int64_t history_days;
};

struct resource_type {
	const char *name;
	const char *help;
	bool holds_data; /* starts protected */
	const char *const *outputs; /* names of the files that it brings; NULL-terminated */
	const struct spec_type *spec;
};

/* Ended by a row without a name. */
extern const struct resource_type resource_types[];
extern const struct spec_type resource_rds, resource_s3, resource_elasticache, resource_dynamodb,
	resource_sqs, resource_lambda, resource_swf;

/* NULL: there is no such type. */
const struct resource_type *resource_type_find(const char *name);

/* As spec_parse. */
int resource_spec_parse(const char *text, size_t len, const char *name, struct resource_spec **ret,
	struct error *reterr);
void resource_spec_free(struct resource_spec *spec);

static inline void cleanup_resource_spec(struct resource_spec **spec)
{
	resource_spec_free(*spec);
}
#define _cleanup_resource_spec_ __attribute__((cleanup(cleanup_resource_spec)))

/* Both mean the same. */
bool resource_spec_equal(const struct resource_spec *a, const struct resource_spec *b);

/* Whether what is there may become what is wanted: -EINVAL with the field that cannot. */
/* The field by which a spec names the resource of this type and name; NULL: none does. Borrowed. */
const char *resource_spec_names(const struct resource_spec *spec, const char *type,
	const char *name);

int resource_spec_check_change(const struct resource_spec *before,
	const struct resource_spec *after, struct error *reterr);

/* JSON Schema: one of the types' own. Appends to out. */
void resource_schema_print(struct buf *out);

/* Outputs that only the owner reads: passwords. */
bool resource_output_is_secret(const char *name);
/* Is there a password to make for it? */
bool resource_has_password(const struct resource_spec *spec);
/* A cache of several machines with one address, of which one takes over when another fails. */
bool resource_is_cache_group(const struct resource_spec *spec);

enum resource_phase {
	RESOURCE_NEW, /* no spec accepted yet */
	RESOURCE_MAKING, /* being made, or brought to what is wanted */
	RESOURCE_READY,
	RESOURCE_REMOVING,
	RESOURCE_FAILED, /* cannot be had as wanted */
};

struct resource_status {
	enum resource_phase phase;
	char type[16];
	char external[64]; /* its name in the cloud; "" none yet */
	int64_t since_ns; /* wall clock: in this phase since */
	char message[400]; /* one sentence; "" when all is well */
};

const char *resource_phase_name(enum resource_phase phase);
void resource_status_print(const struct resource_status *status, struct buf *out);
int resource_status_parse(const char *json, struct resource_status *ret);

#endif
