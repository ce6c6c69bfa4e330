/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metric - what a family of samples begins with in Prometheus' text exposition format 0.0.4.
 * Promises: nothing that help and name must not have is looked for: they are the program's own.
 * Threads: pure.
 * Ownership: nothing.
 */
#ifndef DUPLOFS_BASE_METRIC_H
#define DUPLOFS_BASE_METRIC_H

#include "base/buf.h"

/* type: "gauge" or "counter". The samples follow. */
static inline void metric_describe(struct buf *out, const char *name, const char *type,
	const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

#endif
