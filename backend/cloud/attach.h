/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attach - machines that were there before the platform: the administrator attaches their engines.
 * Promises: pure.
 * Threads: any.
 * Ownership: everything is borrowed.
 */
#ifndef DUPLOFS_CLOUD_ATTACH_H
#define DUPLOFS_CLOUD_ATTACH_H

#include "cloud/cloud.h"

/* -EOPNOTSUPP: no engine is attached; -EINVAL: it is not known where its ports are reached. */
int machine_attach(const struct machine *wanted, struct machine_state *ret, struct error *reterr);

#endif
