/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service_internal - what the files of the service's spec share.
 * Promises: nothing outside backend/model includes this.
 * Threads: constant tables.
 * Ownership: nothing.
 */
#ifndef DUPLOFS_MODEL_SERVICE_INTERNAL_H
#define DUPLOFS_MODEL_SERVICE_INTERNAL_H

#include "model/field.h"

/* The fields inside HealthCheck; offsets are into struct health_spec. */
extern const struct field health_fields[];

#endif
