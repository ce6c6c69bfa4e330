/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/aws/dns/dns.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "cloud/aws/balancer/balancer_name.h"
#include "cloud/aws/dns/dns_batch.h"
#include "cloud/aws/dns/dns_page.h"
#include "cloud/aws/dns/dns_records.h"
#include "cloud/aws/settled.h"
#include "cloud/dns_name.h"

#define MARK_SIZE 80

void dns_mark_print(const char *platform, int64_t service, char *ret, size_t size)
{
	(void)snprintf(ret, size, "\"duplofs/%s/%" PRId64 "\"", platform, service);
}

bool dns_mark_parse(const char *mark, const char *platform, int64_t *ret_service)
{
	const char *slash = strrchr(mark, '/');
	char again[MARK_SIZE], digits[24];
	int64_t service;

	(void)snprintf(digits, sizeof(digits), "%.*s", slash ? (int)strcspn(slash + 1, "\"") : 0,
		slash ? slash + 1 : "");
	if (text_parse_int(digits, 0, INT64_MAX, &service) < 0)
		return false;
	dns_mark_print(platform, service, again, sizeof(again));
	if (strcmp(again, mark) != 0)
		return false;
	*ret_service = service;
	return true;
}

/* Whose is what stands under the name? */
enum owner {
	OWNER_NONE, /* nothing stands there */
	OWNER_SERVICE,
	OWNER_OTHER, /* another service's of this platform: *ret_other */
	OWNER_FOREIGN,
};

static enum owner owner_of(const struct account *account, int64_t service,
	const struct dns_records *records, int64_t *ret_other)
{
	if (!records->mark)
		return records->any ? OWNER_FOREIGN : OWNER_NONE;
	if (!dns_mark_parse(dns_record_value(records->mark), account->platform, ret_other))
		return OWNER_FOREIGN;
	return *ret_other == service ? OWNER_SERVICE : OWNER_OTHER;
}

static int check_name(const struct policy *policy, const char *name, struct error *reterr)
{
	const char *domain = policy_text(policy, "domain");

	if (!*policy_text(policy, "hosted_zone_id"))
		return error_set(reterr, -EINVAL,
			"DNS name %s: the policy has no hosted_zone_id to make it in", name);
	if (*domain && !dns_name_within(name, domain))
		return error_set(reterr, -EINVAL,
			"DNS name %s is not within the policy's domain %s", name, domain);
	if (strlen(DNS_MARK_PREFIX) + strlen(name) > 253)
		return error_set(reterr, -EINVAL,
			"DNS name %s is too long for the record beside it", name);
	return 0;
}

static int refuse(const char *name, enum owner owner, int64_t other, struct error *reterr)
{
	if (owner == OWNER_OTHER)
		return error_set(reterr, -EEXIST,
			"DNS name %s belongs to another service of this platform (object %" PRId64
			"): it is tried again",
			name, other);
	return error_set(reterr, -EEXIST,
		"DNS name %s is in the zone already, and this platform did not make it: it is left "
		"alone",
		name);
}

/* What a policy names and AWS does not have is no missing service. */
static int explain(const struct account *account, int r, struct error *reterr)
{
	if (r != -ENOENT)
		return r;
	(void)error_prefix(reterr, "the policy's hosted_zone_id %s",
		policy_text(account->policy, "hosted_zone_id"));
	if (reterr)
		reterr->code = -EINVAL;
	return -EINVAL;
}

static bool is_as_wanted(const struct dns_records *records, const struct balancer_state *balancer)
{
	return dns_record_leads_to(records->a, balancer) &&
	       (balancer->dual_stack ? dns_record_leads_to(records->aaaa, balancer)
				     : records->aaaa == NULL);
}

/* The changes that lead the name there; none: it is so already. */
static int write_changes(struct account *account, int64_t service, const char *name,
	const struct balancer_state *balancer, const char *mark, struct buf *ret,
	struct error *reterr)
{
	_cleanup_dns_records_ struct dns_records records = DNS_RECORDS_INIT;
	const char *action;
	enum owner owner;
	int64_t other = 0;
	int r = dns_records_find(&records, account, name, false, reterr);

