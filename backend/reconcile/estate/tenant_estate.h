/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tenant_estate - brings what the cloud account holds for a tenant to what is wanted.
 * Promises: everything is in the journal before it is made, in the order of removing. What changes
 *           there later is found by the sweep (see estate_sweep.h).
 * Threads: one worker a tenant; begin before they are given work.
 * Ownership: borrows its arguments.
 */
#ifndef DUPLOFS_RECONCILE_ESTATE_TENANT_ESTATE_H
#define DUPLOFS_RECONCILE_ESTATE_TENANT_ESTATE_H

#include "reconcile/context.h"

#define INTENT_ESTATE    "estate/" /* and the type of the thing */
#define INTENT_TYPE_SIZE sizeof(((struct intent *)0)->type)

/* The intent's type of a type of thing, and back; NULL: it is no thing of the estate. */
void tenant_estate_intent(const char *type, char ret[INTENT_TYPE_SIZE]);
const char *tenant_estate_type(const struct intent *intent);

/* By its status (an object with texts) it has all. */
bool tenant_estate_is_ready(const struct object *tenant);

/* -EAGAIN, with what is missing in words, as long as it has not: nothing is made in it before. 0
 * where the cloud holds nothing for tenants. */
int tenant_estate_await(struct reconciler *r, int64_t tenant, struct error *reterr);

/* Makes the key pair of a living tenant, where nothing else is made for it; as queue_work_fn. */
int64_t tenant_estate_key(struct reconciler *r, const struct object *tenant);

/* Of a living tenant: result as queue_work_fn. */
int64_t tenant_estate_ensure(struct reconciler *r, const struct object *tenant);
/* Of one that is being deleted: 0 when the thing of this intent is gone, or is not ours. */
int tenant_estate_remove(struct reconciler *r, const struct object *tenant,
	const struct intent *intent, struct error *reterr);

/* At the start, before anything is looked at: the policy that was in force is so still. Else all
 * that needs one would say that there is none. It wakes nobody. */
void tenant_estate_begin(struct reconciler *r);
/* Takes over the policy when it is a new one: who has nothing yet looks again, so do all hosts, and
 * a sweep finds those whose things it does not fit. */
void tenant_estate_policy(struct reconciler *r, const struct object *platform);

#endif
