/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine_watch - notices what happens to instances without being asked: one look at all of them a
 *                 minute, and, where the policy names a queue, what EventBridge puts there at once
 *                 (interruptions of spot instances two minutes ahead, changes of state).
 * Promises: costs one call a minute, and three a minute for the queue, however many there are.
 * Threads: one of its own; new and free from one thread.
 * Ownership: borrows shared and table.
 */
#ifndef DUPLOFS_CLOUD_AWS_MACHINE_MACHINE_WATCH_H
#define DUPLOFS_CLOUD_AWS_MACHINE_MACHINE_WATCH_H

#include "cloud/aws/machine/machine_table.h"
#include "cloud/aws/shared.h"

struct machine_watch;

int machine_watch_new(struct machine_watch **ret, struct aws_shared *shared,
	struct machine_table *table, struct error *reterr);
/* After aws_shared_stop: calls that run end at once. */
void machine_watch_free(struct machine_watch *watch);

/* What an event of EventBridge is about. Pure. */
struct machine_notice {
	char instance[32]; /* "": nothing that matters */
	bool recalled; /* else: its state is another one */
};
void machine_notice_read(const char *text, struct machine_notice *ret);

#endif
