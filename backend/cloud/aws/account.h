/* SPDX-License-Identifier: Apache-2.0 */
/*
 * account - what one call of the estate or the cloud works with: the client, the policy, tags.
 * Promises: a thing's ensure looks before it makes, unless the journal says that nothing was ever
 *           made for its owner, so that it may be killed anywhere.
 * Threads: an account belongs to one call; any number of them at once.
 * Ownership: account_done frees the policy; the rest is borrowed from shared (see there).
 */
#ifndef DUPLOFS_CLOUD_AWS_ACCOUNT_H
#define DUPLOFS_CLOUD_AWS_ACCOUNT_H

#include <stdbool.h>

#include "aws/client.h"
#include "cloud/estate.h"
#include "model/policy.h"

#define TAG_PLATFORM   "duplo.platform"
#define TAG_TENANT     "duplo.tenant"
#define TAG_ID         "duplo.tenant-id"
#define TAG_SERVICE    "duplo.service"
#define TAG_SERVICE_ID "duplo.service-id"

/* What the names begin with that only this platform gives. */
#define ACCOUNT_NAME_PREFIX "duplofs-%.12s-"
#define ACCOUNT_PATH        "/duplofs/" /* of roles and instance profiles */

struct aws_shared;
struct settled;
struct dns_pages;
struct account_memo;
struct function_codes;
struct network_cache;
struct dns_batch;
struct survey;

struct account {
	struct aws_client *client;
	const char *platform; /* its name */
	struct settled *settled;
	struct account_memo *memo;
	struct function_codes *codes;
	struct dns_pages *pages;
	struct dns_batch *names;
	struct network_cache *networks;
	int port_low, port_high; /* of hosts, given to instances */
	struct policy *policy; /* a copy; NULL: there is none, which removing does without */
};

#define ACCOUNT_INIT                                                                               \
	(struct account)                                                                           \
	{                                                                                          \
		.client = NULL                                                                     \
	}

/* -ENODATA: the administrator has given no policy yet. */
int account_open(struct account *ret, struct aws_shared *shared, struct error *reterr);
/* The same, but for what needs no policy: there may be none. */
int account_open_bare(struct account *ret, struct aws_shared *shared, struct error *reterr);
void account_done(struct account *account);
#define _cleanup_account_ __attribute__((cleanup(account_done)))

/* One type of thing: a row. */
struct aws_thing {
	const char *type;
	int (*ensure)(struct account *account, const struct estate_owner *owner, const char *name,
		struct error *reterr);
	int (*remove)(struct account *account, const struct estate_owner *owner, const char *name,
		struct error *reterr);
	/* Tells of all that there are (see survey.h); NULL: they cannot be listed. */
	int (*survey)(const struct survey *survey, struct error *reterr);
};

extern const struct aws_thing aws_balancer_group;
extern const struct aws_thing aws_security_group;
extern const struct aws_thing aws_role;
extern const struct aws_thing aws_instance_profile;
extern const struct aws_thing aws_key_pair;

/* "duplofs-<platform>-<tenant>-<id>": at most 64 characters, which is all that a role may have; the
 * tenant's id alone makes it unique on its platform. */
void account_name(const struct estate_owner *owner, char ret[ESTATE_NAME_SIZE]);

/* As estate_ops says. */
int aws_costs(struct account *account, const char *from, const char *to, estate_cost_fn fn,
	void *arg, struct error *reterr);

#define ACCOUNT_TAGS    4
#define ACCOUNT_ID_SIZE 24

/* What a thing of the owner's is tagged with. id is the memory of one of them. */
struct account_tag {
	const char *key, *value;
};
void account_tags(const struct estate_owner *owner, const char *name, char id[ACCOUNT_ID_SIZE],
	struct account_tag ret[ACCOUNT_TAGS]);

/* Sets the tags of a thing: prefix is "TagSpecification.1.Tag" or "Tags.member". */
void account_tag(struct aws_request *request, const char *prefix, const struct estate_owner *owner,
	const char *name);

/* What belongs to a service has these tags behind those of its tenant. */
void account_tag_service(struct aws_request *request, const char *prefix, const char *service,
	int64_t id);

/* Does a list of tags (key and value in children of these names) say that it is the service's? */
bool account_owns_service(const struct account *account, const struct answer_node *first,
	const char *key, const char *value, int64_t id);

/* Does a list of tags (key and value in children of these names) say that it is the owner's (id 0:
 * any tenant's of this platform)? */
bool account_owns(const struct answer_node *first, const char *key, const char *value,
	const struct estate_owner *owner);

/* The same of tags that are members of an object by their keys. */
bool account_owns_map(const struct answer_node *tags, const struct estate_owner *owner);

/* Do they say nothing of whose it is? */
bool account_is_bare(const struct answer_node *tags);

/* -EEXIST with the sentence. */
int account_foreign(const char *type, const char *name, struct error *reterr);

/* Makes one call; 0 also for a fault of this kind. */
int account_call(const struct account *account, const struct aws_request *request,
	struct answer *answer, enum fault_kind fine, struct error *reterr);

/* What the result of a call of the client's comes to: -EAGAIN for what needs time alone; -EINVAL,
 * with the field, when AWS names something that the policy does; else r. */
int account_judge(const struct account *account, const struct aws_request *request,
	const struct fault *fault, int r, struct error *reterr);

/* The result of a call about something that was there a moment ago: that AWS does not know it
 * (-ENOENT) means that it does not show it everywhere yet, -EAGAIN, in AWS's own words. */
int account_young(int result, struct error *reterr);

#endif
