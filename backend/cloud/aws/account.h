/* SPDX-License-Identifier: Apache-2.0 */
/*
 * account - what the things of AWS's estate share: the client, the policy, tags.
 * Promises: a thing's ensure looks before it makes, so that it may be killed anywhere.
 * Threads: any at once; the policy is held for the time of one call.
 * Ownership: the account owns both.
 */
#ifndef DUPLOFS_CLOUD_AWS_ACCOUNT_H
#define DUPLOFS_CLOUD_AWS_ACCOUNT_H

#include <stdbool.h>

#include "aws/client.h"
#include "cloud/estate.h"
#include "model/policy.h"

#define TAG_PLATFORM "duplo.platform"
#define TAG_TENANT   "duplo.tenant"
#define TAG_ID       "duplo.tenant-id"

struct account {
	struct aws_client *client;
	const struct policy *policy; /* NULL: only for removing */
};

/* One type of thing: a row. */
struct aws_thing {
	const char *type;
	int (*ensure)(struct account *account, const struct estate_owner *owner, const char *name,
		struct error *reterr);
	int (*remove)(struct account *account, const struct estate_owner *owner, const char *name,
		struct error *reterr);
};

extern const struct aws_thing aws_security_group;
extern const struct aws_thing aws_role;
extern const struct aws_thing aws_instance_profile;

/* Sets the tags of a thing: prefix is "TagSpecification.1.Tag" or "Tags.member". */
void account_tag(struct aws_request *request, const char *prefix, const struct estate_owner *owner,
	const char *name);

/* Does a list of tags (key and value in children of these names) say that it is the owner's? */
bool account_owns(const struct answer_node *first, const char *key, const char *value,
	const struct estate_owner *owner);

/* -EEXIST with the sentence. */
int account_foreign(const char *type, const char *name, struct error *reterr);

/* Makes one call; 0 also for a fault of this kind. */
int account_call(struct account *account, const struct aws_request *request, struct answer *answer,
	enum fault_kind fine, struct error *reterr);

#endif