	if (r < 0)
		return r;
	owner = owner_of(account, service, &records, &other);
	if (owner == OWNER_OTHER || owner == OWNER_FOREIGN)
		return refuse(name, owner, other, reterr);
	if (owner == OWNER_SERVICE && is_as_wanted(&records, balancer))
		return 0;
	/* CREATE fails when somebody was quicker. */
	action = owner == OWNER_NONE ? "CREATE" : "UPSERT";
	dns_change_mark(ret, action, name, mark);
	dns_change_alias(ret, action, name, "A", balancer);
	if (balancer->dual_stack)
		dns_change_alias(ret, action, name, "AAAA", balancer);
	else if (records.aaaa)
		dns_change_delete(ret, records.aaaa);
	return ret->error ? error_oom(reterr) : 0;
}

static int send_alone(struct account *account, const char *name, const struct buf *changes,
	struct error *reterr)
{
	int r = dns_change_send(changes, account, NULL, reterr);

	dns_pages_touch(account->pages, name);
	return r;
}

/* wanted: a hash of all that the name shall lead to. */
static int lead(struct account *account, int64_t service, const char *name,
	const struct balancer_state *balancer, const char *mark, uint64_t wanted,
	struct error *reterr)
{
	_cleanup_buf_ struct buf changes = BUF_INIT;
	enum dns_batch_state state;
	int r = check_name(account->policy, name, reterr);

	if (r < 0)
		return r;
	state = dns_batch_look(account->names, name, wanted);
	if (state == DNS_BATCH_DONE)
		return 0;
	if (state == DNS_BATCH_WAITS)
		return dns_batch_send(account, name, reterr);
	r = write_changes(account, service, name, balancer, mark, &changes, reterr);
	if (r < 0 || changes.len == 0)
		return r;
	return state == DNS_BATCH_NONE && dns_batch_add(account, name, wanted, &changes)
		       ? dns_batch_send(account, name, reterr)
		       : send_alone(account, name, &changes, reterr);
}

/* ---- facts ---- */

