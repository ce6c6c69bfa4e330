/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quota - whether the policy of a tenant's group lets something happen; apply records what is
 *         wanted then.
 * Promises: what the store says in the transaction counts; the check before it only tells early.
 * Threads: any.
 * Ownership: everything is borrowed.
 */
#ifndef DUPLOFS_FS_FILES_QUOTA_H
#define DUPLOFS_FS_FILES_QUOTA_H

#include "fs/tree/context.h"
#include "model/group_policy.h"
#include "model/host.h"
#include "model/resource.h"

/* Whether service may go from before (NULL: no spec yet) to after: -EDQUOT, -EPERM. */
int quota_check_service(struct fs *fs, const struct object *service,
	const struct service_spec *before, const struct service_spec *after, struct error *reterr);
int quota_apply_service(struct txn *txn, struct fs *fs, const struct object *service,
	const struct service_spec *before, const struct service_spec *after, struct error *reterr);

/* The same of a host. */
int quota_check_host(struct fs *fs, const struct object *host, const struct host_spec *before,
	const struct host_spec *after, struct error *reterr);
int quota_apply_host(struct txn *txn, struct fs *fs, const struct object *host,
	const struct host_spec *before, const struct host_spec *after, struct error *reterr);

/* The same of a resource. */
int quota_check_resource(struct fs *fs, const struct object *resource,
	const struct resource_spec *before, const struct resource_spec *after,
	struct error *reterr);
int quota_apply_resource(struct txn *txn, struct fs *fs, const struct object *resource,
	const struct resource_spec *before, const struct resource_spec *after,
	struct error *reterr);

/* Whether an object of a kind may be made below parent: -EDQUOT. */
int quota_apply_create(struct txn *txn, int64_t parent, enum kind kind, struct error *reterr);

#endif
