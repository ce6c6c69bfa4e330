/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cloud/attach.h"
#include "tests/unit/puppet_world.h"

struct puppet_cloud {
	struct cloud cloud;
	struct puppet *puppet;
};

static struct puppet *of_cloud(struct cloud *cloud)
{
	return ((struct puppet_cloud *)cloud)->puppet;
}

static int cloud_balancer_ensure(struct cloud *cloud, const struct balancer *wanted,
	struct balancer_state *ret, struct error *reterr)
{
	struct puppet *puppet = of_cloud(cloud);
	size_t place = MANY;

	(void)reterr;
	LOCKED(&puppet->lock);
	for (size_t i = 0; i < MANY; i++) {
		if (puppet->balancers[i].service == wanted->service) {
			place = i;
			break;
		}
		if (!puppet->balancers[i].service)
			place = i;
	}
	puppet->balancers[place].service = wanted->service;
	puppet->balancers[place].ready = puppet->balancers[place].drain = 0;
	for (size_t i = 0; i < wanted->target_count; i++) {
		if (wanted->targets[i].state == TARGET_READY)
			puppet->balancers[place].ready++;
		else
			puppet->balancers[place].drain++;
	}
	if (puppet->balancers[place].ready < puppet->fewest)
		puppet->fewest = puppet->balancers[place].ready;
	*ret = (struct balancer_state){.tls = wanted->dns[0] != '\0'};
	(void)snprintf(ret->address, sizeof(ret->address), "127.88.0.%d", (int)wanted->slot + 2);
	return 0;
}

static int cloud_balancer_remove(struct cloud *cloud, int64_t service, struct error *reterr)
{
	struct puppet *puppet = of_cloud(cloud);

	(void)reterr;
	LOCKED(&puppet->lock);
	for (size_t i = 0; i < MANY; i++) {
		if (puppet->balancers[i].service == service)
			puppet->balancers[i].service = 0;
	}
	return 0;
}

static int cloud_target_connections(struct cloud *cloud, int64_t service,
	const struct target *target, int64_t *ret, struct error *reterr)
{
	(void)cloud;
	(void)service;
	(void)target;
	(void)reterr;
	*ret = 0;
	return 0;
}

static int cloud_machine_ensure(struct cloud *cloud, const struct machine *wanted,
	struct machine_state *ret, struct error *reterr)
{
	(void)cloud;
	return machine_attach(wanted, ret, reterr);
}

static int cloud_machine_remove(struct cloud *cloud, const struct machine *last,
	struct error *reterr)
{
	(void)cloud;
	(void)last;
	(void)reterr;
	return 0;
}

static int cloud_dns_remove(struct cloud *cloud, int64_t service, const char *name,
	struct error *reterr)
{
	struct puppet *puppet = of_cloud(cloud);

	(void)service;
	(void)reterr;
	LOCKED(&puppet->lock);
	for (size_t i = 0; i < MANY; i++) {
		if (strcmp(puppet->names[i], name) == 0)
			puppet->names[i][0] = '\0';
	}
	return 0;
}

static int cloud_dns_ensure(struct cloud *cloud, int64_t service, const char *name,
	const struct balancer_state *balancer, struct error *reterr)
{
	struct puppet *puppet = of_cloud(cloud);

	(void)balancer;
	(void)cloud_dns_remove(cloud, service, name, reterr);
	LOCKED(&puppet->lock);
	for (size_t i = 0; i < MANY; i++) {
		if (puppet->names[i][0])
			continue;
		(void)text_copy(puppet->names[i], sizeof(puppet->names[i]), name);
		return 0;
	}
	return -ENOSPC;
}

static int cloud_settle(struct cloud *cloud, struct error *reterr)
{
	(void)cloud;
	(void)reterr;
	return 0;
}

static void cloud_health(struct cloud *cloud, struct cloud_health *ret)
{
	(void)cloud;
	*ret = (struct cloud_health){.balancer_up = true, .dns_up = true};
}

static void cloud_release(struct cloud *cloud, bool keep)
{
	(void)keep;
	free(cloud);
}

static const struct cloud_ops cloud_ops = {
	.balancer_ensure = cloud_balancer_ensure,
	.balancer_remove = cloud_balancer_remove,
	.target_connections = cloud_target_connections,
	.machine_ensure = cloud_machine_ensure,
	.machine_remove = cloud_machine_remove,
	.dns_ensure = cloud_dns_ensure,
	.dns_remove = cloud_dns_remove,
	.settle = cloud_settle,
	.health = cloud_health,
	.free = cloud_release,
};

struct cloud *puppet_cloud(struct puppet *puppet)
{
	struct puppet_cloud *cloud = calloc(1, sizeof(*cloud));

	if (!cloud)
		return NULL;
	cloud->cloud.ops = &cloud_ops;
	cloud->puppet = puppet;
	return &cloud->cloud;
}
