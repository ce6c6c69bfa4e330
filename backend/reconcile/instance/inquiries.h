/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inquiries - answers what is asked about containers (store/inquiry.h): runs commands in them,
 *             looks at what they use and at their processes.
 * Promises: an answer comes, be it the reason why there is none; a command is run once at most.
 *           None of it keeps other work waiting.
 * Threads: own ones; inquiries_wake from any.
 * Ownership: reconcile.c makes and frees it.
 */
#ifndef DUPLOFS_RECONCILE_INSTANCE_INQUIRIES_H
#define DUPLOFS_RECONCILE_INSTANCE_INQUIRIES_H

#include "reconcile/context.h"

int inquiries_start(struct reconciler *r, struct error *reterr);
void inquiries_stop(struct reconciler *r);
void inquiries_free(struct reconciler *r);

/* Something may have been asked. */
void inquiries_wake(struct reconciler *r);

#endif
