/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group - security groups by name: look, make, delete.
 * Promises: names are unique in a network only, so that a look says in which one.
 * Threads: no state.
 * Ownership: an answer is the caller's; nodes are borrowed from it.
 */
#ifndef DUPLOFS_CLOUD_AWS_TENANT_GROUP_H
#define DUPLOFS_CLOUD_AWS_TENANT_GROUP_H

#include "cloud/aws/account.h"
#include "cloud/aws/account_memo.h"

#define GROUP_ID_SIZE   MEMO_ID_SIZE
#define GROUP_NAME_SIZE (ESTATE_NAME_SIZE + 8)

struct group_new {
	const char *name, *description;
	const struct estate_owner *owner;
	const char *service; /* NULL: it is the tenant's */
	int64_t service_id;
};

/* The tenant's group (name is the estate's) that all its load balancers are in, beside one of their
 * own each: hosts let it in, so that their rules do not grow with the services. */
void group_balancers_name(const char *name, char ret[GROUP_NAME_SIZE]);

/* The estate's name of a group's: is it that of the balancers? */
bool group_tenants_name(const char *group, char ret[GROUP_NAME_SIZE]);

/* All groups of these names, in vpc, or (NULL) in any network; none: an answer without items. */
int group_describe(struct account *account, const char *vpc, const char *const *names, size_t count,
	struct answer *answer, struct error *reterr);
/* The one of that name among them, or NULL. */
const struct answer_node *group_named(const struct answer *answer, const char *name);

/* In the policy's network. ret_id "": one of that name was there already, look at it. */
int group_create(struct account *account, const struct group_new *group, char ret_id[GROUP_ID_SIZE],
	struct error *reterr);

/* Gone: 0. -EAGAIN: something is still in it. */
int group_delete(struct account *account, const char *id, struct error *reterr);

/* Deletes all of that name that are the owner's, in any network. */
int group_remove_named(struct account *account, const struct estate_owner *owner, const char *name,
	struct error *reterr);

/* The id of the owner's group of this name in the policy's network, as it was a moment ago.
 * -EAGAIN: it is not there yet. -EEXIST: it is not the owner's. */
int group_find(struct account *account, const struct estate_owner *owner, const char *name,
	char ret_id[GROUP_ID_SIZE], struct error *reterr);
/* Something does not go with that id: look the next time. */
void group_doubt(struct account *account, const char *name);

/* Do its tags say that it is the tenant's and no service's? */
bool group_is_tenants(const struct answer_node *group, const struct estate_owner *owner);

#endif
