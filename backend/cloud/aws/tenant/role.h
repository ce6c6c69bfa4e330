/* SPDX-License-Identifier: Apache-2.0 */
/*
 * role - roles of IAM, with which machines and functions of a tenant do what they may.
 * Promises: as account.h says of all things.
 * Threads: a call belongs to one thread.
 * Ownership: everything is borrowed for the call; what is found belongs to the caller's answer.
 */
#ifndef DUPLOFS_CLOUD_AWS_TENANT_ROLE_H
#define DUPLOFS_CLOUD_AWS_TENANT_ROLE_H

#include "cloud/aws/account.h"

#define ROLE_FUNCTION_PATH ACCOUNT_PATH "functions/" /* of the roles that functions have */

struct role_wish {
	const char *name, *path;
	const char *service; /* that may take it, "ec2.amazonaws.com" */
};

/* *ret: the role, in answer; *ret_made: just now. -EAGAIN: not shown yet. -EEXIST: it is not
 * ours. */
int role_find_or_make(struct account *account, const struct estate_owner *owner,
	const struct role_wish *wish, struct answer *answer, const struct answer_node **ret,
	bool *ret_made, struct error *reterr);

/* With all that it may do. 0 also when there is none; -EEXIST: it is not ours. */
int role_remove(struct account *account, const struct estate_owner *owner, const char *name,
	struct error *reterr);

#endif
