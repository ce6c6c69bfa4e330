/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resource_work - one look at one resource: it is made, its outputs are stored, the tenant's role
 *                 may use it; and its leaving.
 * Promises: each step is idempotent and may be the last before a crash; the journal knows of a
 *           resource before the cloud does. No password reaches a log, an event or a status.
 * Threads: belongs to the worker that reconciles the resource.
 * Ownership: who loads the work ends it with resource_work_done.
 */
#ifndef DUPLOFS_RECONCILE_ESTATE_RESOURCE_WORK_H
#define DUPLOFS_RECONCILE_ESTATE_RESOURCE_WORK_H

#include "cloud/resources.h"
#include "reconcile/context.h"

/* What a resource uses of its tenant. */
struct resource_needs {
	char code_bucket[EXTERNAL_SIZE];
	char queue_arn[OUTPUT_SIZE];
	char **environment; /* NULL: none */
};

struct resource_work {
	struct reconciler *r;
	struct object object, tenant;
	struct resource_spec *spec; /* NULL: none yet */
	struct resource_status before, status; /* status: as it will be */
	struct estate_owner owner;
	struct resource wanted;
	char external[EXTERNAL_SIZE];
	char password[PASSWORD_LENGTH + 1];
	struct resource_needs needs;
	struct outputs outputs;
};

/* Finds that. -EAGAIN: another resource is not ready yet; -EINVAL: there is none of that name and
 * type; the sentence says which. */
int resource_find_needs(struct resource_work *work, struct error *reterr);
void resource_needs_done(struct resource_needs *needs);

/* Outputs as the cloud told them, into the store; what is there already is left alone. */
int resource_store_outputs(struct resource_work *work, struct error *reterr);
/* One output that the store has, without the newline that ends it there; -ENOENT. Wipe what was
 * secret. */
int resource_output_read(struct store *store, int64_t resource, const char *name, struct buf *out);
/* Whether it was there before and may not be made anew. */
int resource_find_past(struct resource_work *work, struct error *reterr);
/* The password, made and stored before it is used. */
int resource_password(struct resource_work *work, struct error *reterr);

/* The tenant's role may use what the tenant has, and nothing else. */
int resource_permit(struct resource_work *work, struct error *reterr);

/* Of one that was removed: result as queue_work_fn. */
int64_t resource_leave(struct resource_work *work);

/* Writes the status, with an event when it is news; settled: the generation is, failed with
 * message. */
int resource_commit(struct resource_work *work, bool settled, bool failed, struct error *reterr);

#endif