/* Names as one writes them: without the dot, in small letters. */
static void plain_name(const char *name, char ret[DNS_NAME_MAX + 16])
{
	size_t len;

	(void)text_copy(ret, DNS_NAME_MAX + 16, name);
	for (char *at = ret; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	len = strlen(ret);
	if (len > 0 && ret[len - 1] == '.')
		ret[len - 1] = '\0';
}

static uint64_t fact_of(const char *name, const char *type, const char *value, const char *zone)
{
	char plain[DNS_NAME_MAX + 16], target[DNS_NAME_MAX + 16];

	plain_name(name, plain);
	plain_name(value, target);
	return settled_fact("dns-name", plain, type, target, zone, NULL);
}

static void settle(const struct account *account, int64_t service, const char *name,
	const char *mark, const struct balancer_state *balancer)
{
	struct settled_entry entry = {.type = DNS_TYPE};

	settled_add(&entry, fact_of(name, "TXT", mark, ""));
	settled_add(&entry, fact_of(name, "A", balancer->address, balancer->zone));
	if (balancer->dual_stack)
		settled_add(&entry, fact_of(name, "AAAA", balancer->address, balancer->zone));
	settled_put(account->settled, service, SETTLED_NAME, &entry);
}

/* Unless the service has another name by now. */
static void unsettle(const struct account *account, int64_t service, const char *name)
{
	struct settled_entry entry;
	char mark[MARK_SIZE];

	dns_mark_print(account->platform, service, mark, sizeof(mark));
	if (settled_get(account->settled, service, SETTLED_NAME, &entry) &&
		entry.facts[0] == fact_of(name, "TXT", mark, ""))
		settled_drop(account->settled, service, SETTLED_NAME);
}

static uint64_t wanted_hash(const struct account *account, const char *name, const char *mark,
	const struct balancer_state *balancer)
{
	return settled_fact(policy_text(account->policy, "hosted_zone_id"), name, mark,
		balancer->address, balancer->zone, balancer->dual_stack ? "AAAA" : "A", NULL);
}

int aws_dns_ensure(struct account *account, int64_t service, const char *name,
	const struct balancer_state *balancer, struct error *reterr)
{
	char mark[MARK_SIZE];
	int r;

	settled_drop(account->settled, service, SETTLED_NAME);
	dns_mark_print(account->platform, service, mark, sizeof(mark));
	r = explain(account,
		lead(account, service, name, balancer, mark,
			wanted_hash(account, name, mark, balancer), reterr),
		reterr);
	if (r == 0)
		settle(account, service, name, mark, balancer);
	return r;
}

/* Leads it to the service's balancer, past or present? Somebody may have led it elsewhere. */
static bool is_of(const struct account *account, const struct answer_node *record, int64_t service)
{
	char name[BALANCER_NAME_SIZE];
	const char *target = answer_text(record, "AliasTarget/DNSName");

	balancer_name(account->platform, service, name);
	return record && strcasestr(target, name) != NULL;
}

int aws_dns_remove(struct account *account, int64_t service, const char *name, struct error *reterr)
{
	_cleanup_dns_records_ struct dns_records records = DNS_RECORDS_INIT;
	_cleanup_buf_ struct buf changes = BUF_INIT;
	int64_t other;
	int r;

	unsettle(account, service, name);
	dns_batch_cancel(account->names, name);
	if (!account->policy)
		return error_set(reterr, -EAGAIN,
			"DNS name %s: there is no policy that says in which zone it is", name);
	if (!*policy_text(account->policy, "hosted_zone_id"))
		return 0;
	r = dns_records_find(&records, account, name, true, reterr);
	if (r == -ENOENT) {
		error_clear(reterr);
		return 0; /* its zone is gone */
	}
	if (r < 0 || owner_of(account, service, &records, &other) != OWNER_SERVICE)
		return r;
	dns_change_delete(&changes, records.mark);
	if (is_of(account, records.a, service))
		dns_change_delete(&changes, records.a);
	if (is_of(account, records.aaaa, service))
		dns_change_delete(&changes, records.aaaa);
	return changes.error ? error_oom(reterr) : send_alone(account, name, &changes, reterr);
}

/* ---- survey ---- */

static int tell(const struct survey *survey, const char *name, const char *mark)
{
	struct estate_found found = {
		.type = DNS_TYPE,
		.name = name,
		.level = ESTATE_OF_SERVICE,
		.journal = name,
		.tenant_name = "",
		.tags = ESTATE_TAGS_OURS,
		.fit = ESTATE_AS_WANTED,
	};

	if (!dns_mark_parse(mark, survey->account->platform, &found.owner))
		return 0;
	return survey->hearer->found(survey->hearer->arg, &found);
}

static int take_record(void *arg, const struct answer_node *record)
{
	const struct survey *survey = arg;
	const struct answer_node *alias = answer_find(record, "AliasTarget");
	const char *type = answer_text(record, "Type");
	char name[DNS_NAME_MAX + 16];
	size_t prefix = strlen(DNS_MARK_PREFIX);
	int r;

	plain_name(answer_text(record, "Name"), name);
	if (alias)
		return survey_fact(survey, fact_of(name, type, answer_text(alias, "DNSName"),
						   answer_text(alias, "HostedZoneId")));
	if (strcmp(type, "TXT") != 0 || strncmp(name, DNS_MARK_PREFIX, prefix) != 0)
		return 0;
	r = survey_fact(survey, fact_of(name + prefix, type, dns_record_value(record), ""));
	return r < 0 ? r : tell(survey, name + prefix, dns_record_value(record));
}

int aws_dns_survey(const struct survey *survey, struct error *reterr)
{
	if (!*policy_text(survey->account->policy, "hosted_zone_id"))
		return 0;
	return dns_records_each(survey->account, take_record, (void *)(uintptr_t)survey, reterr);
}
