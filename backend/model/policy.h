/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy - what the administrator says once of the AWS account: ids of networks, groups, zones,
 *          certificates. One table of names; from `terraform output -json`, or flat.
 * Promises: a policy that was parsed is whole: every name known, every needed id there, each of the
 *           form that AWS gives it.
 * Threads: plain values.
 * Ownership: policy_free; texts are borrowed from the policy.
 */
#ifndef DUPLOFS_MODEL_POLICY_H
#define DUPLOFS_MODEL_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

struct policy;

enum policy_type {
	POLICY_TEXT, /* one value */
	POLICY_LIST, /* of them */
};

/* A name that a policy may have. */
struct policy_field {
	const char *name;
	enum policy_type type;
	size_t least; /* so many are needed; 0: may be missing */
	const char *form; /* what each begins with; "" for anything */
	bool names; /* something in the account, which AWS names when it refuses it */
	const char *help;
};

/* Ended by a row without a name. */
extern const struct policy_field policy_fields[];

/* -EINVAL with the sentence: all ids that are missing are named at once. -ENODATA: JSON that does
 * not end. */
int policy_parse(const char *text, size_t len, struct policy **ret, struct error *reterr);
void policy_free(struct policy *policy);

static inline void cleanup_policy(struct policy **policy)
{
	policy_free(*policy);
}
#define _cleanup_policy_ __attribute__((cleanup(cleanup_policy)))

/* The value, "" when there is none. */
const char *policy_text(const struct policy *policy, const char *name);
/* The field of which a value stands in a text, as a word, with the value (that of an image without
 * its operating system); NULL: none. Only what names something in the account. */
const char *policy_find(const struct policy *policy, const char *text, const char **ret_value);
/* host_disk_gib; 0: it says none, or policy is NULL. */
int64_t policy_disk_gib(const struct policy *policy);
/* The value at index of a list; NULL behind its end. */
const char *policy_item(const struct policy *policy, const char *name, size_t index);

#endif
