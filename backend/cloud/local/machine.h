/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine - machines of the local cloud: it makes none, the administrator attaches engines.
 * Promises: pure.
 * Threads: any.
 * Ownership: everything is borrowed.
 */
#ifndef DUPLOFS_CLOUD_LOCAL_MACHINE_H
#define DUPLOFS_CLOUD_LOCAL_MACHINE_H

#include "cloud/cloud.h"

/* -EOPNOTSUPP: no engine is attached; -EINVAL: it is not known where its ports are reached. */
int machine_attach(const struct machine *wanted, struct machine_state *ret, struct error *reterr);

#endif
