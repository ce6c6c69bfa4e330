/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine_run - makes one EC2 instance for a host, out of what it asks for and the policy.
 * Promises: one call makes one instance at most; where AWS has no capacity the next subnet and the
 *           next type are tried, three types at most.
 * Threads: any.
 * Ownership: arguments are borrowed for the call.
 */
#ifndef DUPLOFS_CLOUD_AWS_MACHINE_MACHINE_RUN_H
#define DUPLOFS_CLOUD_AWS_MACHINE_MACHINE_RUN_H

#include "cloud/aws/machine/engine_keys.h"
#include "cloud/aws/machine/machine_table.h"
#include "cloud/cloud.h"

/* The name that the certificate of a host's engine is for. */
#define MACHINE_ENGINE_NAME_SIZE 80
void machine_engine_name(const char *token, char ret[MACHINE_ENGINE_NAME_SIZE]);

/* The types to try, the cheapest first; their number. -EINVAL: none fits, with the sentence. Pure.
 */
#define MACHINE_TRIES 3
int machine_types_for(const struct policy *policy, const struct machine *wanted,
	struct machine_type ret[MACHINE_TRIES], size_t *ret_count, struct error *reterr);

/* -EAGAIN: something is not ready yet. -EALREADY: one was made under this token, and asked for
 * otherwise. -EINVAL: it cannot be had as it is asked for. One that was made before under this
 * token may have ended. */
int machine_run(struct account *account, const struct engine_keys *keys,
	const struct machine *wanted, struct machine_row *ret, struct error *reterr);

/* Puts the tags back that a row's machine and its disk were made with. */
int machine_retag(const struct account *account, const struct machine_row *row,
	const struct machine *wanted, struct error *reterr);

#endif
