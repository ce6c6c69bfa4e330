/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "cloud/aws/balancer.h"

int aws_dns_ensure(struct account *account, const char *name, const char *address,
	struct error *reterr)
{
	(void)account;
	(void)address;
	return error_set(reterr, -EOPNOTSUPP, "%s: no names on AWS yet: remove DNS", name);
}

int aws_dns_remove(struct account *account, const char *name, struct error *reterr)
{
	(void)account;
	(void)name;
	(void)reterr;
	return 0;
}
