/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/file.h"
#include "cloud/cloud.h"
#include "cloud/local/balancer.h"
#include "cloud/local/certificate.h"
#include "cloud/local/dns.h"
#include "cloud/local/firewall.h"
#include "cloud/local/haproxy_config.h"
#include "cloud/attach.h"

struct cloud_local {
	struct cloud cloud;
	struct certificates *certificates;
	struct balancers *balancers;
	struct dns *dns;
	struct firewall *firewall;
};

static struct cloud_local *local_of(struct cloud *cloud)
{
	return (struct cloud_local *)cloud;
}

static int local_balancer_ensure(struct cloud *cloud, const struct balancer *wanted,
	struct balancer_state *ret, struct error *reterr)
{
	return balancers_ensure(local_of(cloud)->balancers, wanted, ret, reterr);
}

static int local_balancer_remove(struct cloud *cloud, int64_t service, struct error *reterr)
{
	return balancers_remove(local_of(cloud)->balancers, service, reterr);
}

static int local_target_connections(struct cloud *cloud, int64_t service,
	const struct target *target, int64_t *ret, struct error *reterr)
{
	return balancers_connections(local_of(cloud)->balancers, service, target->name, ret,
		reterr);
}

static int local_machine_ensure(struct cloud *cloud, const struct machine *wanted,
	struct machine_state *ret, struct error *reterr)
{
	(void)cloud;
	return machine_attach(wanted, ret, reterr);
}

/* What was there before us stays when we have left it. */
static int local_machine_remove(struct cloud *cloud, const struct machine *last,
	struct error *reterr)
{
	(void)cloud;
	(void)last;
	(void)reterr;
	return 0;
}

static int local_dns_ensure(struct cloud *cloud, int64_t service, const char *name,
	const struct balancer_state *balancer, struct error *reterr)
{
	(void)service;
	return dns_ensure(local_of(cloud)->dns, name, balancer->address, reterr);
}

static int local_dns_remove(struct cloud *cloud, int64_t service, const char *name,
	struct error *reterr)
{
	(void)service;
	return dns_remove(local_of(cloud)->dns, name, reterr);
}

static int local_permit(struct cloud *cloud, const struct permit *permits, size_t count,
	struct error *reterr)
{
	return firewall_permit(local_of(cloud)->firewall, permits, count, reterr);
}

static int local_settle(struct cloud *cloud, struct error *reterr)
{
	int r = balancers_settle(local_of(cloud)->balancers, reterr);
	int r_dns = dns_settle(local_of(cloud)->dns, r < 0 ? NULL : reterr);

	return r < 0 ? r : r_dns;
}

static void local_health(struct cloud *cloud, struct cloud_health *ret)
{
	balancers_health(local_of(cloud)->balancers, &ret->balancer_up, ret->balancer,
		sizeof(ret->balancer));
	dns_health(local_of(cloud)->dns, &ret->dns_up, ret->dns, sizeof(ret->dns));
}

static void local_health_watch(struct cloud *cloud, cloud_health_fn fn, void *arg)
{
	balancers_health_watch(local_of(cloud)->balancers, fn, arg);
	dns_health_watch(local_of(cloud)->dns, fn, arg);
}

static void local_free(struct cloud *cloud, bool keep)
{
	struct cloud_local *local = local_of(cloud);

	firewall_free(local->firewall);
	dns_free(local->dns, keep);
	balancers_free(local->balancers, keep);
	certificates_free(local->certificates);
	free(local);
}

static const struct cloud_ops local_ops = {
	.balancer_ensure = local_balancer_ensure,
	.balancer_remove = local_balancer_remove,
	.target_connections = local_target_connections,
	.machine_ensure = local_machine_ensure,
	.machine_remove = local_machine_remove,
	.dns_ensure = local_dns_ensure,
	.dns_remove = local_dns_remove,
	.permit = local_permit,
	.settle = local_settle,
	.health = local_health,
	.health_watch = local_health_watch,
	.free = local_free,
};

int cloud_local_new(struct cloud **ret, const struct cloud_local_options *options,
	struct error *reterr)
{
	struct cloud_local *local = calloc(1, sizeof(*local));
	int r;

	if (!local)
		return error_oom(reterr);
	local->cloud.ops = &local_ops;
	r = haproxy_config_check_path(options->state_dir, reterr);
	if (r == 0)
		r = file_mkdirs(options->runtime_dir, 0700, reterr);
	if (r == 0)
		r = certificates_new(&local->certificates, options->state_dir, options->domain,
			options->certificate, reterr);
	if (r == 0)
		r = balancers_new(&local->balancers, options, local->certificates, reterr);
	if (r == 0)
		r = dns_new(&local->dns, options, reterr);
	if (r == 0)
		r = firewall_new(&local->firewall, options, reterr);
	if (r < 0)
		local_free(&local->cloud, true);
	else
		*ret = &local->cloud;
	return r;
}
