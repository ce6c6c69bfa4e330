/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/balancer.h"

#include <errno.h>

int aws_balancer_ensure(struct account *account, const struct balancer *wanted,
	struct balancer_state *ret, struct error *reterr)
{
	(void)account;
	(void)ret;
	return error_set(reterr, -EOPNOTSUPP,
		"service \"%s\": no load balancers on AWS yet: remove ExternalLBPort",
		wanted->name);
}

int aws_balancer_remove(struct account *account, int64_t service, struct error *reterr)
{
	(void)account;
	(void)service;
	(void)reterr;
	return 0;
}

int aws_balancer_connections(struct account *account, int64_t service, const char *target,
	int64_t *ret, struct error *reterr)
{
	(void)account;
	(void)service;
	(void)target;
	(void)reterr;
	*ret = 0;
	return 0;
}
