/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service_diff - in which fields two specs differ, in words.
 * Promises: says nothing of specs that are equal (service_spec_equal); a line a field, a member of
 *           HealthCheck or a variable, in the order of the table. No I/O.
 * Threads: any.
 * Ownership: a difference is borrowed during the call.
 */
#ifndef DUPLOFS_MODEL_SERVICE_DIFF_H
#define DUPLOFS_MODEL_SERVICE_DIFF_H

#include "model/service.h"

struct service_difference {
	const char *field; /* "Replicas", "HealthCheck.Path", "Environment.DEBUG" */
	/* As JSON where there are blanks in it; "(none)" and the like for what is not given. */
	const char *before, *after;
	bool template; /* containers are replaced for it */
};

/* 0 to go on, or a negative errno. */
typedef int (*service_diff_fn)(void *arg, const struct service_difference *difference);

/* before NULL: there is no spec yet; then what is given in after is told. */
int service_spec_diff(const struct service_spec *before, const struct service_spec *after,
	service_diff_fn fn, void *arg);

#endif
