/* SPDX-License-Identifier: Apache-2.0 */
/*
 * estate_sweep - looks the whole cloud account over now and then.
 * Promises: calls follow the number of pages, not of tenants. What others took away or changed
 *           wakes just its tenant. What is nobody's goes when tag and journal both claim it, and
 *           is left alone otherwise; .platform/garbage shows both.
 * Threads: one worker at a time.
 * Ownership: borrows its arguments.
 */
#ifndef DUPLOFS_RECONCILE_ESTATE_ESTATE_SWEEP_H
#define DUPLOFS_RECONCILE_ESTATE_ESTATE_SWEEP_H

#include "reconcile/context.h"

/* Result as queue_work_fn. */
int64_t estate_sweep(struct reconciler *r);

/* Soon, and from then on at its interval. */
static inline void wake_estate_sweep(struct reconciler *r)
{
	queue_wake(r->slow, key_of(SLOW_KEY_SWEEP, 1));
}

#endif
