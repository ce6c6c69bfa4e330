/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group - which group a tenant is in, what its services ask for, and how many objects it has.
 * Promises: sums are of what is in force, in the transaction or at the moment of the reading.
 * Threads: as store.h says.
 * Ownership: group_state_done frees.
 */
#ifndef DUPLOFS_STORE_GROUP_H
#define DUPLOFS_STORE_GROUP_H

#include "model/group_policy.h"
#include "store/store.h"

struct group_state {
	int64_t group; /* 0: the tenant is in none, and all else is empty */
	char name[OBJECT_NAME_MAX + 1];
	char *policy; /* text; NULL: none was written */
	struct reserve used; /* by the services of all its tenants */
};
void group_state_done(struct group_state *state);
#define _cleanup_group_state_ __attribute__((cleanup(group_state_done)))

/* tenant: of the platform's root (0): no group. */
int store_group(struct store *store, int64_t tenant, struct group_state *ret);
int txn_group(struct txn *txn, int64_t tenant, struct group_state *ret);

/* group 0: none. CHANGE_FLAGS of the tenant. */
int txn_set_group(struct txn *txn, int64_t tenant, int64_t group);

/* What a service in force asks for; gone with its tombstone. */
int txn_set_reserve(struct txn *txn, int64_t service, const struct reserve *reserve);

/* Living objects of a kind below the group's tenants. */
int store_group_count(struct store *store, int64_t group, enum kind kind, int64_t *ret);
int txn_group_count(struct txn *txn, int64_t group, enum kind kind, int64_t *ret);

/* A group as a whole: name and use, whichever tenant. */
int store_group_use(struct store *store, int64_t group, struct reserve *ret);
/* Its living tenants, by id. 0 to go on, 1 to stop. */
int store_group_tenants(struct store *store, int64_t group, store_object_fn fn, void *arg);

#endif
