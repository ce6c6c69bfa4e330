/* SPDX-License-Identifier: Apache-2.0 */
/*
 * permission - what a role may do: policies inside it, which name exactly what they allow.
 * Promises: the same statements in the same order give the same document, and that is written once:
 *           what a role was last brought to is known for a moment, and not asked for.
 * Threads: any.
 * Ownership: documents are in the caller's buf.
 */
#ifndef DUPLOFS_CLOUD_AWS_RESOURCE_PERMISSION_H
#define DUPLOFS_CLOUD_AWS_RESOURCE_PERMISSION_H

#include "cloud/aws/account.h"

/* The policies that a role may have. */
#define PERMISSION_RESOURCES "duplofs-resources"
#define PERMISSION_FUNCTION  "duplofs-function"

/* One more statement: actions on the ARN with each of these endings. -ENOMEM. */
int permission_add(struct buf *document, const char *arn, const char *const *actions,
	const char *const *endings);
/* Denies actions where the request's key is this ARN. -ENOMEM. */
int permission_deny(struct buf *document, const char *const *actions, const char *key,
	const char *arn);
/* The document is whole; one without statements becomes empty. -ENOMEM. */
int permission_end(struct buf *document);

/* Brings the role's policy of that name to this document ("": none) unless it is so. -ENOENT: there
 * is no such role (yet). */
int permission_put(struct account *account, const char *role, const char *name,
	const char *document, struct error *reterr);

/* The role is new: it has none of these policies, whatever one of its name had. */
void permission_doubt(const struct account *account, const char *role);

#endif
