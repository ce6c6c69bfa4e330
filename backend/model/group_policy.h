/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_policy - what the tenants of a group may have: the fields of its policy.json, and whether
 *                a spec keeps to them.
 * Promises: pure. What is there already stays, however tight a policy becomes: only growth, and
 *           what is new in a spec, is refused.
 * Threads: any.
 * Ownership: group_policy_free frees; strings inside belong to the policy.
 */
#ifndef DUPLOFS_MODEL_GROUP_POLICY_H
#define DUPLOFS_MODEL_GROUP_POLICY_H

#include "model/kind.h"
#include "model/service.h"

#define GROUP_NO_LIMIT INT64_C(-1)

/* Limits hold for all tenants of the group together. */
struct group_policy {
	int64_t max_services, max_replicas, max_hosts, max_resources;
	int64_t max_cpu_milli, max_memory_mib; /* of all replicas */
	char **host_paths; /* NULL: none */
	char **images; /* prefixes; NULL: all */
	char **regions; /* NULL: all */
	char **resource_types; /* NULL: all */
	int64_t max_cost_milli; /* a month of all that is wanted, in thousandths of the currency */
	bool spot; /* machines that are made for hosts */
	bool enforce_budgets; /* of each tenant: growth beyond it is refused */
};

/* NULL name ends it. Schema, man page and README derive. */
extern const struct field group_policy_fields[];
extern const struct spec_type group_policy_type;

int group_policy_parse(const char *text, size_t len, const char *group, struct group_policy **ret,
	struct error *reterr);
void group_policy_free(struct group_policy *policy);

static inline void cleanup_group_policy(struct group_policy **policy)
{
	group_policy_free(*policy);
}
#define _cleanup_group_policy_ __attribute__((cleanup(cleanup_group_policy)))

/* What services ask for. */
struct reserve {
	int64_t replicas;
	int64_t cpu_milli, memory_mib; /* of all replicas */
};

struct reserve group_policy_reserve(const struct service_spec *spec);

/*
 * Whether a service may become `after`. policy NULL: its tenant is in no group, or in one without a
 * policy. used: what the group's services ask for now, this one with `before`, its spec in force
 * (NULL: none). -EDQUOT, or -EPERM for what is not allowed at all.
 */
int group_policy_check_service(const struct group_policy *policy, const char *group,
	const struct reserve *used, const struct service_spec *before,
	const struct service_spec *after, struct error *reterr);

/* What a spec has not had before (NULL before: nothing): the image of a service or function, the
 * region of a host or resource, the type of a resource. after NULL: it says nothing. -EPERM. */
int group_policy_check_image(const struct group_policy *policy, const char *group,
	const char *before, const char *after, struct error *reterr);
int group_policy_check_region(const struct group_policy *policy, const char *group,
	const char *before, const char *after, struct error *reterr);
int group_policy_check_type(const struct group_policy *policy, const char *group,
	const char *before, const char *after, struct error *reterr);

/* Whether one more object of a kind may be made, with so many there. -EDQUOT. */
int group_policy_check_count(const struct group_policy *policy, const char *group, enum kind kind,
	int64_t count, struct error *reterr);
/* The limit for it. */
int64_t group_policy_count_limit(const struct group_policy *policy, enum kind kind);

#endif
