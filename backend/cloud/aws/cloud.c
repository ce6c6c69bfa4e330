/* SPDX-License-Identifier: Apache-2.0 */
/* What cloud.h promises, on an AWS account: each operation with an account of its own. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "cloud/attach.h"
#include "cloud/aws/account.h"
#include "cloud/aws/balancer/balancer.h"
#include "cloud/aws/dns/dns.h"
#include "cloud/aws/machine/engine_keys.h"
#include "cloud/aws/machine/machine.h"
#include "cloud/aws/machine/machine_watch.h"
#include "cloud/aws/shared.h"
#include "cloud/cloud.h"
#include "cloud/estate.h"

struct cloud_aws {
	struct cloud cloud;
	struct aws_shared *shared;
	struct aws_balancers *balancers;
	struct engine_keys *keys;
	struct machine_table machines;
	struct machine_watch *watch; /* NULL: nobody wants to hear */
};

static struct cloud_aws *aws_of(struct cloud *cloud)
{
	return (struct cloud_aws *)cloud;
}

static struct aws_balancers *balancers_of(struct cloud *cloud)
{
	return aws_of(cloud)->balancers;
}

static struct aws_shared *shared_of(struct cloud *cloud)
{
	return aws_of(cloud)->shared;
}

static int aws_ensure_balancer(struct cloud *cloud, const struct balancer *wanted,
	struct balancer_state *ret, struct error *reterr)
{
	_cleanup_account_ struct account account = ACCOUNT_INIT;
	int r = account_open(&account, shared_of(cloud), reterr);

	return r < 0 ? r : aws_balancer_ensure(balancers_of(cloud), &account, wanted, ret, reterr);
}

static int aws_remove_balancer(struct cloud *cloud, int64_t service, struct error *reterr)
{
	_cleanup_account_ struct account account = ACCOUNT_INIT;
	int r = account_open_bare(&account, shared_of(cloud), reterr);

	return r < 0 ? r : aws_balancer_remove(balancers_of(cloud), &account, service, reterr);
}

static int aws_target_connections(struct cloud *cloud, int64_t service, const struct target *target,
	int64_t *ret, struct error *reterr)
{
	_cleanup_account_ struct account account = ACCOUNT_INIT;
	int r = account_open_bare(&account, shared_of(cloud), reterr);

	return r < 0 ? r
		     : aws_balancer_connections(balancers_of(cloud), &account, service, target, ret,
			       reterr);
}

static int aws_ensure_machine(struct cloud *cloud, const struct machine *wanted,
	struct machine_state *ret, struct error *reterr)
{
	_cleanup_account_ struct account account = ACCOUNT_INIT;
	struct cloud_aws *aws = aws_of(cloud);
	int r;

	if (wanted->engine)
		return machine_attach(wanted, ret, reterr);
	r = account_open(&account, aws->shared, reterr);
	return r < 0 ? r
		     : aws_machine_ensure(&aws->machines, &account, aws->keys, wanted, ret, reterr);
}

static int aws_remove_machine(struct cloud *cloud, const struct machine *last, struct error *reterr)
{
	_cleanup_account_ struct account account = ACCOUNT_INIT;
	struct cloud_aws *aws = aws_of(cloud);
	int r = account_open_bare(&account, aws->shared, reterr);

	return r < 0 ? r : aws_machine_remove(&aws->machines, &account, last, reterr);
}

static int aws_watch_machines(struct cloud *cloud, cloud_machine_fn fn, void *arg,
	struct error *reterr)
{
	struct cloud_aws *aws = aws_of(cloud);

	machine_table_watch(&aws->machines, fn, arg);
	return machine_watch_new(&aws->watch, aws->shared, &aws->machines, reterr);
}

static int aws_ensure_dns(struct cloud *cloud, int64_t service, const char *name,
	const struct balancer_state *balancer, struct error *reterr)
{
	_cleanup_account_ struct account account = ACCOUNT_INIT;
	int r = account_open(&account, shared_of(cloud), reterr);

	return r < 0 ? r
		     : aws_balancer_name(balancers_of(cloud), &account, service, name, balancer,
			       reterr);
}

static int aws_remove_dns(struct cloud *cloud, int64_t service, const char *name,
	struct error *reterr)
{
	_cleanup_account_ struct account account = ACCOUNT_INIT;
	int r = account_open_bare(&account, shared_of(cloud), reterr);

	aws_balancer_unname(balancers_of(cloud), service);
	return r < 0 ? r : aws_dns_remove(&account, service, name, reterr);
}

/* What lost its owner the survey finds. */
static int aws_settle(struct cloud *cloud, struct error *reterr)
{
	(void)cloud;
	(void)reterr;
	return 0;
}

static void aws_balancer_charge(struct cloud *cloud, struct charge *ret)
{
	_cleanup_account_ struct account account = ACCOUNT_INIT;

	*ret = (struct charge){.sku = "elb/application"};
	if (account_open(&account, shared_of(cloud), NULL) == 0)
		(void)text_copy(ret->region, sizeof(ret->region),
			policy_text(account.policy, "region"));
}

static void aws_health(struct cloud *cloud, struct cloud_health *ret)
{
	(void)cloud;
	*ret = (struct cloud_health){.balancer_up = true, .dns_up = true};
	(void)snprintf(ret->balancer, sizeof(ret->balancer), "Elastic Load Balancing of AWS");
	(void)snprintf(ret->dns, sizeof(ret->dns), "Route 53 of AWS");
}

static void aws_free(struct cloud *cloud, bool keep)
{
	struct cloud_aws *aws = aws_of(cloud);

	(void)keep;
	if (aws->shared)
		aws_shared_stop(aws->shared);
	machine_watch_free(aws->watch);
	machine_table_done(&aws->machines);
	engine_keys_free(aws->keys);
	aws_balancers_free(aws->balancers);
	aws_shared_free(aws->shared);
	free(aws);
}

static const struct cloud_ops aws_ops = {
	.balancer_ensure = aws_ensure_balancer,
	.balancer_remove = aws_remove_balancer,
	.target_connections = aws_target_connections,
	.machine_ensure = aws_ensure_machine,
	.machine_remove = aws_remove_machine,
	.balancer_charge = aws_balancer_charge,
	.machine_watch = aws_watch_machines,
	.dns_ensure = aws_ensure_dns,
	.dns_remove = aws_remove_dns,
	.settle = aws_settle,
	.health = aws_health,
	.free = aws_free,
};

int cloud_aws_new(struct cloud **ret, struct estate **ret_estate,
	const struct cloud_aws_options *options, struct error *reterr)
{
	struct cloud_aws *aws = calloc(1, sizeof(*aws));
	int r;

	if (!aws)
		return error_oom(reterr);
	aws->cloud.ops = &aws_ops;
	machine_table_init(&aws->machines);
	r = aws_shared_new(&aws->shared, options, reterr);
	if (r == 0)
		r = aws_balancers_new(&aws->balancers, reterr);
	if (r == 0)
		r = engine_keys_new(&aws->keys, options->engine_keys_dir, options->platform,
			reterr);
	if (r == 0)
		r = aws_estate_new(ret_estate, aws->shared, &aws->machines, reterr);
	if (r < 0)
		aws_free(&aws->cloud, false);
	else
		*ret = &aws->cloud;
	return r;
}
