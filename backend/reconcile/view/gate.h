/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate - something that is done once a key, by whoever comes first; the others wait for it.
 * Promises: no lock is held while it is being done; what failed is tried again by the next.
 * Threads: any; gate_pass may wait for another thread's fn.
 * Ownership: keys are numbers; fn's argument is borrowed for the call.
 */
#ifndef DUPLOFS_RECONCILE_VIEW_GATE_H
#define DUPLOFS_RECONCILE_VIEW_GATE_H

#include <stdint.h>

#include "base/error.h"

struct gate;

typedef int (*gate_fn)(void *arg, struct error *reterr);

int gate_new(struct gate **ret, struct error *reterr);
void gate_free(struct gate *gate);

/* 0 when it was done before, by another just now, or by fn; else fn's error. */
int gate_pass(struct gate *gate, int64_t key, gate_fn fn, void *arg, struct error *reterr);

/* It has to be done again. */
void gate_forget(struct gate *gate, int64_t key);
void gate_forget_all(struct gate *gate);

#endif
