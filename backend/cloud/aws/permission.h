/* SPDX-License-Identifier: Apache-2.0 */
/*
 * permission - what a tenant's role may do with the tenant's resources: a policy in the role, which
 *              names exactly these.
 * Promises: the same resources in the same order give the same document, and that is written once.
 * Threads: any.
 * Ownership: documents are in the caller's buf.
 */
#ifndef DUPLOFS_CLOUD_AWS_PERMISSION_H
#define DUPLOFS_CLOUD_AWS_PERMISSION_H

#include "cloud/aws/account.h"

/* One more statement: actions on the ARN with each of these endings. -ENOMEM. */
int permission_add(struct buf *document, const char *arn, const char *const *actions,
	const char *const *endings);
/* The document is whole; one without statements becomes empty. -ENOMEM. */
int permission_end(struct buf *document);

/* Brings the role's policy to this document ("": none) unless it is so. -EAGAIN: there is no role
 * yet. */
int permission_put(struct account *account, const struct estate_owner *owner, const char *document,
	struct error *reterr);

#endif
