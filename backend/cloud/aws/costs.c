/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the account was billed for, by Cost Explorer's GetCostAndUsage: grouped by the tag that
 * names the tenant and by service. Both tags have to be activated as cost allocation tags.
 * Groups come as {"Keys":["<tag>$<value>","<service>"],"Metrics":{"UnblendedCost":{...}}}.
 */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "cloud/aws/account.h"

#define METRIC "UnblendedCost"

struct asking {
	estate_cost_fn fn;
	void *arg;
	struct error *reterr;
};

/* "duplo.tenant-id$42"; nothing behind the sign: what carries no such tag. */
static int64_t tenant_of(const char *key)
{
	const char *value = strchr(key, '$');
	int64_t id;

	return value && text_parse_int(value + 1, 1, INT64_MAX, &id) == 0 ? id : 0;
}

static int take_group(const struct asking *asking, const char *day, const struct answer_node *group)
{
	const struct answer_node *key = answer_find(group, "Keys/item");
	struct estate_cost cost = {
		.day = day,
		.amount = answer_text(group, "Metrics/" METRIC "/Amount"),
		.currency = answer_text(group, "Metrics/" METRIC "/Unit"),
	};

	if (!key || !answer_next(key))
		return error_set(asking->reterr, -EBADMSG,
			"Cost Explorer's groups have no tag and service");
	cost.tenant = tenant_of(key->text);
	cost.service = answer_next(key)->text;
	return asking->fn(asking->arg, &cost);
}

static int take_page(void *arg, const struct answer_node *root)
{
	const struct answer_node *day = answer_find(root, "ResultsByTime/item");
	int r = 0;

	for (; day && r == 0; day = answer_next(day)) {
		const char *start = answer_text(day, "TimePeriod/Start");
		const struct answer_node *group = answer_find(day, "Groups/item");

		for (; group && r == 0; group = answer_next(group))
			r = take_group(arg, start, group);
	}
	return r;
}

int aws_costs(struct account *account, const char *from, const char *to, estate_cost_fn fn,
	void *arg, struct error *reterr)
{
	_cleanup_request_ struct aws_request request = aws_request_of(CE_GET_COST_AND_USAGE);
	struct asking asking = {fn, arg, reterr};

	aws_request_set(&request, "Granularity", "DAILY");
	request.json = json_pack("{s:{s:s,s:s},s:[s],s:[{s:s,s:s},{s:s,s:s}],s:{s:{s:s,s:[s]}}}",
		"TimePeriod", "Start", from, "End", to, "Metrics", METRIC, "GroupBy", "Type", "TAG",
		"Key", TAG_ID, "Type", "DIMENSION", "Key", "SERVICE", "Filter", "Tags", "Key",
		TAG_PLATFORM, "Values", account->platform);
	if (!request.json)
		return error_oom(reterr);
	return aws_client_pages(account->client, &request, take_page, &asking, NULL, reterr);
}
