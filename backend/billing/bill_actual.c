/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a provider has billed, in the place of estimates: by day and service of the provider, shared
 * out among the lines in proportion to what they were estimated at.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "billing/bill_lines.h"

/* Names as Cost Explorer's dimension SERVICE has them; categories as FOCUS has them. */
static const struct {
	const char *prefix, *service, *category;
} services[] = {
	{"ec2/", "Amazon Elastic Compute Cloud - Compute", "Compute"},
	{"ebs/", "EC2 - Other", "Storage"},
	{"elb/", "Amazon Elastic Load Balancing", "Networking"},
	{"vpc/", "Amazon Virtual Private Cloud", "Networking"},
	{"rds/", "Amazon Relational Database Service", "Databases"},
	{"elasticache/", "Amazon ElastiCache", "Databases"},
	{"s3/", "Amazon Simple Storage Service", "Storage"},
	{"dynamodb/", "Amazon DynamoDB", "Databases"},
	{"sqs/", "Amazon Simple Queue Service", "Integration"},
	{"lambda/", "AWS Lambda", "Compute"},
	{"swf/", "Amazon Simple Workflow Service", "Integration"},
};

const char *bill_service_of(const char *sku)
{
	for (size_t i = 0; i < ARRAY_SIZE(services); i++)
		if (strncmp(sku, services[i].prefix, strlen(services[i].prefix)) == 0)
			return services[i].service;
	return NULL;
}

const char *bill_category_of(const struct bill_line *line)
{
	const char *service = line->kind == BILL_USE ? line->name : bill_service_of(line->sku);

	for (size_t i = 0; service && i < ARRAY_SIZE(services); i++)
		if (strcmp(service, services[i].service) == 0)
			return services[i].category;
	if (line->kind == BILL_BALANCER)
		return "Networking";
	return line->kind == BILL_USE || line->kind == BILL_RESOURCE ? "Other" : "Compute";
}

const char *bill_basis(const struct bill_line *line)
{
	uint32_t days = 0;

	for (int day = 0; day < BILL_DAYS_MAX; day++)
		if (line->daily[day] != 0)
			days |= UINT32_C(1) << day;
	if (line->actual_days == 0)
		return "estimated";
	return (days & ~line->actual_days) == 0 ? "actual" : "part actual";
}

static bool is_of(const struct bill_line *line, const char *service)
{
	const char *its = bill_service_of(line->sku);

	return its && strcmp(its, service) == 0;
}

static void set_day(struct bill_line *line, int day, int64_t nano)
{
	line->nano += nano - line->daily[day];
	line->daily[day] = nano;
	line->actual_days |= UINT32_C(1) << day;
}

/* What no line can carry: charges by use, credits, services that have no meter. */
static int add_use(struct bill_work *work, const struct usage_actual *actual, int day, int64_t nano)
{
	struct bill_line key = {.kind = BILL_USE};
	size_t line;
	int r;

	(void)text_copy(key.name, sizeof(key.name), actual->service);
	r = bill_lines_find(&work->lines, &key, &line);
	if (r == 0)
		set_day(&work->lines.all[line], day, nano);
	return r;
}

static int apply(struct bill_work *work, const struct usage_actual *actual, int day)
{
	size_t count = work->lines.count;
	_cleanup_free_ weight *weights = calloc(count + 1, sizeof(*weights));
	_cleanup_free_ int64_t *shares = calloc(count + 1, sizeof(*shares));
	int64_t estimated = 0;
	int r;

	if (!weights || !shares)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct bill_line *line = &work->lines.all[i];

		if (!is_of(line, actual->service))
			continue;
		weights[i] = weight_of(line->daily[day]);
		estimated += line->daily[day];
	}
	if (estimated > 0 && actual->nano > 0) {
		r = money_share(actual->nano, weights, count, shares);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < count; i++)
		if (is_of(&work->lines.all[i], actual->service))
			set_day(&work->lines.all[i], day, shares[i]);
	return estimated > 0 && actual->nano > 0 ? 0 : add_use(work, actual, day, actual->nano);
}

int bill_actuals(struct bill_work *work)
{
	int r = 0;

	for (size_t i = 0; i < work->own->actual_count && r == 0; i++) {
		const struct usage_actual *actual = &work->own->actuals[i];
		int64_t day = (actual->day_ns - work->month.start_ns) / CALENDAR_DAY_NS;

		if (day >= 0 && day < BILL_DAYS_MAX)
			r = apply(work, actual, (int)day);
	}
	return r;
}
