/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine - machines of hosts as EC2 instances: made, watched, replaced, terminated.
 * Promises: only what carries our tags is terminated; of several with one token the oldest stays. A
 *           machine that is known to run costs no call until AWS tells of it.
 * Threads: any; each call has an account of its own.
 * Ownership: arguments are borrowed for the call.
 */
#ifndef DUPLOFS_CLOUD_AWS_MACHINE_MACHINE_H
#define DUPLOFS_CLOUD_AWS_MACHINE_MACHINE_H

#include "cloud/aws/machine/engine_keys.h"
#include "cloud/aws/machine/machine_table.h"
#include "cloud/aws/survey.h"
#include "cloud/cloud.h"

int aws_machine_ensure(struct machine_table *table, struct account *account,
	const struct engine_keys *keys, const struct machine *wanted, struct machine_state *ret,
	struct error *reterr);

int aws_machine_remove(struct machine_table *table, struct account *account,
	const struct machine *last, struct error *reterr);

/* Adds a sentence to what is said of a machine that serves all the same. */
void machine_warn(struct machine_state *state, const char *text);

/* Tells of all that are not on their way out (see survey.h): one look, whose news the hosts hear.
 */
int machine_survey(struct machine_table *table, const struct survey *survey, struct error *reterr);

#endif
