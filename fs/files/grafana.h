/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grafana - the dashboard that ships: a tenant's services and costs, from Prometheus.
 * Promises: a document as Grafana imports and provisions it, with <TenantName> in the tenant's
 *           place.
 * Threads: any.
 * Ownership: the caller frees the document.
 */
#ifndef DUPLOFS_FS_FILES_GRAFANA_H
#define DUPLOFS_FS_FILES_GRAFANA_H

#include "base/json.h"

/* NULL: out of memory. */
json_t *grafana_dashboard(void);

#endif
