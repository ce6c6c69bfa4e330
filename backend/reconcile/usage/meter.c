/* SPDX-License-Identifier: Apache-2.0 */
#include "reconcile/usage/meter.h"

#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "billing/prices.h"
#include "billing/quote.h"
#include "reconcile/usage/hour_use.h"
#include "store/usage.h"

#define MEASURE_EVERY_NS (INT64_C(60) * NS_PER_SECOND)
#define MIB              INT64_C(1048576)

static bool runs(enum instance_phase phase)
{
	return phase == INSTANCE_STARTING || phase == INSTANCE_HEALTHY ||
	       phase == INSTANCE_UNHEALTHY || phase == INSTANCE_DRAINING ||
	       phase == INSTANCE_STOPPING;
}

int meter_instance(struct txn *txn, const struct instance_work *work)
{
	struct usage_subject subject = {
		.kind = USAGE_INSTANCE,
		.cpu_milli = work->spec.cpu_milli,
		.memory_mib = work->spec.memory_mib,
	};

	(void)text_copy(subject.service, sizeof(subject.service), work->service.name);
	(void)text_copy(subject.name, sizeof(subject.name), work->object.name);
	(void)text_copy(subject.host, sizeof(subject.host), work->spec.host);
	return txn_usage_set(txn, work->object.id, work->object.tenant,
		runs(work->status.phase) ? &subject : NULL);
}

int meter_machine(struct txn *txn, int64_t object, int64_t payer, const struct host *host)
{
	struct usage_subject subject = {
		.kind = USAGE_HOST,
		.sku = SKU_MACHINE,
		.cpu_milli = host->cpu_milli,
		.memory_mib = host->memory_mib,
	};

	if (subject.cpu_milli == 0 || subject.memory_mib == 0)
		return 0;
	(void)text_copy(subject.name, sizeof(subject.name), host->name);
	return txn_usage_set(txn, object, payer, &subject);
}

static struct usage_subject charged(enum usage_kind kind, const char *name,
	const struct charge *charge)
{
	struct usage_subject subject = {.kind = kind, .quantity = charge->quantity};

	(void)text_copy(subject.name, sizeof(subject.name), name);
	(void)text_copy(subject.sku, sizeof(subject.sku), charge->sku);
	(void)text_copy(subject.region, sizeof(subject.region), charge->region);
	return subject;
}

int meter_host(struct txn *txn, const struct object *object, const struct host *host,
	const struct charge *charges, size_t count)
{
	struct usage_subject parts[USAGE_PARTS_MAX];

	for (size_t i = 0; i < count && i < USAGE_PARTS_MAX; i++)
		parts[i] = charged(i == 0 ? USAGE_HOST : USAGE_RESOURCE, object->name, &charges[i]);
	if (count > 0 && host) {
		parts[0].cpu_milli = host->cpu_milli;
		parts[0].memory_mib = host->memory_mib;
	}
	return txn_usage_set_parts(txn, object->id, object->tenant, parts,
		count < USAGE_PARTS_MAX ? count : USAGE_PARTS_MAX);
}

int meter_resource(struct txn *txn, const struct resource_work *work)
{
	struct cloud *cloud = work->r->options.cloud;
	struct usage_subject parts[USAGE_PARTS_MAX];
	size_t count = quote_resource_parts(work->spec, parts);
	struct charge there = {.quantity = 0};

	if (cloud->ops->balancer_charge)
		cloud->ops->balancer_charge(cloud, &there);
	for (size_t i = 0; i < count; i++) {
		parts[i].kind = USAGE_RESOURCE;
		(void)text_copy(parts[i].name, sizeof(parts[i].name), work->object.name);
		(void)text_copy(parts[i].region, sizeof(parts[i].region), there.region);
	}
	return txn_usage_set_parts(txn, work->object.id, work->object.tenant, parts, count);
}

int meter_balancer(struct txn *txn, const struct service_work *work)
{
	struct cloud *cloud = work->r->options.cloud;
	struct charge charge = {.sku = SKU_BALANCER};
	struct usage_subject subject;

	if (cloud->ops->balancer_charge)
		cloud->ops->balancer_charge(cloud, &charge);
	subject = charged(USAGE_BALANCER, "", &charge);
	(void)text_copy(subject.service, sizeof(subject.service), work->service.name);
	return txn_usage_set(txn, work->service.id, work->service.tenant,
		work->status.lb_slot > 0 ? &subject : NULL);
}

/* ---- what was really used ---- */

struct reading {
	int64_t id; /* of the instance */
	struct hour_use use;
};

static void forget(struct idmap *readings)
{
	size_t position = 0;
	void *reading;

	while ((reading = idmap_next(readings, &position)))
		free(reading);
	idmap_done(readings);
	*readings = (struct idmap){0};
}

void meter_done(struct reconciler *r)
{
	forget(&r->readings);
}

struct measuring {
	struct reconciler *r;
	struct idmap readings; /* of this time, by instance */
	int64_t id, cpu_milli, memory_mib;
};

static int measured(struct txn *txn, void *arg, struct error *reterr)
{
	const struct measuring *measuring = arg;

	(void)reterr;
	return txn_usage_measured(txn, measuring->id, measuring->cpu_milli, measuring->memory_mib);
}

/* What is above the reservation is told, and in the rest of its hour what it comes to then. */
static void look(struct measuring *measuring, const char *container,
	const struct container_usage *usage, const struct instance_spec *spec)
{
	struct store *store = measuring->r->options.store;
	const struct reading *before = idmap_get(&measuring->r->readings, measuring->id);
	struct reading *now = calloc(1, sizeof(*now));

	if (!now)
		return;
	if (before)
		*now = *before;
	now->id = measuring->id;
	hour_use_look(&now->use, container, store_usage_now(store) / CALENDAR_HOUR_NS,
		clock_now_ns(), usage->cpu_ns, (usage->memory_bytes + MIB - 1) / MIB);
	measuring->cpu_milli = hour_use_cpu_milli(&now->use);
	measuring->memory_mib = hour_use_memory_mib(&now->use);
	now->use.told |=
		measuring->cpu_milli > spec->cpu_milli || measuring->memory_mib > spec->memory_mib;
	if (now->use.told)
		(void)store_update(store, STORE_RELAXED, NULL, measured, measuring, NULL);
	if (idmap_put(&measuring->readings, measuring->id, now) < 0)
		free(now);
}

static int measure_one(void *arg, const struct object *object)
{
	struct measuring *measuring = arg;
	struct reconciler *r = measuring->r;
	struct instance_spec spec;
	struct instance_status status;
	struct container_usage usage;
	_cleanup_host_ struct host *host = NULL;

	if (object->deleting || !object->spec || instance_spec_parse(object->spec, &spec) < 0 ||
		instance_status_parse(object->status, &status) < 0 || !runs(status.phase))
		return 0;
	host = fleet_take(r->fleet, spec.host_id);
	if (!host || !host->up || !host->engine->ops->usage ||
		host->engine->ops->usage(host->engine, status.container, &usage, NULL) < 0)
		return 0;
	measuring->id = object->id;
	look(measuring, status.container, &usage, &spec);
	return 0;
}

int64_t meter_measure(struct reconciler *r)
{
	struct measuring measuring = {.r = r};

	if (r->options.simulated)
		return QUEUE_DONE;
	(void)store_list_all(r->options.store, KIND_INSTANCE, 0, true, measure_one, &measuring);
	forget(&r->readings);
	r->readings = measuring.readings;
	return clock_now_ns() + MEASURE_EVERY_NS;
}
