/* SPDX-License-Identifier: Apache-2.0 */
#include "billing/quote.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "billing/bill.h"
#include "model/machine_type.h"
#include "store/store.h"

static int64_t price_of(const struct quote *quote, const struct usage_subject *part)
{
	int64_t nano = 0, until_ns;

	(void)prices_find(quote->prices, part->sku, part->region, quote->now_ns, &nano, &until_ns);
	return money_times(nano, part->quantity);
}

int quote_begin(struct quote *quote, struct store *store, struct error *reterr)
{
	int r;

	*quote = (struct quote){.now_ns = store_usage_now(store)};
	r = prices_load(store, &quote->prices, reterr);
	if (r < 0)
		return r == -EINVAL ? -EIO : r;
	r = store_usage_running(store, PLATFORM_ID, &quote->machine);
	if (r == 0)
		quote->machine_nano = price_of(quote, &quote->machine);
	return r == -ENOENT ? 0 : r;
}

void quote_done(struct quote *quote)
{
	prices_free(quote->prices);
}

int64_t quote_reserve(const struct quote *quote, int64_t cpu_milli, int64_t memory_mib)
{
	weight whole = bill_parts(quote->machine.cpu_milli, quote->machine.memory_mib);

	if (whole == 0)
		return 0;
	return (int64_t)(weight_of(quote->machine_nano) * bill_parts(cpu_milli, memory_mib) /
			 whole);
}

int64_t quote_parts(const struct quote *quote, const struct usage_subject *parts, size_t count)
{
	int64_t nano = 0;

	for (size_t i = 0; i < count; i++)
		nano += price_of(quote, &parts[i]);
	return nano;
}

int64_t quote_sum(const struct quote *quote, const struct wanted_sum *sum)
{
	return quote_parts(quote, sum->parts, sum->count) +
	       quote_reserve(quote, sum->cpu_milli, sum->memory_mib);
}

int64_t quote_service(const struct quote *quote, const char *cloud, const struct service_spec *spec,
	bool alone)
{
	struct usage_subject parts[USAGE_PARTS_MAX];
	size_t count = quote_service_parts(cloud, spec, parts);
	int64_t nano = quote_parts(quote, parts, count);

	if (alone)
		nano += quote_reserve(quote, spec->replicas * spec->cpu_milli,
			spec->replicas * spec->memory_mib);
	return nano;
}

static void set_sku(struct usage_subject *part, const char *sku)
{
	*part = (struct usage_subject){.quantity = 1};
	(void)text_copy(part->sku, sizeof(part->sku), sku);
}

size_t quote_service_parts(const char *cloud, const struct service_spec *spec,
	struct usage_subject *parts)
{
	if (spec->lb_port == 0)
		return 0;
	set_sku(&parts[0], strcmp(cloud, "aws") == 0 ? SKU_BALANCER_AWS : SKU_BALANCER);
	return 1;
}

static int64_t disk_gib(const struct policy *policy, const struct host_spec *spec)
{
	int64_t gib = spec->disk_gib ? spec->disk_gib : policy_disk_gib(policy);

	return gib ? gib : HOST_DISK_USUAL_GIB;
}

/* The machine that would be made: the cheapest that fits, and its disk. */
static size_t machine_parts(const struct policy *policy, const struct host_spec *spec,
	struct usage_subject *parts)
{
	struct machine_type types[MACHINE_TYPES_MAX], type;
	size_t count = machine_types_known(policy, types);
	char sku[64];

	if (machine_type_choose(types, count, spec->cpu_milli, host_spec_memory_mib(spec), &type,
		    1) == 0)
		return 0; /* it cannot be made */
	(void)snprintf(sku, sizeof(sku), "ec2/%s", type.name);
	set_sku(&parts[0], sku);
	set_sku(&parts[1], SKU_DISK);
	parts[1].quantity = disk_gib(policy, spec);
	return 2;
}

size_t quote_host_parts(const char *cloud, const struct policy *policy,
	const struct host_spec *spec, struct usage_subject *parts)
{
	if (!spec->engine)
		return strcmp(cloud, "aws") == 0 ? machine_parts(policy, spec, parts) : 0;
	set_sku(&parts[0], SKU_MACHINE);
	return 1;
}

static void add(struct usage_subject *parts, size_t *count, int64_t quantity, const char *format,
	...) __attribute__((format(printf, 4, 5)));

static void add(struct usage_subject *parts, size_t *count, int64_t quantity, const char *format,
	...)
{
	struct usage_subject *part = &parts[*count];
	va_list ap;

	if (quantity == 0 || *count == USAGE_PARTS_MAX)
		return;
	*part = (struct usage_subject){.quantity = quantity};
	va_start(ap, format);
	(void)vsnprintf(part->sku, sizeof(part->sku), format, ap);
	va_end(ap);
	(*count)++;
}

static size_t database_parts(const struct resource_spec *spec, struct usage_subject *parts)
{
	int64_t zones = spec->multi_az ? 2 : 1;
	size_t count = 0;

	add(parts, &count, zones, "rds/%s", spec->instance_class);
	add(parts, &count, zones * spec->size_gib, "rds/gp2-gib");
	return count;
}

static size_t table_parts(const struct resource_spec *spec, struct usage_subject *parts)
{
	size_t count = 0;

	add(parts, &count, spec->read_units, "dynamodb/read-unit");
	add(parts, &count, spec->write_units, "dynamodb/write-unit");
	if (count == 0)
		add(parts, &count, 1, "dynamodb/on-demand");
	return count;
}

size_t quote_resource_parts(const struct resource_spec *spec, struct usage_subject *parts)
{
	static const char *const things[][2] = {
		{"s3", "bucket"}, {"sqs", "queue"}, {"lambda", "function"}, {"swf", "domain"}};
	size_t count = 0;

	if (strcmp(spec->type, "rds") == 0)
		return database_parts(spec, parts);
	if (strcmp(spec->type, "dynamodb") == 0)
		return table_parts(spec, parts);
	if (strcmp(spec->type, "elasticache") == 0)
		add(parts, &count, spec->nodes + spec->replicas, "elasticache/%s",
			spec->instance_class);
	for (size_t i = 0; i < sizeof(things) / sizeof(things[0]); i++)
		if (strcmp(spec->type, things[i][0]) == 0)
			add(parts, &count, 1, "%s/%s", things[i][0], things[i][1]);
	return count;
}
