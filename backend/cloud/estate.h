/* SPDX-License-Identifier: Apache-2.0 */
/*
 * estate - what a cloud account holds for each tenant beside its machines: groups, roles, profiles.
 *          NULL where a cloud has none.
 * Promises: ensure states what is wanted and repairs what differs; remove takes away only what
 *           carries our tags. Both come back soon: -EAGAIN asks to be called again later.
 * Threads: all calls from any thread at once; they may block for seconds.
 * Ownership: arguments are borrowed for the call.
 */
#ifndef DUPLOFS_CLOUD_ESTATE_H
#define DUPLOFS_CLOUD_ESTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define ESTATE_THINGS_MAX 8
#define ESTATE_NAME_SIZE  64

/* A tenant, to name and tag by. */
struct estate_owner {
	const char *platform;
	const char *tenant;
	int64_t id; /* never used again for another tenant */
	const char *public_key; /* for SSH, as authorized_keys has it; NULL: only for removing */
	bool fresh; /* nothing was ever made for it, the journal says: none looks before it makes */
};

/* Something that is made for it; both texts go into the journal. */
struct estate_thing {
	const char *type;
	char name[ESTATE_NAME_SIZE];
};

/* What the account was billed for: an amount by tenant, day and service of the provider's. */
struct estate_cost {
	int64_t tenant; /* its id; 0: nobody's */
	const char *day; /* "2026-11-26" (UTC) */
	const char *service; /* "Amazon Relational Database Service" */
	const char *amount; /* a decimal number, as it came */
	const char *currency; /* "USD" */
};
/* 0 to go on, or a negative errno. */
typedef int (*estate_cost_fn)(void *arg, const struct estate_cost *cost);

/* What a thing was made for. */
enum estate_level {
	ESTATE_OF_TENANT,
	ESTATE_OF_SERVICE,
	ESTATE_OF_HOST,
	ESTATE_OF_RESOURCE,
};

/* Something in the account with the platform's tags, or a name that only the platform gives. */
struct estate_found {
	const char *type, *name; /* as in estate_thing */
	enum estate_level level;
	int64_t owner; /* id of that object, of a tag or else the name; 0: neither has one */
	const char *journal; /* the name by which the journal has it */
	const char *tenant_name; /* of its tag; "" */
	enum estate_tags {
		ESTATE_TAGS_OURS,
		ESTATE_TAGS_OTHER, /* it has none of ours */
		ESTATE_TAGS_UNTOLD, /* this list does not tell them */
	} tags;
	enum estate_fit {
		ESTATE_AS_WANTED, /* by the policy */
		ESTATE_DIFFERS, /* ensure has something to do */
		ESTATE_ELSEWHERE, /* where a former policy wanted it: it does not count as there */
	} fit;
};

/* Who hears what a survey finds; each returns 0 to go on, or a negative errno. */
struct estate_hearer {
	int (*found)(void *arg, const struct estate_found *found);
	/* What this object was brought to is there no more, or is another. */
	int (*differs)(void *arg, enum estate_level level, int64_t object);
	/* Nothing is known of things of this type: they could not be listed. */
	int (*unseen)(void *arg, const char *type, const struct error *error);
	void *arg;
	/* Lists lag behind: of what was brought to its state less long before, and differs, only
	 * this is told: look again when so long has passed. NULL: with lag_ns 0. */
	void (*unsure)(void *arg);
	int64_t lag_ns;
};

struct estate;

struct estate_ops {
	/* All that a tenant has, in order of making; removing goes the other way. Pure. */
	size_t (*things)(const struct estate_owner *owner,
		struct estate_thing ret[ESTATE_THINGS_MAX]);

	/* 0: it is as wanted. -EAGAIN: not yet. -EEXIST: that name is taken by what is not ours. */
	int (*ensure)(struct estate *estate, const struct estate_owner *owner,
		const struct estate_thing *thing, struct error *reterr);
	/* 0: it is gone. -EAGAIN: something still uses it. -EEXIST: it is not ours, and left alone.
	 */
	int (*remove)(struct estate *estate, const struct estate_owner *owner,
		const struct estate_thing *thing, struct error *reterr);

	/* What this platform's tenants were billed for on the days [from, to), in one query. It
	 * costs money: once a day is often enough. -ENODATA: there is no policy yet. */
	int (*costs)(struct estate *estate, const char *from, const char *to, estate_cost_fn fn,
		void *arg, struct error *reterr);

	/* All of this platform's that the account holds of the types that can be surveyed, in as
	 * many calls as that has pages, however many owners there are; of load balancers' targets,
	 * which AWS tells one group at a time, those of some, in turn. -ENODATA: no policy. */
	int (*survey)(struct estate *estate, const struct estate_hearer *hearer,
		struct error *reterr);
	bool (*can_survey)(const char *type);

	/* The administrator's policy (see model/policy.h); NULL: there is none. */
	int (*set_policy)(struct estate *estate, const char *text, struct error *reterr);

	/* Calls under way end with -ECANCELED. */
	void (*stop)(struct estate *estate);
	void (*free)(struct estate *estate);
};

struct resource_ops;

struct estate {
	const struct estate_ops *ops;
	const struct resource_ops *resources; /* see resources.h; NULL: it makes none */
};

static inline void estate_free(struct estate *estate)
{
	if (estate)
		estate->ops->free(estate);
}

#endif
